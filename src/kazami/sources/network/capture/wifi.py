"""Frames of Wi-Fi (IEEE 802.11), bare or behind what a card tells of how it heard them: radiotap, Prism, AVS, PPI."""

from __future__ import annotations

_BARE, _PRISM, _RADIOTAP, _AVS, _PPI = 105, 119, 127, 163, 192

#: Link types that are read.
LINKS = frozenset((_BARE, _PRISM, _RADIOTAP, _AVS, _PPI))

_LEAST = 34  # all of its own header, of any kind
_DATA, _NOTHING, _QOS = 0x08, 0x40, 0x80
_TO, _FROM, _MORE, _PROTECTED, _ORDER = 1, 2, 4, 0x40, 0x80
_PADDED, _BROKEN = 0x20, 0x40


def payloads(link: int, data: bytes, start: int, stop: int) -> list[tuple[int, int]] | None:
    """From where to where LLC and what it carries are in a frame: of none, one, or several put together; None where they are encrypted."""
    at, flags = _behind_radio(link, data, start, stop)
    if at + _LEAST > stop or flags & _BROKEN or data[at] & 0x0F != _DATA or data[at] & _NOTHING:
        return []
    kind, control = data[at], data[at + 1]
    if control & _PROTECTED:
        return None
    if control & _MORE or data[at + 22] & 0x0F:
        return []  # a piece of a frame
    size = 24 + (6 if control & (_TO | _FROM) == _TO | _FROM else 0)
    several = False
    if kind & _QOS:
        several = bool(data[at + size] & 0x80)
        size += 6 if control & _ORDER else 2
    if flags & _PADDED:
        size += -size % 4
    return _several(data, at + size, stop) if several else [(at + size, stop)]


def _several(data: bytes, at: int, stop: int) -> list[tuple[int, int]]:
    """The frames of an A-MSDU: addresses, length, LLC; filled up to four bytes (9.3.2.2)."""
    found = []
    while at + 14 < stop:
        end = at + 14 + int.from_bytes(data[at + 12 : at + 14])
        found.append((at + 14, min(end, stop)))
        at += end - at + (at - end) % 4
    return found


def _behind_radio(link: int, data: bytes, start: int, stop: int) -> tuple[int, int]:
    """Where the frame begins, and radiotap's flags; behind its end where the header before it is none."""
    if link == _BARE or start + 8 > stop:
        return start, 0
    if link in (_PRISM, _AVS):
        order = "little"
        if data[start : start + 3] == b"\x80\x21\x10" or data[start] == 0:
            order = "big"
        return start + int.from_bytes(data[start + 4 : start + 8], order), 0  # type: ignore[arg-type]
    at = start + int.from_bytes(data[start + 2 : start + 4], "little")
    if link == _PPI:
        return (at if int.from_bytes(data[start + 4 : start + 8], "little") == _BARE else stop), 0
    return at, _flags(data, start, min(at, stop))


def _flags(data: bytes, start: int, end: int) -> int:
    """The flags in a header of radiotap: behind all its words of what is present, and the first field if it is."""
    present = int.from_bytes(data[start + 4 : start + 8], "little")
    if not present & 2:
        return 0
    at = start + 4
    while at + 4 < end and data[at + 3] & 0x80:
        at += 4
    at += 4
    if present & 1:
        at += -(at - start) % 8 + 8
    return data[at] if at < end else 0

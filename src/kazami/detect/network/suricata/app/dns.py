"""DNS: the questions and names of one message, over UDP or TCP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from kazami.detect.network.suricata.app.parser import MAX_VALUES, Exchange, Said
from kazami.wire.cursor import Short
from kazami.wire.name import labels

#: Bytes of a message that is asked again and again, but for its number.
SHORT = 512


def is_dns(data: bytes) -> bool:
    """Whether a datagram is a message: its counts are possible and its first name is whole."""
    if len(data) < 12:
        return False
    asked = int.from_bytes(data[4:6])
    return (
        data[2] >> 3 & 15 in (0, 1, 2, 4, 5)
        and asked <= 16
        and not data[3] & 0x40
        and parse(data) is not None
    )


def name(data: bytes, at: int) -> tuple[bytes, int] | None:
    """The name at a place, and where it ends; None where it is none."""
    try:
        return labels(data, at)
    except (Short, IndexError):
        return None


def parse(data: bytes) -> tuple[Said, int] | None:
    """One message: its values, and whether it is a question (0) or an answer (1)."""
    if len(data) < 12:
        return None
    return _same(bytes(2) + data[2:]) if len(data) <= SHORT else _read(data)


def _read(data: bytes) -> tuple[Said, int] | None:
    flags, asked, *counts = (int.from_bytes(data[at : at + 2]) for at in (2, 4, 6, 8, 10))
    side = flags >> 15
    names: list[bytes] = []
    kinds: list[bytes] = []
    at = 12
    for _ in range(min(asked, 64)):
        found = name(data, at)
        if found is None or found[1] + 4 > len(data):
            return None
        names.append(found[0])
        kinds.append(str(int.from_bytes(data[found[1] : found[1] + 2])).encode())
        at = found[1] + 4
    values: dict[str, Sequence[bytes]] = {
        "dns.opcode": (str(flags >> 11 & 15).encode(),), "dns.rcode": (str(flags & 15).encode(),),
    }  # fmt: skip
    if names:
        values |= {"dns.query": names, "dns.queries.rrname": names, "dns.rrtype": kinds}
    told: list[bytes] = []
    for section, count in zip(("answers", "authorities", "additionals"), counts, strict=True):
        others, at = _records(data, at, min(count, MAX_VALUES))
        told += others
        if others:
            values[f"dns.{section}.rrname"] = others
    if told and side:
        values["dns.response.rrname"] = told[:MAX_VALUES]
    return Said(values), side


_same = lru_cache(4096)(_read)


def _records(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """The names of some records, and where these end."""
    names = []
    for _ in range(count):
        found = name(data, at)
        if found is None or found[1] + 10 > len(data):
            break
        names.append(found[0])
        at = found[1] + 10 + int.from_bytes(data[found[1] + 8 : found[1] + 10])
    return names, at


class Dns:
    """Follows one flow; `framed` messages have their length before them (TCP)."""

    def __init__(self, framed: bool = False) -> None:
        self.name = "dns"
        self.over = False
        self._framed = framed
        self._buffers = [bytearray(), bytearray()]

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side, or one datagram."""
        if not self._framed:
            found = parse(data)
            return [] if found is None else [(found[0], found[1])]
        buffer = self._buffers[side]
        buffer += data
        made: list[Exchange] = []
        while len(buffer) >= 2:
            size = buffer[0] << 8 | buffer[1]
            if len(buffer) < 2 + size:
                break
            found = parse(bytes(buffer[2 : 2 + size]))
            if found is not None:
                made.append((found[0], found[1]))
            del buffer[: 2 + size]
        return made

    def gap(self, side: int) -> list[Exchange]:
        """Nothing can be said of what follows."""
        self._buffers[side].clear()
        return []

    def finish(self) -> list[Exchange]:
        """Nothing waits."""
        return []

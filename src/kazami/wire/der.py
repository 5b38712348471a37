"""DER, as far as certificates and Kerberos need it: tags, lengths, and what is inside. After X.690."""

from __future__ import annotations

from collections.abc import Iterator

from kazami.wire.cursor import Short

#: Elements of one constructed value that are looked at.
MAX_ELEMENTS = 2048

Element = tuple[int, bytes]


def element(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """Tag, and where the value begins and ends, of the element at `at`; raises `Short` where it is cut or not DER."""
    if at + 2 > len(data):
        raise Short
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count <= 4 or at + count > len(data):
            raise Short
        size = int.from_bytes(data[at : at + count])
        at += count
    if at + size > len(data):
        raise Short
    return tag, at, at + size


def value(data: bytes, tag: int) -> bytes:
    """The value of the first element, which must have this tag."""
    found, start, stop = element(data)
    if found != tag:
        raise Short
    return data[start:stop]


def inside(data: bytes) -> bytes:
    """The value of the first element, whatever its tag; nothing where it is cut."""
    try:
        _, start, stop = element(data)
    except Short:
        return b""
    return data[start:stop]


def elements(data: bytes) -> Iterator[Element]:
    """Tag and value of each element in `data`, up to where it is cut."""
    at = 0
    for _ in range(MAX_ELEMENTS):
        if at >= len(data):
            return
        try:
            tag, start, stop = element(data, at)
        except Short:
            return
        yield tag, data[start:stop]
        at = stop


def tagged(sequence: bytes) -> dict[int, bytes]:
    """The elements of a sequence by the number of their context tag (``[3]`` is 3)."""
    return {tag & 0x1F: inner for tag, inner in elements(sequence) if tag & 0xC0 == 0x80}


def oid(data: bytes) -> str:
    """An object identifier with its dots."""
    numbers: list[int] = []
    number = 0
    for byte in data[:64]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers += [min(number // 40, 2), number - 40 * min(number // 40, 2)] if not numbers else [number]
            number = 0
    return ".".join(map(str, numbers))

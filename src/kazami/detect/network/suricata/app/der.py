"""As much of ASN.1's distinguished encoding as certificates and Kerberos need: values within values, bounded."""

from __future__ import annotations

from collections.abc import Iterator

#: Values of one sequence, and levels, that are followed.
MAX_VALUES, MAX_DEPTH = 2_048, 24


def values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of the values in `data`, one after the other; ends at what is cut."""
    at = 0
    for _ in range(MAX_VALUES):
        found = value(data, at)
        if found is None:
            return
        yield found[0], found[1]
        at = found[2]


def value(data: bytes, at: int = 0) -> tuple[int, bytes, int] | None:
    """Tag, content and end of the value at a place; None where it is cut or larger than 16 MB."""
    if at + 2 > len(data):
        return None
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count <= 4 or at + count > len(data):
            return None
        size = int.from_bytes(data[at : at + count])
        at += count
    if at + size > len(data):
        return None
    return tag, data[at : at + size], at + size


def oid(data: bytes) -> str:
    """An object identifier in dots."""
    numbers: list[int] = []
    value_so_far = 0
    for letter in data[:64]:
        value_so_far = value_so_far << 7 | (letter & 0x7F)
        if not letter & 0x80:
            numbers.append(value_so_far)
            value_so_far = 0
    if not numbers:
        return ""
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))

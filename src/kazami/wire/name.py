"""Names in messages of DNS (RFC 1035): labels, and pointers, which may lead only backwards."""

from __future__ import annotations

from kazami.wire.cursor import Short

#: Labels of one name.
MAX_LABELS = 128


def labels(data: bytes, at: int, end: int = 1 << 17) -> tuple[bytes, int]:
    """The name at `at`, without its last dot, and where it ends; a pointer must point before itself.

    Raises `Short` or `IndexError` for what is none.
    """
    found: list[bytes] = []
    after, limit = -1, at
    while True:
        size = data[at]
        at += 1
        if size == 0:
            break
        if size < 64:
            if at + size > len(data) or at + size > end or len(found) > MAX_LABELS:
                raise Short
            found.append(data[at : at + size])
            at += size
        elif size >= 0xC0:
            place = (size & 0x3F) << 8 | data[at]
            if after < 0:
                after, end = at + 1, 1 << 17
            if place >= limit:
                raise Short
            at = limit = place
        else:
            raise Short
    return b".".join(found), at if after < 0 else after

"""Changes bytes the way that finds bugs in parsers: cut, repeat, splice, flip, and put in what they stumble on."""

from __future__ import annotations

import random

#: What parsers stumble on.
TOKENS = (
    b"", b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\n", b"\r", b'"', b"'", b"\\", b"\\u0000", b"\\ud800",
    b"{", b"}", b"[", b"]", b"[[[[[[[[", b'{"a":' * 50, b"null", b"true", b"-0", b"1e999", b"0" * 40, b"9" * 40, b"NaN",
    b"<", b"</", b"<!DOCTYPE a [", b"<![CDATA[", b"&#0;", b"&lt;", b",", b";", b"\t", b"*", b"?", b"|", b"%", b"(", b")" * 9,
    b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x80", b"**\0\0", b"ElfChnk\0", b"PK\x03\x04", b"PK\x05\x06",
    b"1601-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"1 of them", b" and not ", b"&x", b"*x", b"!!python/object:os.system",
)  # fmt: skip


class Mutator:
    """Inputs from seeds, the same ones for the same number."""

    def __init__(self, seeds: list[bytes], number: int) -> None:
        self._seeds = seeds
        self._random = random.Random(number)

    def next(self) -> bytes:
        """One more input."""
        pick = self._random
        data = bytearray(pick.choice(self._seeds))
        for _ in range(pick.choice((1, 1, 1, 2, 2, 3, 5, 8))):
            pick.choice((self._cut, self._flip, self._token, self._repeat, self._splice, self._remove))(data)
        return bytes(data[: 1 << 18])

    def _place(self, data: bytearray) -> int:
        return self._random.randrange(len(data) + 1)

    def _cut(self, data: bytearray) -> None:
        del data[self._place(data) :]

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _token(self, data: bytearray) -> None:
        place = self._place(data)
        data[place : place + self._random.choice((0, 0, 1, 4))] = self._random.choice(TOKENS)

    def _repeat(self, data: bytearray) -> None:
        start = self._place(data)
        part = data[start : start + self._random.randrange(1, 64)]
        data[start:start] = part * self._random.choice((1, 2, 30, 400))

    def _splice(self, data: bytearray) -> None:
        other = self._random.choice(self._seeds)
        start = self._random.randrange(len(other) + 1)
        data[self._place(data) :] = other[start:]

    def _remove(self, data: bytearray) -> None:
        start = self._place(data)
        del data[start : start + self._random.randrange(1, 40)]

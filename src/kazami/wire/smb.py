"""SMB 1, 2 and 3: messages, and where in them names and contents lie. After MS-SMB2, MS-CIFS and MS-SMB. Offsets of a message count from its header."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

ONE, TWO = b"\xffSMB", b"\xfeSMB"

#: Messages that one frame may hold, and commands that one message of SMB 1 may.
MAX_COMPOUND, MAX_CHAIN = 64, 8

#: Commands of SMB 2 and 3.
SESSION, TREE_CONNECT, CREATE, CLOSE, READ, WRITE, IOCTL, SET_INFO = 1, 3, 5, 6, 8, 9, 11, 17
TRANSCEIVE = 0x0011C017
PENDING, MORE = 0x103, 0xC0000016

#: Commands of SMB 1.
CLOSE1, DELETE1, RENAME1, TRANSACTION1, OPEN1, READ1, WRITE1 = 0x04, 0x06, 0x07, 0x25, 0x2D, 0x2E, 0x2F
NEGOTIATE1, SESSION1, TREE_CONNECT1, CREATE1 = 0x72, 0x73, 0x75, 0xA2
_CHAINED = frozenset((0x24, OPEN1, READ1, WRITE1, SESSION1, 0x74, TREE_CONNECT1, CREATE1))
_TRANSACT_PIPE, _WIDE = 0x26, 0x8000

#: Where the number of a file stands, by command of a request.
_FILES = {CLOSE: 72, READ: 80, WRITE: 80, IOCTL: 72, SET_INFO: 80}


class Part(NamedTuple):
    """Bytes that are written to a file or pipe, or read from it: which, from which place of it on."""

    file: bytes
    place: int
    data: bytes


def frames(data: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Where messages behind the header of their transport begin and end; the last may be cut."""
    at = 0
    for _ in range(most):
        if at + 39 > len(data) or data[at]:
            return
        size = int.from_bytes(data[at + 1 : at + 4])
        yield at + 4, min(at + 4 + size, len(data))
        at += 4 + size


@dataclass(frozen=True, slots=True)
class Message:
    """One message of SMB 2 or 3, with its header; `at` is where it begins in its flow."""

    command: int
    status: int
    number: int
    tree: int
    at: int
    whole: bytes

    def text(self, place: int) -> str:
        """A text whose offset and length in bytes stand at `place`: 68 a share's in TREE_CONNECT, 108 a file's in CREATE."""
        if place + 4 > len(self.whole):
            return ""
        offset, size = struct.unpack_from("<HH", self.whole, place)
        return self.whole[offset : offset + size].decode("utf-16-le", "replace")

    def file(self) -> bytes:
        """The number of the file that a request is about."""
        place = _FILES[self.command]
        return self.whole[place : place + 16]

    def opened(self) -> bytes:
        """The number that the answer to CREATE gives to a file; none where it gives none."""
        return self.whole[128:144] if len(self.whole) >= 144 else b""

    def asked(self) -> Part | None:
        """What WRITE writes, where READ reads, what a pipe is given by IOCTL."""
        whole = self.whole
        if self.command == WRITE and len(whole) >= 96:
            offset, size, place = struct.unpack_from("<HIQ", whole, 66)
            return Part(self.file(), place, whole[offset : offset + size])
        if self.command == READ and len(whole) >= 96:
            return Part(self.file(), struct.unpack_from("<Q", whole, 72)[0], b"")
        if self.command == IOCTL and len(whole) >= 96:
            offset, size = struct.unpack_from("<II", whole, 88)
            transceive = struct.unpack_from("<I", whole, 68)[0] == TRANSCEIVE
            return Part(self.file(), 0, whole[offset : offset + size] if transceive else b"")
        return None

    def answered(self) -> bytes:
        """What the answers to READ and IOCTL bring."""
        whole = self.whole
        if self.command == READ and len(whole) >= 80:
            return whole[whole[66] :][: struct.unpack_from("<I", whole, 68)[0]]
        if self.command == IOCTL and len(whole) >= 112:
            offset, size = struct.unpack_from("<II", whole, 96)
            return whole[offset : offset + size]
        return b""


def messages(data: bytes, at: int, end: int) -> Iterator[Message]:
    """The messages of SMB 2 or 3 in one frame."""
    for _ in range(MAX_COMPOUND):
        if at + 64 > end or data[at : at + 4] != TWO:
            return
        status, command = struct.unpack_from("<IH", data, at + 8)
        following, number = struct.unpack_from("<IQ", data, at + 20)
        tree = struct.unpack_from("<I", data, at + 36)[0]
        stop = at + following if 64 <= following <= end - at else end
        yield Message(command, status, number, tree, at, data[at:stop])
        if not following:
            return
        at = stop


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a message of SMB 1; `at` is where the message begins in `data`, `body` where the bytes behind the words do."""

    code: int
    status: int
    wide: bool
    tree: int
    number: tuple[int, int]  # process and multiplex: an answer has those of its request
    at: int
    words: bytes
    body: int
    end: int
    data: bytes

    def text(self, at: int) -> tuple[str, int]:
        """The text at `at` of the data, and where it ends."""
        if self.wide:
            at += (at - self.at) % 2
            stop = at
            while stop + 1 < self.end and self.data[stop : stop + 2] != b"\0\0":
                stop += 2
            return self.data[at:stop].decode("utf-16-le", "replace"), stop + 2
        stop = self.data.find(b"\0", at, self.end)
        stop = self.end if stop < 0 else stop
        return self.data[at:stop].decode("latin-1"), stop + 1

    def share(self) -> tuple[str, int]:
        """The share that TREE_CONNECT asks for, behind its password, and where its name ends."""
        return self.text(self.body + struct.unpack_from("<H", self.words, 6)[0])

    def opened(self) -> bytes:
        """The number that an answer gives to a file."""
        place = 5 if self.code == CREATE1 else 4
        return self.words[place : place + 2] if len(self.words) >= 7 else b""

    def asked(self) -> Part | None:
        """What WRITE writes, where READ reads, what a pipe is given by TRANSACTION; which file CLOSE closes."""
        words = self.words
        if self.code == WRITE1 and len(words) >= 24:
            size, offset = struct.unpack_from("<HH", words, 20)
            return Part(words[4:6], _place(words, 24), self._slice(offset, size))
        if self.code == READ1 and len(words) >= 20:
            return Part(words[4:6], _place(words, 20), b"")
        if self.code == TRANSACTION1 and len(words) >= 32 and words[26]:
            size, offset, kind = *struct.unpack_from("<HH", words, 22), struct.unpack_from("<H", words, 28)[0]
            return Part(words[30:32], 0, self._slice(offset, size)) if kind == _TRANSACT_PIPE else None
        if self.code == CLOSE1 and len(words) >= 6:
            return Part(words[0:2], 0, b"")
        return None

    def answered(self) -> bytes:
        """What the answers to READ and TRANSACTION bring."""
        words = self.words
        if self.code == READ1 and len(words) >= 24:
            size, offset = struct.unpack_from("<HH", words, 10)
            return self._slice(offset, size)
        if self.code == TRANSACTION1 and len(words) >= 20:
            size, offset = struct.unpack_from("<HH", words, 12)
            return self._slice(offset, size)
        return b""

    def _slice(self, offset: int, size: int) -> bytes:
        return self.data[self.at + offset : min(self.at + offset + size, self.end)]


def _place(words: bytes, high: int) -> int:
    """A place in a file, whose upper half may stand further on."""
    upper = struct.unpack_from("<I", words, high)[0] if len(words) >= high + 4 else 0
    return int(struct.unpack_from("<I", words, 6)[0] | upper << 32)


def commands(data: bytes, head: int, end: int) -> Iterator[Command]:
    """The commands of one message of SMB 1."""
    if data[head : head + 4] != ONE or head + 35 > end:
        return
    status, flags = struct.unpack_from("<I", data, head + 5)[0], struct.unpack_from("<H", data, head + 10)[0]
    tree, process, _, number = struct.unpack_from("<HHHH", data, head + 24)
    code, at = data[head + 4], head + 32
    for _ in range(MAX_CHAIN):
        if at + 3 > end:
            return
        words = data[at + 1 : at + 1 + 2 * data[at]]
        body = at + 3 + 2 * data[at]
        yield Command(
            code, status, bool(flags & _WIDE), tree, (process, number), head, words, min(body, end), end, data
        )
        if code not in _CHAINED or len(words) < 4 or words[0] == 0xFF:
            return
        code, place = words[0], head + struct.unpack_from("<H", words, 2)[0]
        if place <= at:
            return
        at = place

"""SMB 1 and 2: shares and pipes that are opened, files that are read and written, and DCE/RPC inside of pipes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kazami.detect.network.suricata.app.dcerpc import Calls
from kazami.detect.network.suricata.app.parser import Exchange, Said

#: Bytes of one message, pipes and files of one connection, bytes of one file.
MAX_MESSAGE, MAX_PIPES, MAX_FILES, MAX_FILE = 1 << 20, 256, 256, 1 << 20

_ONE, _TWO = b"\xffSMB", b"\xfeSMB"
_PENDING, _TRANSCEIVE = 0x103, 0x0011C017


def is_smb(data: bytes) -> bool:
    """Whether a side begins with a message of SMB in its frame."""
    return data[4:8] in (_ONE, _TWO) or (data[:2] == b"\x81\x00" and len(data) >= 8)


class _File:
    """What was moved of one file, in the direction `side`."""

    __slots__ = ("content", "name", "side")

    def __init__(self, name: bytes, side: int) -> None:
        self.name, self.side = name, side
        self.content = bytearray()

    def exchange(self) -> Exchange:
        content = bytes(self.content)
        values: dict[str, Sequence[bytes]] = {
            "file.data": (content,), "file.name": (self.name,), "file.size": (str(len(content)).encode(),),
        }  # fmt: skip
        for kind in ("md5", "sha1", "sha256"):
            digest = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
            values[f"file.{kind}"] = (digest.encode(),)
        return Said(values), self.side


class Smb:
    """Follows one connection."""

    def __init__(self) -> None:
        self.name = "smb"
        self.over = False
        self._buffers = [bytearray(), bytearray()]
        self._pipes: dict[bytes, Calls] = {}
        self._names: dict[object, bytes] = {}  # by message, then by file
        self._reads: dict[int, bytes] = {}
        self._files: dict[tuple[bytes, int], _File] = {}
        self._first_asked = False

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side."""
        buffer = self._buffers[side]
        buffer += data
        made: list[Exchange] = []
        while len(buffer) >= 4:
            size = int.from_bytes(buffer[1:4])
            if size > MAX_MESSAGE:
                buffer.clear()
                break
            if len(buffer) < 4 + size:
                break
            if buffer[0] == 0:
                self._message(side, bytes(buffer[4 : 4 + size]), made)
            del buffer[: 4 + size]
        return made

    def gap(self, side: int) -> list[Exchange]:
        """A message is missing: those behind it are read again from their frames."""
        self._buffers[side].clear()
        for calls in self._pipes.values():
            calls.reset()
        return []

    def finish(self) -> list[Exchange]:
        """Files that were not closed are looked at as they are."""
        files, self._files = self._files, {}
        return [file.exchange() for file in files.values() if file.content]

    def _message(self, side: int, data: bytes, made: list[Exchange]) -> None:
        if data[:4] == _TWO and len(data) >= 64:
            for _ in range(32):
                follows = int.from_bytes(data[20:24], "little")
                self._second(side, data[:follows] if follows else data, made)
                if not follows or follows + 64 > len(data):
                    return
                data = data[follows:]
        elif data[:4] == _ONE and len(data) >= 35:
            self._first(side, data, made)

    def _moved(self, file: bytes, side: int, data: bytes) -> None:
        """Bytes of a file, sent by one side."""
        found = self._files.get((file, side))
        if found is None:
            if len(self._files) >= MAX_FILES:
                self._files.pop(next(iter(self._files)))
            found = self._files[file, side] = _File(self._names.get(file, b""), side)
        found.content += data[: max(0, MAX_FILE - len(found.content))]

    def _closed(self, file: bytes) -> list[Exchange]:
        found = [self._files.pop((file, side), None) for side in (0, 1)]
        return [one.exchange() for one in found if one is not None and one.content]

    # SMB 2 (MS-SMB2).

    def _second(self, side: int, data: bytes, made: list[Exchange]) -> None:
        command, number = int.from_bytes(data[12:14], "little"), int.from_bytes(data[24:32], "little")
        if side == 1 and int.from_bytes(data[8:12], "little") == _PENDING:
            return
        body = data[64:]
        old = side == 1 and self._first_asked  # the answer to a first message of version 1
        values: dict[str, Sequence[bytes]] = {"smb.version": (b"1" if old else b"2",)}
        self._first_asked = False
        calls = (
            self._asked(command, number, data, body, values)
            if side == 0
            else self._answer(command, number, data, body)
        )
        if len(self._names) > 4096 or len(self._reads) > 4096:
            self._names.clear()
            self._reads.clear()
        made.append((Said(values), side))
        made += calls

    def _asked(
        self, command: int, number: int, data: bytes, body: bytes, values: dict[str, Sequence[bytes]]
    ) -> list[Exchange]:
        if command == 3:
            values["smb.share"] = (_wide(data, body[4:6], body[6:8]),)
        elif command == 5:
            values["smb.named_pipe"] = (_wide(data, body[44:46], body[46:48]),)
            self._names[number] = values["smb.named_pipe"][0]
        elif command == 6:
            return self._closed(body[8:24])
        elif command == 9 and len(body) >= 48:
            start, size = int.from_bytes(body[2:4], "little"), int.from_bytes(body[4:8], "little")
            return self._carried(body[16:32], 0, data[start : start + size])
        elif command == 8:
            self._reads[number] = body[16:32]
        elif command == 11 and len(body) >= 56:
            start, size = int.from_bytes(body[24:28], "little"), int.from_bytes(body[28:32], "little")
            self._reads[number] = body[8:24]
            if int.from_bytes(body[4:8], "little") == _TRANSCEIVE:
                return self._pipe(body[8:24]).feed(0, data[start : start + size])
        return []

    def _answer(self, command: int, number: int, data: bytes, body: bytes) -> list[Exchange]:
        if command == 5 and len(body) >= 80:
            self._names[body[64:80]] = self._names.pop(number, b"")
            return []
        file = self._reads.pop(number, b"")
        if not file or len(body) < 16:
            return []
        if command == 8:
            start, size = body[2], int.from_bytes(body[4:8], "little")
            return self._carried(file, 1, data[start : start + size])
        if command == 11 and len(body) >= 48:
            start, size = int.from_bytes(body[32:36], "little"), int.from_bytes(body[36:40], "little")
            return self._pipe(file).feed(1, data[start : start + size])
        return []

    def _carried(self, file: bytes, side: int, data: bytes) -> list[Exchange]:
        """What is written or read: calls where it is a pipe, else part of a file."""
        if file in self._pipes or (data[:1] == b"\x05" and data[1:2] in (b"\0", b"\1") and len(data) >= 16):
            return self._pipe(file).feed(side, data)
        self._moved(file, side, data)
        return []

    def _pipe(self, file: bytes) -> Calls:
        if file not in self._pipes:
            if len(self._pipes) >= MAX_PIPES:
                self._pipes.pop(next(iter(self._pipes)))
            self._pipes[file] = Calls()
        return self._pipes[file]

    # SMB 1 (MS-CIFS).

    def _first(self, side: int, data: bytes, made: list[Exchange]) -> None:
        command, flags = data[4], int.from_bytes(data[10:12], "little")
        self._first_asked = side == 0 and command == 0x72
        wide = bool(flags & 0x8000)
        values: dict[str, Sequence[bytes]] = {"smb.version": (b"1",)}
        calls: list[Exchange] = []
        at = 32
        for _ in range(8):  # commands that are chained
            if at >= len(data):
                break
            count = data[at]
            words, body = data[at + 1 : at + 1 + 2 * count], at + 3 + 2 * count
            if side == 0:
                calls += self._first_asked_for(command, data, words, count, body, wide, values)
            else:
                calls += self._first_answered(command, data, words, count)
            following = words[0] if count >= 2 and command in _CHAINED else 0xFF
            if following == 0xFF:
                break
            command, at = following, int.from_bytes(words[2:4], "little")
        made.append((Said(values), side))
        made += calls

    def _first_asked_for(
        self,
        command: int,
        data: bytes,
        words: bytes,
        count: int,
        body: int,
        wide: bool,
        values: dict[str, Sequence[bytes]],
    ) -> list[Exchange]:
        number = int.from_bytes(data[30:32], "little")
        if command == 0x75 and count >= 4:
            at = body + int.from_bytes(words[6:8], "little")
            values["smb.share"] = (_text(data[at + (wide and at % 2) :], wide),)
        elif command == 0xA2 and count >= 24:
            values["smb.named_pipe"] = (_text(data[body + (wide and body % 2) :], wide),)
            self._names[number] = values["smb.named_pipe"][0]
        elif command == 0x25 and count >= 16:
            start, size = int.from_bytes(words[24:26], "little"), int.from_bytes(words[22:24], "little")
            self._reads[number] = words[30:32]
            return self._pipe(words[30:32]).feed(0, data[start : start + size])
        elif command == 0x2F and count >= 12:
            start, size = int.from_bytes(words[22:24], "little"), int.from_bytes(words[20:22], "little")
            return self._carried(words[4:6], 0, data[start : start + size])
        elif command == 0x2E and count >= 10:
            self._reads[number] = words[4:6]
        elif command == 0x04 and count >= 3:
            return self._closed(words[0:2])
        return []

    def _first_answered(self, command: int, data: bytes, words: bytes, count: int) -> list[Exchange]:
        number = int.from_bytes(data[30:32], "little")
        if command == 0xA2 and count >= 5:
            self._names[words[5:7]] = self._names.pop(number, b"")
        elif command == 0x25 and count >= 10 and number in self._reads:
            start, size = int.from_bytes(words[14:16], "little"), int.from_bytes(words[12:14], "little")
            return self._pipe(self._reads.pop(number)).feed(1, data[start : start + size])
        elif command == 0x2E and count >= 12 and number in self._reads:
            start, size = int.from_bytes(words[12:14], "little"), int.from_bytes(words[10:12], "little")
            return self._carried(self._reads.pop(number), 1, data[start : start + size])
        return []


#: Commands behind which another may be chained (AndX).
_CHAINED = frozenset((0x24, 0x2D, 0x2E, 0x2F, 0x73, 0x74, 0x75, 0xA2))


def _wide(data: bytes, start: bytes, size: bytes) -> bytes:
    first = int.from_bytes(start, "little")
    return data[first : first + int.from_bytes(size, "little")].decode("utf-16-le", "replace").encode()


def _text(data: bytes, wide: bool) -> bytes:
    if not wide:
        return data.partition(b"\0")[0]
    return data.decode("utf-16-le", "replace").partition("\0")[0].encode()

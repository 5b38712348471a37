"""SMB 1 and 2: shares and pipes that are opened, files that are read and written, and DCE/RPC inside of pipes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kazami.detect.network.suricata.app.dcerpc import Calls
from kazami.detect.network.suricata.app.parser import Exchange, Said
from kazami.wire import smb as wire

#: Bytes of one message, pipes and files of one connection, bytes of one file.
MAX_MESSAGE, MAX_PIPES, MAX_FILES, MAX_FILE = 1 << 20, 256, 256, 1 << 20


def is_smb(data: bytes) -> bool:
    """Whether a side begins with a message of SMB in its frame."""
    return data[4:8] in (wire.ONE, wire.TWO) or (data[:2] == b"\x81\x00" and len(data) >= 8)


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
        self._reads: dict[object, bytes] = {}
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
        if side == 0 and (at := data.find(_ACCOUNT)) >= 0:
            made.append((Said(_account(data[at:])), side))
        for message in wire.messages(data, 0, len(data)):
            self._second(side, message, made)
        commands = list(wire.commands(data, 0, len(data)))
        if commands:
            self._first(side, commands, made)

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

    def _second(self, side: int, message: wire.Message, made: list[Exchange]) -> None:
        """A message of SMB 2 or 3."""
        if side == 1 and message.status == wire.PENDING:
            return
        old = side == 1 and self._first_asked  # the answer to a first message of version 1
        values: dict[str, Sequence[bytes]] = {"smb.version": (b"1" if old else b"2",)}
        self._first_asked = False
        calls = self._asked(message, values) if side == 0 else self._answer(message)
        if len(self._names) > 4096 or len(self._reads) > 4096:
            self._names.clear()
            self._reads.clear()
        made.append((Said(values), side))
        made += calls

    def _asked(self, message: wire.Message, values: dict[str, Sequence[bytes]]) -> list[Exchange]:
        command = message.command
        if command == wire.TREE_CONNECT:
            values["smb.share"] = (message.text(68).encode(),)
        elif command == wire.CREATE:
            values["smb.named_pipe"] = (message.text(108).encode(),)
            self._names[message.number] = values["smb.named_pipe"][0]
        elif command == wire.CLOSE:
            return self._closed(message.file())
        elif (part := message.asked()) is not None:
            if command == wire.WRITE:
                return self._carried(part.file, 0, part.data)
            self._reads[message.number] = part.file
            if part.data:
                return self._pipe(part.file).feed(0, part.data)
        return []

    def _answer(self, message: wire.Message) -> list[Exchange]:
        if message.command == wire.CREATE:
            if number := message.opened():
                self._names[number] = self._names.pop(message.number, b"")
            return []
        file = self._reads.pop(message.number, b"")
        if not file or not (data := message.answered()):
            return []
        if message.command == wire.READ:
            return self._carried(file, 1, data)
        return self._pipe(file).feed(1, data)

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

    def _first(self, side: int, commands: list[wire.Command], made: list[Exchange]) -> None:
        """The commands of a message of SMB 1."""
        self._first_asked = side == 0 and commands[0].code == wire.NEGOTIATE1
        values: dict[str, Sequence[bytes]] = {"smb.version": (b"1",)}
        calls: list[Exchange] = []
        for command in commands:
            calls += self._first_asked_for(command, values) if side == 0 else self._first_answered(command)
        made.append((Said(values), side))
        made += calls

    def _first_asked_for(self, command: wire.Command, values: dict[str, Sequence[bytes]]) -> list[Exchange]:
        code, words = command.code, command.words
        if code == wire.TREE_CONNECT1 and len(words) >= 8:
            values["smb.share"] = (_bytes(command, command.share()[0]),)
        elif code == wire.CREATE1 and len(words) >= 48:
            values["smb.named_pipe"] = (_bytes(command, command.text(command.body)[0]),)
            self._names[command.number] = values["smb.named_pipe"][0]
        elif (part := command.asked()) is not None:
            if code == wire.CLOSE1:
                return self._closed(part.file)
            if code == wire.WRITE1:
                return self._carried(part.file, 0, part.data)
            self._reads[command.number] = part.file
            if code == wire.TRANSACTION1:
                return self._pipe(part.file).feed(0, part.data)
        return []

    def _first_answered(self, command: wire.Command) -> list[Exchange]:
        if command.code == wire.CREATE1:
            if number := command.opened():
                self._names[number] = self._names.pop(command.number, b"")
            return []
        data = command.answered()
        if not data or command.number not in self._reads:
            return []
        file = self._reads.pop(command.number)
        if command.code == wire.READ1:
            return self._carried(file, 1, data)
        return self._pipe(file).feed(1, data)


def _bytes(command: wire.Command, text: str) -> bytes:
    return text.encode() if command.wide else text.encode("latin-1")


#: How the message begins by which a client says who it is (MS-NLMP 2.2.1.3).
_ACCOUNT = b"NTLMSSP\0\x03\0\0\0"


def _account(message: bytes) -> dict[str, Sequence[bytes]]:
    found: dict[str, Sequence[bytes]] = {}
    wide = int.from_bytes(message[60:64], "little") & 1
    for name, place in (("smb.ntlmssp_domain", 28), ("smb.ntlmssp_user", 36)):
        size, at = (
            int.from_bytes(message[place : place + 2], "little"),
            int.from_bytes(message[place + 4 : place + 8], "little"),
        )
        text = message[at : at + size].decode("utf-16-le" if wide else "latin-1", "replace")
        if text:
            found[name] = (text.encode(),)
    return found

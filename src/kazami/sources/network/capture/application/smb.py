"""SMB 2 and 3: shares that were connected, files and pipes that were opened, what was done to them, and what was written to pipes. After MS-SMB2."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kazami.sources.network.capture.application import dcerpc
from kazami.sources.network.capture.application.smb_content import Contents
from kazami.wire import smb as wire
from kazami.wire.smb import Message

#: Messages of one side that are looked at, and bytes of what was written to all pipes.
MAX_MESSAGES, MAX_WRITTEN = 4000, 1 << 18

_DELETE_ON_CLOSE = 0x1000
_RENAME, _DISPOSITION, _DISPOSITION_EX = 10, 13, 64
_SAME = b"\xff" * 16
_EPOCH = 116_444_736_000_000_000  # 1601 to 1970 in the ticks of Windows

#: Statuses of what failed that are told by name.
STATUSES = {
    0xC0000022: "ACCESS_DENIED", 0xC00000CC: "BAD_NETWORK_NAME", 0xC0000034: "OBJECT_NAME_NOT_FOUND", 0xC000003A: "OBJECT_PATH_NOT_FOUND",
    0xC0000043: "SHARING_VIOLATION", 0xC0000035: "OBJECT_NAME_COLLISION", 0xC000006D: "LOGON_FAILURE", 0xC00000AC: "PIPE_NOT_AVAILABLE",
}  # fmt: skip


@dataclass(slots=True)
class Pipe:
    """What was written to one named pipe, and where in the flow its pieces stood."""

    name: str
    written: bytearray = field(default_factory=bytearray)
    places: list[tuple[int, int]] = field(default_factory=list)

    def calls(self) -> Iterator[dict[str, Any]]:
        """Fields of ``dce_rpc`` of its calls."""
        for fields in dcerpc.parse(bytes(self.written)):
            own = fields.pop("#at")
            at = next((place for start, place in reversed(self.places) if start <= own), 0)
            yield {"#at": at, "named_pipe": f"\\pipe\\{self.name.lstrip(chr(92))}", **fields}


@dataclass(slots=True)
class Session:
    """What one flow of SMB shows: shares and files in Zeek's words, and pipes with what was written to them."""

    mappings: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    pipes: dict[Any, Pipe] = field(default_factory=dict)
    contents: Contents = field(default_factory=Contents)
    success: bool | None = None  # whether the account of the session was let in
    size: int = 0

    def write(self, key: Any, name: str, data: bytes, at: int) -> None:
        """Keep what is written to a pipe, so far as there is room."""
        if self.size + len(data) <= MAX_WRITTEN:
            pipe = self.pipes.setdefault(key, Pipe(name))
            pipe.places.append((len(pipe.written), at))
            pipe.written += data
            self.size += len(data)


def is_smb(data: bytes) -> bool:
    """Whether bytes begin with a message of SMB 2 or 3, behind the header of its transport."""
    return data[4:8] == b"\xfeSMB" and data[0] == 0


def parse(client: bytes, server: bytes) -> Session:
    """What the first bytes of both sides show."""
    return _Reading(server).read(client)


class _Reading:
    """Goes through the client's messages with the server's at hand."""

    def __init__(self, server: bytes) -> None:
        self._session = Session()
        self._answers: dict[int, Message] = {}
        for answer in _messages(server):
            if (
                answer.command in (wire.TREE_CONNECT, wire.CREATE, wire.READ)
                and answer.status != wire.PENDING
            ):
                self._answers[answer.number] = answer
            elif answer.command == wire.SESSION and answer.status != wire.MORE:
                self._session.success = answer.status == 0
        self._paths: dict[int, str] = {}
        self._files: dict[bytes, dict[str, Any]] = {}
        self._last: dict[str, Any] = {}
        self._tree = -1
        self._done: set[tuple[str, str, str]] = set()

    def read(self, client: bytes) -> Session:
        """The whole of it."""
        for message in _messages(client):
            if message.tree != 0xFFFFFFFF:
                self._tree = message.tree
            read = _COMMANDS.get(message.command)
            if read is not None:
                read(self, message)
        return self._session

    def connect(self, message: Message) -> None:
        """A share is asked for."""
        path = message.text(68)
        if not path:
            return
        kind = "PIPE" if path.upper().endswith("IPC$") else "DISK"
        fields: dict[str, Any] = {"path": path, "share_type": kind, "#at": message.at}
        answer = self._answers.get(message.number)
        self._paths[answer.tree if answer is not None else -1] = path
        if answer is not None and answer.status:
            fields["status"] = STATUSES.get(answer.status, f"{answer.status:#010x}")
        elif answer is not None and len(answer.whole) > 66:
            fields["share_type"] = {1: "DISK", 2: "PIPE", 3: "PRINT"}.get(answer.whole[66], kind)
        self._session.mappings.append(fields)

    def create(self, message: Message) -> None:
        """A file or a pipe is opened."""
        if len(message.whole) < 112:
            return
        name = message.text(108)
        path = self._paths.get(self._tree, self._paths.get(-1, ""))
        is_pipe = path.upper().endswith("IPC$")
        fields: dict[str, Any] = {
            "action": "SMB::PIPE_OPEN" if is_pipe else "SMB::FILE_OPEN",
            "path": path,
            "name": name,
            "#at": message.at,
        }
        self._last = dict(fields)
        answer = self._answers.get(message.number)
        if answer is not None and answer.status:
            fields["status"] = STATUSES.get(answer.status, f"{answer.status:#010x}")
        elif answer is not None and (number := answer.opened()):
            self._files[number] = self._last
            if not is_pipe:
                fields |= _about(answer.whole)
                self._session.contents.open(number, name, fields["size"])
        self._session.files.append(fields)
        if struct.unpack_from("<I", message.whole, 104)[0] & _DELETE_ON_CLOSE and not fields.get("status"):
            self._act("SMB::FILE_DELETE", fields, message)

    def read_file(self, message: Message) -> None:
        """A file is read; pipes are not told."""
        part, answer = message.asked(), self._answers.get(message.number)
        if (
            part is not None
            and self._on_file("SMB::FILE_READ", message)
            and answer is not None
            and not answer.status
        ):
            self._session.contents.take(part._replace(data=answer.answered()), False, message.at)

    def write(self, message: Message) -> None:
        """A file or a pipe is written."""
        part = message.asked()
        if (
            part is not None
            and not self._to_pipe(message, part)
            and self._on_file("SMB::FILE_WRITE", message)
        ):
            self._session.contents.take(part, True, message.at)

    def control(self, message: Message) -> None:
        """A pipe is written and read in one."""
        part = message.asked()
        if part is not None and part.data:
            self._to_pipe(message, part)

    def close(self, message: Message) -> None:
        """A file is closed: what was written is whole."""
        self._session.contents.close(message.file())

    def change(self, message: Message) -> None:
        """A file is renamed or deleted."""
        whole = message.whole
        if len(whole) < 97 or whole[66] != 1:
            return
        file = self._file(message.file())
        offset = struct.unpack_from("<H", whole, 72)[0]
        if whole[67] == _RENAME and offset + 20 <= len(whole):
            size = struct.unpack_from("<I", whole, offset + 16)[0]
            name = whole[offset + 20 : offset + 20 + size].decode("utf-16-le", "replace")
            told = {"action": "SMB::FILE_RENAME", "name": name, "prev_name": file.get("name", "")}
            self._session.files.append({**_short(file), **told, "#at": message.at})
            file["name"] = name
        elif whole[67] in (_DISPOSITION, _DISPOSITION_EX) and whole[offset : offset + 1] not in (b"", b"\0"):
            self._act("SMB::FILE_DELETE", file, message)

    def _file(self, number: bytes) -> dict[str, Any]:
        if number == _SAME:
            return self._last
        return self._files.get(number, self._last)

    def _to_pipe(self, message: Message, part: wire.Part) -> bool:
        file = self._file(part.file)
        if part.file not in self._session.pipes and part.data[:2] != b"\x05\x00":
            return file.get("action") == "SMB::PIPE_OPEN"
        self._session.write(part.file, file.get("name", ""), part.data, message.at)
        return True

    def _on_file(self, action: str, message: Message) -> bool:
        """Tell what is done to a file; whether it is one."""
        file = self._file(message.file())
        if file.get("action") != "SMB::FILE_OPEN":
            return False
        self._act(action, file, message)
        return True

    def _act(self, action: str, file: dict[str, Any], message: Message) -> None:
        """Tell an action, once for each file."""
        key = (action, file.get("path", ""), file.get("name", ""))
        if key not in self._done:
            self._done.add(key)
            self._session.files.append({**_short(file), "action": action, "#at": message.at})


_COMMANDS = {
    wire.TREE_CONNECT: _Reading.connect, wire.CREATE: _Reading.create, wire.CLOSE: _Reading.close, wire.READ: _Reading.read_file,
    wire.WRITE: _Reading.write, wire.IOCTL: _Reading.control, wire.SET_INFO: _Reading.change,
}  # fmt: skip


def _short(file: dict[str, Any]) -> dict[str, Any]:
    return {name: file[name] for name in ("path", "name") if name in file}


def _about(answer: bytes) -> dict[str, Any]:
    """Size and times of a file, of the answer to a create."""
    created, accessed, modified, changed = struct.unpack_from("<QQQQ", answer, 72)
    fields: dict[str, Any] = {"size": struct.unpack_from("<Q", answer, 112)[0]}
    for name, ticks in (
        ("modified", modified),
        ("accessed", accessed),
        ("created", created),
        ("changed", changed),
    ):
        if _EPOCH < ticks < 2 * _EPOCH:
            fields[f"times.{name}"] = f"{(ticks - _EPOCH) / 1e7:.6f}"
    return fields


def _messages(data: bytes) -> Iterator[Message]:
    count = 0
    for at, end in wire.frames(data, MAX_MESSAGES):
        for message in wire.messages(data, at, end):
            yield message
            count += 1
            if count >= MAX_MESSAGES:
                return

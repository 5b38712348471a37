"""SMB 1: the same as `smb` for what came before it. After MS-CIFS and MS-SMB."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kazami.sources.network.capture.application.smb import STATUSES, Session

#: Messages of one side that are looked at, and commands of one message.
MAX_MESSAGES, MAX_CHAIN = 2000, 8

_DELETE, _RENAME, _TRANSACTION, _OPEN, _READ, _WRITE = 0x06, 0x07, 0x25, 0x2D, 0x2E, 0x2F
_SESSION, _TREE_CONNECT, _CREATE = 0x73, 0x75, 0xA2
_CHAINED = frozenset((_OPEN, _READ, _WRITE, _SESSION, 0x74, _TREE_CONNECT, _CREATE, 0x24))
_TRANSACT_PIPE = 0x26
_MORE = 0xC0000016
_WIDE = 0x8000


@dataclass(frozen=True, slots=True)
class _Command:
    code: int
    status: int
    wide: bool
    tree: int
    number: tuple[int, int]  # process and multiplex: an answer has those of its request
    at: int  # of the message in the flow
    head: int  # of the message in `data`, from which offsets count
    words: bytes
    body: int  # where the bytes behind the words begin in `data`
    end: int
    data: bytes

    def text(self, at: int) -> tuple[str, int]:
        """The text at `at` of the data, and where it ends."""
        if self.wide:
            at += (at - self.head) % 2
            stop = at
            while stop + 1 < self.end and self.data[stop : stop + 2] != b"\0\0":
                stop += 2
            return self.data[at:stop].decode("utf-16-le", "replace"), stop + 2
        stop = self.data.find(b"\0", at, self.end)
        stop = self.end if stop < 0 else stop
        return self.data[at:stop].decode("latin-1"), stop + 1


def is_smb1(data: bytes) -> bool:
    """Whether bytes begin with a message of SMB 1, behind the header of its transport."""
    return data[4:8] == b"\xffSMB" and data[0] == 0


def parse(client: bytes, server: bytes) -> Session:
    """What the first bytes of both sides show."""
    session = Session()
    answers: dict[tuple[int, tuple[int, int]], _Command] = {}
    for answer in _commands(server):
        if answer.code in (_TREE_CONNECT, _CREATE, _OPEN):
            answers.setdefault((answer.code, answer.number), answer)
        elif answer.code == _SESSION and answer.status != _MORE:
            session.success = answer.status == 0
    reading = _Reading(session, answers)
    for command in _commands(client):
        reading.take(command)
    return session


class _Reading:
    def __init__(self, session: Session, answers: dict[tuple[int, tuple[int, int]], _Command]) -> None:
        self._session, self._answers = session, answers
        self._paths: dict[int, str] = {}
        self._names: dict[int, tuple[str, str, bool]] = {}
        self._last: tuple[str, str, bool] = ("", "", False)
        self._written: set[tuple[str, str]] = set()

    def take(self, command: _Command) -> None:
        """One command of the client."""
        code, words = command.code, command.words
        if code == _TREE_CONNECT and len(words) >= 8:
            self._connect(command)
        elif (code == _CREATE and len(words) >= 48) or (code == _OPEN and len(words) >= 30):
            self._open(command)
        elif code == _WRITE and len(words) >= 24:
            number, offset = struct.unpack_from("<H", words, 4)[0], struct.unpack_from("<H", words, 22)[0]
            size = struct.unpack_from("<H", words, 20)[0]
            self._write(number, command, offset, size)
        elif (
            code == _TRANSACTION
            and len(words) >= 32
            and words[26]
            and struct.unpack_from("<H", words, 28)[0] == _TRANSACT_PIPE
        ):
            size, offset = struct.unpack_from("<HH", words, 22)
            self._write(struct.unpack_from("<H", words, 30)[0], command, offset, size)
        elif code in (_DELETE, _RENAME):
            self._change(command)

    def _connect(self, command: _Command) -> None:
        path, after = command.text(command.body + struct.unpack_from("<H", command.words, 6)[0])
        service = command.data[after : command.end].partition(b"\0")[0].decode("latin-1")
        kind = "PIPE" if path.upper().endswith("IPC$") else "DISK"
        fields: dict[str, Any] = {"path": path, "share_type": kind, "#at": command.at}
        if service:
            fields["service"] = service
        answer = self._answers.get((_TREE_CONNECT, command.number))
        self._paths[-1 if answer is None else answer.tree] = path
        if answer is not None and answer.status:
            fields["status"] = STATUSES.get(answer.status, f"{answer.status:#010x}")
        self._session.mappings.append(fields)

    def _path(self, command: _Command) -> str:
        return self._paths.get(command.tree, self._paths.get(-1, ""))

    def _open(self, command: _Command) -> None:
        name, _ = command.text(command.body)
        path = self._path(command)
        pipe = path.upper().endswith("IPC$")
        fields: dict[str, Any] = {
            "action": "SMB::PIPE_OPEN" if pipe else "SMB::FILE_OPEN",
            "path": path,
            "name": name,
            "#at": command.at,
        }
        self._last = (path, name, pipe)
        answer = self._answers.get((command.code, command.number))
        if answer is not None and answer.status:
            fields["status"] = STATUSES.get(answer.status, f"{answer.status:#010x}")
        elif answer is not None and len(answer.words) >= 7:
            place = 5 if command.code == _CREATE else 4
            self._names[struct.unpack_from("<H", answer.words, place)[0]] = self._last
            if command.code == _CREATE and len(answer.words) >= 63 and not pipe:
                fields["size"] = struct.unpack_from("<Q", answer.words, 55)[0]
        self._session.files.append(fields)

    def _write(self, number: int, command: _Command, offset: int, size: int) -> None:
        path, name, pipe = self._names.get(number, self._last)
        data = command.data[command.head + offset : min(command.head + offset + size, command.end)]
        if number in self._session.pipes or data[:2] == b"\x05\x00":
            self._session.write(number, name, data, command.at)
        elif not pipe and name and (path, name) not in self._written:
            self._written.add((path, name))
            self._session.files.append(
                {"action": "SMB::FILE_WRITE", "path": path, "name": name, "#at": command.at}
            )

    def _change(self, command: _Command) -> None:
        name, after = command.text(command.body + 1)
        fields: dict[str, Any] = {
            "action": "SMB::FILE_DELETE",
            "path": self._path(command),
            "name": name,
            "#at": command.at,
        }
        if command.code == _RENAME:
            fields |= {"action": "SMB::FILE_RENAME", "prev_name": name, "name": command.text(after + 1)[0]}
        self._session.files.append(fields)


def _commands(data: bytes) -> Iterator[_Command]:
    at = 0
    for _ in range(MAX_MESSAGES):
        if at + 39 > len(data) or data[at]:
            return
        size = int.from_bytes(data[at + 1 : at + 4])
        head, end = at + 4, min(at + 4 + size, len(data))
        if data[head : head + 4] == b"\xffSMB" and head + 35 <= end:
            yield from _chain(data, head, end)
        at += 4 + size


def _chain(data: bytes, head: int, end: int) -> Iterator[_Command]:
    """The commands of one message."""
    status, flags = struct.unpack_from("<I", data, head + 5)[0], struct.unpack_from("<H", data, head + 10)[0]
    tree, process, _, number = struct.unpack_from("<HHHH", data, head + 24)
    code, at = data[head + 4], head + 32
    for _ in range(MAX_CHAIN):
        if at + 3 > end:
            return
        words = data[at + 1 : at + 1 + 2 * data[at]]
        body = at + 3 + 2 * data[at]
        yield _Command(
            code,
            status,
            bool(flags & _WIDE),
            tree,
            (process, number),
            head,
            head,
            words,
            min(body, end),
            end,
            data,
        )
        if code not in _CHAINED or len(words) < 4 or words[0] == 0xFF:
            return
        code, place = words[0], head + struct.unpack_from("<H", words, 2)[0]
        if place <= at:
            return
        at = place

"""SMB 1: the same as `smb` for what came before it. After MS-CIFS and MS-SMB."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from kazami.sources.network.capture.application.smb import STATUSES, Session
from kazami.wire import smb as wire
from kazami.wire.smb import Command

#: Messages of one side that are looked at.
MAX_MESSAGES = 2000

_ANSWERS = (wire.TREE_CONNECT1, wire.CREATE1, wire.OPEN1, wire.READ1)


def is_smb1(data: bytes) -> bool:
    """Whether bytes begin with a message of SMB 1, behind the header of its transport."""
    return data[4:8] == b"\xffSMB" and data[0] == 0


def parse(client: bytes, server: bytes) -> Session:
    """What the first bytes of both sides show."""
    session = Session()
    answers: dict[tuple[int, tuple[int, int]], list[Command]] = {}
    for answer in _commands(server):
        if answer.code in _ANSWERS:
            answers.setdefault((answer.code, answer.number), []).append(answer)
        elif answer.code == wire.SESSION1 and answer.status != wire.MORE:
            session.success = answer.status == 0
    reading = _Reading(session, answers)
    for command in _commands(client):
        reading.take(command)
    return session


class _Reading:
    def __init__(self, session: Session, answers: dict[tuple[int, tuple[int, int]], list[Command]]) -> None:
        self._session, self._answers = session, answers
        self._paths: dict[int, str] = {}
        self._names: dict[bytes, tuple[str, str, bool]] = {}
        self._last: tuple[str, str, bool] = ("", "", False)
        self._done: set[tuple[str, str, str]] = set()

    def take(self, command: Command) -> None:
        """One command of the client."""
        code, words = command.code, command.words
        if code == wire.TREE_CONNECT1 and len(words) >= 8:
            self._connect(command)
        elif (code == wire.CREATE1 and len(words) >= 48) or (code == wire.OPEN1 and len(words) >= 30):
            self._open(command)
        elif code in (wire.DELETE1, wire.RENAME1):
            self._change(command)
        elif (part := command.asked()) is not None:
            if code == wire.CLOSE1:
                self._session.contents.close(part.file)
            elif code == wire.READ1:
                self._read(command, part)
            else:
                self._write(command, part)

    def _answer(self, command: Command) -> Command | None:
        """The answer to a command: numbers of messages come again, and answers in their order."""
        waiting = self._answers.get((command.code, command.number))
        return waiting.pop(0) if waiting else None

    def _connect(self, command: Command) -> None:
        path, after = command.share()
        service = command.data[after : command.end].partition(b"\0")[0].decode("latin-1")
        kind = "PIPE" if path.upper().endswith("IPC$") else "DISK"
        fields: dict[str, Any] = {"path": path, "share_type": kind, "#at": command.at}
        if service:
            fields["service"] = service
        answer = self._answer(command)
        self._paths[-1 if answer is None else answer.tree] = path
        if answer is not None and answer.status:
            fields["status"] = STATUSES.get(answer.status, f"{answer.status:#010x}")
        self._session.mappings.append(fields)

    def _path(self, command: Command) -> str:
        return self._paths.get(command.tree, self._paths.get(-1, ""))

    def _open(self, command: Command) -> None:
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
        answer = self._answer(command)
        if answer is not None and answer.status:
            fields["status"] = STATUSES.get(answer.status, f"{answer.status:#010x}")
        elif answer is not None and (number := answer.opened()):
            self._names[number] = self._last
            if command.code == wire.CREATE1 and len(answer.words) >= 63 and not pipe:
                fields["size"] = struct.unpack_from("<Q", answer.words, 55)[0]
            if not pipe:
                self._session.contents.open(number, name, fields.get("size", 0))
        self._session.files.append(fields)

    def _write(self, command: Command, part: wire.Part) -> None:
        path, name, pipe = self._names.get(part.file, self._last)
        if part.file in self._session.pipes or part.data[:2] == b"\x05\x00":
            self._session.write(part.file, name, part.data, command.at)
        elif not pipe and name:
            self._act("SMB::FILE_WRITE", path, name, command)
            self._session.contents.take(part, True, command.at)

    def _read(self, command: Command, part: wire.Part) -> None:
        path, name, pipe = self._names.get(part.file, self._last)
        answer = self._answer(command)
        if not pipe and name:
            self._act("SMB::FILE_READ", path, name, command)
            if answer is not None and not answer.status:
                self._session.contents.take(part._replace(data=answer.answered()), False, command.at)

    def _act(self, action: str, path: str, name: str, command: Command) -> None:
        """Tell an action, once for each file."""
        if (action, path, name) not in self._done:
            self._done.add((action, path, name))
            self._session.files.append({"action": action, "path": path, "name": name, "#at": command.at})

    def _change(self, command: Command) -> None:
        name, after = command.text(command.body + 1)
        fields: dict[str, Any] = {
            "action": "SMB::FILE_DELETE",
            "path": self._path(command),
            "name": name,
            "#at": command.at,
        }
        if command.code == wire.RENAME1:
            fields |= {"action": "SMB::FILE_RENAME", "prev_name": name, "name": command.text(after + 1)[0]}
        self._session.files.append(fields)


def _commands(data: bytes) -> Iterator[Command]:
    for at, end in wire.frames(data, MAX_MESSAGES):
        yield from wire.commands(data, at, end)

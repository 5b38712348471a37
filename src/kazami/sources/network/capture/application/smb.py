"""SMB 2 and 3: shares that were connected, files and pipes that were opened, and what was written to pipes. After MS-SMB2."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: Messages of one side that are looked at, and bytes of what was written to pipes.
MAX_MESSAGES, MAX_WRITTEN = 400, 1 << 16

_TREE_CONNECT, _CREATE, _WRITE, _IOCTL = 3, 5, 9, 11
_TRANSCEIVE = 0x0011C017


@dataclass(slots=True)
class Session:
    """What one flow of SMB shows: shares and files in Zeek's words, and bytes written to pipes in their order."""

    mappings: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    written: bytearray = field(default_factory=bytearray)


def is_smb(data: bytes) -> bool:
    """Whether bytes begin with a message of SMB, behind the header of its transport."""
    return data[4:8] in (b"\xfeSMB", b"\xffSMB") and data[0] == 0


def parse(client: bytes, server: bytes) -> Session:
    """What the first bytes of both sides show."""
    session = Session()
    trees = {answer.message: answer.tree for answer in _messages(server) if answer.command == _TREE_CONNECT}
    paths: dict[int, str] = {}
    for message in _messages(client):
        body = message.body
        if message.command == _TREE_CONNECT and len(body) >= 8:
            path = _text(message, *struct.unpack_from("<HH", body, 4))
            paths[trees.get(message.message, -1)] = path
            kind = "PIPE" if path.upper().endswith("IPC$") else "DISK"
            session.mappings.append({"path": path, "share_type": kind})
        elif message.command == _CREATE and len(body) >= 48:
            name = _text(message, *struct.unpack_from("<HH", body, 44))
            path = paths.get(message.tree, paths.get(-1, ""))
            action = "SMB::PIPE_OPEN" if path.upper().endswith("IPC$") else "SMB::FILE_OPEN"
            session.files.append({"action": action, "path": path, "name": name})
        else:
            _written(message, session.written)
    return session


@dataclass(frozen=True, slots=True)
class _Message:
    command: int
    message: int
    tree: int
    whole: bytes  # with its header, from which offsets count

    @property
    def body(self) -> bytes:
        return self.whole[64:]


def _messages(data: bytes) -> Iterator[_Message]:
    at, count = 0, 0
    while at + 68 <= len(data) and count < MAX_MESSAGES:
        size = int.from_bytes(data[at + 1 : at + 4])
        if data[at] != 0 or size < 4:
            return
        inner, end = at + 4, min(at + 4 + size, len(data))
        while inner + 64 <= end and data[inner : inner + 4] == b"\xfeSMB" and count < MAX_MESSAGES:
            command, following = (
                struct.unpack_from("<H", data, inner + 12)[0],
                struct.unpack_from("<I", data, inner + 20)[0],
            )
            number, tree = (
                struct.unpack_from("<Q", data, inner + 24)[0],
                struct.unpack_from("<I", data, inner + 36)[0],
            )
            stop = inner + following if 64 <= following <= end - inner else end
            yield _Message(command, number, tree, data[inner:stop])
            count += 1
            if not following or stop >= end:
                break
            inner = stop
        at += 4 + size


def _text(message: _Message, offset: int, size: int) -> str:
    return message.whole[offset : offset + size].decode("utf-16-le", "replace")


def _written(message: _Message, written: bytearray) -> None:
    """Keep what is written to a pipe, so far as it is DCE/RPC."""
    body = message.body
    if message.command == _WRITE and len(body) >= 16:
        offset, size = struct.unpack_from("<HI", body, 2)
    elif (
        message.command == _IOCTL and len(body) >= 32 and struct.unpack_from("<I", body, 4)[0] == _TRANSCEIVE
    ):
        offset, size = struct.unpack_from("<II", body, 24)
    else:
        return
    data = message.whole[offset : offset + size]
    if data[:2] == b"\x05\x00" and len(written) + len(data) <= MAX_WRITTEN:
        written += data

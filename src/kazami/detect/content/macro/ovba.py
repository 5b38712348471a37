"""VBA projects as they lie in OLE storages (MS-OVBA): decompression (2.4.1) and the modules that the ``dir`` stream names (2.3.4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_CHUNK = 4096
#: How module source begins once it is compressed: no copy token among the first eight characters of "Attribute".
_SOURCE = b"\0Attribut"

_NAME, _STREAM, _STREAM_WIDE, _OFFSET = 0x19, 0x1A, 0x32, 0x31
_CODE_PAGE, _VERSION, _END_OF_MODULE = 0x03, 0x09, 0x2B


@dataclass(slots=True)
class Module:
    """What ``dir`` says of a module: its name, its stream, and where in the stream the source begins."""

    name: str = ""
    stream: str = ""
    offset: int = 0


@dataclass(slots=True)
class Project:
    """The modules of a project; `encoding` is Python's word for the code page of their source."""

    encoding: str = "cp1252"
    modules: list[Module] = field(default_factory=list)


def decompressed(data: bytes, most: int) -> bytes:
    """The container that `data` begins with, up to `most` bytes; raises ValueError where it is none."""
    if data[:1] != b"\x01":
        raise ValueError("no compressed container")
    out = bytearray()
    at = 1
    while at + 2 <= len(data) and len(out) < most:
        header = int.from_bytes(data[at : at + 2], "little")
        if header >> 12 & 7 != 3:
            if out:
                break  # what stands behind the container
            raise ValueError("no compressed chunk")
        end = min(len(data), at + (header & 0xFFF) + 3)
        if header & 0x8000:
            _chunk(data, at + 2, end, out)
        else:
            out += data[at + 2 : min(end, at + 2 + _CHUNK)]
        at = end
    return bytes(out[:most])


def _chunk(data: bytes, at: int, end: int, out: bytearray) -> None:
    """Flags, literals and copies of one chunk."""
    start = len(out)
    while at < end:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= end or len(out) - start >= _CHUNK:
                return
            if not flags >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            if at + 2 > end:
                return
            token = data[at] | data[at + 1] << 8
            at += 2
            here = len(out) - start
            bits = 16 - max(4, (here - 1).bit_length()) if here else 12
            length, back = (token & (1 << bits) - 1) + 3, (token >> bits) + 1
            if back > here:
                raise ValueError("a copy from before the chunk")
            length = min(length, start + _CHUNK - len(out))
            piece = out[-back:] if back >= length else out[-back:] * (length // back + 1)
            out += piece[:length]


def project(directory: bytes) -> Project:
    """What a decompressed ``dir`` stream says; whatever is broken in it ends it early."""
    found, module = Project(), Module()
    for number, content in _records(directory):
        if number == _CODE_PAGE and len(content) == 2:
            found.encoding = _encoding(int.from_bytes(content, "little"))
        elif number == _NAME:
            module.name = content.decode(found.encoding, "replace")
        elif number == _STREAM:
            module.stream = content.decode(found.encoding, "replace")
        elif number == _STREAM_WIDE:
            module.stream = content.decode("utf-16-le", "replace") or module.stream
        elif number == _OFFSET and len(content) == 4:
            module.offset = int.from_bytes(content, "little")
        elif number == _END_OF_MODULE:
            if module.stream or module.name:
                found.modules.append(module)
            module = Module()
    return found


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 6 <= len(data):
        number, size = struct.unpack_from("<HL", data, at)
        if number == _VERSION:  # its size counts only a part of it
            size = 6
        yield number, data[at + 6 : at + 6 + size]
        at += 6 + size


def _encoding(page: int) -> str:
    name = {10000: "mac_roman", 65001: "utf-8", 1200: "utf-16-le"}.get(page, f"cp{page}")
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name


def sources(data: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """Offset and text of source anywhere in `data`, found by how it begins: for projects whose directory lies or is gone."""
    at = data.find(_SOURCE)
    while at >= 0:
        start = at - 3
        if start >= 0 and data[start] == 1 and data[at - 1] & 0x70 == 0x30:
            try:
                text = decompressed(data[start:], most)
            except ValueError:
                text = b""
            if text:
                yield start, text
        at = data.find(_SOURCE, at + 1)

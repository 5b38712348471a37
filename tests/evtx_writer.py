"""Writes small, valid EVTX files, so that the EVTX path is tested without anybody's real logs.

After libyal's "Windows XML Event Log (EVTX) format" and [MS-EVEN6] 2.2.12 (BinXml). A record is a dict::

    {"System": {"Provider": "Microsoft-Windows-Sysmon", "EventID": 1, "Channel": ..., "Computer": ...,
                "TimeCreated": datetime, "EventRecordID": 7, "UserID": "S-1-5-18", ...},
     "EventData": {"Image": "C:\\\\a.exe", "ProcessId": 4, "Hash": b"..."}}

A tuple is an array of strings. ``EventData`` may be a list (``Data`` elements without a name); ``UserData`` is {element: {name: value}}. Records
share a template a shape, as Windows writes them; with `inline` each carries its own elements and text instead.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

CHUNK = 65536
FIRST_RECORD = 512
EVENT_XMLNS = "http://schemas.microsoft.com/win/2004/08/events/event"

#: An element: name, attributes, children (elements, or one value).
Element = tuple[str, dict[str, Any], "list[Element] | Any"]

_SYSTEM_NUMBERS = {"Version": "<B", "Level": "<B", "Task": "<H", "Opcode": "<B"}
_TYPE_OF_FORMAT = {"<B": 0x04, "<H": 0x06, "<I": 0x08, "<Q": 0x0A}


class Typed:
    """A value with its BinXML type and bytes."""

    def __init__(self, kind: int, data: bytes, text: str) -> None:
        self.kind, self.data, self.text = kind, data, text


def write(records: Sequence[dict[str, Any]], inline: bool = False) -> bytes:
    """The bytes of an EVTX file with `records`, ids from 1 where they do not name one."""
    chunks: list[_Chunk] = []
    for number, record in enumerate(records, 1):
        if not chunks or not chunks[-1].add(number, record, inline):
            chunks.append(_Chunk(number))
            if not chunks[-1].add(number, record, inline):
                raise ValueError(f"record {number} is larger than a chunk")
    body = b"".join(c.finish() for c in chunks)
    header = struct.pack(
        "<8sQQQIHHHH76x",
        b"ElfFile\0",
        0,
        max(len(chunks) - 1, 0),
        len(records) + 1,
        128,
        1,
        3,
        4096,
        len(chunks),
    )
    return (header + struct.pack("<II", 0, zlib.crc32(header))).ljust(4096, b"\0") + body


class _Chunk:
    def __init__(self, first: int) -> None:
        self.first, self.last, self.last_offset = first, first, 0
        self.data = bytearray(FIRST_RECORD)
        self.names: dict[str, int] = {}
        self.templates: dict[Any, int] = {}

    def add(self, number: int, record: dict[str, Any], inline: bool) -> bool:
        """Append a record; False, and nothing changed, where it does not fit any more."""
        before = len(self.data), dict(self.names), dict(self.templates)
        start = len(self.data)
        system = record.get("System", {})
        written = _filetime(system.get("TimeCreated") or datetime(2020, 1, 1, tzinfo=UTC))
        self.data += struct.pack("<4sIQQ", b"**\0\0", 0, system.get("EventRecordID", number), written)
        self.data += b"\x0f\x01\x01\x00"
        tree = _tree(record, number)
        if inline:
            self._element(tree, None)
        else:
            self._instance(tree)
        self.data += b"\x00"
        size = len(self.data) - start + 4
        self.data += struct.pack("<I", size)
        struct.pack_into("<I", self.data, start + 4, size)
        if len(self.data) > CHUNK:
            del self.data[before[0] :]
            self.names, self.templates = before[1], before[2]
            return False
        self.last, self.last_offset = number, start
        return True

    def finish(self) -> bytes:
        free = len(self.data)
        events = zlib.crc32(bytes(self.data[FIRST_RECORD:]))
        struct.pack_into(
            "<8sQQQQIIII",
            self.data,
            0,
            b"ElfChnk\0",
            self.first,
            self.last,
            self.first,
            self.last,
            128,
            self.last_offset,
            free,
            events,
        )
        header = zlib.crc32(bytes(self.data[:120]) + bytes(self.data[128:512]))
        struct.pack_into("<I", self.data, 124, header)
        return bytes(self.data).ljust(CHUNK, b"\0")

    def _instance(self, tree: Element) -> None:
        """A template instance: its definition where it is the first of its shape, then the values."""
        values: list[Typed] = []
        shape = _shape(tree)
        known = self.templates.get(shape)
        here = len(self.data) + 10
        self.data += struct.pack("<BBII", 0x0C, 1, known or here, known or here)
        if known is None:
            self.templates[shape] = here
            self.data += struct.pack("<I16sI", 0, uuid.uuid5(uuid.NAMESPACE_OID, repr(shape)).bytes_le, 0)
            start = len(self.data)
            self.data += b"\x0f\x01\x01\x00"
            self._element(tree, values)
            self.data += b"\x00"
            struct.pack_into("<I", self.data, start - 4, len(self.data) - start)
        else:
            _collect(tree, values)
        self.data += struct.pack("<I", len(values))
        for value in values:
            self.data += struct.pack("<HBB", len(value.data), value.kind, 0)
        for value in values:
            self.data += value.data

    def _element(self, element: Element, values: list[Typed] | None) -> None:
        name, attributes, children = element
        self.data.append(0x41 if attributes else 0x01)
        self.data += (
            b"\0\0\0\0" if values is None else b"\xff\xff\0\0\0\0"
        )  # templates name a dependency first
        start = len(self.data)
        self._name(name)
        if attributes:
            self._attributes(attributes, values)
        self.data += b"\x03" if children == [] else b"\x02"
        if isinstance(children, list):
            for child in children:
                self._element(child, values)
        else:
            self._value(children, values)
        if children != []:
            self.data += b"\x04"
        struct.pack_into("<I", self.data, start - 4, len(self.data) - start)

    def _attributes(self, attributes: dict[str, Any], values: list[Typed] | None) -> None:
        self.data += b"\0\0\0\0"
        start = len(self.data)
        for left, (name, value) in zip(range(len(attributes) - 1, -1, -1), attributes.items(), strict=True):
            self.data.append(0x46 if left else 0x06)
            self._name(name)
            self._value(value, values if isinstance(value, Typed) else None)
        struct.pack_into("<I", self.data, start - 4, len(self.data) - start)

    def _name(self, name: str) -> None:
        offset = self.names.get(name)
        if offset is not None:
            self.data += struct.pack("<I", offset)
            return
        self.names[name] = len(self.data) + 4
        code = 0
        for character in name:
            code = (code * 65599 + ord(character)) & 0xFFFFFFFF
        self.data += struct.pack("<IIHH", self.names[name], 0, code & 0xFFFF, len(name))
        self.data += name.encode("utf-16-le") + b"\0\0"

    def _value(self, value: Any, values: list[Typed] | None) -> None:
        if values is not None:
            typed = value if isinstance(value, Typed) else _typed(value)
            self.data += struct.pack("<BHB", 0x0E, len(values), typed.kind)
            values.append(typed)
            return
        text = _typed(value).text.encode("utf-16-le", "surrogatepass")
        if text:
            self.data += struct.pack("<BBH", 0x05, 0x01, len(text) // 2) + text


def _collect(element: Element, values: list[Typed]) -> None:
    """The values of an element in the order in which `_Chunk._element` numbers them."""
    _, attributes, children = element
    values += [v for v in attributes.values() if isinstance(v, Typed)]
    if isinstance(children, list):
        for child in children:
            _collect(child, values)
    else:
        values.append(children if isinstance(children, Typed) else _typed(children))


def _shape(element: Element) -> Any:
    name, attributes, children = element
    inside = tuple(map(_shape, children)) if isinstance(children, list) else _typed(children).kind
    return name, tuple((k, v.kind if isinstance(v, Typed) else v) for k, v in attributes.items()), inside


def _typed(value: Any) -> Typed:
    """A Python value in its BinXML type."""
    if isinstance(value, Typed):
        return value
    if value is None:
        return Typed(0x00, b"", "")
    if isinstance(value, bool):
        return Typed(0x0D, struct.pack("<I", value), str(value).lower())
    if isinstance(value, int):
        wide = value >= 2**32
        return Typed(0x0A if wide else 0x08, value.to_bytes(8 if wide else 4, "little"), str(value))
    if isinstance(value, float):
        return Typed(0x0C, struct.pack("<d", value), repr(value))
    if isinstance(value, bytes):
        return Typed(0x0E, value, value.hex().upper())
    if isinstance(value, datetime):
        return Typed(0x11, struct.pack("<Q", _filetime(value)), f"{value:%Y-%m-%dT%H:%M:%S.%f}Z")
    if isinstance(value, tuple):
        joined = b"".join(str(v).encode("utf-16-le") + b"\0\0" for v in value)
        return Typed(0x81, joined, ",".join(map(str, value)))
    return Typed(0x01, str(value).encode("utf-16-le", "surrogatepass"), str(value))


def _number(value: int, form: str) -> Typed:
    return Typed(_TYPE_OF_FORMAT[form], struct.pack(form, value), str(value))


def _sid(text: str) -> Typed:
    _, revision, authority, *sub = text.split("-")
    data = struct.pack("<BB", int(revision), len(sub)) + int(authority).to_bytes(6, "big")
    return Typed(0x13, data + b"".join(struct.pack("<I", int(s)) for s in sub), text)


def _filetime(moment: datetime) -> int:
    """100 ns since 1601."""
    since = moment - datetime(1601, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10_000_000 + since.microseconds * 10


def _tree(record: dict[str, Any], number: int) -> Element:
    parts = [_system(record.get("System", {}), number)]
    if "EventData" in record:
        parts.append(("EventData", {}, _data(record["EventData"])))
    for name, fields in record.get("UserData", {}).items():
        parts.append(("UserData", {}, [(name, {}, [(k, {}, v) for k, v in fields.items()])]))
    return "Event", {"xmlns": EVENT_XMLNS}, parts


def _data(fields: dict[str, Any] | list[Any]) -> list[Element]:
    if isinstance(fields, list):
        return [("Data", {}, value) for value in fields]
    return [("Data", {"Name": name}, value) for name, value in fields.items()]


def _system(system: dict[str, Any], number: int) -> Element:
    moment = system.get("TimeCreated") or datetime(2020, 1, 1, tzinfo=UTC)
    provider: dict[str, Any] = {"Name": _typed(system.get("Provider", "Kazami-Test"))}
    parts: list[Element] = [
        ("Provider", provider, []),
        ("EventID", {}, _number(system.get("EventID", 1), "<H")),
    ]
    for name, form in _SYSTEM_NUMBERS.items():
        parts.append((name, {}, _number(system.get(name, 0), form)))
    keywords = system.get("Keywords", 0x8000000000000000)
    parts.append(("Keywords", {}, Typed(0x15, struct.pack("<Q", keywords), f"0x{keywords:016x}")))
    parts.append(("TimeCreated", {"SystemTime": _typed(moment)}, []))
    parts.append(("EventRecordID", {}, _number(system.get("EventRecordID", number), "<Q")))
    execution = {
        "ProcessID": _number(system.get("ProcessID", 4), "<I"),
        "ThreadID": _number(system.get("ThreadID", 8), "<I"),
    }
    parts.append(("Execution", execution, []))
    parts.append(("Channel", {}, system.get("Channel", "Kazami-Test/Operational")))
    parts.append(("Computer", {}, system.get("Computer", "WS01.example.test")))
    security = {"UserID": _sid(system["UserID"])} if system.get("UserID") else {}
    parts.append(("Security", security, []))
    return "System", {}, parts

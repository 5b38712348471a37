"""Windows events as XML: wevtutil, evtx_dump, exports of the event viewer, Sysmon for Linux.

These files hold one ``<Event>`` after the other, with or without an element around them, often with an XML
declaration before each. So the events are found by their tags, and each is parsed for itself: a broken one costs
only itself, and no document type ever reaches the parser.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from kazami.model.evidence import Evidence
from kazami.sources import json_frames, windows
from kazami.sources.columns import Columns, reading
from kazami.sources.json_frames import BLOCK, Prefixed, Readable
from kazami.sources.windows_event import Fields, add_details, put
from kazami.sources.windows_records import Groups

#: Characters of one event; EVTX allows 64 KiB.
MAX_EVENT = 4 << 20

#: Nesting that is followed.
MAX_DEPTH = 16

_START = re.compile(r"<(?:[\w.-]+:)?Event(?=[\s>])")
_TAG = re.compile(r"<(?:[\w.-]+:)?Event(?=[\s>])|</(?:[\w.-]+:)?Event\s*>")
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}encoding=[\"']([\w.-]{1,40})[\"']")
#: Beyond the characters that XML 1.0 allows: control characters, which writers leave in messages.
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
    r"|&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2\d|3[01]));",
    re.IGNORECASE,
)


def confidence(name: str, head: bytes) -> float:
    """By the first event's tag and the namespace or the name of the element that must follow."""
    text = head.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n")[:20_000].decode("utf-8", "replace")
    found = _START.search(text)
    if not found or (text[:1] != "<" and not text.startswith("Record ")):
        return 0.0
    near = text[found.start() : found.start() + 2000]
    return 0.95 if "schemas.microsoft.com/win/2004/08/events" in near or "<System" in near else 0.1


def parse_event(text: str) -> tuple[tuple[Any, ...], Fields] | None:
    """The cells of `windows.SYSTEM` and the data fields of one ``<Event>``; None where it is none."""
    try:
        return _event(_tree(text)[0])
    except ValueError:
        return None


def parse_data(text: str) -> Fields:
    """The data fields of an ``<EventData>`` or ``<UserData>`` that stands alone, or within one other element."""
    try:
        root = _tree(text)[0]
    except ValueError:
        return {}
    data: Fields = {}
    for section in (root, *root):
        if (name := _name(section)) in ("EventData", "UserData"):
            _add_section(name, section, data)
    return data


def _tree(text: str) -> tuple[Any, str]:
    """The tree of one event, and what is wrong with its text; raises ValueError where nothing can be made of it."""
    text = _FORBIDDEN.sub("\ufffd", text)
    try:
        return etree.fromstring(text, _STRICT), ""
    except etree.XMLSyntaxError as error:
        wrong = f"not XML: {error.msg}"
    try:
        root = etree.fromstring(text, _RECOVERING)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise ValueError(wrong)
    return root, wrong


def _event(root: Any) -> tuple[tuple[Any, ...], Fields]:
    system = _child(root, "System")
    if system is None:
        raise ValueError("an event without System")
    cells = _system(system)
    data: Fields = {}
    for section in root:
        name = _name(section)
        if name not in ("System", ""):
            _add_section(name, section, data)
    if cells[0] == "PowerShell" and "Data" in data:
        add_details(data)
    return cells, data


def _parser(recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip


_STRICT, _RECOVERING = _parser(False), _parser(True)


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _child(element: Any, name: str) -> Any:
    return next((child for child in element if _name(child) == name), None)


def _system(system: Any) -> tuple[Any, ...]:
    found: dict[str, str | None] = {}
    for child in system:
        name = _name(child)
        if child.text and child.text.strip():
            found[name] = child.text.strip()
        for attribute, value in child.attrib.items():
            found[f"{name}_{attribute}"] = value
    found["TimeCreated"] = found.get("TimeCreated_SystemTime")
    return tuple(found.get(name) for name in windows.SYSTEM)


def _add_section(name: str, section: Any, data: Fields) -> None:
    if name == "RenderingInfo":
        message = _child(section, "Message")
        if message is not None:
            put(data, "Message", message.text or "")
        return
    if name == "UserData" and len(section) == 1:
        section = section[0]
    _put_attributes(name, dict(section.attrib), data)
    if not len(section) and (text := _text(section)):
        put(data, "Data" if name == "EventData" else name, text)
    for child in section:
        _add(child, "", data, 0)


def _add(element: Any, prefix: str, data: Fields, depth: int) -> None:
    """An element's text and attributes; ``<Data Name="X">`` is field X, nested elements have dotted names."""
    name = prefix + _name(element)
    attributes = dict(element.attrib)
    if name == "Data" and "Name" in attributes:
        name = attributes.pop("Name")
    if depth >= MAX_DEPTH:
        put(data, name, etree.tostring(element, encoding="unicode", with_tail=False))
        return
    if not len(element) and ((text := _text(element)) or not attributes):
        put(data, name, text)
    _put_attributes(name, attributes, data)
    for child in element:
        if _name(child):
            _add(child, f"{name}.", data, depth + 1)


def _text(element: Any) -> str:
    """An element's text; blanks with a line break in them are the writer's indentation."""
    text: str = element.text or ""
    return "" if "\n" in text and not text.strip() else text


def _put_attributes(name: str, attributes: dict[str, str], data: Fields) -> None:
    for attribute, value in attributes.items():
        put(data, f"{name}_{attribute.rpartition('}')[2]}", value)


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every event of `evidence`; yields the bytes read since the last time."""
    groups = Groups(columns)
    with evidence.open() as stream:
        events = _Events(_in_utf8(stream), columns)
        for number, text in events:
            try:
                root, wrong = _tree(text)
                groups.add_event(*_event(root), text, number)
                if wrong:
                    reason = f"{wrong}; read as far as it can be understood"
                    columns.reject(f"event {number}", reason, 0, text[:200])
            except ValueError as error:
                columns.reject(f"event {number}", str(error), sample=text[:200])
            if not number % 512:
                groups.flush()
                read, events.read = events.read, 0
                yield read
    groups.flush()
    if events.head and not events.found:
        columns.reject("file", "no event in it", 0, events.head)
    yield events.read


read = reading(feed)


def _in_utf8(stream: Any) -> Readable:
    source = json_frames.in_utf8(stream)
    head = source.read(1024)
    declared = _DECLARED.search(head)
    name = declared[1].decode().lower() if declared else "utf-8"
    try:
        decoder = codecs.lookup(name)
    except LookupError:
        return Prefixed(head, source)
    if decoder.name in ("utf-8", "ascii") or decoder.name.startswith("utf-16"):
        return Prefixed(head, source)
    return json_frames.Recoded(Prefixed(head, source), decoder.name)


class _Events:
    """The events of a stream as text, with their numbers from 1."""

    def __init__(self, source: Readable, columns: Columns) -> None:
        self._source = source
        self._columns = columns
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._at = 0  # where the window begins in the text
        self._passed = 0  # characters before the text
        self.read = 0
        self.found = 0  # events, cut ones too
        self.head = ""

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while self._find_start():
            self.found = number = self.found + 1
            end = self._find_end()
            if end is None:
                place = f"event {number}, character {self._passed + self._at}"
                self._columns.reject(place, "cut off, or no event", 1, self._text[self._at :][:200])
                self._at += 1
                continue
            yield number, self._text[self._at : end]
            self._at = end

    def _more(self) -> bool:
        """Read on; what lies before the window is forgotten."""
        data = self._source.read(BLOCK)
        self.read += len(data)
        self._text = self._text[self._at :] + self._decoder.decode(data, not data)
        self._passed += self._at
        self._at = 0
        self.head = self.head or self._text[:200]
        return bool(data)

    def _find_start(self) -> bool:
        while not (found := _START.search(self._text, self._at)):
            self._at = max(self._at, len(self._text) - 100)
            if not self._more():
                return False
        self._at = found.start()
        return True

    def _find_end(self) -> int | None:
        """Where the event ends that begins the window; None where another one begins before, or nothing ends it."""
        searched = self._at + 1
        while not (found := _TAG.search(self._text, searched)):
            size = len(self._text) - self._at
            if size > MAX_EVENT or not self._more():
                return None
            searched = max(1, size - 100)
        return found.end() if found[0].startswith("</") else None

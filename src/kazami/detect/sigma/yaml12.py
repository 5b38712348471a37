"""YAML 1.2 as Sigma's specification has it, read from events so that no file can exhaust stack or memory.

``yes``, ``12:30`` and ``2024-01-01`` are text; so is ``00000429``, which would lose its zeros, and a fraction keeps
its spelling (`Written`). A key that stands twice in a map is an error, since one of the two would be lost. Tags other than those of
the core schema are errors. PyYAML's own composer recurses in C: a file of brackets ends the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from kazami.detect.sigma.fault import Fault

MOST_VALUES = 200_000  # of one document, aliases counted as often as they stand, long texts as several
_PER_VALUE = 64  # characters of a text that count as one value
DEEPEST = 50
_LONGEST_NUMBER = 400  # characters

_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)", re.ASCII)
_CORE = "tag:yaml.org,2002:"
_MERGE = object()


class Written(float):
    """A number with a fraction or an exponent, and how it was written: ``1.10`` is also the text "1.10"."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Written:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    @property
    def plain(self) -> bool:
        """Whether the number says as much as the text."""
        return repr(float(self)) == self.text


def bare(value: Any) -> Any:
    """The same value with plain numbers in the place of `Written` ones."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items()}
    if isinstance(value, list):
        return [bare(each) for each in value]
    return float(value) if isinstance(value, Written) else value


def as_text(value: Any) -> Any:
    """The same value with text in the place of `Written` numbers, but for those that plain numbers write alike."""
    if isinstance(value, dict):
        return {key: as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_text(each) for each in value]
    if isinstance(value, Written):
        return float(value) if value.plain else value.text
    return value


def documents(data: bytes) -> Iterator[Any]:
    """The documents of `data` one by one; a `Fault` in the place of each that cannot be had.

    Where the text is no YAML, a last `Fault` says so: what follows cannot be read.
    """
    try:
        parser = yaml.CSafeLoader(data)
    except (yaml.YAMLError, ValueError) as error:
        yield Fault(f"not YAML: {_said(error)}")
        return
    builder = _Builder()
    try:
        while True:
            event = parser.get_event()
            if event is None or isinstance(event, yaml.StreamEndEvent):
                return
            if isinstance(event, yaml.DocumentEndEvent):
                yield builder.fault or builder.root
                builder = _Builder()
            elif builder.fault is None:
                builder.take(event)
                if builder.too_deep:  # reading on would take the scanner ever longer
                    yield Fault(f"{builder.fault}; the rest of the file is not read")
                    return
    except (yaml.YAMLError, ValueError) as error:
        yield Fault(f"not YAML: {_said(error)}")
    finally:
        parser.dispose()


def _said(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem or error.context} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(error).split())[:300] or type(error).__name__


@dataclass(slots=True)
class _Open:
    """A collection that is not complete yet. For a map, `key` waits for its value once `has_key`."""

    content: dict[Any, Any] | list[Any]
    anchor: str | None
    size: int = 1
    has_key: bool = False
    key: Any = None
    merged: list[Any] = field(default_factory=list)


class _Builder:
    """Builds one document of events. After a fault, the rest of the document is passed over."""

    def __init__(self) -> None:
        self.root: Any = None
        self.fault: Fault | None = None
        self.too_deep = False
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}  # None while the collection is open

    def take(self, event: yaml.Event) -> None:
        """One event of the document."""
        try:
            self._take(event)
        except Fault as fault:
            mark = event.start_mark
            self.fault = Fault(f"{fault} (line {mark.line + 1})" if mark else str(fault))

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            value, size = _scalar(event), 1 + len(event.value) // _PER_VALUE
            if event.anchor:
                self._anchors[event.anchor] = value, size
            self._add(value, size)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Fault(f"'*{event.anchor}' stands for nothing")
            known = self._anchors[event.anchor]
            if known is None:
                raise Fault(f"'*{event.anchor}' contains itself")
            self._add(*known)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if event.tag not in (None, "!", f"{_CORE}map", f"{_CORE}seq"):
            raise Fault(f"the tag {event.tag} is not read")
        if len(self._open) >= DEEPEST:
            self.too_deep = True
            raise Fault(f"nested deeper than {DEEPEST}")
        self._open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
        if event.anchor:
            self._anchors[event.anchor] = None

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.content, dict):
            for below in done.merged:
                done.content = {**below, **done.content}
        if done.anchor:
            self._anchors[done.anchor] = done.content, done.size
        self._add(done.content, done.size)

    def _add(self, value: Any, size: int) -> None:
        if not self._open:
            self.root = None if value is _MERGE else value
            return
        into = self._open[-1]
        into.size += size
        if into.size > MOST_VALUES:
            raise Fault(f"larger than {MOST_VALUES} values, its aliases written out")
        if isinstance(into.content, list):
            into.content.append("<<" if value is _MERGE else value)
        elif not into.has_key:
            self._key(into, value)
        else:
            self._value(into, into.content, "<<" if value is _MERGE else value)

    def _key(self, into: _Open, value: Any) -> None:
        if isinstance(value, (dict, list)):
            raise Fault("a key of a map has to be text")
        if value is not _MERGE and value in into.content:
            raise Fault(f"the key '{value}' stands twice")
        into.key, into.has_key = value, True

    def _value(self, into: _Open, content: dict[Any, Any], value: Any) -> None:
        into.has_key = False
        if into.key is not _MERGE:
            content[into.key] = value
            return
        maps = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in maps):
            raise Fault("'<<' takes a map or a list of maps")
        into.merged.extend(maps)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    plain, _ = event.implicit
    if event.tag in (None, "!"):
        return _resolved(text) if plain and event.tag is None else text
    kind = event.tag.removeprefix(_CORE)
    if kind == "str":
        return text
    found = _resolved(text)
    wanted: dict[str, type | tuple[type, ...]] = {
        "int": int,
        "float": (int, float),
        "bool": bool,
        "null": type(None),
    }
    if kind not in wanted or not isinstance(found, wanted[kind]):
        raise Fault(f"the tag {event.tag} is not read here")
    return found


def _resolved(text: str) -> Any:
    """A plain scalar after the core schema of YAML 1.2; infinity and "not a number" stay text."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text == "<<":
        return _MERGE
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    return Written(text) if _FLOAT.fullmatch(text) else text

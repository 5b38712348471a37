"""JSON values that are not lines: arrays, exports with an array inside, pretty-printed objects one after the other."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from kazami.sources.json_frames import BLOCK, HEADING, MAX_VALUE, SEPARATORS, Block, Readable, Reject

#: Values of one block.
MAX_VALUES = 512

#: Names under which exports keep their list of events.
LISTS = ("Records", "records", "value", "events", "Events", "results", "logs", "data", "items", "entries")

_SCALAR = r'(?:"(?:[^"\\\n]|\\.)*"|[-+\d.eE]+|true|false|null)'
_FLAT = rf"(?:{_SCALAR}|\{{[^{{}}\n]{{0,500}}\}})"

#: What may come before the list; Splunk tells there which fields its results have.
_BEFORE = rf'(?:"(?:messages|fields)"\s*:\s*\[[^\[\]]{{0,12000}}\]|"[^"\\\n]*"\s*:\s*{_SCALAR})'

#: The start of an export: a few scalars, then the list. Elasticsearch wraps its hits twice.
_EXPORTS = (
    (1, re.compile(rf'\{{\s*(?:{_BEFORE}\s*,\s*){{0,16}}"(?:{"|".join(LISTS)})"\s*:\s*\[')),
    (
        2,
        re.compile(
            rf'\{{\s*(?:"[^"\\\n]*"\s*:\s*{_FLAT}\s*,\s*){{0,8}}"hits"\s*:\s*'
            rf'\{{\s*(?:"[^"\\\n]*"\s*:\s*{_FLAT}\s*,\s*){{0,8}}"hits"\s*:\s*\['
        ),
    ),
)
_OPENING = re.compile(r'\{\s*("[^"\\\n]{0,100}")')
_OBJECT = re.compile(r"\{")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]')
_NOT_SEPARATOR = re.compile(rf"[^{SEPARATORS}]")
_LOOKAHEAD = 1 << 14
_BEHIND = 1 << 16

#: Brackets that the decoder certainly follows, short of the limit of Python's stack.
_SURE_DEPTH = 500

_strict = json.JSONDecoder().raw_decode
_lenient = json.JSONDecoder(strict=False).raw_decode


class _Window:
    """Decoded text that moves over a stream."""

    def __init__(self, source: Readable, head: bytes, reject: Reject) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._reject = reject
        self._ended = False
        self.position = 0
        self.passed = 0  # characters before the window
        self.read = len(head)
        self.text = self._decoded(head)

    @property
    def place(self) -> int:
        """The position in the whole text, in characters."""
        return self.passed + self.position

    def more(self) -> bool:
        """Make the window longer, at least twice what is left in it; False at the end."""
        if self._ended:
            return False
        left = self.text[self.position :]
        data = self._source.read(max(BLOCK, min(len(left), MAX_VALUE)))
        self.passed += self.position
        self.position = 0
        self.read += len(data)
        self._ended = not data
        text = self._decoded(data)
        self.text = left + text
        return bool(text)

    def forget(self) -> None:
        """Drop what lies before the window, once that is much: an error in it costs as much as its place is far."""
        if self.position > _BEHIND:
            self.text = self.text[self.position :]
            self.passed += self.position
            self.position = 0

    def _decoded(self, data: bytes) -> str:
        text = self._decoder.decode(data, self._ended)
        if text.count("\ufffd") > data.count(b"\xef\xbf\xbd"):
            reason = "invalid UTF-8, read with U+FFFD in its place"
            self._reject(f"after character {self.passed}", reason, 0, "")
        return text

    def next(self) -> str:
        """The next character that separates nothing, with enough behind it to look at; "" at the end."""
        while True:
            found = _NOT_SEPARATOR.search(self.text, self.position)
            self.position = found.start() if found else len(self.text)
            if (not found or len(self.text) - self.position < _LOOKAHEAD) and self.more():
                continue
            if found and (heading := HEADING.match(self.text, self.position)):
                self.position = heading.end()
                continue
            return found[0] if found else ""

    def find(self, pattern: re.Pattern[str]) -> bool:
        """Move to the next match of `pattern`; to the end where there is none."""
        while not (found := pattern.search(self.text, self.position)):
            self.position = max(self.position, len(self.text) - 200)
            if not self.more():
                self.position = len(self.text)
                return False
        self.position = found.start()
        return True


def value_blocks(source: Readable, head: bytes, reject: Reject) -> Iterator[Block]:
    """The values of `head` and then of `source`; arrays are entered, their elements are the values."""
    window = _Window(source, head, reject)
    texts: list[str] = []
    numbers: list[int] = []
    size = 0
    for number, text in _each(window, reject):
        texts.append(text)
        numbers.append(number)
        size += len(text)
        if len(texts) >= MAX_VALUES or size >= BLOCK:
            read, window.read = window.read, 0
            yield Block(texts, numbers, read)
            texts, numbers, size = [], [], 0
    yield Block(texts, numbers, window.read)


def _each(window: _Window, reject: Reject) -> Iterator[tuple[int, str]]:
    number = 0
    arrays: list[int] = []  # of each open array: how many objects were opened around it
    while char := window.next():
        window.forget()
        if char == "]" and arrays:
            window.position += 1
            _close(window, arrays.pop(), reject)
            continue
        around, start = _array(window, char, not arrays)
        if start:
            arrays.append(around)
            window.position = start
            continue
        number += 1
        if (end := _value(window, number, reject)) is not None:
            yield number, window.text[window.position : end]
            window.position = end
    if arrays:
        reject(f"character {window.place}", "an array is not closed: the file may be cut", 0, "")


def _array(window: _Window, char: str, outermost: bool) -> tuple[int, int]:
    """Objects around an array that begins here, and where its first element is; 0 where none begins."""
    if char == "[":
        return 0, window.position + 1
    if char == "{" and outermost:
        for around, pattern in _EXPORTS:
            if found := pattern.match(window.text, window.position):
                return around, found.end()
    return 0, 0


def _close(window: _Window, around: int, reject: Reject) -> None:
    """Pass what an export says after its list, up to the end of its objects; more than a few scalars is noted."""
    if not around:
        return
    window.next()
    begun = '{"":' * (around - 1) + '{"":0' + ("," if window.text[window.position :][:1] == '"' else "")
    rest = begun + window.text[window.position : window.position + _LOOKAHEAD]
    try:
        found, end = _lenient(rest, 0)
    except (ValueError, RecursionError):
        return
    if any(isinstance(value, (dict, list)) and name for name, value in found.items()):
        reason = "what an export says around its list of events is not kept"
        reject(f"character {window.place}", reason, 0, rest[len(begun) : end])
    window.position += end - len(begun)


def _value(window: _Window, number: int, reject: Reject) -> int | None:
    """Where the value that begins here ends; None where it is broken: then the window has moved past it."""
    while True:
        try:
            end = _decoded(window)
            if end - window.position <= MAX_VALUE:
                return end
            reason, bad = f"longer than {MAX_VALUE >> 20} MiB", end
        except RecursionError:
            reason, bad = "nested too deeply", _deep(window)
        except json.JSONDecodeError as error:
            reason, bad = f"not JSON: {error.msg}", error.pos
            if _may_be_cut(error, len(window.text)):
                if len(window.text) - window.position > MAX_VALUE:
                    reason = f"longer than {MAX_VALUE >> 20} MiB"
                elif window.more():
                    continue
                else:
                    reason += " (cut off at the end)"
        text = window.text[window.position : window.position + 200]
        reject(f"value {number}, character {window.place}", reason, 1, text)
        _pass_broken(window, bad)
        return None


def _decoded(window: _Window) -> int:
    try:
        return int(_strict(window.text, window.position)[1])
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid control character"):
            raise
        try:
            return int(_lenient(window.text, window.position)[1])
        except json.JSONDecodeError:
            raise error from None  # a text that is not closed: where its line ends says more


def _may_be_cut(error: json.JSONDecodeError, length: int) -> bool:
    return error.msg.startswith("Unterminated string") or error.pos >= length - 12


def _deep(window: _Window) -> int:
    """Where a value that goes too deep has gone deep: what lies before was looked at, and counts as passed."""
    depth = 0
    for token in _TOKEN.finditer(window.text, window.position):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth >= _SURE_DEPTH:
            return token.start()
    return len(window.text)


def _pass_broken(window: _Window, bad: int) -> None:
    """Go on behind `bad`, at the next object that begins as the broken one does, or at the next at all.

    What lies before `bad` could be read, and so is part of the broken value: nothing is looked at twice.
    """
    found = _OPENING.match(window.text, window.position)
    window.position = max(bad, window.position + 1)
    window.find(re.compile(r"\{\s*" + re.escape(found[1])) if found else _OBJECT)

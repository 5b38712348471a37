"""JSON of every framing (lines, arrays, exports, pretty-printed) and of every kind of event that is known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from kazami.model.evidence import Evidence
from kazami.sources import json_frames, json_values
from kazami.sources.columns import Columns, reading
from kazami.sources.json_flat import json_text
from kazami.sources.json_frames import HEADING, SEPARATORS, Block, Reject
from kazami.sources.json_shape import Shapes

_EMPTY = frozenset(("", "[", "]", "{", "}"))
_BEGUN = re.compile(r'\{\s*["}]|\[\s*[{\[]')
_raw_decode = json.JSONDecoder(strict=False).raw_decode


def confidence(name: str, head: bytes) -> float:
    """By the first character that is not blank, by whether values can be decoded, and by the name."""
    text = _head_text(head)
    start = text.lstrip(SEPARATORS)
    start = HEADING.sub("", start, count=1).lstrip() if HEADING.match(start) else start
    if start[:1] not in ("{", "["):
        return 0.2 if name.lower().endswith((".json", ".jsonl", ".ndjson")) and "{" in start else 0.0
    try:
        value, _ = _raw_decode(start)
    except RecursionError:
        return 0.5
    except json.JSONDecodeError as error:
        # a value that is longer than the head is as good as a whole one
        cut = error.pos >= len(start) - 12 or error.msg.startswith("Unterminated")
        return 0.9 if cut and _BEGUN.match(start) else 0.3 if start[0] == "{" else 0.1
    bare = isinstance(value, list) and value and isinstance(value[0], int | float)
    return 0.1 if bare else 0.95  # a time in brackets, at the beginning of a line


def _head_text(head: bytes) -> str:
    encoding = "utf-8-sig"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif len(head) > 3 and head[1] == 0 == head[3] and head[0]:
        encoding = "utf-16-le"
    return head[: len(head) & ~1 if "16" in encoding else None].decode(encoding, "replace")


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every record of `evidence`; yields the bytes read since the last time."""

    def reject(place: str, reason: str, count: int, sample: str | bytes) -> None:
        columns.reject(place, reason, count, sample)

    shapes = Shapes(columns)
    with evidence.open() as stream:
        source = json_frames.in_utf8(stream)
        head = json_frames.first_lines(source)
        lines = json_frames.looks_like_lines(head)
        read = json_frames.line_blocks if lines else json_values.value_blocks
        if lines:
            shapes.local.learn(head.decode("utf-8", "replace").split("\n"))
        for block in read(source, head, reject):
            if not lines:
                shapes.local.learn(block.texts)
            _add(block, shapes, "line" if lines else "value", reject)
            shapes.flush()
            yield block.size


read = reading(feed)


def _add(block: Block, shapes: Shapes, unit: str, reject: Reject) -> None:
    add, loads = shapes.add, orjson.loads
    for number, text in zip(block.numbers, block.texts, strict=True):
        try:
            record = loads(text)
        except orjson.JSONDecodeError:
            record = None
        if type(record) is dict:
            add(record, text.rstrip("\r"), number)
        elif (stripped := text.strip(SEPARATORS)) not in _EMPTY:
            _add_odd(stripped, number, shapes, unit, reject)


def _add_odd(text: str, number: int, shapes: Shapes, unit: str, reject: Reject) -> None:
    """What is not one plain JSON object: several values on a line, a list, values beyond strict JSON."""
    position, found = 0, 0
    try:
        while position < len(text):
            value, end = _raw_decode(text, position)
            _add_value(value, text[position:end], number, shapes)
            found += 1
            while end < len(text) and text[end] in SEPARATORS:
                end += 1
            position = end
    except RecursionError:
        reject(f"{unit} {number}", "nested too deeply", 1, text[:200])
    except ValueError as error:
        message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        reject(f"{unit} {number}", f"not a JSON object: {message}", 1, text[position : position + 200])


def _add_value(value: Any, text: str, number: int, shapes: Shapes) -> None:
    if isinstance(value, dict):
        shapes.add(value, text, number)
        return
    if not isinstance(value, list) or not any(isinstance(element, dict) for element in value):
        raise ValueError(f"a {type(value).__name__} is no event")
    for element in value:
        if isinstance(element, dict):
            shapes.add(element, json_text(element), number)

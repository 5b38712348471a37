"""JSON lines: one finding a line, whole, in the words of `FindingRow` (RFC 8259, https://jsonlines.org)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import orjson

from kazami.model.result import FindingRow, Summary
from kazami.respond.text import safe_json


def dumps(value: Mapping[str, Any]) -> str:
    """`value` as one line of JSON without any character that a terminal would act on."""
    try:
        return safe_json(orjson.dumps(value).decode())
    except orjson.JSONEncodeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(value, separators=(",", ":"), default=str)


def write(findings: Iterable[FindingRow], summary: Summary, out: TextIO) -> int:
    """Write every finding to `out`; returns how many. One finding at a time is in memory."""
    count = 0
    for row in findings:
        out.write(dumps(row) + "\n")
        count += 1
    return count


def write_lines(lines: Iterable[str], out: TextIO) -> int:
    """Write findings that are JSON objects already, each the text of its row; returns how many."""
    count = 0
    for line in lines:
        out.write(safe_json(line) + "\n")
        count += 1
    return count

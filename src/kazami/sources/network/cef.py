"""ArcSight's Common Event Format and IBM's LEEF, alone on a line or behind a header of syslog.

After ArcSight's implementation standard, version 25, and "LEEF event components" of QRadar's documentation, versions 1.0 and 2.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kazami.model.evidence import Evidence
from kazami.sources import json_shape, syslog_line
from kazami.sources.columns import Columns, Plan, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import words
from kazami.sources.plan_cache import Names, hidden
from kazami.sources.syslog_line import Stamps

#: Characters before the format's own beginning, for syslog; and pairs of one extension.
MAX_PREFIX, MAX_PAIRS = 300, 500

_LEEF = ("leef", "device_vendor", "device_product", "device_version", "signature")
_TIMES = frozenset(("rt", "start", "end", "devTime", "eventtime"))
_BAR = re.compile(r"(?<!\\)\|")
_KEY = re.compile(r"(?:^|(?<=\s))([\w.\[\]-]{1,100})=")
_ESCAPE = re.compile(r"\\([\\=|nr])")
_HEADER = ("cef", "device_vendor", "device_product", "device_version", "signature", "name", "severity")
_TRAFFIC = frozenset(("src", "dst"))
_REQUEST = frozenset(("request", "requestMethod"))


def confidence(name: str, head: bytes) -> float:
    """Nearly certain where the first lines hold the format's beginning and its seven bars."""
    lines = [line for line in head[:16384].decode("utf-8", "replace").split("\n") if line.strip()][:5]
    found = [line for line in lines if parse(line) is not None]
    return 0.96 if found and len(found) * 2 >= len(lines) else 0.0


def parse(line: str) -> dict[str, Any] | None:
    """Header and extension of one line by name; None where it is not of this format."""
    start = line.find("CEF:", 0, MAX_PREFIX)
    if start < 0:
        return _leef(line)
    parts = _BAR.split(line[start + 4 :], 7)
    if len(parts) < 7:
        return None
    fields = {name: _plain(text.strip()) for name, text in zip(_HEADER, parts, strict=False)}
    return fields | _pairs(parts[7].rstrip()) if len(parts) > 7 else fields


def _leef(line: str) -> dict[str, str] | None:
    start = line.find("LEEF:", 0, MAX_PREFIX)
    parts = line[start + 5 :].split("|", 5) if start >= 0 else []
    if len(parts) < 6:
        return None
    fields, rest, separator = dict(zip(_LEEF, parts, strict=False)), parts[5], "\t"
    if parts[0].startswith("2"):
        told, bar, behind = rest.partition("|")
        if bar and len(told) <= 6:
            separator, rest = _separator(told), behind
    pairs = (pair.partition("=") for pair in rest.split(separator, MAX_PAIRS))
    return fields | {name.strip(): value.strip() for name, sign, value in pairs if sign}


def _separator(told: str) -> str:
    """One character, or its number in hexadecimal; a tab where none is told."""
    if len(told) == 1:
        return told
    number = told.lower().removeprefix("0x").removeprefix("x")
    return chr(int(number, 16)) if re.fullmatch("[0-9a-f]{1,4}", number) else "\t"


def _pairs(extension: str) -> dict[str, str]:
    found = list(_KEY.finditer(extension))[:MAX_PAIRS]
    stops = [*(key.start() for key in found[1:]), len(extension)][: len(found)]
    return {
        key[1]: _plain(extension[key.end() : stop].rstrip()) for key, stop in zip(found, stops, strict=True)
    }


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text)


def _plan(keys: tuple[str, ...], fields: dict[str, Any]) -> Plan:
    there = frozenset(keys)
    if _REQUEST & there:
        return words.plan("proxy", keys)
    if (found := words.plan_of(keys, fields)) is not None:
        return found
    return words.plan("firewall", keys) if there >= _TRAFFIC else json_shape.generic(keys, "cef")


def _header_time(line: str, stamps: Stamps) -> int | None:
    """What the header of syslog says, for events that say nothing themselves."""
    header = syslog_line.parse(line[:MAX_PREFIX])
    return None if header is None else stamps.micros(header.time)


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every line of `evidence`; yields the bytes read since the last time."""
    known, stamps = Names(), Stamps(evidence.modified)
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.rstrip("\r\0")
                fields = parse(line)
                if fields is not None:
                    if not _TIMES & fields.keys() and (time := _header_time(line, stamps)) is not None:
                        fields["#time"] = time
                    keys = hidden((*fields,), known.surplus("cef", (*fields,)))
                    columns.add(_plan(keys, fields), (*fields.values(),), line, number)
                elif line.strip():
                    columns.reject(f"line {number}", "not of the Common Event Format, nor LEEF", 1, line)
            yield block.size


read = reading(feed)

"""What firewalls and gateways of private networks write in lines: Fortinet's and others' pairs of key and value, Palo Alto's CSV, messages of Cisco ASA, Ivanti and OpenVPN.

Lines with a header of syslog come from `kazami.sources.syslog`; this source reads files of lines without one. A connection becomes a `flow`; a session of a private network an event of
the table `vpn`, whose `Action` is accepted, failed, assigned or closed. Lines of these appliances that are neither stay syslog,
or pairs. What the formats are after is said in ``appliance.yml``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from kazami.model.evidence import Evidence
from kazami.sources import mapping
from kazami.sources.columns import Columns, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import openvpn_status, words
from kazami.sources.plan_cache import Names, hidden
from kazami.sources.syslog_line import parse

#: Characters of a line that are looked at, pairs of one line, and pairs that make a line one of pairs.
MAX_LINE, MAX_PAIRS, LEAST_PAIRS = 1 << 16, 300, 6

_PAIR = re.compile(r'(?:^|(?<=[\s,;]))([A-Za-z_][\w.-]{0,63})=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*))')
_PALOALTO = re.compile(
    r"[^,]{0,40},\d{4}/\d\d/\d\d \d\d:\d\d:\d\d,[^,]{0,40},(TRAFFIC|GLOBALPROTECT|SYSTEM),"
)
_OWN = re.compile(r"(?:<\d{1,3}>)?(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: us=\d{1,6})? (?:- \S{1,64} - )?)?")
_ACTIONS = ("accepted", "failed", "assigned", "closed")


class Said(NamedTuple):
    """What a line says: a kind of ``words.yml`` ("" where it is told by its names), and its fields."""

    kind: str
    fields: dict[str, Any]


def said(program: str | None, message: str) -> Said | None:
    """What a message says, without its header of syslog; `program` is in lower case. None where it is of no appliance."""
    if program is not None and program not in _programs():
        if program[:1] != "%":
            return None
        message, program = f"{program.upper()}: {message}", None
    message = message[:MAX_LINE]
    if (found := _PALOALTO.match(message)) is not None:
        return _paloalto(message, found[1])
    pairs = _pairs(message)
    if pairs:
        kind = _kind_of(pairs)
        if kind == "vpn":
            told = _told(program, pairs.get("msg", ""))
            return Said(kind, pairs | (told[1] if told else {}))
        return Said(kind, pairs)
    return _told(program, message)


def _pairs(message: str) -> dict[str, Any]:
    """The pairs of a line that consists of them; empty where it does not."""
    if message.count("=") < LEAST_PAIRS:
        return {}
    found: dict[str, Any] = {}
    covered = 0
    for number, pair in enumerate(_PAIR.finditer(message)):
        if number == MAX_PAIRS:
            break
        covered += pair.end() - pair.start() + 1
        value = pair[2] if pair[2] is not None else pair[3]
        if value not in ("", "N/A"):
            found.setdefault(pair[1], value)
    if len(found) < LEAST_PAIRS or covered * 10 < len(message) * 8:
        return {}
    if "date" in found and "time" in found:
        found["#time"] = f"{found['date']} {found['time']}{found.get('tz', '')}"
    return found


def _kind_of(pairs: dict[str, Any]) -> str:
    """``vpn`` for sessions of private networks, else what the names say."""
    return (
        "vpn"
        if "vpn" in (pairs.get("subtype"), pairs.get("type"), pairs.get("log_component", "").lower()[-3:])
        else ""
    )


def _paloalto(message: str, kind: str) -> Said | None:
    cells = next(csv.reader((message,)), [])[3:]
    names: Sequence[str] = mapping.load("network/appliance.yml")["paloalto"][kind]
    found = {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}
    if "generate_time" in found:
        found["#time"] = found["generate_time"]
    if kind == "SYSTEM":
        told = _told(None, found.pop("#message", ""))
        return None if told is None else Said("vpn", found | told[1])
    found.pop("#type", None)
    return Said("firewall" if kind == "TRAFFIC" else "vpn", found)


@cache
def _programs() -> frozenset[str]:
    return frozenset().union(*(programs for _, programs, _, _ in _messages()))


@cache
def _messages() -> list[tuple[str, frozenset[str], re.Pattern[str], list[re.Pattern[str]]]]:
    return [
        (
            one["product"],
            frozenset(one.get("programs", ())),
            re.compile(one["mark"]),
            [re.compile(pattern) for pattern in one["patterns"]],
        )
        for one in mapping.load("network/appliance.yml")["messages"]
    ]


def _told(program: str | None, message: str) -> Said | None:
    for product, programs, mark, patterns in _messages():
        if (program is not None and program not in programs) or not mark.search(message):
            continue
        for pattern in patterns:
            if found := pattern.search(message):
                fields = {name: text for name, text in found.groupdict().items() if text}
                action = next((name for name in _ACTIONS if fields.pop(name, None)), None)
                return Said("vpn", fields | {"Action": action, "product": product, "message": message})
    return None


def confidence(name: str, head: bytes) -> float:
    """By how many of the first lines are of appliances and have no header of syslog; status files of OpenVPN are certain."""
    if b"\0" in head[:1024]:
        return 0.0
    if openvpn_status.is_status(head):
        return 1.0
    lines = head[:16384].decode("utf-8", "replace").split("\n")
    sample = [line for line in (lines[:-1] if len(head) > 16384 else lines) if line.strip()][:20]
    known = sum(parse(line) is None and _bare(line.rstrip("\r"))[1] is not None for line in sample)
    return 0.5 + 0.45 * known / len(sample) if sample and 4 * known > len(sample) else 0.0


def _bare(line: str) -> tuple[str | None, Said | None]:
    """Time as text, and what a line without a header of syslog says."""
    own = _OWN.match(line)
    return (own[1], said(None, line[own.end() :])) if own else (None, None)


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every line of `evidence`; yields the bytes read since the last time."""
    names, status = Names(), openvpn_status.Status()
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.rstrip("\r\0")
                told = status.take(line)
                if told:
                    add(columns, names, Said("vpn", told), line, number)
                elif told is None and line.strip():
                    time, found = _bare(line)
                    found = found or Said("appliance", {"message": line})
                    found.fields.setdefault("#time", time)
                    add(columns, names, found, line, number)
            yield block.size


def add(columns: Columns, names: Names, found: Said, raw: str, number: int) -> None:
    """Hand on what a line says."""
    fields = {name: value for name, value in found.fields.items() if value is not None}
    keys = hidden((*fields,), names.surplus(found.kind or "pairs", (*fields,)))
    plan = words.plan(found.kind, keys) if found.kind else words.plan_of(keys, fields)
    columns.add(plan or words.plan("appliance", keys), (*fields.values(),), raw, number)


read = reading(feed)

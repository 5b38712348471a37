"""Syslog: lines of `syslog_line`, and what they carry: audit records, events of Sysmon for Linux.

Every line belongs to product linux with the service of its program, to ``syslog``, and where it is about identity to
``auth``. Its message is a field; what the messages of some programs say is in further fields, after ``syslog.yml``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from kazami.model.event import LogSource, Route
from kazami.model.evidence import Evidence
from kazami.sources import auditd, mapping, windows
from kazami.sources.columns import Column, Columns, Plan, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import appliance
from kazami.sources.syslog_line import Line, Stamps, parse

#: Characters of a message in which fields are looked for.
MAX_MESSAGE = 1 << 14

_AUDIT = re.compile(
    r"(?:\[[ \d.]{1,20}\] )?(?=audit: type=|type=\S{1,40} (?:msg=)?audit\(|node=\S{1,255} type=)"
)


def confidence(name: str, head: bytes) -> float:
    """By how many of the first lines have a header of syslog."""
    lines = in_utf8(io.BytesIO(head[:16384])).read(16384).decode("utf-8", "replace").split("\n")
    whole = [line.strip("\0\r") for line in (lines[:-1] if len(head) > 16384 else lines)]
    sample = [line for line in whole if line.strip()][:10]
    known = sum(parse(line) is not None for line in sample)
    return 0.5 + 0.4 * known / len(sample) if sample and 2 * known >= len(sample) else 0.0


class _Reader:
    """The lines of one file on their way to the columns."""

    def __init__(self, evidence: Evidence, columns: Columns) -> None:
        self._columns = columns
        self._stamps = Stamps(_reference(evidence))
        self._audit = auditd.Reader(columns)
        self._last: tuple[int | None, Line] | None = None
        self._appliances = appliance.Lines(columns)
        self._forwards: dict[str | None, str] = {}
        for kind in ("audit", "sysmon"):
            self._forwards.update(dict.fromkeys(mapping.load("syslog.yml")[kind], kind))

    def add(self, raw: str, number: int) -> None:
        """Take one line; a line without a header goes on with the line before it."""
        line = parse(raw)
        if line is not None:
            time = self._stamps.micros(line.time)
            self._last = time, line
        elif self._last is not None:
            time, before = self._last
            line = before._replace(message=raw)
        else:
            self._columns.reject(f"line {number}", "no header of syslog, and no line before it", sample=raw)
            return
        program = None if line.program is None else _program(line.program)
        forwards = self._forwards.get(program)
        if forwards is not None and self._forwarded(forwards, line, raw, number):
            return
        if (said := appliance.said(program, line.message, line.data, line.message_id)) is not None:
            said.fields.setdefault("#time", time)
            said.fields.setdefault("devname", line.host)
            self._appliances.add(said, raw, number)
        else:
            self._put(line, program, time, raw, number)

    def finish(self) -> None:
        """Hand on what waited."""
        self._audit.finish()
        self._appliances.finish()

    def _forwarded(self, kind: str, line: Line, raw: str, number: int) -> bool:
        """Whether the message was a record of another kind, and was taken."""
        if kind == "sysmon":
            return line.message.startswith("<Event") and self._sysmon(line.message, raw, number)
        begin = _AUDIT.match(line.message)
        return begin is not None and self._audit.add(line.message[begin.end() :], number, line.host, raw)

    def _sysmon(self, message: str, raw: str, number: int) -> bool:
        from kazami.sources import xml

        found = xml.parse_event(message)
        if found is None:
            self._columns.reject(
                f"line {number}", "an event of Sysmon that is cut or broken, kept as text", 0
            )
            return False
        system, data = found
        channel, provider, event_id = (
            system[windows.SYSTEM.index(n)] for n in ("Channel", "Provider_Name", "EventID")
        )
        chosen = windows.values_of(data, windows.discriminator(channel, event_id))
        plan = windows.plan(channel, provider, event_id, tuple(data), chosen, record_is_id=False)
        self._columns.add(plan, (*system, *data.values()), raw, number)
        return True

    def _put(self, line: Line, program: str | None, time: int | None, raw: str, number: int) -> None:
        facility, severity = _names(line.priority)
        fields: dict[str, Any] = {
            "message": line.message,
            "program": line.program,
            "pid": line.pid,
            "hostname": line.host,
            "facility": facility,
            "severity": severity,
            "msgid": line.message_id,
            "structured_data": line.data,
            **_said(program, line.message),
        }
        keys = tuple(name for name, value in fields.items() if value is not None)
        cells = (time, *(fields[name] for name in keys))
        self._columns.add(plan(keys, program, facility), cells, raw, number)


def _reference(evidence: Evidence) -> int | None:
    """When the file was last written: its times without a year are not later."""
    if evidence.modified is not None or evidence.path is None:
        return evidence.modified
    return evidence.path.stat().st_mtime_ns // 1000


@lru_cache(4096)
def _program(name: str) -> str:
    """``cron`` of ``/usr/sbin/CRON``."""
    return name.rpartition("/")[2].lower()


@lru_cache(256)
def _names(priority: int | None) -> tuple[str | None, str | None]:
    if priority is None:
        return None, None
    whole = mapping.load("syslog.yml")
    return whole["facilities"][priority >> 3], whole["severities"][priority & 7]


@cache
def _patterns() -> dict[str | None, list[re.Pattern[str]]]:
    messages = mapping.load("syslog.yml")["messages"]
    return {program: [re.compile(pattern) for pattern in patterns] for program, patterns in messages.items()}


def _said(program: str | None, message: str) -> dict[str, str]:
    """The fields in a message."""
    for pattern in _patterns().get(program, ()):
        if found := pattern.match(message[:MAX_MESSAGE]):
            return {name: value for name, value in found.groupdict().items() if value}
    return {}


@lru_cache(4096)
def plan(keys: tuple[str, ...], program: str | None, facility: str | None) -> Plan:
    """The plan of lines with a time and these fields, written by `program` (in lower case)."""
    whole = mapping.load("syslog.yml")
    cells = {name: index for index, name in enumerate(keys, 1)}
    service = next((name for name, programs in whole["services"].items() if program in programs), None)
    projections: tuple[Plan, ...] = ()
    process = whole["processes"].get(service)
    if process and "CommandLine" in cells and process.get("unless") not in cells:
        made = (mapping.column(name, spec, cells) for name, spec in process["fields"].items())
        route = Route("process_creation", (LogSource("linux", "process_creation", None),), True)
        projections = (_plan(route, tuple(c for c in made if c is not None), cells),)
    columns = tuple(Column(name, (index,)) for name, index in cells.items())
    return _plan(_route(service, program, facility), columns, cells, projections)


def _route(service: str | None, program: str | None, facility: str | None) -> Route:
    auth = mapping.load("syslog.yml")["auth"]
    services = [service, "syslog"]
    if program in auth["programs"] or facility in auth["facilities"]:
        services.append("auth")
    if facility == "cron" and service is None:
        services[0] = "cron"
    named = [name for name in services if name]
    return Route(named[0], tuple(LogSource("linux", None, name) for name in named))


def _plan(
    route: Route, columns: tuple[Column, ...], cells: dict[str, int], projections: tuple[Plan, ...] = ()
) -> Plan:
    whole = mapping.load("syslog.yml")
    return Plan(
        route,
        columns,
        0,
        host=mapping.column("host", whole["host"], cells),
        user=mapping.column("user", whole["user"], cells),
        projections=projections,
    )


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every line of `evidence`; yields the bytes read since the last time."""
    reader = _Reader(evidence, columns)
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.strip("\r\0")
                if line.strip():
                    reader.add(line, number)
            yield block.size
    reader.finish()


read = reading(feed)

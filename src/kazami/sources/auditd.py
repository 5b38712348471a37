"""The Linux audit log: ``audit.log`` and what ``ausearch`` prints.

Every record is an event of its own, addressed by `type`, as Sigma's rules for auditd want it. Beyond that, a
SYSCALL that ran a program feeds ``process_creation`` with what the records of its event say together, a PATH that was
created or deleted feeds ``file_event`` and ``file_delete``, an address that was connected to ``network_connection``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kazami.model.event import LogSource, Route
from kazami.model.evidence import Evidence
from kazami.sources import mapping
from kazami.sources.audit_event import Events
from kazami.sources.audit_record import Record, parse, system_call
from kazami.sources.columns import Column, Columns, Plan, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks

#: Names of fields of one file; records that bring others keep them in `raw` only.
MAX_NAMES = 2000

_LINE = re.compile(rb"^(?:node=\S+ )?type=\S+ msg=audit\(", re.MULTILINE)
_MARKS = ("----", "time->")


def confidence(name: str, head: bytes) -> float:
    """Nearly certain where the first lines are records."""
    start = head[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe\r\n -")
    if start.startswith(b"time->"):
        start = start.partition(b"\n")[2]
    return 0.95 if _LINE.match(start) else 0.0


class Reader:
    """Takes audit records, whatever they come in, and hands them on to `columns`."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._events = Events()
        self._names: set[str] = set()
        self._full = False

    def add(self, text: str, number: int, host: str | None = None, raw: str | None = None) -> bool:
        """Take one record; False where `text` is none. `host` sent it, and `raw` is the line it came in, if known."""
        record, line = parse(text), raw or text
        if record is None:
            return False
        hidden, category, waits = self._events.take(record)
        own = self._own_fields(record, number)
        own["#host"] = host
        if waits:
            self._events.hold(record, (category, own, record, line, number))
        else:
            self._put(category, own | hidden, record, line, number)
        if (done := self._events.complete(record)) is not None:
            self._put_held(*done)
        return True

    def finish(self) -> None:
        """Hand on what still waited for the rest of its event."""
        for waiting, hidden in self._events.rest():
            self._put_held(waiting, hidden)

    def _own_fields(self, record: Record, number: int) -> dict[str, Any]:
        fields: dict[str, Any] = {"type": record.type}
        if record.node is not None:
            fields["node"] = record.node
        new = record.fields.keys() - self._names
        if new and len(self._names) + len(new) > MAX_NAMES:
            if not self._full:
                self._full = True
                self._columns.reject(
                    f"line {number}", f"more than {MAX_NAMES} names of fields, kept in raw only", 0
                )
            fields.update((n, v) for n, v in record.fields.items() if n in self._names)
        else:
            self._names |= new
            fields.update(record.fields)
        if record.type == "SYSCALL" and "SYSCALL" not in fields and (call := system_call(record.fields)):
            fields["SYSCALL"] = call
        return fields

    def _put_held(self, waiting: Any, hidden: dict[str, str | None]) -> None:
        category, own, record, line, number = waiting
        self._put(category, own | hidden, record, line, number)

    def _put(self, category: str, fields: dict[str, Any], record: Record, line: str, number: int) -> None:
        keys = tuple(name for name, value in fields.items() if value is not None)
        cells = (record.time, *(fields[name] for name in keys))
        self._columns.add(plan(keys, category), cells, line, number)


@lru_cache(4096)
def plan(keys: tuple[str, ...], category: str) -> Plan:
    """The plan of records with a time and these fields; `category` is what they feed besides, "" for nothing."""
    whole = mapping.load("auditd.yml")
    cells = {name: index for index, name in enumerate(keys, 1)}
    columns = tuple(Column(name, (index,)) for name, index in cells.items() if name[0] != "#")
    projections: tuple[Plan, ...] = ()
    if category:
        fed = (mapping.column(name, spec, cells) for name, spec in whole["feeds"][category].items())
        route = Route(category, (LogSource("linux", category, None),), True)
        projections = (_plan(route, tuple(c for c in fed if c is not None), cells),)
    return _plan(Route("auditd", (LogSource("linux", None, "auditd"),)), columns, cells, projections)


def _plan(
    route: Route, columns: tuple[Column, ...], cells: dict[str, int], projections: tuple[Plan, ...] = ()
) -> Plan:
    whole = mapping.load("auditd.yml")
    return Plan(
        route,
        columns,
        0,
        host=mapping.column("host", whole["host"], cells),
        user=mapping.column("user", whole["user"], cells),
        logon_id=mapping.column("logon_id", whole["logon_id"], cells),
        projections=projections,
    )


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every record of `evidence`; yields the bytes read since the last time."""
    reader = Reader(columns)
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, line in zip(block.numbers, block.texts, strict=True):
                line = line.strip("\r\0")
                if line.strip() and not reader.add(line, number) and not line.startswith(_MARKS):
                    columns.reject(f"line {number}", "not an audit record", sample=line)
            yield block.size
    reader.finish()


read = reading(feed)

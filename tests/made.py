"""Small evidence, and one file of rules, made for tests of the whole: the same few events in any form.

Event `n` is the start of a process at 2024-05-01 10:00:00 UTC and `n` seconds; every third is `whoami.exe`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape

import evtx_writer
from kazami import pipeline
from kazami.config import Settings
from kazami.store.case import Case
from kazami.store.read import findings
from kazami.store.summary import summary

START = datetime(2024, 5, 1, 10, tzinfo=UTC)
CHANNEL, PROVIDER = "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon"
WHOAMI, NOTEPAD = r"C:\Windows\System32\whoami.exe", r"C:\Windows\notepad.exe"

WHO, CALM = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
OFTEN = "33333333-3333-4333-8333-333333333333"

RULES = rf"""
title: Whoami Was Started
id: {WHO}
name: whoami
status: stable
description: Somebody asks who they are.
author: Kazami authors
references: [https://example.org/whoami]
tags: [attack.discovery, attack.t1033]
logsource: {{product: windows, category: process_creation}}
detection:
  asked: {{Image|endswith: '\whoami.exe'}}
  condition: asked
falsepositives: [Scripts of administrators]
level: high
---
title: Never There
id: {CALM}
logsource: {{product: windows, category: process_creation}}
detection:
  asked: {{Image|endswith: '\mimikatz.exe'}}
  condition: asked
level: critical
"""

OFTEN_RULE = f"""
title: Whoami Often
id: {OFTEN}
correlation: {{type: event_count, rules: [whoami], group-by: [Computer], timespan: 1h, condition: {{gte: 2}}}}
generate: true
level: medium
"""


def event(number: int, **fields: Any) -> dict[str, Any]:
    """An event as flat JSON; `fields` replace its own, None takes one away."""
    made = {
        "EventID": 1,
        "Channel": CHANNEL,
        "SourceName": PROVIDER,
        "Computer": "WS01.example.test",
        "TimeCreated": (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "RecordNumber": number + 1,
        "Image": WHOAMI if number % 3 == 0 else NOTEPAD,
        "CommandLine": f"run {number}",
        "User": r"EXAMPLE\alice",
    }
    return {name: value for name, value in {**made, **fields}.items() if value is not None}


def events(*numbers: int, **fields: Any) -> list[dict[str, Any]]:
    """Events of these numbers."""
    return [event(number, **fields) for number in numbers]


def lines(made: Iterable[dict[str, Any]]) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in made)


_SYSTEM = ("EventID", "Channel", "SourceName", "Computer", "TimeCreated", "RecordNumber")


def evtx(made: Iterable[dict[str, Any]]) -> bytes:
    """The same as an EVTX file."""
    return evtx_writer.write(
        [
            {
                "System": {
                    "Provider": one["SourceName"],
                    "EventID": one["EventID"],
                    "Channel": one["Channel"],
                    "Computer": one["Computer"],
                    "TimeCreated": datetime.fromisoformat(one["TimeCreated"]),
                    "EventRecordID": one["RecordNumber"],
                },
                "EventData": {name: value for name, value in one.items() if name not in _SYSTEM},
            }
            for one in made
        ]
    )


def xml(made: Iterable[dict[str, Any]]) -> bytes:
    """The same as XML, as evtx_dump writes it."""
    parts = ['<?xml version="1.0" encoding="utf-8"?>']
    for one in made:
        data = "".join(
            f'<Data Name="{name}">{escape(str(value))}</Data>'
            for name, value in one.items()
            if name not in _SYSTEM
        )
        parts.append(
            f"""<Event xmlns="{evtx_writer.EVENT_XMLNS}"><System><Provider Name="{one["SourceName"]}"/>
            <EventID>{one["EventID"]}</EventID><TimeCreated SystemTime="{one["TimeCreated"]}"/>
            <EventRecordID>{one["RecordNumber"]}</EventRecordID><Channel>{one["Channel"]}</Channel>
            <Computer>{one["Computer"]}</Computer></System><EventData>{data}</EventData></Event>"""
        )
    return "\n".join(parts).encode()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    """A zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


S = TypeVar("S")


class Watcher:
    """An observer that remembers; with `stop` it raises KeyboardInterrupt when it was told of so many results."""

    def __init__(self, stop: int | None = None) -> None:
        self.files = self.size = self.read = self.events = self.findings = self.told = 0
        self.names: list[str] = []
        self._stop = stop

    def begin(self, files: int, size: int) -> None:
        self.files, self.size = files, size

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        self.read += size
        self.events += events
        self.findings += findings
        self.names.append(name)
        self.told += 1
        if self.told == self._stop:
            raise KeyboardInterrupt

    def tick(self) -> None:
        pass


@dataclass(frozen=True)
class Figures:
    """What a case comes to: by these, two cases are the same."""

    events: int
    duplicates: int
    rejects: int
    findings: tuple[str, ...]
    read: tuple[
        tuple[str, str, int], ...
    ]  # which copy of an event counts depends on the worker that came first
    evidence: tuple[tuple[str, str, int, int], ...] = field(compare=False)

    @property
    def found(self) -> int:
        """How many findings."""
        return len(self.findings)


def figures(case: Path) -> Figures:
    """Of the case in the folder `case`."""
    with Case.open(case, read_only=True) as opened:
        told = summary(opened)
        uids = sorted(row["finding_uid"] for row in findings(opened))
    evidence = sorted((row.name, row.state, row.events, row.duplicates) for row in told.evidence)
    read = tuple((name, state, events + duplicates) for name, state, events, duplicates in evidence)
    return Figures(told.events, told.duplicates, told.rejected_records, tuple(uids), read, tuple(evidence))


def ask(case: Path, query: str) -> list[dict[str, Any]]:
    """The rows of a question."""
    with Case.open(case, read_only=True) as opened:
        _, batches = opened.sql(query)
        return [row for batch in batches for row in batch.to_pylist()]


class Bench:
    """A folder with evidence, rules, and cases; scans of it without any pack."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.evidence = folder / "evidence"
        self.evidence.mkdir()
        self.rules = folder / "rules.yml"
        self.rules.write_text(RULES)
        self.case = folder / "case"
        self.settings = Settings(packs=(), cache=cache)

    def put(self, name: str, content: bytes | Sequence[dict[str, Any]]) -> Path:
        """A file of evidence; events become JSON lines."""
        path = self.evidence / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else lines(content))
        return path

    def request(self, *evidence: Path, **more: Any) -> pipeline.Request:
        """A scan of `evidence`, by default of all there is."""
        given = {"case": self.case, "rules": [self.rules], "settings": self.settings, **more}
        return pipeline.Request(evidence=evidence or (self.evidence,), **given)

    def scan(self, *evidence: Path, observer: Watcher | None = None, **more: Any) -> pipeline.Result:
        """Carry it out."""
        return pipeline.scan(self.request(*evidence, **more), observer or Watcher())

    def figures(self) -> Figures:
        """Of the case."""
        return figures(self.case)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Ask the case."""
        return ask(self.case, query)

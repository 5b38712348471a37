"""The forms in which the evidence is handed over: evtx_dump's JSON lines, Winlogbeat's, and Defender's table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from story import fields
from story.machine import SECURITY, Machine, Process, Record

GUIDS = {
    "Microsoft-Windows-Sysmon": "5770385F-C22A-43E0-BF4C-06F5698FFBD9",
    "Microsoft-Windows-Security-Auditing": "54849625-5478-4994-A5BA-3E3B0328C30D",
    "Microsoft-Windows-Eventlog": "FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148",
    "Microsoft-Windows-PowerShell": "A0C1853B-5C40-4B15-8766-3CF1C58F985A",
    "Microsoft-Windows-Windows Defender": "11CD958A-C507-4EF3-B3F2-5FD9DFBD2C78",
    "Service Control Manager": "555908D1-A6D7-4695-8E1E-26931D2012F4",
}
NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
CLEARED = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"
VERSIONS = {1: 5, 3: 5, 4624: 2, 4688: 2, 5140: 1}


def numbered(machine: Machine) -> list[tuple[int, Record]]:
    """All records of a machine in order of time, each with its number in its own log."""
    last: dict[str, int] = {}
    result = []
    for record in sorted(machine.records, key=lambda r: r.time):
        start = 1000 + 37 * len(machine.name + record.channel)
        last[record.channel] = last.get(record.channel, start) + 1
        result.append((last[record.channel], record))
    return result


def evtx_dump(machine: Machine, *channels: str) -> str:
    """JSON lines in the shape of `evtx_dump -o jsonl`; all channels where none is named."""
    lines = [
        _line(
            {
                "Event": {"#attributes": {"xmlns": NAMESPACE}, "System": _system(machine, number, record)}
                | _body(record)
            }
        )
        for number, record in numbered(machine)
        if not channels or record.channel in channels
    ]
    return "".join(lines)


def _system(machine: Machine, number: int, record: Record) -> dict[str, Any]:
    guid = GUIDS.get(record.provider)
    provider = {"Name": record.provider} | ({"Guid": guid} if guid else {})
    classic = record.provider in ("ESENT", "Service Control Manager")
    return {
        "Provider": {"#attributes": provider},
        "EventID": {"#attributes": {"Qualifiers": 0}, "#text": record.event} if classic else record.event,
        "Version": VERSIONS.get(record.event, 0),
        "Level": 0 if record.channel == SECURITY else 4,
        "Task": record.event if record.event < 30 else 0,
        "Opcode": 0,
        "Keywords": _keywords(record),
        "TimeCreated": {"#attributes": {"SystemTime": _iso(record.time)}},
        "EventRecordID": number,
        "Correlation": None,
        "Execution": {
            "#attributes": {"ProcessID": 2184 if record.channel != SECURITY else 668, "ThreadID": 3012}
        },
        "Channel": record.channel,
        "Computer": machine.full_name,
        "Security": {"#attributes": {"UserID": record.sid}} if record.sid else None,
    }


def _keywords(record: Record) -> str:
    if record.channel != SECURITY:
        return "0x8000000000000000"
    return "0x8010000000000000" if record.event == 4625 else "0x8020000000000000"


def _body(record: Record) -> dict[str, Any]:
    if record.user_data:
        return {"UserData": {record.user_data: {"#attributes": {"xmlns": CLEARED}} | dict(record.data)}}
    if isinstance(record.data, list):
        return {"EventData": {"Data": {"#text": record.data}, "Binary": None}}
    return {"EventData": record.data}


def winlogbeat(machine: Machine) -> str:
    """JSON lines as Winlogbeat 8 ships them."""
    return "".join(_line(_beat(machine, number, record)) for number, record in numbered(machine))


def _beat(machine: Machine, number: int, record: Record) -> dict[str, Any]:
    guid = GUIDS.get(record.provider)
    winlog = {
        "channel": record.channel,
        "provider_name": record.provider,
        "event_id": str(record.event),
        "record_id": number,
        "computer_name": machine.full_name,
        "process": {"pid": 2184, "thread": {"id": 3012}},
        "api": "wineventlog",
        "event_data": {name: _text(value) for name, value in dict(record.data).items()},
    }
    return {
        "@timestamp": f"{_iso(record.time)[:23]}Z",
        "event": {"code": str(record.event), "kind": "event", "provider": record.provider},
        "host": {"name": machine.full_name},
        "agent": {"type": "winlogbeat", "version": "8.15.3", "name": machine.name},
        "ecs": {"version": "8.0.0"},
        "winlog": winlog | ({"provider_guid": f"{{{guid}}}"} if guid else {}),
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


COLUMNS = [
    "Timestamp",
    "DeviceId",
    "DeviceName",
    "ActionType",
    "FileName",
    "FolderPath",
    "SHA256",
    "MD5",
    "ProcessVersionInfoCompanyName",
    "ProcessVersionInfoProductName",
    "ProcessVersionInfoOriginalFileName",
    "ProcessVersionInfoFileDescription",
    "ProcessId",
    "ProcessCommandLine",
    "ProcessIntegrityLevel",
    "ProcessCreationTime",
    "AccountDomain",
    "AccountName",
    "AccountSid",
    "LogonId",
    "InitiatingProcessFileName",
    "InitiatingProcessFolderPath",
    "InitiatingProcessId",
    "InitiatingProcessCommandLine",
    "InitiatingProcessAccountDomain",
    "InitiatingProcessAccountName",
    "ReportId",
]


def device_process_events(processes: Iterable[Process]) -> str:
    """The table DeviceProcessEvents as Defender's advanced hunting exports it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for number, process in enumerate(sorted(processes, key=lambda p: p.time), 1):
        table.writerow(_row(number, process))
    return text.getvalue()


def _row(number: int, process: Process) -> list[str]:
    session, program = process.session, process.program
    sysmon = fields.process(process)
    md5, sha256, _ = (part.split("=")[1].lower() for part in sysmon["Hashes"].split(","))
    time, account = f"{_iso(process.time)[:23]}Z", session.account
    parent, parent_line = sysmon["ParentImage"], sysmon["ParentCommandLine"]
    domain, user = sysmon["ParentUser"].split("\\")
    return [
        *(
            time,
            sha256[:40],
            session.machine.full_name,
            "ProcessCreated",
            program.name,
            program.path,
            sha256,
            md5,
        ),
        *(
            program.company,
            program.product,
            program.original,
            program.description,
            str(process.pid),
            process.line,
        ),
        *(sysmon["IntegrityLevel"], time, account.domain, account.name, account.sid, str(session.logon_id)),
        *(parent.rsplit("\\", 1)[-1], parent, str(sysmon["ParentProcessId"]), parent_line, domain, user),
        str(number),
    ]


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond:06d}Z"

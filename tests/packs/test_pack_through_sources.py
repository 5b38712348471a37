"""Every rule of the packs, end to end: its case's events, written as a source of Kazami reads them, and scanned.

A case proves that a rule is true of certain fields. This proves that evidence leads to these fields: each event is put
into the form in which Windows, Linux or a sensor writes it (the channel and number that belong to the rule's log source),
and the rule has to be true of that record and of no other of its case.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from kazami import pipeline
from kazami.config import Settings
from kazami.packs import find, names
from kazami.pipeline.scan import Observer
from kazami.store import read
from kazami.store.case import Case

CASES = Path(__file__).parents[1] / "cases" / "packs"

#: category: number of Sysmon's event
SYSMON = {
    "process_creation": 1,
    "file_change": 2,
    "network_connection": 3,
    "driver_load": 6,
    "image_load": 7,
    "create_remote_thread": 8,
    "raw_access_thread": 9,
    "process_access": 10,
    "file_event": 11,
    "registry_delete": 12,
    "registry_set": 13,
    "registry_event": 13,
    "create_stream_hash": 15,
    "pipe_created": 17,
    "dns_query": 22,
    "file_delete": 23,
    "process_tampering": 25,
}

#: service: channel and provider
CHANNELS = {
    "sysmon": ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon"),
    "security": ("Security", "Microsoft-Windows-Security-Auditing"),
    "system": ("System", "Service Control Manager"),
    "application": ("Application", "ESENT"),
    "powershell": ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell"),
    "powershell-classic": ("Windows PowerShell", "PowerShell"),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender"),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational", "Microsoft-Windows-TaskScheduler"),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational", "Microsoft-Windows-Bits-Client"),
    "dns-client": ("Microsoft-Windows-DNS-Client/Operational", "Microsoft-Windows-DNS-Client"),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational", "Microsoft-Windows-WMI-Activity"),
    "firewall-as": (
        "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
        "Microsoft-Windows-Windows Firewall With Advanced Security",
    ),
    "terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
        "Microsoft-Windows-TerminalServices-LocalSessionManager",
    ),
}

#: categories that another log than Sysmon's feeds: service, number, the record's words for the rule's
FED: dict[str, tuple[str, int, dict[str, str]]] = {
    "ps_script": ("powershell", 4104, {}),
    "ps_module": ("powershell", 4103, {}),
    "ps_classic_script": ("powershell-classic", 800, {}),
    "antivirus": ("windefend", 1116, {"Signature": "Threat Name", "Filename": "Path"}),
    "file_access": ("security", 4663, {"FileName": "ObjectName", "Image": "ProcessName"}),
}
ALWAYS = {
    "file_access": {"ObjectType": "File", "AccessMask": "0x1"},
    "registry_set": {"EventType": "SetValue"},
    "registry_event": {"EventType": "SetValue"},
    "registry_delete": {"EventType": "DeleteValue"},
}

#: columns of access logs and proxies, in Zeek's words for them
ZEEK = {
    "cs-method": "method",
    "cs-uri-stem": "uri",
    "c-uri": "uri",
    "cs-host": "host",
    "c-useragent": "user_agent",
    "cs-user-agent": "user_agent",
    "sc-status": "status_code",
    "c-ip": "id.orig_h",
}


@dataclass
class Shown:
    """An event of a rule's case: whether the rule is true of it, and where the record was written."""

    title: str
    slug: str
    about: str
    fires: bool
    place: tuple[str, int]


@dataclass
class Folder:
    """Evidence that grows, a record at a time."""

    path: Path
    lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, line: str) -> tuple[str, int]:
        lines = self.lines.setdefault(name, [])
        lines.append(line)
        return name, len(lines)

    def write(self) -> None:
        for name, lines in self.lines.items():
            (self.path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def next_of(self, name: str) -> int:
        return len(self.lines.get(name, ())) + 1


def event(folder: Folder, source: dict[str, str], fields: dict[str, Any]) -> tuple[str, int] | None:
    """Write one event as its source does; None where no form of this log source is written here."""
    product, category, service = (source.get(name) for name in ("product", "category", "service"))
    if service == "defender":
        return hunted(folder, fields)
    if product in CLOUD:
        return cloud(folder, product, fields)
    if product == "windows" or (product == "linux" and category in SYSMON):
        return windows(folder, product, category, service, fields)
    if product == "linux":
        return syslog(folder, fields)
    if product == "zeek" or category in ("webserver", "proxy", "dns"):
        return zeek(folder, service or ("dns" if category == "dns" else "http"), fields)
    return None


def hunted(folder: Folder, fields: dict[str, Any]) -> tuple[str, int]:
    """A row of advanced hunting; what a search asked for lies in its additional fields, as text."""
    more = {name: fields.pop(name) for name in ("DistinguishedName", "AttributeList") if name in fields}
    image = fields.pop("Image", "")
    folder_path, _, name = image.rpartition("\\")
    row = {"Timestamp": time(folder.next_of("hunted.json")), "DeviceName": "aoba-pc01", **fields}
    row |= {"InitiatingProcessFolderPath": folder_path, "InitiatingProcessFileName": name}
    return folder.add("hunted.json", json.dumps(row | {"AdditionalFields": json.dumps(more)}))


#: product: what every record of the service says
CLOUD = {
    "azure": {"Type": "AuditLogs", "LoggedByService": "Core Directory", "AADOperationType": "Update"},
    "m365": {"OfficeWorkload": "Exchange", "Type": "OfficeActivity"},
}


def cloud(folder: Folder, product: str, fields: dict[str, Any]) -> tuple[str, int]:
    """A record of a service as Log Analytics keeps it: who began it is JSON in a text."""
    name = f"{product}.json"
    by: dict[str, dict[str, str]] = {}
    for key in [key for key in fields if key.startswith("InitiatedBy.")]:
        _, kind, inner = key.split(".")
        by.setdefault(kind, {})[inner] = fields.pop(key)
    told = {"Result" if key == "properties.result" else key: value for key, value in fields.items()}
    told |= CLOUD[product] | {"TimeGenerated": time(folder.next_of(name))}
    return folder.add(name, json.dumps(told | {"InitiatedBy": json.dumps(by)} if by else told))


def windows(
    folder: Folder, product: str, category: str | None, service: str | None, fields: dict[str, Any]
) -> tuple[str, int] | None:
    number = SYSMON.get(category or "")
    if category in FED:
        service, number, words = FED[category]
        fields = {words.get(name, name): value for name, value in fields.items()}
    elif number is not None:
        service = "sysmon"
    fields = ALWAYS.get(category or "", {}) | fields
    channel, provider = CHANNELS.get(service or "") or (fields.pop("Channel", None), None)
    if product == "linux":
        channel, provider = "Linux-Sysmon/Operational", "Linux-Sysmon"
    provider = fields.pop("Provider_Name", provider)
    number = fields.pop("EventID", number)
    if channel is None or number is None:
        return None
    name = f"{product}.json"
    system = {
        "Provider": {"#attributes": {"Name": provider}},
        "EventID": number,
        "Channel": channel,
        "Computer": fields.pop("Computer", "AOBA-PC01"),
        "EventRecordID": folder.next_of(name),
        "TimeCreated": {"#attributes": {"SystemTime": time(folder.next_of(name))}},
    }
    return folder.add(name, json.dumps({"Event": {"System": system} | body(fields)}, default=str))


def body(fields: dict[str, Any]) -> dict[str, Any]:
    """What a record of Windows holds beside its head: values without names, values of the user's part, or named ones."""
    if "Data" in fields:
        return {"EventData": {"Data": {"#text": fields["Data"]}}}
    if "Channel" in fields:  # the log that was emptied
        return {"UserData": {"LogFileCleared": fields}}
    return {"EventData": fields}


def syslog(folder: Folder, fields: dict[str, Any]) -> tuple[str, int] | None:
    if "message" not in fields:
        return None
    words = f"{fields.get('program', 'kernel')}: {fields['message']}"
    return folder.add("messages", f"{time(folder.next_of('messages'))} shop-router {words}")


def zeek(folder: Folder, service: str, fields: dict[str, Any]) -> tuple[str, int]:
    told = {ZEEK.get(name, name): value for name, value in fields.items()}
    name = f"{service}.json"
    number = folder.next_of(name)
    told = {"_path": service, "uid": f"C{number}", "id.orig_h": "10.20.1.44", "id.resp_h": "10.20.1.9"} | told
    told["ts"] = 1794542400 + number
    return folder.add(name, json.dumps(told, default=str))


def time(number: int) -> str:
    return (datetime(2026, 11, 9, tzinfo=UTC) + timedelta(minutes=number)).strftime(
        "%Y-%m-%dT%H:%M:%S.000000Z"
    )


def cases() -> Iterator[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """Each rule that looks at single events, with its case."""
    for pack in names():
        for path in sorted((find(pack) / "rules").glob("*.yml")):
            rule = yaml.safe_load(path.read_text(encoding="utf-8"))
            if "detection" in rule:
                text = (CASES / path.stem / "case.yaml").read_text(encoding="utf-8")
                yield path, rule, yaml.safe_load(text)


class Silent(Observer):
    """Nobody watches."""


def test_every_rule_is_true_of_the_record_and_quiet_on_what_looks_like_it(tmp_path: Path) -> None:
    folder, shown = Folder(tmp_path / "evidence"), []
    folder.path.mkdir()
    (tmp_path / "rules").mkdir()
    for path, rule, case in cases():
        shutil.copy(path, tmp_path / "rules")
        for sample in case["events"]:
            source = sample.get("logsource", case.get("logsource", rule["logsource"]))
            place = event(folder, source, dict(sample["event"]))
            if place is not None:
                shown.append(Shown(rule["title"], path.stem, sample["about"], sample["match"] is True, place))
    folder.write()
    assert {path.stem for path, _, _ in cases()} == {one.slug for one in shown if one.fires}
    found = true_of(folder.path, tmp_path)
    wrong = [one for one in shown if ((one.title, *one.place) in found) is not one.fires]
    assert [(one.slug, one.about, one.fires) for one in wrong] == []


def true_of(evidence: Path, home: Path) -> set[tuple[str, str, int]]:
    """Title of a rule, file and record, for all findings of a scan with the rules alone, without correlations."""
    settings = Settings(cache=home / "cache")
    request = pipeline.Request([evidence], home / "case", [home / "rules"], [], settings=settings)
    pipeline.scan(request, Silent())
    with Case.open(home / "case", read_only=True) as case:
        return {(row["title"], Path(row["evidence"]).name, row["record"]) for row in read.findings(case)}

"""A token forged on a federation server, then mail read in the cloud: one incident over all that saw a part of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kazami.cli import run
from kazami.model.incident import Incident
from kazami.store.case import Case
from kazami.store.incidents import incidents, links, members
from kazami.store.read import findings

FED, DC = "aoba-fed01.aoba.example", "aoba-dc01.aoba.example"
SEARCH = {
    "AttributeList": ["thumbnailphoto"],
    "DistinguishedName": "CN=1,CN=ADFS,CN=Microsoft,CN=Program Data,DC=aoba,DC=example",
}
GRANT = '[{"modifiedProperties":[{"oldValue":"User.Read","newValue":"User.Read Mail.ReadWrite"}]}]'

#: file: records
SEEN: dict[str, list[dict[str, Any]]] = {
    "agent.json": [
        {
            "TimeGenerated": "2026-11-09T13:05:33Z",
            "EventLog": "Application",
            "Source": "MSSQL$MICROSOFT##WID",
            "EventID": 33205,
            "Computer": FED,
            "session_server_principal_name": "AOBA\\kudo",
            "RenderedDescription": "session_server_principal_name:AOBA\\kudo statement:SELECT ServiceSettingsData "
            "from IdentityServerPolicy.ServiceSettings ",
        },
        {
            "TimeGenerated": "2026-11-09T13:11:39Z",
            "Channel": "Security",
            "EventID": 4662,
            "Computer": DC,
            "SubjectUserName": "kudo",
            "SubjectDomainName": "AOBA",
            "AccessMask": "0x10",
            "ObjectType": "%{5cb41ed0-0e4c-11d0-a286-00aa003049e2}",
            "Properties": "{8d3bca50-1d7e-11d0-a081-00aa006c33ed}",
        },
    ],
    "hunting.json": [
        {
            "Timestamp": "2026-11-09T13:11:40Z",
            "DeviceName": FED,
            "ActionType": "LdapSearch",
            "InitiatingProcessFolderPath": "c:\\powershell.exe",
            "InitiatingProcessAccountDomain": "aoba",
            "InitiatingProcessAccountName": "kudo",
            "AdditionalFields_string": json.dumps(SEARCH),
        },
        {
            "Timestamp": "2026-11-09T13:13:02Z",
            "DeviceName": FED,
            "ActionType": "Directory Services replication",
            "AccountName": "mori",
            "AccountDomain": "aoba.example",
        },
    ],
    "directory.json": [
        {
            "TimeGenerated": "2026-11-09T13:27:20Z",
            "Type": "AuditLogs",
            "OperationName": "Add delegated permission grant",
            "LoggedByService": "Core Directory",
            "AADOperationType": "Assign",
            "Result": "success",
            "InitiatedBy": json.dumps({"user": {"userPrincipalName": "mori@aoba.example"}}),
            "TargetResources": GRANT,
        }
    ],
    "mail.json": [
        {
            "TimeGenerated": "2026-11-09T13:32:07Z",
            "Operation": "MailItemsAccessed",
            "OfficeWorkload": "Exchange",
            "UserId": "mori@aoba.example",
            "ClientInfoString": "Client=REST;;",
            "ClientAppId": "5a95e683-08ad-424e-a441-1d1aec52c02c",
        }
    ],
}


def scanned(evidence: Path, case: Path) -> list[Incident]:
    output = ["--no-report", "--workers", "1", "--format", "jsonl", "--output", str(case.parent / "found")]
    assert run(["scan", str(evidence), "--case", str(case), *output]) == 0
    with Case.open(case, read_only=True) as opened:
        return list(incidents(opened))


def sources(case: Path, uid: str) -> set[str]:
    with Case.open(case, read_only=True) as opened:
        inside = set(members(opened, uid).column("finding_uid").to_pylist())
        return {Path(row["evidence"]).name for row in findings(opened) if row["finding_uid"] in inside}


def test_what_four_sources_saw_is_one_incident_by_accounts_and_the_host(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    for name, records in SEEN.items():
        (tmp_path / "evidence" / name).write_text("\n".join(map(json.dumps, records)), "utf-8")
    (one,) = scanned(tmp_path / "evidence", tmp_path / "case")
    assert sources(tmp_path / "case", one.incident_uid) == SEEN.keys()
    assert {"kudo", "mori"} <= set(one.accounts)
    with Case.open(tmp_path / "case", read_only=True) as case:
        tied = {(row["kind"], row["entity"]) for row in links(case, one.incident_uid).to_pylist()}
    assert {("account", "kudo"), ("account", "mori"), ("host", "aoba-fed01")} <= tied
    assert all(step.first for step in one.steps)


def test_without_the_step_that_ties_them_the_cloud_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    for name, records in SEEN.items():
        kept = [record for record in records if record.get("AccountName") != "mori"]
        (tmp_path / "evidence" / name).write_text("\n".join(map(json.dumps, kept)), "utf-8")
    found = scanned(tmp_path / "evidence", tmp_path / "case")
    assert {frozenset(one.hosts) for one in found} == {frozenset({"aoba-fed01", "aoba-dc01"}), frozenset()}


def test_the_published_set_is_one_incident(shared: Path, tmp_path: Path) -> None:
    folder = shared / "otrf" / "compound" / "GoldenSAMLADFSMailAccess"
    if not folder.is_dir():
        pytest.skip("the published set is not here")
    (one,) = scanned(folder, tmp_path / "case")
    assert len(sources(tmp_path / "case", one.incident_uid)) == 4

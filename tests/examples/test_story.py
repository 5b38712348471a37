"""A scan of the examples tells the story of their README, and hardly anything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kazami import pipeline
from kazami.config import Settings
from kazami.pipeline.scan import Observer
from kazami.store import read
from kazami.store.case import Case
from kazami.store.seen import views
from kazami.survey import hunts, lists
from kazami.survey.answer import ask
from kazami.survey.tampering import tampering

INTRUSION = Path(__file__).parents[2] / "examples" / "intrusion"
TENANTS = ("kumo-msp", "aoba-water", "minato-foods")

#: Steps of the README: day and hour, machine, and rules that must fire there.
STEPS: list[tuple[int, str, str, set[str]]] = [
    (1, "08T17", "kumo-edge01", {"Files of the Router Botnet"}),
    (2, "09T02", "KUMO-JUMP01", {"Many Accounts Tried From One Address"}),
    (
        3,
        "09T05",
        "KUMO-MTG02",
        {
            "File Decoded by Certutil",
            "File Copied or Deleted by Esentutl",
            "Library Side-Loaded by a Known Host",
            "Service Host Without a Service",
            "Pipe of the RedLeaves Implant",
        },
    ),
    (
        4,
        "09T07",
        "KUMO-MTG02",
        {
            "Hidden Encoded PowerShell",
            "Malware Found by Microsoft Defender",
            "Port Probe of File Sharing and Remote Desktop",
        },
    ),
    (5, "10T01", "KUMO-MTG02", {"Remote Shell by the WMI Script", "Program Written to a Quiet Folder"}),
    (
        5,
        "10T01",
        "KUMO-JUMP01",
        {
            "Share of the WMI Script",
            "Output File of the WMI Script",
            "Registry Hive With Password Data Saved to a File",
        },
    ),
    (6, "10T02", "KUMO-MTG02", {"Scheduled Task Created on Another Machine"}),
    (6, "10T02", "KUMO-JUMP01", {"Process Memory Dumped Through Comsvcs"}),
    (7, "11T03", "KUMO-JUMP01", {"Saved Sessions of Remote Tools Looked Up"}),
    (
        9,
        "11T03",
        "AOBA-HIST01",
        {"Burst of Discovery Commands in One Session", "Public Address Looked Up With Curl"},
    ),
    (9, "11T04", "AOBA-HIST01", {"Remote WMI With the Password on the Command Line"}),
    (
        9,
        "11T04",
        "AOBA-DC01",
        {"Domain Trusts or Controllers Listed", "DNS Zones or Records Listed by Dnscmd"},
    ),
    (
        10,
        "12T03",
        "AOBA-DC01",
        {
            "Output of a Remote WMI Shell",
            "Output File of a Remote WMI Shell",
            "Security Log Read Out by Wevtutil",
            "Logon History Read by PowerShell",
            "Directory Exported by Ldifde",
        },
    ),
    (
        10,
        "12T04",
        "AOBA-DC01",
        {"Directory Database Copied Outside Its Folder", "Install Media of the Directory Written"},
    ),
    (
        11,
        "12T04",
        "AOBA-DC01",
        {"Archive With Password Written to a Staging Folder", "Directory Taken, Then Packed"},
    ),
    (
        11,
        "12T04",
        "AOBA-HIST01",
        {
            "Port Proxy Added",
            "Port Proxy Written to the Registry",
            "Program in a Staging Folder Calls Out on a Proxy Port",
        },
    ),
    (
        12,
        "13T01",
        "KUMO-JUMP01",
        {"Archiver Under the Name of a Windows Program", "Share Copied, Then Packed"},
    ),
    (13, "13T02", "MINATO-FS01", {"File Written Straight Into the Recycle Bin"}),
    (14, "13T03", "MINATO-FS01", {"PuTTY Tool Under Another Name", "Download by Bitsadmin Into ProgramData"}),
    (14, "13T03", "MINATO-APP01", {"Port Proxy Added"}),
    (14, "13T03", "MINATO-PC12", {"Hidden Window Started From the Windows Temp Folder"}),
    (15, "13T18", "AOBA-HIST01", {"PsExec Service Installed"}),
    (15, "13T18", "AOBA-DC01", {"Security Log Cleared", "PowerShell Log Cleared"}),
    (15, "13T18", "MINATO-FS01", {"Event Log Cleared"}),
]


class Silent(Observer):
    """Nobody watches."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    home = tmp_path_factory.mktemp("story")
    folder, settings = home / "case", Settings(cache=home / "cache")
    for tenant in TENANTS:
        pipeline.scan(
            pipeline.Request([INTRUSION / tenant], folder, tenant=tenant, settings=settings), Silent()
        )
    with Case.open(folder, read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def findings(case: Case) -> list[dict[str, Any]]:
    """Those that belong to one tenant; what spans several is the provider's."""
    return [dict(row) for row in read.findings(case) if row["tenant"] != "provider"]


@pytest.mark.parametrize(
    ("hour", "host", "titles"), [step[1:] for step in STEPS], ids=[f"{step[0]} {step[2]}" for step in STEPS]
)
def test_each_step_is_found_where_and_when_it_happened(
    findings: list[dict[str, Any]], hour: str, host: str, titles: set[str]
) -> None:
    seen = {
        row["title"]
        for row in findings
        if row["time"].startswith(f"2026-11-{hour}") and row["host"].split(".")[0] == host
    }
    assert titles - seen == set()


def test_everything_is_read(case: Case) -> None:
    summary = read.summary(case)
    assert {row.state for row in summary.evidence} == {"done"}
    assert (summary.rejects, summary.rejected_rules) == ([], [])
    assert summary.events > 1200


def test_every_finding_belongs_to_the_tenant_that_handed_it_over(findings: list[dict[str, Any]]) -> None:
    homes = {"KUMO": "kumo-msp", "AOBA": "aoba-water", "MINATO": "minato-foods"}
    assert {row["tenant"] for row in findings} == set(TENANTS)
    assert all(homes[row["host"].split("-")[0].upper()] == row["tenant"] for row in findings)


def test_what_spans_tenants_is_only_the_providers(case: Case) -> None:
    spanning = [row for row in read.findings(case) if row["tenant"] == "provider"]
    assert spanning
    assert all(row["host"] is None for row in spanning)
    assert all(sum(name in str(row["matched"]) for name in TENANTS) >= 2 for row in spanning)


def test_honest_work_that_looks_like_it_stays_quiet(findings: list[dict[str, Any]]) -> None:
    """On the clerk's machine the help desk's PsExec is found; nothing else, and nothing before the story begins."""
    clerk = {row["title"] for row in findings if row["host"].startswith("AOBA-PC03")}
    assert clerk == {"PsExec Service Installed"}
    backups = [row for row in findings if "T17:0" in row["time"] and row["host"].startswith("AOBA")]
    administrators = [row for row in findings if row["user"] and row["user"].endswith("it-admin")]
    assert backups + administrators == []


def test_a_finding_says_why(findings: list[dict[str, Any]]) -> None:
    proxy = next(row for row in findings if row["title"] == "Port Proxy Written to the Registry")
    assert proxy["matched"] == {
        "TargetObject": "HKLM\\System\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp\\0.0.0.0/9999"
    }
    assert proxy["techniques"] == ["T1090.001", "T1112"]
    assert proxy["evidence"].endswith("AOBA-HIST01.ndjson")
    assert proxy["user"].endswith("kumo-admin")


def test_the_hunts_tell_the_story(case: Case) -> None:
    known = views(case)
    answers = {one.hunt.id: ask(case, one.hunt, known) for one in hunts.load().loaded}
    found = {name for name, answer in answers.items() if answer.state == "found"}
    assert {
        "H1",
        "H2",
        "H3",
        "H4",
        "H5",
        "H7",
        "H8",
        "H10",
        "H11",
        "H12",
        "H13",
        "MS1",
        "CH1",
        "CH2",
    } <= found
    assert {name for name, answer in answers.items() if answer.state == "failed"} == set()
    assert answers["CS1"].state == "blind"  # there is no log of a web server
    proxied = [dict(zip(answers["H5"].names, row, strict=True)) for row in answers["H5"].rows]
    assert {(row["host"].split(".")[0], row["listens"]) for row in proxied if row["log"] == "registry"} >= {
        ("AOBA-HIST01", "9999")
    }
    cleared = {(row["host"].split(".")[0], row["log"]) for row in tampering(case) if row["kind"] == "cleared"}
    assert ("AOBA-DC01", "Security") in cleared
    assert ("MINATO-FS01", "System") in cleared
    (hidden,) = lists.base64(case)
    assert hidden["text"] == "Write-Host 'inert example'"

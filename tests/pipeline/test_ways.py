"""How sessions of incidents were opened: by which logon, from where, through whose tunnel; and what only looks like it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kazami.cli import run
from kazami.correlate.way import begun
from kazami.correlate.words import QUESTIONS
from kazami.model.incident import Incident, Text, Way
from kazami.store import incidents as kept
from kazami.store.case import Case

RULE = """\
title: Directory Taken
id: 5b1d6f7c-2f6b-4a0c-9d0e-0123456789ae
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: ntdsutil}
  condition: selection
level: critical
tags: [attack.credential-access, attack.t1003.003]
"""


def event(number: int, minute: int, host: str = "dc1.aoba.example", **data: str) -> str:
    """An event of the Security log."""
    system = {
        "EventID": number,
        "Channel": "Security",
        "Computer": host,
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
        "TimeCreated": {"#attributes": {"SystemTime": f"2026-11-09T02:{minute:02d}:00.000Z"}},
    }
    return json.dumps({"Event": {"System": system, "EventData": data}})


def logon(minute: int = 14, session: str = "0x77AA1", address: str = "10.212.134.5", **more: str) -> str:
    fields = {"TargetUserName": "tanaka", "TargetLogonId": session, "LogonType": "10", "IpAddress": address}
    return event(4624, minute, **{"WorkstationName": "DC1", **fields, **more})


ACT = event(
    4688, 20, SubjectUserName="tanaka", SubjectLogonId="0x77aa1", NewProcessId="0x1b0", CommandLine="ntdsutil ifm", NewProcessName="C:\\Windows\\System32\\ntdsutil.exe"
)  # fmt: skip


def tunnel(day: int = 9, clock: str = "02:11:03") -> str:
    return (
        f'date=2026-11-{day:02d} time={clock} devname="FG1" devid="F" tz="+0000" logid="0101039424" type="event" '
        'subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel up" action="tunnel-up" '
        'tunneltype="ssl-tunnel" tunnelid=12 remip=203.0.113.77 tunnelip=10.212.134.5 user="r.tanaka" msg="x"'
    )


#: By tenant: the Security log of its machines, the log of its gateway.
EVIDENCE: dict[str, tuple[list[str], list[str]]] = {
    "whole": ([logon(), ACT], [tunnel()]),
    "elsewhere": ([logon(host="dc2.aoba.example"), ACT], [tunnel()]),
    "later": ([logon(minute=30), ACT], [tunnel()]),
    "other_session": ([logon(session="0x77aa2"), ACT], [tunnel()]),
    "old_tunnel": ([logon(), ACT], [tunnel(day=7)]),
    "later_tunnel": ([logon(), ACT], [tunnel(clock="02:19:00")]),
    "no_tunnel": ([logon(LogonType="3", WorkstationName="PC7"), ACT], []),
    "console": ([logon(LogonType="2", address="-"), ACT], [tunnel()]),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("ways")
    (folder / "rule.yml").write_text(RULE)
    for tenant, (events, lines) in EVIDENCE.items():
        (folder / "evidence" / tenant).mkdir(parents=True)
        (folder / "evidence" / tenant / "security.jsonl").write_text("\n".join(events))
        if lines:
            (folder / "evidence" / tenant / "gateway.log").write_text("\n".join(lines * 2))
    command = ["scan", str(folder / "evidence"), "--tenant-from-folder", "--case", str(folder / "case")]
    command += ["--rules", str(folder / "rule.yml"), "--pack", "common", "--no-report", "--workers", "1"]
    for _ in "12":  # the second scan says the same, not twice
        assert run([*command, "--format", "jsonl", "--output", str(folder / "out.jsonl")]) == 0
    with Case.open(folder / "case", read_only=True) as opened:
        yield opened


REMOTE = "The session behind it was opened by tanaka with a remote desktop logon at 2026-11-09 02:14 UTC, from 10.212.134.5."
VPN = "That address was given to r.tanaka by the VPN gateway FG1 at 2026-11-09 02:11 UTC, coming from 203.0.113.77."


@pytest.mark.parametrize(
    ("tenant", "said"),
    [
        ("whole", f" {REMOTE} {VPN}"),
        ("elsewhere", ""),
        ("later", ""),
        ("other_session", ""),
        ("old_tunnel", f" {REMOTE}"),
        ("later_tunnel", f" {REMOTE}"),
        ("no_tunnel", " The session behind it was opened by tanaka with a network logon at 2026-11-09 02:14 UTC, from 10.212.134.5 (PC7)."),
        ("console", " The session behind it was opened by tanaka with a logon at the console at 2026-11-09 02:14 UTC."),
    ],
)  # fmt: skip
def test_how_the_first_session_was_opened(case: Case, tenant: str, said: str) -> None:
    (one,) = [one for one in kept.incidents(case, tenant=tenant) if "dc1" in one.hosts]
    assert one.entry.en.partition(" UTC.")[2] == said
    assert (QUESTIONS["entry"] in one.questions) is (VPN not in said)
    assert ("203.0.113.77" in one.addresses) is (VPN in said)


def test_an_unknown_kind_and_strange_words_are_said_as_they_are() -> None:
    way = Way(datetime(2026, 11, 9, tzinfo=UTC), "{x}", "77", "not an address", "pc")
    told = begun(Incident("u", "t", Text("", ""), entry=Text("It.", "それ。")), way)
    assert (
        told.entry.en == "It. The session behind it was opened by {x} with a logon at 2026-11-09 00:00 UTC."
    )
    assert told.entry.ja == "それ。その元のセッションは 2026-11-09 00:00 UTC に {x} のログオンで開かれた。"
    assert told.addresses == ()

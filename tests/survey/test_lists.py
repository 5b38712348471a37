"""Lists of a case: who logged on, which hosts and kinds of event, what to follow, what was hidden, what manages remotely."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.store.store_events import PROCESS, PROJECTED, SECURITY, batch, findings, uid
from tests.survey.cases import made

from kazami.store.case import Case
from kazami.survey import lists

HIDDEN = base64.b64encode("Write-Host 'inert example'".encode("utf-16-le")).decode()


def logon(event: str, **fields: str) -> dict[str, Any]:
    return {
        "EventID": event,
        "TargetUserName": "ito",
        "TargetDomainName": "A",
        "LogonType": "10",
        "IpAddress": "::ffff:10.0.0.5",
        "host": "srv",
        **fields,
    }


def test_logons(tmp_path: Path) -> None:
    rows = [
        logon("4624", time="2026-11-12T01:00:00"),
        logon("4624", time="2026-11-13T01:00:00"),
        logon("4625", time="2026-11-12T00:59:00", SubStatus="0xc000006a"),
        logon("4648", SubjectUserName="me", SubjectDomainName="B", IpAddress="-", TargetServerName="dc1"),
        logon("4769", TargetUserName="x@A", Status="0x0", LogonType="", IpAddress="10.0.0.7"),
        logon("4688"),
    ]
    ssh = [
        {"Action": "failed", "User": "root", "SourceIp": "203.0.113.7", "AuthMethod": "password", "host": "e"}
    ]
    with made(tmp_path / "case", {"security": rows, "sshd": ssh}) as case:
        first, *rest = lists.logons(case)
    assert (first["account"], first["kind"], first["source"]) == ("A\\ito", "remote desktop", "10.0.0.5")
    assert (first["granted"], first["failed"], first["reasons"]) == (2, 1, ["0xc000006a"])
    assert str(first["first"]).startswith("2026-11-12 00:59")
    assert str(first["last"]).startswith("2026-11-13 01:00")
    told = {row["kind"]: row for row in rest}
    assert told.keys() == {"explicit", "kerberos", "ssh"}
    assert (told["explicit"]["account"], told["explicit"]["source"]) == ("B\\me as A\\ito", "dc1")
    assert (told["ssh"]["account"], told["ssh"]["failed"], told["ssh"]["reasons"]) == (
        "root",
        1,
        ["password"],
    )


def projected(folder: Path) -> Case:
    """Three 4688, which feed a second log source, one 4624, and a finding on the first."""
    case = Case.open(folder, create=True)
    run = case.begin(version="1")
    starts = [
        {
            "event_uid": uid(str(n)),
            "host": f"h{n % 2}",
            "user": r"A\Ito",
            "Channel": "Security",
            "EventID": "4688",
        }
        for n in range(3)
    ]
    other = {"event_uid": uid("9"), "host": "h1", "user": r"a\ito", "Channel": "Security", "EventID": "4624"}
    run.commit(segments=case.write([batch([*starts, other], SECURITY)]))
    words = [{**start, "raw": None, "Image": f"C:\\{n}.exe"} for n, start in enumerate(starts)]
    run.commit(segments=case.write([batch(words, PROJECTED)]))
    sysmon = {"event_uid": uid("s"), "host": "h0", "Image": "C:\\0.exe", "EventID": "1", "Channel": "Sysmon"}
    run.commit(segments=case.write([batch([sysmon], PROCESS)]))
    run.commit(findings=findings([{"event": "0", "host": "h0"}]))
    run.finish()
    case.close()
    return Case.open(folder, read_only=True)


def test_hosts(tmp_path: Path) -> None:
    with projected(tmp_path / "case") as case:
        first, second = lists.hosts(case)
    assert (first["host"], first["events"], first["findings"]) == ("h0", 3, 1)
    assert first["logs"] == ["process_creation", "security"]
    assert (second["host"], second["events"], second["findings"]) == ("h1", 2, 0)


def test_kinds_of_event_count_once(tmp_path: Path) -> None:
    with projected(tmp_path / "case") as case:
        rows = [
            (row["channel"], row["event_id"], row["events"], row["hosts"]) for row in lists.event_ids(case)
        ]
    assert rows == [("Security", "4688", 3, 2), ("Security", "4624", 1, 1), ("Sysmon", "1", 1, 1)]


def test_pivots(tmp_path: Path) -> None:
    with projected(tmp_path / "case") as case:
        rows = list(lists.pivots(case))
        few = list(lists.pivots(case, 1))
    values = {(row["kind"], row["value"]): row for row in rows}
    assert values[("process", "C:\\0.exe")]["in_findings"] == 1
    assert values[("process", "C:\\0.exe")]["times"] == 2
    assert values[("user", r"a\ito")]["hosts"] == 2
    assert next(row["value"] for row in rows if row["kind"] == "process") == "C:\\0.exe"
    assert [row["kind"] for row in few] == ["user", "process"]


def test_base64_is_told_once(tmp_path: Path) -> None:
    logs: dict[str, Any] = {
        "process_creation": [
            {"CommandLine": f"powershell -enc {HIDDEN}", "ParentCommandLine": "x", "host": "h1", "time": 5},
            {"CommandLine": "x", "ParentCommandLine": f"powershell -enc {HIDDEN}", "host": "h2", "time": 9},
            {"CommandLine": "C:/Windows/System32/drivers/etc/hosts/and/more", "ParentCommandLine": None},
        ],
        "ps_script": [{"ScriptBlockText": f"'{HIDDEN}'", "host": "h0", "time": 2}],
    }
    with made(tmp_path / "case", logs) as case:
        (row,) = lists.base64(case)
    assert (row["text"], row["inner"], row["layers"]) == (
        "Write-Host 'inert example'",
        "",
        ["base64", "utf-16"],
    )
    assert (row["times"], row["host"]) == (3, "h0")
    assert set(row["where"]) == {
        "process_creation.CommandLine",
        "process_creation.ParentCommandLine",
        "ps_script.ScriptBlockText",
    }


def test_remote_tools(tmp_path: Path) -> None:
    logs: dict[str, Any] = {
        "process_creation": [
            {"Image": "C:\\x\\Desk.exe", "host": "h", "time": 7},
            {"Image": "C:\\x\\Desk.exe", "host": "h", "time": 3},
            {"Image": "C:\\other.exe", "host": "h"},
        ],
        "dns_query": [{"QueryName": "relay.desk.example", "host": "h", "time": 5}],
    }
    match = {
        "program": lambda value: ["Desk"] if value.endswith("Desk.exe") else [],
        "path": lambda _: [],
        "domain": lambda value: ["Desk"] if value.endswith("desk.example") else [],
    }
    with made(tmp_path / "case", logs) as case:
        (row,) = lists.remote_tools(case, match)
    assert (row["tool"], row["host"], row["events"], sorted(row["by"])) == (
        "Desk",
        "h",
        3,
        ["domain", "program"],
    )
    assert (row["first"].microsecond, row["last"].microsecond) == (3, 7)


def test_a_case_without_any_of_it(tmp_path: Path) -> None:
    with made(tmp_path / "case", {"odd": [{"x": "1", "host": None}]}) as case:
        assert list(lists.logons(case)) == []
        assert list(lists.event_ids(case)) == []
        assert list(lists.pivots(case)) == []
        assert list(lists.base64(case)) == []
        assert list(lists.remote_tools(case, {})) == []
        assert [row["host"] for row in lists.hosts(case)] == [None]

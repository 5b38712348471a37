"""What a case shows of its logging: settings by machine, blind rules, cleared logs, clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.store_events import batch, uid

from kazami.detect.sigma.load import load
from kazami.model.event import LogSource, Route
from kazami.model.result import Blind
from kazami.model.rule import RuleInfo
from kazami.store.case import Case
from kazami.survey import presence, sight
from kazami.survey.coverage import Covered, State, covered, matrix, whole
from kazami.survey.setting import settings
from kazami.survey.streams import by_host, streams
from kazami.survey.tampering import starts, tampering

SECURITY = Route("security", (LogSource("windows", None, "security"),))
PROCESS = Route("process_creation", (LogSource("windows", "process_creation", "sysmon"),))
SCRIPT = Route("ps_script", (LogSource("windows", "ps_script", "powershell"),))
POWERSHELL = Route("powershell", (LogSource("windows", None, "powershell"),))
SYSTEM = Route("system", (LogSource("windows", None, "system"),))
SSH = Route("sshd", (LogSource("linux", None, "sshd"),))
HTTP = Route("http", (LogSource("zeek", "webserver", "http"),))
BEGIN = datetime(2026, 11, 12)


def made(folder: Path, *logs: tuple[Route, list[dict[str, Any]]]) -> Case:
    case = Case.open(folder, create=True)
    run = case.begin(version="1")
    for number, (route, rows) in enumerate(logs):
        filled = [{"event_uid": uid(f"{number} {n}"), "host": "h", **row} for n, row in enumerate(rows)]
        run.commit(segments=case.write([batch(filled, route)]))
    run.finish()
    case.close()
    return Case.open(folder, read_only=True)


def micro(minutes: float) -> int:
    return int((BEGIN + timedelta(minutes=minutes) - datetime(1970, 1, 1)).total_seconds() * 1_000_000)


def judged(case: Case) -> dict[tuple[str | None, str], Covered]:
    seen = presence.signs(case, settings().values())
    rows = covered(presence.hosts(case), settings(), seen, whole(streams(case)))
    return {(row.host, row.setting): row for row in rows}


def security(count: int, step: float = 1, event: str = "4624", skip: int = 1) -> list[dict[str, Any]]:
    return [
        {"EventID": event, "Channel": "Security", "EventRecordID": str(1 + n * skip), "time": micro(n * step)}
        for n in range(count)
    ]


def test_what_is_there_is_on(tmp_path: Path) -> None:
    with made(
        tmp_path / "case",
        (PROCESS, [{"EventID": "1", "CommandLine": "x", "time": micro(3)}]),
        (SECURITY, security(2)),
    ) as case:
        found = judged(case)
    assert found["h", "process-creation"].state is State.on
    assert found["h", "process-command-line"].state is State.on
    assert found["h", "logon"].seen.events == 2
    first, last = found["h", "logon"].seen.first, found["h", "logon"].seen.last
    assert first is not None
    assert last is not None
    assert last - first == timedelta(minutes=1)
    assert (found["h", "kerberos"].state, found["h", "kerberos"].why) == (State.unknown, "missing")


@pytest.mark.parametrize(
    ("rows", "state", "why"),
    [
        (security(200), State.off, "silent"),
        (security(200, step=0.1), State.unknown, "part"),  # twenty minutes say nothing
        (security(50, step=10), State.unknown, "part"),  # nor do fifty records
        (security(200, skip=3), State.unknown, "part"),  # nor does an extract
    ],
)
def test_a_whole_log_without_it_shows_it_off(
    tmp_path: Path, rows: list[dict[str, Any]], state: State, why: str
) -> None:
    with made(tmp_path / "case", (SECURITY, rows)) as case:
        row = judged(case)["h", "process-creation"]
    assert (row.state, row.why) == (state, why)


def test_the_log_without_what_was_asked_for_shows_it_off(tmp_path: Path) -> None:
    blank = [{"EventID": "4688", "CommandLine": "", "Image": "a"}] * 3
    with made(tmp_path / "case", (PROCESS, blank)) as case:
        found = judged(case)
    assert (found["h", "process-command-line"].state, found["h", "process-command-line"].why) == (
        State.off,
        "denied",
    )
    assert found["h", "process-creation"].state is State.on
    with made(tmp_path / "few", (PROCESS, blank[:2])) as case:
        assert judged(case)["h", "process-command-line"].state is State.unknown


def test_script_blocks_that_are_written_anyway_are_no_sign(tmp_path: Path) -> None:
    warned = [{"EventID": "4104", "Level": "3", "ScriptBlockText": "x"}] * 2
    console = [{"EventID": "40961"}]
    with made(tmp_path / "off", (SCRIPT, warned), (POWERSHELL, console)) as case:
        assert judged(case)["h", "powershell-script-block"].state is State.off
    with made(tmp_path / "on", (SCRIPT, [*warned, {"EventID": "4104", "Level": "5"}])) as case:
        assert judged(case)["h", "powershell-script-block"].state is State.on


def test_settings_are_for_their_machines(tmp_path: Path) -> None:
    ssh = [{"host": "edge", "Action": "accepted"}]
    web = [{"host": "sensor", "uri": "/"}]
    with made(tmp_path / "case", (SSH, ssh), (HTTP, web), (SECURITY, security(1))) as case:
        found = judged(case)
        table = matrix(list(found.values()))
    assert found["edge", "logon"].state is State.on
    assert ("edge", "kerberos") not in found
    assert ("h", "linux-audit") not in found
    assert not any(host == "sensor" for host, _ in found)
    assert found[None, "web-access"].state is State.on
    assert found[None, "proxy"].state is State.unknown
    assert table["logon"][State.on] == ["edge", "h"]
    assert table["web-access"][State.on] == ["default"]


RULES = """
title: By Name
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows, category: process_creation}
detection: {a: {Image: x}, condition: a}
---
title: By Command
id: 22222222-2222-4222-8222-222222222222
logsource: {product: windows, category: process_creation}
detection: {a: {CommandLine: x}, condition: a}
---
title: By Script
id: 33333333-3333-4333-8333-333333333333
logsource: {product: windows, category: ps_script}
detection: {a: {ScriptBlockText: x}, condition: a}
---
title: On Linux
id: 44444444-4444-4444-8444-444444444444
logsource: {product: linux, category: process_creation}
detection: {a: {Image: x}, condition: a}
"""


def test_rules_are_blind_machine_by_machine(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    rules = load([tmp_path / "rules.yml"]).rules
    rows = [
        {"host": "full", "Image": "a", "CommandLine": "b"},
        {"host": "bare", "Image": "a", "CommandLine": ""},
    ]
    with made(tmp_path / "case", (PROCESS, rows), (SECURITY, security(1))) as case:
        blind = sight.blindness(rules, sight.filled(case, sight.wanted(rules)))
    by_host = {host[1]: blind[host] for host in blind}
    assert {one.rule.title for one in by_host["full"]} == {"By Script"}
    assert {one.rule.title for one in by_host["bare"]} == {"By Command", "By Script"}
    assert {one.rule.title for one in by_host["h"]} == {"By Name", "By Command", "By Script"}
    known = settings()
    assert sight.because(known["process-command-line"], by_host["bare"]) == ["By Command"]
    assert sight.because(known["process-creation"], by_host["bare"]) == []
    assert sight.because(known["process-creation"], by_host["h"]) == ["By Command", "By Name"]
    assert sight.because(known["powershell-script-block"], by_host["full"]) == ["By Script"]


def test_a_rule_blind_for_another_field_is_not_the_setting_s() -> None:
    rule = RuleInfo("1", "1", "Other", logsource=LogSource("windows", "process_creation"))
    blind = Blind(rule, "never seen in windows/process_creation/*: ParentCommandLine, Imphash")
    assert sight.because(settings()["process-command-line"], [blind]) == []


def test_what_was_done_to_logs(tmp_path: Path) -> None:
    cleared = (
        '{"Event":{"UserData":{"LogFileCleared":{"Channel":"Microsoft-Windows-PowerShell/Operational"}}}}'
    )
    rows = [
        {"EventID": "104", "Provider_Name": "Microsoft-Windows-Eventlog", "raw": cleared, "time": micro(2)},
        {
            "EventID": "104",
            "raw": '{"Message":"The Windows PowerShell log file was cleared."}',
            "time": micro(3),
        },
        {"EventID": "104", "Provider_Name": "Other", "time": micro(4)},
        {"EventID": "6005", "time": micro(9)},
    ]
    audit = [
        {"EventID": "1102", "user": "A\\b", "time": micro(1)},
        {"EventID": "4719", "AuditPolicyChanges": "%%8448", "time": micro(5)},
        {"EventID": "4719", "AuditPolicyChanges": "%%8449", "time": micro(6)},
        {"EventID": "4616", "PreviousTime": "2026-11-12T10:00:00Z", "NewTime": "2026-11-12T02:00:00Z", "time": micro(7)},
        {"EventID": "4616", "PreviousTime": "2026-11-12T10:00:00Z", "NewTime": "2026-11-12T10:00:01Z", "time": micro(8)},
    ]  # fmt: skip
    with made(tmp_path / "case", (SYSTEM, rows), (SECURITY, audit)) as case:
        found = list(tampering(case))
        begun = starts(case)
    assert [(row["kind"], row["log"]) for row in found] == [
        ("cleared", "Security"),
        ("cleared", "Microsoft-Windows-PowerShell/Operational"),
        ("cleared", "Windows PowerShell"),
        ("audit policy", "Security"),
        ("clock set", ""),
    ]
    assert found[0]["user"] == "A\\b"
    assert begun == {("default", "h"): [micro(9)]}


def test_logs_become_streams(tmp_path: Path) -> None:
    twice = [{"EventID": "4688", "Channel": "Security", "EventRecordID": "1", "time": micro(0), "raw": None}]
    projected = Route("process_creation", (LogSource("windows", "process_creation", None),), projected=True)
    ssh = [{"host": "edge", "time": micro(n)} for n in range(3)]
    with made(tmp_path / "case", (SECURITY, security(5)), (projected, twice), (SSH, ssh)) as case:
        edge, log = streams(case)
        hosts = list(by_host(streams(case)))
    assert (edge.host, edge.log, edge.numbered, list(edge.record)) == ("edge", "sshd", False, [1, 2, 3])
    assert (log.log, log.numbered, list(log.record)) == ("Security", True, [1, 2, 3, 4, 5])
    assert int(log.time[1] - log.time[0]) == 60_000_000
    assert [list(logs) for logs in hosts] == [["sshd"], ["Security"]]


def test_an_empty_case(tmp_path: Path) -> None:
    with made(tmp_path / "case") as case:
        assert judged(case) == {}
        assert list(tampering(case)) == []
        assert list(by_host(streams(case))) == []

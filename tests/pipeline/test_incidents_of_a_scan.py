"""Incidents of a whole case: made by a scan, changed by people, told again by the next scan."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazami.cli import run
from kazami.errors import UsageError
from kazami.pipeline import incidents
from kazami.store import correlating
from kazami.store import incidents as kept
from kazami.store.case import Case
from kazami.store.incidents import changes, members

EVIDENCE = Path(__file__).parents[2] / "examples" / "intrusion"


def scan(case: Path) -> int:
    command = [
        "scan",
        str(EVIDENCE),
        "--tenant-from-folder",
        "--case",
        str(case),
        "--no-report",
        "--workers",
        "1",
    ]
    return run([*command, "--format", "jsonl", "--output", str(case.parent / "findings.jsonl")])


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = tmp_path_factory.mktemp("incidents") / "case"
    assert scan(case) == 0
    return case


@pytest.fixture
def case(scanned: Path, tmp_path: Path) -> Iterator[Case]:
    shutil.copytree(scanned, tmp_path / "case")
    with Case.open(tmp_path / "case") as opened:
        yield opened


def worst(case: Case, tenant: str) -> str:
    return next(one.incident_uid for one in kept.incidents(case, tenant=tenant))


def test_each_tenant_of_the_example_has_its_story(case: Case) -> None:
    found = list(kept.incidents(case))
    grave = {one.tenant: one for one in reversed(found) if len(one.tactics) >= 5}
    assert grave.keys() == {"kumo-msp", "aoba-water", "minato-foods"}
    assert {"aoba-hist01", "aoba-dc01"} <= set(grave["aoba-water"].hosts)
    assert "kumo-admin" in grave["aoba-water"].accounts
    assert len(found) <= 8
    assert any(move.target == "aoba-dc01" for move in grave["aoba-water"].moves)


def test_what_events_say_beside_the_envelope_is_read(case: Case) -> None:
    table = correlating.fields(case, {"Hashes", "IpAddress", "no such field"})
    assert set(table.column("field").to_pylist()) == {"Hashes", "IpAddress"}
    findings = correlating.findings(case, {"Hashes"})
    assert set(table.column("finding_uid").to_pylist()) <= set(findings.column("finding_uid").to_pylist())
    assert {key for row in findings.column("matched").to_pylist() for key, _ in row} <= {"Hashes"}
    urls = correlating.fields(case, {"url.domain"})
    assert set(urls.column("field").to_pylist()) == {"url.domain"}
    assert set(urls.column("value").to_pylist()) == {"198.51.100.23", "cdn.example.net"}


def test_the_next_scan_changes_nothing(scanned: Path, tmp_path: Path) -> None:
    shutil.copytree(scanned, tmp_path / "case")
    with Case.open(tmp_path / "case", read_only=True) as before:
        first, log = list(kept.incidents(before, links=True)), changes(before)
    assert scan(tmp_path / "case") == 0
    with Case.open(tmp_path / "case", read_only=True) as after:
        assert list(kept.incidents(after, links=True)) == first
        assert changes(after) == log


def test_what_is_closed_stays_closed_and_keeps_its_findings(case: Case) -> None:
    uid = worst(case, "aoba-water")
    count = members(case, uid).num_rows
    closed = incidents.judge(case, uid[:8], "aki", state="closed", verdict="true positive", note="rebuilt")
    assert (closed.state, closed.verdict) == ("closed", "true positive")
    incidents.tell(case)
    again = kept.incident(case, uid)
    assert again is not None
    assert (again.state, again.verdict, again.findings) == ("closed", "true positive", count)
    said = [(one.who, one.action, one.note) for one in changes(case, uid) if one.who == "aki"]
    assert said == [("aki", "closed", "rebuilt"), ("aki", "judged", "rebuilt")]


def test_a_split_is_undone_by_a_merge_and_by_nothing_else(case: Case) -> None:
    uid = worst(case, "aoba-water")
    whole = members(case, uid).num_rows
    part = incidents.split(case, uid, [1, 2], "aki")
    assert part.incident_uid != uid
    incidents.tell(case)
    rest = kept.incident(case, uid)
    assert rest is not None
    assert rest.findings + part.findings == whole
    assert incidents.merge(case, uid, [part.incident_uid[:10]], "aki").findings == whole
    redirected = kept.incident(case, part.incident_uid)
    assert redirected is not None
    assert redirected.incident_uid == uid
    incidents.tell(case)
    assert members(case, uid).num_rows == whole


def test_what_cannot_be_is_refused(case: Case) -> None:
    ours, theirs = worst(case, "aoba-water"), worst(case, "kumo-msp")
    with pytest.raises(UsageError, match="another tenant"):
        incidents.merge(case, ours, [theirs], "aki")
    with pytest.raises(UsageError, match="the same incident"):
        incidents.merge(case, ours, [ours], "aki")
    with pytest.raises(UsageError, match="no incident"):
        incidents.one_of(case, "zzz")
    with pytest.raises(UsageError, match="has no step 9999"):
        incidents.split(case, ours, [9999], "aki")
    with pytest.raises(UsageError, match="all its steps"):
        incidents.split(case, ours, sorted(set(members(case, ours).column("step").to_pylist())), "aki")
    with pytest.raises(UsageError, match="is no verdict"):
        incidents.judge(case, ours, "aki", verdict="maybe")


@pytest.mark.parametrize(
    ("said", "refused"),
    [({"state": "closed"}, "is closed; open it first"), ({"owner": "ben"}, "belongs to 'ben'")],
    ids=["closed", "owner"],
)
def test_people_are_refused_what_people_decided_otherwise(
    case: Case, said: dict[str, str], refused: str
) -> None:
    uid = worst(case, "aoba-water")
    part = incidents.split(case, uid, [1, 2], "aki")
    incidents.judge(case, uid, "aki", owner="aki")
    incidents.judge(case, part.incident_uid, "ben", **said)
    with pytest.raises(UsageError, match=refused):
        incidents.merge(case, uid, [part.incident_uid], "aki")
    incidents.judge(case, part.incident_uid, "aki", state="open", owner="aki")
    assert incidents.merge(case, uid, [part.incident_uid], "aki").incident_uid == uid


def test_people_are_refused_two_verdicts(case: Case) -> None:
    uid = worst(case, "aoba-water")
    part = incidents.split(case, uid, [1, 2], "aki")
    incidents.judge(case, uid, "aki", verdict="true positive")
    incidents.judge(case, part.incident_uid, "aki", verdict="benign")
    with pytest.raises(UsageError, match="was judged 'benign', the other 'true positive'"):
        incidents.merge(case, uid, [part.incident_uid], "aki")


def january(host: str, rules: str, day: str) -> str:
    return "".join(
        f"2026-{day}T12:0{n}:00Z,{host},{rule},{rule},high,credential-access,203.0.113.9\n"
        for n, rule in enumerate(rules)
    )


def test_three_scans_into_one_case_months_apart_are_one_incident(tmp_path: Path) -> None:
    head = "time,host,alert.title,alert.id,alert.level,alert.tactic,src_ip\n"
    scans = [
        ("a", "pc1", "ABCDABCDABCDABCD"[:9], "01-05"),
        ("b", "pc7", "E", "05-11"),
        ("c", "srv2", "F", "11-20"),
    ]
    seen: list[tuple[str, tuple[str, ...]]] = []
    for name, host, rules, day in scans:
        (tmp_path / f"{name}.csv").write_text(head + january(host, rules, day))
        command = ["scan", str(tmp_path / f"{name}.csv"), "--case", str(tmp_path / "case"), "--no-report"]
        assert run([*command, "--workers", "1", "--output", str(tmp_path / "out.jsonl")]) == 0
        with Case.open(tmp_path / "case", read_only=True) as opened:
            (one,) = kept.incidents(opened)
            seen.append((one.incident_uid, one.hosts))
    assert [hosts for _, hosts in seen] == [("pc1",), ("pc1", "pc7"), ("pc1", "pc7", "srv2")]
    assert len({uid for uid, _ in seen}) == 1


def test_alerts_of_other_sensors_are_findings_with_words(tmp_path: Path) -> None:
    (tmp_path / "alerts.csv").write_text(
        "time,host,alert.title,alert.id,alert.level,alert.tactic\n"
        "2026-03-01T12:00:00Z,pc1,Credentials read,A-1,medium,credential-access\n"
        "2026-03-01T12:01:00Z,pc1,Credentials read,A-1,high,credential-access\n"
        "2026-03-01T12:02:00Z,pc1,Archive made,A-2,high,collection\n"
    )
    command = ["scan", str(tmp_path / "alerts.csv"), "--case", str(tmp_path / "case"), "--no-report"]
    assert run([*command, "--workers", "1", "--output", str(tmp_path / "out.jsonl")]) == 0
    with Case.open(tmp_path / "case", read_only=True) as opened:
        assert {one.title: one.level for one in correlating.rules(opened).values()} == {
            "Credentials read": "high",
            "Archive made": "high",
        }
        found = next(kept.incidents(opened))
    assert found.tactics == ("credential-access", "collection")
    assert found.findings == 3

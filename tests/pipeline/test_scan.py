"""The main job as a whole: again, interrupted, in several steps, with copies, for several tenants."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import made
from kazami import pipeline
from kazami.errors import CaseError, UsageError
from kazami.pipeline import reader, task
from made import CALM, OFTEN, WHO, Bench, Watcher, event, events, zipped


def rules_found(bench: Bench) -> Counter[str]:
    return Counter(row["rule_id"] for row in bench.ask("select rule_id from finding"))


# What a scan gives


def test_events_findings_and_the_end(bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(9)))
    watcher = Watcher()
    result = bench.scan(observer=watcher)
    assert (result.parts, result.skipped, result.events, result.found, result.stopped) == (1, 0, 9, 3, False)
    assert (result.lost, result.notes) == ([], [])
    assert result.names == {str(bench.evidence / "a.jsonl")}
    size = (bench.evidence / "a.jsonl").stat().st_size
    assert (watcher.files, watcher.size, watcher.read) == (1, size, size)
    assert (watcher.events, watcher.findings) == (9, 3)
    assert rules_found(bench) == {WHO: 3}
    runs = bench.ask("select state, loaded, ruleset from run")
    assert [(row["state"], row["loaded"]) for row in runs] == [("done", 2)]
    assert bench.ask("select reason from blind") == []


def test_the_same_events_in_every_form_give_the_same_findings(bench: Bench) -> None:
    some = events(*range(10))
    seen = {}
    for form, content in {"jsonl": made.lines(some), "evtx": made.evtx(some), "xml": made.xml(some)}.items():
        case = bench.folder / f"case-{form}"
        bench.scan(bench.put(f"{form}/Sysmon.{form}", content), case=case)
        rows = made.ask(case, 'select rule_id, time, host, "user", matched from finding order by time')
        seen[form] = [tuple(map(str, row.values())) for row in rows]
    assert len(seen["jsonl"]) == 4
    assert seen["jsonl"] == seen["evtx"] == seen["xml"]


def test_events_without_a_time_are_told_of(bench: Bench) -> None:
    bench.put("a.jsonl", [event(0), event(1, TimeCreated="yesterday"), event(2, TimeCreated=None)])
    bench.put("b.jsonl", [event(3)])
    result = bench.scan()
    assert result.notes == [f"{bench.evidence}/a.jsonl: 2 events without a time that can be read"]


def test_one_file_with_several_channels(bench: Bench) -> None:
    security = {"Channel": "Security", "SourceName": "Microsoft-Windows-Security-Auditing", "Image": None}
    created = {**security, "EventID": 4688, "NewProcessName": made.WHOAMI, "ProcessId": "0x10"}
    merged = [
        event(0),
        event(1, **security, EventID=4624, TargetUserName="bob"),
        event(2, **created),
        event(3),
    ]
    for form, content in {"merged.jsonl": made.lines(merged), "merged.evtx": made.evtx(merged)}.items():
        case = bench.folder / f"case-{form}"
        bench.scan(bench.put(form, content), case=case)
        counts = made.ask(case, 'select "table", count(*) as n from event group by all order by all')
        assert [(row["table"], row["n"]) for row in counts] == [("process_creation", 2), ("security", 2)]
        assert (
            len(made.ask(case, "from process_creation")) == 3
        )  # what Security 4688 says of the same is in it
        assert len(made.ask(case, "from finding")) == 3


def test_a_correlation_of_events_in_two_scans(bench: Bench) -> None:
    with bench.rules.open("a") as out:
        out.write("---" + made.OFTEN_RULE)
    bench.scan(bench.put("a.jsonl", events(0)))
    assert rules_found(bench) == {WHO: 1}
    result = bench.scan(bench.put("b.jsonl", events(3)))
    assert rules_found(bench) == {WHO: 2, OFTEN: 1}
    assert result.notes == []
    bench.scan()
    assert rules_found(bench) == {WHO: 2, OFTEN: 1}


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_number_of_workers_changes_nothing(bench: Bench, workers: int) -> None:
    for number in range(5):
        bench.put(f"{number}.jsonl", events(*range(10 * number, 10 * number + 10)))
    bench.scan(workers=workers)
    seen = bench.figures()
    assert (seen.events, seen.found, seen.duplicates, len(seen.evidence)) == (50, 17, 0, 5)


def test_nothing_to_read(bench: Bench) -> None:
    result = bench.scan()
    assert (result.parts, result.events) == (0, 0)
    assert bench.figures().evidence == ()


# Again


def snapshot(case: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in case.rglob("*.parquet")}


def test_a_second_scan_does_nothing(bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(9)))
    zipped(bench.evidence / "b.zip", {"c.jsonl": made.lines(events(*range(20, 30)))})
    bench.scan()
    before, files = bench.figures(), snapshot(bench.case)
    watcher = Watcher()
    result = bench.scan(observer=watcher)
    assert (result.skipped, result.events, result.found, watcher.read) == (result.parts, 0, 0, 0)
    assert bench.figures() == before
    assert snapshot(bench.case) == files


def test_a_second_scan_reads_what_came_meanwhile(bench: Bench) -> None:
    bench.put("a.jsonl", events(0, 1))
    bench.scan()
    time.sleep(0.01)
    bench.put("a.jsonl", events(0, 1, 2, 3))  # it grew
    bench.put("b.jsonl", events(6))
    result = bench.scan()
    assert (result.skipped, result.events) == (0, 5)
    seen = bench.figures()
    assert (seen.events, seen.found, seen.duplicates) == (5, 3, 2)


def test_new_rules_make_findings_and_store_no_event(bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(9)))
    bench.scan()
    before, files = bench.figures(), snapshot(bench.case)
    more = bench.folder / "more.yml"
    more.write_text(
        made.RULES.replace(WHO, CALM[:-1] + "9").replace("whoami.exe", "notepad.exe").split("---")[0]
    )
    result = bench.scan(rules=[bench.rules, more])
    assert (result.skipped, result.found) == (0, 9)
    assert snapshot(bench.case) == files
    after = bench.figures()
    assert (after.events, after.duplicates, after.found) == (9, 0, 9)
    assert set(before.findings) < set(after.findings)
    assert result.notes == []


def test_a_rule_that_changed_speaks_in_its_new_version_only(bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(9)))
    bench.scan()
    bench.rules.write_text(made.RULES.replace("whoami.exe'", "notepad.exe'"))
    bench.scan()
    assert rules_found(bench) == {WHO: 6}
    images = bench.ask("select distinct matched['Image'] as image from finding")
    assert [row["image"] for row in images] == [made.NOTEPAD]


def test_evidence_that_was_judged_with_other_rules_is_told_of(bench: Bench) -> None:
    first, second = bench.put("a.jsonl", events(0)), bench.put("b.jsonl", events(3))
    bench.scan(first)
    bench.rules.write_text(made.RULES.replace("high", "medium"))
    assert bench.scan(second).notes == [
        "1 files of earlier scans were judged with other rules; scan them again to judge them with these"
    ]
    assert bench.scan().notes == []


# Interrupted


@pytest.fixture
def many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Twelve files, and workers that give results after every few events."""
    monkeypatch.setattr(task, "TASK_FILES", 2)
    monkeypatch.setattr(reader, "FLUSH", 25)
    monkeypatch.setattr(reader, "SETTLE", 15)
    monkeypatch.setattr(reader, "WHOLE", 25)
    for number in range(12):
        bench.put(f"{number:02}.jsonl", events(*range(10 * number, 10 * number + 10)))
    bench.put("same.jsonl", events(*range(5)))
    bench.put("broken.jsonl", made.lines(events(200)) + b'{"EventID": 1,\nnot JSON\n')
    return bench


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_and_again(many: Bench, workers: int) -> None:
    many.scan(case=many.folder / "undisturbed", workers=workers)
    expected = made.figures(many.folder / "undisturbed")
    assert (expected.events, expected.duplicates, expected.rejects) == (121, 5, 2)
    done = 0
    for stop in (1, 2, 1):
        result = many.scan(observer=Watcher(stop), workers=workers)
        assert result.stopped
        assert result.skipped >= done
        done = result.skipped
        assert result.notes[-1].startswith("stopped before all evidence was read")
        assert many.figures().found <= expected.found
        assert [row["state"] for row in many.ask("select state from run order by id")][-1] == "stopped"
    assert done > 0
    last = many.scan(workers=workers)
    assert not last.stopped
    assert last.skipped > done
    assert many.figures() == expected


def test_what_was_interrupted_stays_when_other_evidence_is_scanned(many: Bench) -> None:
    many.scan(observer=Watcher(2))
    before = many.figures()
    assert before.events > 20
    other = many.folder / "other.jsonl"
    other.write_bytes(made.lines(events(501)))
    many.scan(other)
    assert many.figures().events == before.events + 1
    many.scan()
    after = many.figures()
    assert (after.events, after.rejects) == (122, 2)
    assert after.found == 41


def test_an_interruption_with_new_rules(many: Bench) -> None:
    many.scan()
    stored = snapshot(many.case)
    many.rules.write_text(made.RULES.replace("whoami.exe'", "notepad.exe'"))
    assert many.scan(observer=Watcher(1)).stopped
    many.scan()
    assert rules_found(many) == {WHO: 81}
    assert snapshot(many.case) == stored
    assert many.figures().events == 121


def test_nothing_is_left_in_staging(many: Bench) -> None:
    many.scan(observer=Watcher(1))
    many.scan()
    assert list((many.case / "staging").iterdir()) == []
    named = {row["path"] for row in many.ask("select path from segment")}
    assert named == {path.relative_to(many.case).as_posix() for path in many.case.rglob("*.parquet")}


# Copies


def copies(bench: Bench) -> dict[str, bytes]:
    some = events(*range(12))
    return {
        "jsonl": made.lines(some),
        "evtx": made.evtx(some),
    }


@pytest.mark.parametrize("form", ["jsonl", "evtx"])
@pytest.mark.parametrize("together", [True, False])
def test_copies_count_once(bench: Bench, form: str, together: bool) -> None:
    content = copies(bench)[form]
    original = bench.put(f"Sysmon.{form}", content)
    cut = content[: len(content) // 2] if form == "jsonl" else content[: 4096 + 65536]
    others = [
        bench.put(f"backup/Copy of Sysmon.{form}", content),
        zipped(bench.evidence / "shadow.zip", {f"Sysmon.{form}": content, f"again/Sysmon.{form}": content}),
        bench.put(f"half.{form}", cut),
    ]
    if together:
        bench.scan()
    else:
        for path in (original, *others):
            bench.scan(path)
    seen = bench.figures()
    assert (seen.events, seen.found) == (12, 4)
    inside = 6 if form == "jsonl" else 12
    assert seen.duplicates == 3 * 12 + inside
    assert sum(count for _, _, count, _ in seen.evidence) == 12
    assert len(bench.ask("from process_creation")) == 12
    assert bench.ask("select count(distinct event_uid) as n from event") == [{"n": 12}]


def test_detectors_over_a_case_see_copies_once(bench: Bench) -> None:
    """A copy of a sensor's log, scanned later, makes no beacon of twice as many connections."""
    flow = {"id.orig_h": "10.0.0.5", "id.orig_p": 50000, "id.resp_h": "203.0.113.9", "id.resp_p": 4444}
    said = {**flow, "proto": "tcp", "conn_state": "SF", "orig_bytes": 300, "resp_bytes": 500, "duration": 1.5}
    lines = [{"_path": "conn", "ts": 1_760_000_000 + 600 * n, "uid": f"C{n}", **said} for n in range(60)]
    other = {**lines[0], "uid": "other", "id.resp_h": "198.51.100.7"}
    for name, some in (("conn.log", lines), ("backup/conn.log", [*lines, other])):
        bench.scan(bench.put(name, made.lines(some)))
    rows = bench.ask("select matched from finding where title ilike '%beacon%'")
    assert [dict(row["matched"])["connections"] for row in rows] == ["60"]


def test_equal_lines_in_one_file_are_several_events(bench: Bench) -> None:
    """A log that says the same thing twice means it; its copy adds nothing."""
    twice = made.lines([event(0, RecordNumber=None)] * 2)
    bench.put("a.jsonl", twice)
    bench.put("b.jsonl", twice)
    bench.scan()
    seen = bench.figures()
    assert (seen.events, seen.duplicates, seen.found) == (2, 2, 2)


# Tenants


def test_tenants_from_folders_are_kept_apart(bench: Bench) -> None:
    for tenant in ("aoba", "minato"):
        bench.put(f"{tenant}/Sysmon.jsonl", events(0, 3))
    bench.put("of nobody.jsonl", events(0))
    bench.scan(tenant_from_folder=True, tenant="provider")
    counts = bench.ask(
        "select tenant, count(*) as n, count(distinct event_uid) as u from event group by all order by all"
    )
    assert [tuple(row.values()) for row in counts] == [("aoba", 2, 2), ("minato", 2, 2), ("provider", 1, 1)]
    assert bench.ask("select count(distinct event_uid) as n from event") == [{"n": 5}]
    found = bench.ask("select tenant, count(*) as n from finding group by all order by all")
    assert [tuple(row.values()) for row in found] == [("aoba", 2), ("minato", 2), ("provider", 1)]
    assert bench.figures().duplicates == 0


def test_a_correlation_never_crosses_tenants(bench: Bench) -> None:
    with bench.rules.open("a") as out:
        out.write("---" + made.OFTEN_RULE)
    bench.put("aoba/a.jsonl", events(0))
    bench.put("minato/a.jsonl", events(3))
    bench.scan(tenant_from_folder=True)
    assert rules_found(bench) == {WHO: 2}


def test_the_same_file_for_two_tenants(bench: Bench) -> None:
    path = bench.put("a.jsonl", events(0, 1))
    for tenant in ("aoba", "minato", "aoba"):
        bench.scan(path, tenant=tenant)
    seen = bench.figures()
    assert (seen.events, seen.duplicates, seen.found) == (4, 0, 2)
    assert len(seen.evidence) == 2


# Since and until


def at(second: int) -> int:
    return (int(made.START.timestamp()) + second) * 1_000_000


@pytest.mark.parametrize(
    ("since", "until", "left"),
    [(None, 3, 3), (3, None, 7), (3, 6, 3), (0, 10, 10), (100, None, 0)],
)
def test_only_what_lies_between(bench: Bench, since: int | None, until: int | None, left: int) -> None:
    bench.put("a.jsonl", [*events(*range(10)), event(20, TimeCreated=None, RecordNumber=99)])
    bench.scan(since=None if since is None else at(since), until=None if until is None else at(until))
    assert bench.figures().events == left + 1  # what has no time is kept
    assert bench.ask(
        "select count(*) as n from finding f where not exists (select 1 from event e where e.event_uid = f.event_uids[1])"
    ) == [{"n": 0}]


def test_bounds_and_then_everything(bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(10)))
    bench.scan(since=at(5))
    assert bench.figures().events == 5
    bench.scan()
    seen = bench.figures()
    assert (seen.events, seen.found) == (10, 4)
    files = snapshot(bench.case)
    bench.scan(until=at(4))  # all is there already
    assert bench.figures() == seen
    assert snapshot(bench.case) == files


# What cannot be


def test_another_scan_holds_the_case(bench: Bench) -> None:
    from kazami.store.case import Case

    bench.put("a.jsonl", events(0))
    with Case.open(bench.case, create=True), pytest.raises(CaseError, match="already open"):
        bench.scan()


@pytest.mark.parametrize("place", ["", "events", "case.duckdb"])
def test_a_case_is_no_evidence(bench: Bench, place: str) -> None:
    bench.put("a.jsonl", events(0))
    bench.scan()
    with pytest.raises(UsageError, match="is the case that is written, so it is no evidence"):
        bench.scan(bench.case / place)


def test_a_case_among_its_evidence_is_not_read(bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    case = bench.evidence / "my case"
    for _ in range(2):
        result = bench.scan(case=case)
        assert result.parts == 1
    assert made.figures(case).evidence == ((str(bench.evidence / "a.jsonl"), "done", 1, 0),)


@pytest.mark.parametrize("name", ["a.jsonl", "new.jsonl", "below/new.jsonl"])
def test_what_is_written_lies_not_among_the_evidence(bench: Bench, name: str) -> None:
    content = made.lines(events(0))
    bench.put("a.jsonl", content)
    with pytest.raises(UsageError, match="lies among the evidence"):
        bench.scan(ours=[bench.evidence / name])
    assert (bench.evidence / "a.jsonl").read_bytes() == content
    assert not bench.case.exists()


def test_rules_and_packs_that_are_not_there(bench: Bench) -> None:
    with pytest.raises(UsageError, match="there is no pack"):
        bench.scan(packs=["nosuch"])
    with pytest.raises(UsageError, match="no such rule file"):
        bench.scan(rules=[bench.folder / "nosuch"])
    assert not bench.case.exists()


def test_rules_of_packs_and_settings_come_together(bench: Bench, cache: Path) -> None:
    def ids(**more: Any) -> set[str]:
        return {rule.info.id for rule in pipeline.rules_of(bench.request(**more)).rules}

    mine = {WHO, CALM}
    assert ids() == mine
    assert ids(packs=["common"]) > mine
    assert ids(rules=()) == set()
    assert ids(rules=(), packs=["common"]) < ids(rules=(), packs=["common", "volt_typhoon"])
    from dataclasses import replace

    everything = replace(bench.settings, packs=None, rules=(bench.rules,))
    assert ids(rules=(), settings=everything) > ids(rules=(), packs=["common"]) | mine

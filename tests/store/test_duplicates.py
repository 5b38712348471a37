"""Events that several pieces of evidence hold count once; nothing else is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from store_events import PROCESS, PROJECTED, SECURITY, batch, uid

from kazami.model.event import Route
from kazami.model.result import EvidenceRow
from kazami.store import duplicates, read, segment
from kazami.store.case import Case, Part
from kazami.store.summary import summary

FIRST, SECOND = "b" * 16, "a" * 16  # the order of coming counts, not that of the letters


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.open(tmp_path / "case", create=True) as case:
        yield case


def store(
    case: Case,
    evidence: str,
    events: list[str],
    route: Route = PROCESS,
    tenant: str = "default",
    record: int = 1,
) -> None:
    """One scan that stores `events` of `evidence`, and ends."""
    run = case.begin(version="1")
    row = EvidenceRow(evidence, f"{evidence[0]}.evtx", tenant, "evtx", 1, 0, 0, 0, "done")
    rows = [
        {"event_uid": uid(f"{tenant} {event}"), "Image": f"{event} of {evidence[0]}", "record": record + n}
        for n, event in enumerate(events)
    ]
    segments = case.write([batch(rows, route, tenant=tenant, evidence=evidence)])
    run.commit(parts=[Part(evidence, 0, None, tenant)], segments=segments, evidence=[row])
    run.finish()


def images(case: Case, view: str = "process_creation") -> list[str]:
    _, batches = case.sql(f'SELECT Image FROM "{view}" ORDER BY Image')
    return [row["Image"] for part in batches for row in part.to_pylist()]


def test_none(case: Case) -> None:
    store(case, FIRST, ["1", "2"])
    store(case, SECOND, ["3"])
    assert images(case) == ["1 of b", "2 of b", "3 of a"]
    assert (summary(case).events, summary(case).duplicates) == (3, 0)


def test_the_copy_of_the_first_evidence_stays(case: Case) -> None:
    store(case, FIRST, ["1", "2"])
    store(case, SECOND, ["2", "3"])
    assert images(case) == ["1 of b", "2 of b", "3 of a"]
    rows = case.database.rows("SELECT event_uid, evidence, record, projected FROM duplicate")
    assert rows == [{"event_uid": uid("default 2"), "evidence": SECOND, "record": 1, "projected": False}]


def test_figures_are_of_distinct_events(case: Case) -> None:
    store(case, FIRST, ["1", "2", "2"])
    store(case, SECOND, ["2", "3"])
    figures = summary(case)
    assert (figures.events, figures.duplicates) == (3, 2)
    assert [(row.uid, row.events, row.duplicates) for row in read.evidence_rows(case)] == [
        (FIRST, 2, 1),
        (SECOND, 1, 1),
    ]
    assert [(source.key, source.count) for source in figures.log_sources] == [("process_creation", 3)]
    _, batches = case.sql("SELECT count(*) AS n FROM event")
    assert [part.to_pylist() for part in batches] == [[{"n": 3}]]


def test_a_backup_of_everything(case: Case) -> None:
    store(case, FIRST, ["1", "2"])
    store(case, SECOND, ["1", "2"])
    assert images(case) == ["1 of b", "2 of b"]
    assert images(case, "sysmon") == ["1 of b", "2 of b"]
    assert [row.events for row in read.evidence_rows(case)] == [2, 0]


def test_a_third_copy_and_a_later_scan(case: Case) -> None:
    for evidence in (FIRST, SECOND, "c" * 16, "d" * 16):
        store(case, evidence, ["1", evidence])
    assert images(case) == sorted(["1 of b", *(f"{e * 16} of {e}" for e in "abcd")])
    assert summary(case).duplicates == 3


def test_tenants_have_nothing_in_common(case: Case) -> None:
    store(case, FIRST, ["1"], tenant="a")
    store(case, FIRST, ["1"], tenant="b")
    assert images(case) == ["1 of b", "1 of b"]


def test_the_same_record_stored_twice_of_one_evidence(case: Case) -> None:
    store(case, FIRST, ["1", "2"])
    store(case, FIRST, ["2", "1"], record=1)
    assert images(case) == ["1 of b", "2 of b"]


def test_projected_events_follow_their_own_copies(case: Case) -> None:
    other = Route("network_connection", (), projected=True)
    for evidence in (FIRST, SECOND):
        for route in (SECURITY, PROJECTED, other):
            store(case, evidence, ["1"], route)
    assert images(case) == ["1 of b"]
    assert images(case, "security") == ["1 of b"]
    assert images(case, "network_connection") == ["1 of b"]
    assert (summary(case).events, summary(case).duplicates) == (1, 1)


def test_more_fingerprints_than_are_sorted_at_a_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_SORTED", 3), ("_FETCHED", 2), ("_ROWS", 1)):
        monkeypatch.setattr(duplicates, name, value)
    for evidence in (FIRST, SECOND, "c" * 16):
        store(case, evidence, [str(n) for n in range(10)])
    assert images(case) == [f"{n} of b" for n in range(10)]
    assert summary(case).duplicates == 20


def test_equal_fingerprints_are_not_equal_events(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "fingerprints", lambda columns: np.zeros(len(columns[0]), np.uint64))
    store(case, FIRST, ["1", "2"])
    store(case, SECOND, ["2", "3"])
    assert images(case) == ["1 of b", "2 of b", "3 of a"]


def test_a_field_named_like_our_own_column_does_not_hide_the_others(case: Case) -> None:
    for evidence in (FIRST, SECOND):
        run = case.begin(version="1")
        rows = [{"event_uid": uid(e), "Image": e, "Kazami_Segment": "x"} for e in ("1", evidence)]
        run.commit(segments=case.write([batch(rows, evidence=evidence)]))
        run.finish()
    assert images(case) == ["1", SECOND, FIRST]


def test_nothing_is_looked_for_twice(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    store(case, FIRST, ["1"])
    store(case, SECOND, ["1"])
    monkeypatch.setattr(duplicates, "_gather", lambda *_: pytest.fail("no segment came since"))
    assert duplicates.find(case) == 1


def test_a_copy_that_was_left_out_comes_back_when_the_first_is_lost(case: Case) -> None:
    store(case, FIRST, ["1"])
    store(case, SECOND, ["1", "2"])
    case.close()
    for file in sorted((case.path / "events").rglob("*.parquet")):
        if pq.read_table(file).column("evidence")[0].as_py() == FIRST:
            file.unlink()
    with Case.open(case.path) as again:
        again.begin(version="1").finish()
        assert images(again) == ["1 of a", "2 of a"]

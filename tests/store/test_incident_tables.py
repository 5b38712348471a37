"""Incidents in a case: written, read, redirected; and cases of a version that had none."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from kazami.errors import CaseError
from kazami.model.incident import LINK, MEMBER, SKELETON, Change, Incident, Link, Step, Text
from kazami.store import incidents as store
from kazami.store.case import Case

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = Text("both in the session 0x3e7 on dc1", "どちらも dc1 のセッション 0x3e7")
STEP = Step(
    1, "credential-access", "LSASS dumped", "r1", "high", NOON, NOON, "dc1", finding_uids=("f1", "f2")
)
FIRST = Incident(
    "a" * 32, "acme", Text("A story", "物語"), score=40, first=NOON, hosts=("dc1",), steps=(STEP,)
)
SECOND = dataclasses.replace(FIRST, incident_uid="b" * 32, score=90.5, tenant="other")


def written(path: Path, *found: Incident, changes: tuple[Change, ...] = ()) -> Case:
    case = Case.open(path, create=True)
    member = {"incident_uid": FIRST.incident_uid, "tenant": "acme", "step": 1}
    link = {
        "incident_uid": FIRST.incident_uid,
        "tenant": "acme",
        "kind": "session",
        "entity": "dc1!0x3e7",
        "weight": 4.5,
        "source": "f1",
        "target": "f2",
        "count": 2,
        "words": WORDS.en,
        "words_ja": WORDS.ja,
    }
    bone = {"tenant": "acme", "kind": "session", "entity": "dc1!0x3e7", "incident_uid": FIRST.incident_uid}
    store.replace(
        case,
        found,
        members=pa.Table.from_pylist([{**member, "finding_uid": uid} for uid in ("f1", "f2")], MEMBER),
        links=pa.Table.from_pylist([link], LINK),
        skeleton=pa.Table.from_pylist([{**bone, "first": NOON, "last": None, "weight": 4.5}], SKELETON),
        changes=changes,
    )
    return case


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with written(tmp_path / "case", FIRST, SECOND) as case:
        assert [one.incident_uid[0] for one in store.incidents(case)] == ["b", "a"]
        assert list(store.incidents(case, tenant="acme")) == [FIRST]
        tied = Link("session", "dc1!0x3e7", 4.5, "f1", "f2", 2, WORDS)
        assert store.incident(case, "aa") == dataclasses.replace(FIRST, links=(tied,))
        assert next(store.incidents(case, tenant="acme", links=True)).links == (tied,)
        assert store.members(case, FIRST.incident_uid).column("finding_uid").to_pylist() == ["f1", "f2"]
        assert store.links(case, SECOND.incident_uid).num_rows == 0
        assert [bone.entity for bone in store.skeletons(case, tenant="acme")] == ["dc1!0x3e7"]
        assert store.skeleton(case, tenant="nobody").num_rows == 0


def test_a_redirect_is_followed_and_not_listed(tmp_path: Path) -> None:
    gone = dataclasses.replace(SECOND, tenant="acme", state="redirected", redirect=FIRST.incident_uid)
    with written(tmp_path / "case", FIRST, gone) as case:
        found = store.incident(case, gone.incident_uid)
        assert found is not None
        assert found.incident_uid == FIRST.incident_uid
        assert len(list(store.incidents(case))) == 1
        assert len(list(store.incidents(case, redirected=True))) == 2


def test_a_ring_of_redirects_ends(tmp_path: Path) -> None:
    ring = dataclasses.replace(FIRST, redirect=SECOND.incident_uid)
    back = dataclasses.replace(SECOND, redirect=FIRST.incident_uid)
    with written(tmp_path / "case", ring, back) as case:
        assert store.incident(case, FIRST.incident_uid) is None


def test_an_id_that_means_several_or_nothing_is_none(tmp_path: Path) -> None:
    twin = dataclasses.replace(FIRST, incident_uid="a" * 31 + "b")
    with written(tmp_path / "case", FIRST, twin) as case:
        assert store.incident(case, "aaa") is None
        assert store.incident(case, "ff") is None
        assert store.incident(case, "") is None


def test_the_log_only_grows(tmp_path: Path) -> None:
    made = Change(NOON, "kazami", "made", FIRST.incident_uid)
    joined = Change(NOON, "kazami", "merged", FIRST.incident_uid, SECOND.incident_uid, "the same session")
    written(tmp_path / "case", FIRST, changes=(made,)).close()
    with written(tmp_path / "case", FIRST, changes=(joined,)) as case:
        assert store.changes(case) == [made, joined]
        assert store.changes(case, SECOND.incident_uid) == [joined]


def test_writing_needs_a_case_open_for_writing(tmp_path: Path) -> None:
    written(tmp_path / "case", FIRST).close()
    with Case.open(tmp_path / "case", read_only=True) as case, pytest.raises(CaseError, match="reading only"):
        store.replace(
            case,
            [],
            members=MEMBER.empty_table(),
            links=LINK.empty_table(),
            skeleton=SKELETON.empty_table(),
        )


def older(path: Path) -> None:
    """A case as the version before incidents made it."""
    with Case.open(path, create=True) as case:
        for name in ("incident", "incident_finding", "incident_link", "incident_change", "skeleton"):
            case.database.run(f"DROP TABLE {name}")
        case.database.run("UPDATE meta SET value = '1' WHERE key = 'schema'")


def test_a_case_without_incidents_is_read(tmp_path: Path) -> None:
    older(tmp_path / "case")
    with Case.open(tmp_path / "case", read_only=True) as case:
        assert list(store.incidents(case)) == []
        assert store.incident(case, "aa") is None
        assert store.members(case).schema == MEMBER
        assert store.links(case).num_rows == 0
        assert store.skeletons(case) == []
        assert store.changes(case) == []
        _, batches = case.sql("SELECT incident_uid, score FROM incident")
        assert sum(batch.num_rows for batch in batches) == 0


def test_a_case_without_incidents_is_written(tmp_path: Path) -> None:
    older(tmp_path / "case")
    with Case.open(tmp_path / "case"):
        pass
    with Case.open(tmp_path / "case", read_only=True) as case:
        assert case.database.rows("SELECT value FROM meta WHERE key = 'schema'") != [{"value": "1"}]
    with written(tmp_path / "case", FIRST) as case:
        assert [one.tenant for one in store.incidents(case)] == ["acme"]

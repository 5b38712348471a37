"""A case is opened, written, closed, killed, moved, shared; nothing that was committed is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_events import batch, findings

from kazami.errors import CaseError
from kazami.store.case import Case, Part


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.open(tmp_path / "case", create=True)


def count(case: Case, table: str) -> int:
    return int(case.database.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_a_commit_and_what_is_there_after_reopening(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    part = Part("e" * 16, 0, None, "default")
    run.commit(
        parts=[part], segments=case.write([batch([{"Image": "x"}])]), findings=findings([{}, {"event": "z"}])
    )
    run.finish()
    case.close()
    with Case.open(case.path) as again:
        assert (count(again, "segment"), count(again, "finding")) == (1, 2)
        assert again.done_parts("r") == again.stored_parts() == {part}
        assert again.done_parts("other rules") == set()


def test_a_commit_twice_is_a_commit_once(case: Case) -> None:
    run = case.begin(version="1", ruleset="r")
    segments = case.write([batch([{"Image": "x"}])])
    part = Part("e" * 16, 0, None, "default")
    for _ in range(2):
        run.commit(parts=[part], segments=segments, findings=findings([{}, {"event": "0"}, {"event": "1"}]))
    run.finish()
    assert (count(case, "segment"), count(case, "content"), count(case, "finding")) == (1, 1, 2)
    case.close()


def test_no_case(tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(CaseError, match="no case"):
            Case.open(tmp_path, read_only=read_only)

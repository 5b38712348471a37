"""What people assert of events: once each, with who and when, of incidents at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazami.errors import CaseError, UsageError
from kazami.pipeline import Request, scan
from kazami.pipeline.asserted import MOST, Claim, assert_
from kazami.store import asserted, incidents
from kazami.store.case import Case
from kazami.store.read import findings
from kazami.web.quiet import Quiet

EXAMPLE = Path(__file__).parents[2] / "examples" / "intrusion" / "minato-foods"


def test_events_become_findings_of_incidents(tmp_path: Path) -> None:
    scan(Request((EXAMPLE,), tmp_path / "case", tenant="minato"), Quiet())
    claim = Claim("H4", "Seen by hand", "high", "ana", "odd", "Was it there?", ("T1003.003",))
    with Case.open(tmp_path / "case", command="test") as case:
        _, batches = case.sql("select event_uid from security limit 3")
        uids = [uid for batch in batches for uid in batch.column("event_uid").to_pylist()]
        before = len(list(findings(case)))
        done = assert_(case, claim, [*uids, uids[0]])
        assert (done.rule, done.new, done.tenants) == ("hunt.H4.high", 3, ("minato",))
        assert assert_(case, claim, uids[:1]).new == 0
        mine = [row for row in findings(case) if row["rule_id"] == done.rule]
        assert len(list(findings(case))) == before + 3
        assert {row["title"] for row in mine} == {"Seen by hand"}
        assert {(row["matched"]["asserted by"], row["matched"]["note"]) for row in mine} == {("ana", "odd")}
        assert all(row["matched"]["asserted at"] for row in mine)
        members = incidents.members(case).column("finding_uid").to_pylist()
        assert {row["finding_uid"] for row in mine} <= set(members)
        for bad, why in (
            ([], "events"),
            (["f" * 32], "no event"),
            ([str(n) for n in range(MOST + 1)], "at a time"),
        ):
            with pytest.raises(UsageError, match=why):
                assert_(case, claim, bad)
        with pytest.raises(UsageError, match="level"):
            assert_(case, Claim("H4", "x", "loud", "ana"), uids)
    with Case.open(tmp_path / "case", read_only=True) as case, pytest.raises(CaseError):
        asserted.keep(case, claim.rule, case.database.table("SELECT * FROM kase.finding LIMIT 0"))


def test_the_same_question_and_level_are_the_same_rule() -> None:
    one = Claim("select 1", "a", "low", "ana").rule
    assert one.id == Claim("select 1", "a", "low", "ken").rule.id
    assert one.id != Claim("select 2", "a", "low", "ana").rule.id
    assert "select" not in f"{one.id} {one.description} {one.title}"

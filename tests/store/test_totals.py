"""Figures that DuckDB counts are those that are counted finding by finding, and so is what a report shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_events import findings as made

from kazami.model.finding import LEVELS
from kazami.model.rule import RuleInfo
from kazami.respond.report.counted import counted
from kazami.respond.report.selection import TURN, Selection
from kazami.respond.report.tally import Tally
from kazami.store.case import Case
from kazami.store.read import findings, lines
from kazami.store.totals import totals

START = datetime(2024, 5, 1, tzinfo=UTC)
RULES = [
    RuleInfo(id=f"r{number}", version="1", title=f"Rule {number}", level=level, tags=())
    for number, level in enumerate(LEVELS)
]

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "rule_id": st.sampled_from([rule.id for rule in RULES] + ["unknown"]),
            "rule_version": st.just("1"),
            "tenant": st.sampled_from(["a", "b"]),
            "host": st.sampled_from([None, "", "h1", "h2", "h3"]),
            "user": st.sampled_from([None, "", "u1", "u2"]),
            "time": st.none() | st.integers(0, 200_000).map(lambda second: START + timedelta(seconds=second)),
        }
    ),
    max_size=60,
)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(1, 30))
def test_counted_at_once_is_counted_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], most: int
) -> None:
    case = _case(tmp_path_factory.mktemp("totals"), rows)
    with Case.open(case, read_only=True) as opened:
        plain, chosen, quick = Tally(["h1", "h2"]), Selection(most), Selection(most)
        for row in plain.read(findings(opened, order="newest")):
            chosen.add(row)
        found = totals(opened, ["h1", "h2"], dict(zip(LEVELS, TURN, strict=True)), most)
        whole = list(findings(opened))
        assert list(map(orjson.loads, lines(opened))) == whole
    tally = counted(found)
    assert tally.all == plain.all
    assert tally.rules == plain.rules
    assert tally.hosts == plain.hosts
    assert tally.users == plain.users
    assert tally.tenants == plain.tenants
    assert tally.texts.keys() == plain.texts.keys()
    assert tally.undated == plain.undated
    assert tally.time.lane(0) == plain.time.lane(0)
    assert {key: tally.time.lane(lane) for key, lane in tally.lanes.items()} == {
        key: plain.time.lane(lane) for key, lane in plain.lanes.items()
    }
    for row in found.chosen:
        quick.add(row)
    assert [one.uid for one in quick.shown()] == [one.uid for one in chosen.shown()]


def _case(folder: Path, rows: list[dict[str, object]]) -> Path:
    with Case.open(folder / "case", create=True) as case:
        run = case.begin(version="1", ruleset="x", rules=RULES)
        run.commit(findings=made([{**row, "event": str(number)} for number, row in enumerate(rows)]))
        run.finish()
    return folder / "case"

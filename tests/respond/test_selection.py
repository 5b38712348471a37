"""Which findings are shown in full, and what is counted."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

import story
from kazami.model.result import FindingRow
from kazami.respond.report import tally as counting
from kazami.respond.report.chapters import chapters
from kazami.respond.report.selection import BUDGET, FIELDS, VALUE, VALUES, Selection, Shown
from kazami.respond.report.tally import Tally

PLACES = list(product(("lsass", "task", "logon"), ("A", "B")))


def selected(rows: list[FindingRow], limit: int) -> list[Shown]:
    selection = Selection(limit)
    for row in rows:
        selection.add(row)
    return selection.shown()


def numbered(places: list[tuple[str, str]]) -> list[FindingRow]:
    return [
        story.row(rule, story.START + timedelta(minutes=i * 37 % 101), i, host=host)
        for i, (rule, host) in enumerate(places)
    ]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PLACES), max_size=120), st.integers(1, 20))
def test_pruning_on_the_way_chooses_as_sorting_at_the_end_does(
    places: list[tuple[str, str]], limit: int
) -> None:
    rows = numbered(places)
    assert selected(rows, limit) == selected(rows, 10_000)[:limit]


def test_a_noisy_rule_does_not_crowd_out_a_quiet_one() -> None:
    noisy = [story.row("whoami", story.START + timedelta(seconds=i), i, host=f"H{i % 3}") for i in range(500)]
    quiet = [story.row("logon", story.START - timedelta(days=9), 9_999, host="H7")]
    chosen = selected([*quiet, *noisy], 20)
    assert len(chosen) == 20
    assert quiet[0]["finding_uid"] in {shown.uid for shown in chosen}


def test_severe_findings_come_first_and_the_newest_of_them() -> None:
    rows = numbered([("logon", "A")] * 50 + [("lsass", "B")] * 50)
    chosen = selected(rows, 25)
    assert sum(shown.rank == 4 for shown in chosen) == 24
    assert [shown.time for shown in chosen[:20]] == sorted(
        (shown.time for shown in chosen[:20]), reverse=True
    )


def test_a_finding_is_cut_to_what_a_page_can_hold() -> None:
    row = story.row("lsass", matched={"Long": "x" * 5_000, **{f"F{i}": "y" * 500 for i in range(60)}})
    shown = Shown.of(row)
    assert len(shown.values) == FIELDS
    assert shown.fields_left_out == 61 - FIELDS
    assert (len(shown.values[0].text), shown.values[0].more) == (VALUE, 4_000)
    assert shown.size <= VALUES


def test_the_page_has_a_budget() -> None:
    rows = [
        story.row(
            "lsass", story.START + timedelta(seconds=i), i, matched={f"F{j}": "z" * 1_000 for j in range(8)}
        )
        for i in range(300)
    ]
    chosen = selected(rows, 2_000)
    assert 100 < len(chosen) < 130
    assert sum(shown.size for shown in chosen) <= BUDGET


def test_a_tally_counts_everything() -> None:
    rows = story.story()
    tally = Tally()
    assert list(tally.read(rows)) == rows
    assert tally.all.count == len(rows)
    assert tally.undated == 1
    for groups in (tally.rules, tally.hosts, tally.tenants):
        assert sum(group.count for group in groups.values()) == len(rows)
        assert all(sum(group.levels) == group.count for group in groups.values())
    assert tally.tenants["tanaka-seiki"].first <= tally.tenants["tanaka-seiki"].last
    assert tally.rules[rows[0]["rule_id"]].hosts == {("harbor-it", "VPN-GW1"): 3}


def test_a_tally_is_bounded(monkeypatch: object) -> None:
    rows = [story.row("logon", number=i, host=f"H{i}", user=f"u{i}") for i in range(40)]
    before = counting.NAMES
    try:
        counting.NAMES = 10
        tally = Tally()
        assert len(list(tally.read(rows))) == 40
    finally:
        counting.NAMES = before
    assert len(tally.hosts) == len(tally.users) == 10
    assert tally.all.count == 40
    assert sum(tally.all.hosts.values()) == 40


def test_chapters_say_what_is_not_shown() -> None:
    rows = numbered([("task", "A")] * 30 + [("task", "B")] * 3 + [("lsass", "A")])
    tally = Tally()
    list(tally.read(rows))
    book = chapters(tally, selected(rows, 8), 500)
    assert [chapter.group.level for chapter in book] == ["critical", "medium"]
    task = book[1]
    assert task.group.count == 33
    assert task.shown == 7
    assert {place.host: place.count for place in task.places} == {"A": 30, "B": 3}
    times = [shown.time for shown in task.places[0].findings]
    assert times == sorted(times)

"""The picture of time: nothing is lost on the way to it, and its axis fits what there is."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import story
from kazami.model.result import FindingRow
from kazami.respond.language import words
from kazami.respond.report.axis import moment, pieces, ticks
from kazami.respond.report.histogram import WIDTHS, Histogram
from kazami.respond.report.tally import Tally
from kazami.respond.report.timeline import HEIGHT, Timeline, picture

SECONDS = st.integers(min_value=-11_644_473_600, max_value=253_402_300_799)


def drawn(rows: list[FindingRow]) -> Timeline:
    tally = Tally()
    assert len(list(tally.read(rows))) == len(rows)
    return picture(tally, words("en"))


def at(*moments: datetime) -> list[FindingRow]:
    return [story.row("lsass", time, number) for number, time in enumerate(moments)]


@given(st.lists(st.tuples(st.integers(0, 3), SECONDS, st.integers(0, 4)), max_size=200))
def test_a_histogram_loses_nothing(findings: list[tuple[int, int, int]]) -> None:
    histogram = Histogram(limit=10)
    for lane, second, rank in findings:
        histogram.add(lane, second, rank)
    for lane in range(4):
        mine = [rank for of, _, rank in findings if of == lane]
        buckets = histogram.lane(lane)
        assert [sum(levels[rank] for levels in buckets.values()) for rank in range(5)] == [
            mine.count(rank) for rank in range(5)
        ]
        assert list(buckets) == sorted(buckets)
    assert len(histogram.buckets) <= 10 or histogram.width == WIDTHS[-1]


def test_widths_divide_each_other() -> None:
    assert all(wide % narrow == 0 for narrow, wide in itertools.pairwise(WIDTHS))


@given(st.lists(SECONDS, min_size=1, max_size=60, unique=True), st.sampled_from([1, 60, 3600]))
@example([253_402_300_671, 253_402_300_799], 1)
def test_an_axis_holds_everything_and_goes_forward(seconds: list[int], width: int) -> None:
    starts = sorted({second // width * width for second in seconds})
    axis = pieces(starts, width)
    assert 1 <= len(axis) <= 5
    assert axis[0].left == 0
    assert axis[-1].right == pytest.approx(100)
    for before, after in itertools.pairwise(axis):
        assert before.right < after.left
        assert before.stop <= after.start or before.stop - after.start <= after.step
    assert all(any(piece.start <= second < piece.stop for piece in axis) for second in starts)
    for most in (3, 10):
        marks = ticks(axis, most)
        assert len(marks) >= len(axis)
        assert all(-0.01 <= mark.x <= 100.01 for mark in marks)
        assert [mark.x for mark in marks] == sorted(mark.x for mark in marks)
        assert len(marks) <= most + 2 * len(axis) + 1


@settings(max_examples=40)
@given(st.lists(SECONDS, min_size=1, max_size=40))
def test_a_picture_shows_every_finding(seconds: list[int]) -> None:
    timeline = drawn(at(*map(moment, seconds)))
    totals = [int(bar.title.split(": ")[-1].split()[0]) for bar in timeline.bars]
    assert sum(totals) == len(seconds)
    for bar in timeline.bars:
        assert 0 <= bar.x <= 100
        assert all(part.y >= 0 and part.y + part.height <= HEIGHT + 0.2 for part in bar.parts)


def test_one_finding_has_an_axis_around_it() -> None:
    timeline = drawn(at(datetime(2024, 3, 2, 1, 17, 9, tzinfo=UTC)))
    (bar,) = timeline.bars
    assert bar.title == "2024-03-02 01:17:00 – 2024-03-02 01:17:15 UTC: 1 Critical"
    assert 40 < bar.x < 60
    assert [tick.label for tick in timeline.wide] == ["01:05", "01:10", "01:15", "01:20", "01:25", "01:30"]
    assert timeline.wide[0].date == "2024-03-02"
    assert {tick.date for tick in timeline.wide[1:]} == {""}


def test_two_bursts_five_years_apart_are_both_seen() -> None:
    start = datetime(2019, 3, 4, 1, 0, tzinfo=UTC)
    first = [start + timedelta(minutes=3 * i) for i in range(40)]
    second = [start + timedelta(days=1825, minutes=7 * i) for i in range(40)]
    timeline = drawn(at(*first, *second))
    ((x, length),) = timeline.cuts
    assert length == "4 y 363 d"
    assert sum(bar.x < x for bar in timeline.bars) >= 15
    assert sum(bar.x > x for bar in timeline.bars) >= 25
    assert {tick.date for tick in timeline.wide} == {"2019-03-04", "2024-03-02", ""}


def test_five_years_without_a_gap_have_years_on_the_axis() -> None:
    start = datetime(2019, 1, 20, tzinfo=UTC)
    timeline = drawn(at(*(start + timedelta(days=3 * i) for i in range(600))))
    assert timeline.cuts == []
    assert [tick.label for tick in timeline.wide if "-" not in tick.label] == [
        str(year) for year in range(2019, 2025)
    ]


def test_the_ends_of_time_can_be_drawn() -> None:
    ends = [
        datetime(1601, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
    ]
    timeline = drawn(at(*ends, story.START))
    assert len(timeline.bars) == 4
    assert len(timeline.cuts) == 3


def test_findings_without_a_time_make_no_picture() -> None:
    assert drawn([story.row("lsass", None)]) == Timeline()


def test_lanes_show_the_most_affected_hosts_first() -> None:
    timeline = drawn(story.story())
    hosts = [lane.group.key for lane in timeline.lanes]
    assert hosts[:3] == ["JUMP01", "RW-DC01", "TS-FILE01"]
    assert len(hosts) == 12
    worst = {lane.group.key: {bar.level for bar in lane.bars} for lane in timeline.lanes}
    assert "critical" in worst["RW-DC01"]
    assert worst["VPN-GW1"] == {"medium"}

"""Holes in logs: told where they stand out, and not where a night, a filter or two writers explain them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from kazami.survey.gaps import gaps
from kazami.survey.holes import DAY, MINUTE, MOST, SECOND, Hole, holes, is_extract, share
from kazami.survey.streams import NO_TIME, Stream

START = 20_000 * DAY


def stream(
    times: Sequence[int],
    records: Sequence[int] | None = None,
    *,
    log: str = "Security",
    numbered: bool = True,
    part: Sequence[int] | None = None,
) -> Stream:
    record = np.array(range(1, len(times) + 1) if records is None else records, np.int64)
    time = np.array(times, np.int64)
    parts = np.zeros_like(record) if part is None else np.array(part, np.int64)
    return Stream("t", "h", log, numbered, record, time, parts)


def steady(count: int, step: int = MINUTE, start: int = START) -> list[int]:
    return [start + number * step for number in range(count)]


def kinds(found: list[Hole]) -> list[str]:
    return [hole.kind for hole in found]


def test_a_whole_log_has_none() -> None:
    assert holes(stream(steady(500))) == []
    assert share(stream(steady(500))) == 1.0


def test_records_that_are_missing() -> None:
    records = [*range(1, 101), *range(151, 301)]
    (hole,) = holes(stream([START + record * SECOND for record in records], records))
    assert (hole.kind, hole.records, hole.before, hole.after) == ("records", 50, 100, 151)
    assert hole.seconds == 51
    assert share(stream(steady(250), records)) == pytest.approx(250 / 300)


def test_an_extract_is_told_once() -> None:
    log = stream(steady(200), range(1, 2000, 10)[:200])
    assert is_extract(log)
    (hole,) = holes(log)
    assert (hole.kind, hole.records) == ("extract", 1991 - 200)


def test_a_silence_stands_out() -> None:
    times = [*steady(300), *steady(300, start=START + 300 * MINUTE + 12 * 60 * MINUTE)]
    (hole,) = holes(stream(times))
    assert hole.kind == "silence"
    assert hole.seconds == (12 * 60 + 1) * 60


def test_nights_are_no_silences() -> None:
    generator = np.random.default_rng(7)
    times = [
        START + day * DAY + int(second) * SECOND
        for day in range(10)
        for second in sorted(generator.uniform(9 * 3600, 17 * 3600, 200))
    ]
    assert holes(stream(times)) == []
    without = [time for time in times if not START + 4 * DAY <= time < START + 7 * DAY]
    (hole,) = holes(stream(without))
    assert hole.kind == "silence"
    assert hole.seconds is not None
    assert hole.seconds > 3 * 86_400


def test_bursts_are_no_silences() -> None:
    generator = np.random.default_rng(11)
    times = START + (np.cumsum(generator.lognormal(1, 2, 2000)) * SECOND).astype(np.int64)
    assert len([hole for hole in holes(stream(list(times))) if hole.kind == "silence"]) <= 2


def test_a_few_records_are_not_judged() -> None:
    assert holes(stream([*steady(20), START + 9 * DAY])) == []


def test_a_clock_that_was_set_back() -> None:
    times = [*steady(100), *steady(100, start=START - 8 * 60 * MINUTE)]
    (hole,) = [hole for hole in holes(stream(times)) if hole.kind == "clock"]
    assert hole.seconds is not None
    assert hole.seconds < -8 * 3600
    assert (hole.before, hole.after) == (100, 101)
    assert "clock" not in kinds(holes(stream(times), ordered=False))


def test_two_writers_are_no_clock() -> None:
    times = [
        time + (-1) ** number * 300_000 * (number % 7) for number, time in enumerate(steady(400, SECOND))
    ]
    assert "clock" not in kinds(holes(stream(times)))
    late = [START + (number - 120 * (number % 2)) * SECOND for number in range(400)]
    assert "clock" not in kinds(holes(stream(late)))


def test_files_of_different_pasts_are_no_clock() -> None:
    times = [*steady(100), *steady(100, start=START - DAY)]
    found = holes(stream(times, part=[0] * 100 + [1] * 100))
    assert "clock" not in kinds(found)
    assert all(hole.apart for hole in found)


def test_records_without_a_time() -> None:
    times = [*steady(100), NO_TIME, *steady(100, start=START + 101 * MINUTE)]
    assert holes(stream(times)) == []
    (hole,) = holes(stream([NO_TIME] * 60, [*range(59), 99]))
    assert (hole.kind, hole.start, hole.stop, hole.seconds) == ("records", None, None, None)


def test_of_many_the_largest_are_told() -> None:
    records = np.cumsum([1] * 30 * 300 + [0])[:-1]
    records = records + np.arange(len(records)) // 30 * 5
    found = holes(stream(steady(len(records), SECOND), list(records)))
    assert kinds(found).count("records") == MOST


@pytest.mark.parametrize("times", [[], [START], [NO_TIME], [START, START]])
def test_hardly_anything(times: list[int]) -> None:
    assert holes(stream(times)) == []


def test_what_other_logs_did_meanwhile() -> None:
    silent = stream([*steady(300), *steady(300, start=START + 2 * DAY)])
    end = START + 2 * DAY
    alone = list(
        gaps({"Security": [silent], "System": [stream(steady(100, start=START + DAY), log="System")]})
    )
    assert [(gap.note, gap.others) for gap in alone] == [("alone", 100)]
    assert [gap.note for gap in gaps({"Security": [silent]})] == ["still"]
    assert [gap.note for gap in gaps({"Security": [silent]}, [end + 60 * SECOND])] == ["was_off"]
    assert [gap.note for gap in gaps({"Security": [silent]}, [end + DAY])] == ["still"]
    apart = stream([*steady(300), *steady(300, start=end)], part=[0] * 300 + [1] * 300)
    assert [gap.note for gap in gaps({"Security": [apart]})] == ["apart"]


def test_flows_need_not_be_in_order() -> None:
    times = [*steady(100), *steady(100, start=START - DAY)]
    lines = stream(times, numbered=False, log="flow")
    assert "clock" not in [gap.hole.kind for gap in gaps({"flow": [lines]})]
    access = stream(times, numbered=False, log="sshd")
    assert "clock" in [gap.hole.kind for gap in gaps({"sshd": [access]})]

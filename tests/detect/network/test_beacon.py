"""Rhythm: RITA's scores by its own published figures, and ours on made traffic of every kind."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from kazami.detect.network.beacon import rhythm, rita
from kazami.detect.network.beacon.pairs import pairs

START, DAY = 1_700_006_400, 86_400  # a midnight


def beacon(
    period: float, jitter: float, days: int, hours: tuple[int, int] = (0, 24), seed: int = 1
) -> np.ndarray:
    chance = np.random.default_rng(seed)
    times = START + np.cumsum(period * (1 + jitter * chance.uniform(-1, 1, int(days * DAY / period) + 2)))
    hour = times % DAY // 3600
    return times[(times < START + days * DAY) & (hour >= hours[0]) & (hour < hours[1])]


def random_traffic(an_hour: float, days: int, hours: tuple[int, int] = (0, 24), seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    times = np.sort(START + chance.uniform(0, days * DAY, chance.poisson(an_hour * 24 * days)))
    hour = times % DAY // 3600
    return times[(hour >= hours[0]) & (hour < hours[1])]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1, 1], 0.0),
        ([0, 0, 100, 100], 0.0),
        ([1, 2, 3, 4, 5, 6, 7], 0.0),
        ([0, 10, 20, 80, 90, 100], 0.0),
        ([10, 20, 30, 60, 90], (15 + 75 - 60) / 60),
    ],
)
def test_bowley(values: list[float], expected: float) -> None:
    assert rita.bowley(np.array(values, float)) == pytest.approx(expected)


def test_deviation() -> None:
    assert rita.deviation(np.array([60.0] * 9), 1.0) == 1.0
    assert rita.deviation(np.array([0.0, 0.5]), 0.25) == 0.25
    assert rita.deviation(np.array([]), 1.0) == 1.0
    assert rita.deviation(np.array([1.0, 2.0, 300.0]), 0.0) == 0.5


def test_a_clock_scores_one() -> None:
    times = START + np.arange(0, DAY, 60.0)
    found = rita.score(times, np.full(len(times), 100.0), START, START + DAY)
    assert found == rita.Score(1.0, 1.0, 1.0, 1.0)
    assert found.total == 1.0


def test_what_rita_does_not_judge() -> None:
    assert rita.score(START + np.arange(3.0), np.ones(3), START, START + DAY) is None
    assert rita.score(np.full(90_000, float(START)), np.ones(90_000), START, START + DAY) is None
    many = START + np.arange(90_000) * 0.9
    assert rita.score(many, np.ones(90_000), START, START + DAY) is None


def test_the_window_keeps_its_first_hour() -> None:
    first, last = rita.window(START - 100_000, START + 1800)
    assert (first, last) == (START + 1800 - DAY, START + 1800)
    times = np.array([first - 1800.0, first - 1801, first, last])
    assert rita.kept(times, first).tolist() == [True, False, True, True]
    assert rita.histogram(times[[0, 2, 3]], first, last)[[0, -1]].tolist() == [2, 1]


def test_two_heights_and_one_bin_out_of_line() -> None:
    counts = np.array([27, *[14] * 9, *[13] * 9, *[12] * 5])
    assert rita._bimodal(counts) == 1.0
    assert rita._bimodal(np.array([5] * 10 + [0] * 14)) == 0.0


BEACONS = {
    "every minute, nearly random": (60, 0.9, 1),
    "every hour": (3600, 0.2, 1),
    "every four hours for a week": (14_400, 0.2, 7),
    "every six hours for a week": (21_600, 0.1, 7),
    "every eight hours for ten days": (28_800, 0.2, 10),
    "once a day for two weeks": (DAY, 0.2, 14),
}


@pytest.mark.parametrize("name", BEACONS)
def test_beacons(name: str) -> None:
    period, jitter, days = BEACONS[name]
    found = rhythm.judge(beacon(period, jitter, days))
    assert found is not None
    assert found.score >= 0.5
    assert found.period == pytest.approx(period, rel=0.15)
    assert found.jitter < 0.6


def test_a_beacon_in_work_hours_only() -> None:
    found = rhythm.judge(beacon(300, 0.2, 5, (9, 17)), None, rhythm.profile(random_traffic(200, 5, (8, 18))))
    assert found is not None
    assert found.score == 1.0
    assert found.pauses == 4


@pytest.mark.parametrize("hours", [(0, 24), (8, 18)])
@pytest.mark.parametrize("rate", [0.3, 1, 5, 30])
def test_random_traffic_is_no_beacon(rate: float, hours: tuple[int, int]) -> None:
    usual = rhythm.profile(random_traffic(200, 10, hours, 99))
    for seed in range(20):
        found = rhythm.judge(random_traffic(rate, 10, hours, seed), None, usual)
        assert found is None or found.score < 0.5


def test_bursts_are_no_beacon() -> None:
    chance = np.random.default_rng(3)
    pages = random_traffic(2, 5, (8, 18))
    times = np.sort(np.concatenate([page + chance.exponential(3, 20).cumsum() for page in pages]))
    found = rhythm.judge(times)
    assert found is not None
    assert found.score < 0.1


def test_connections_that_open_together_are_one_beat() -> None:
    one = beacon(600, 0.1, 1)
    found = rhythm.judge(np.sort(np.concatenate([one, one + 0.3, one + 0.5])))
    assert found is not None
    assert found.beats == len(one)
    assert found.score == 1.0


@pytest.mark.parametrize("times", [[], [1.0], [1.0] * 9, [1.0, 2.0, 3.0]])
def test_too_little_for_a_rhythm(times: list[float]) -> None:
    assert rhythm.judge(np.array(times)) is None


def test_few_beats_are_never_certain() -> None:
    found = rhythm.judge(START + np.arange(5) * 14_400.0 + np.array([0, 60, 0, 90, 0]))
    assert found is not None
    assert 0.1 < found.score < 0.9


def test_sizes_are_told() -> None:
    times = beacon(60, 0.1, 1)
    found = rhythm.judge(times, np.where(np.arange(len(times)) % 4, 100.0, 7.0))
    assert found is not None
    assert found.sizes == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("count", [5, 20, 60, 400])
def test_p_values_of_chance_are_not_too_small(count: int) -> None:
    values = [rhythm.chance(np.random.default_rng(seed).exponential(60, count)) for seed in range(200)]
    assert np.median(values) >= 0.45
    assert sum(value < 0.05 for value in values) <= 16
    assert min(values) > 1e-4


def test_the_clock_of_a_source() -> None:
    hours = rhythm.profile(START + np.repeat(np.arange(9, 17) * 3600.0, 10))
    assert hours.mean() == pytest.approx(1.0)
    assert hours[3] == pytest.approx(rhythm.FLOOR)
    assert rhythm.profile(np.array([])).tolist() == [1.0] * 24
    moved = rhythm.rescaled(np.array([START, START + DAY, START + 2 * DAY], float), hours)
    assert np.diff(moved) == pytest.approx([DAY, DAY])


def table(rows: list[tuple[float | None, str | None, str | None, str | None]]) -> pa.Table:
    time, near, far, sizes = zip(*rows, strict=True)
    micros = pa.array([None if t is None else int(t * 1e6) for t in time], pa.int64()).cast(
        pa.timestamp("us", "UTC")
    )
    columns = [pa.array(column, pa.string()).dictionary_encode() for column in (near, far, sizes)]
    return pa.table([micros, *columns], ["time", "id.orig_h", "id.resp_h", "orig_ip_bytes"])


def test_pairs() -> None:
    rows = [
        (5.5, "a", "b", "7"),
        (1.0, "a", "b", "-"),
        (2.0, "b", "a", "9"),
        (None, "a", "b", "1"),
        (3.0, None, "b", "1"),
        (4.0, "a", "c", "99999999999999999999"),
    ]
    found = {
        (pair.source, pair.target): (pair.times.tolist(), pair.sizes.tolist()) for pair in pairs(table(rows))
    }
    assert found == {
        ("a", "b"): ([1.0, 5.5], [0.0, 7.0]),
        ("b", "a"): ([2.0], [9.0]),
        ("a", "c"): ([4.0], [0.0]),
    }
    assert [pair.target for pair in pairs(table(rows), least=2)] == ["b"]
    assert list(pairs(table(rows).slice(0, 0))) == []

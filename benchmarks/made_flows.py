"""Made traffic with a known truth: beacons of many kinds, and random traffic of as many."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from kazami.detect.network.beacon import rhythm

START, DAY = 1_700_006_400, 86_400  # a midnight


def beacon(
    period: float, jitter: float, days: int, seed: int, hours: tuple[int, int] = (0, 24)
) -> np.ndarray:
    """Times every `period` seconds, each interval off by up to `jitter` of it, within some hours of the day."""
    chance = np.random.default_rng(seed)
    times = START + np.cumsum(period * (1 + jitter * chance.uniform(-1, 1, int(days * DAY / period) + 2)))
    return within(times[times < START + days * DAY], hours)


def random_traffic(an_hour: float, days: int, seed: int, hours: tuple[int, int] = (0, 24)) -> np.ndarray:
    """Poisson traffic within some hours of the day."""
    chance = np.random.default_rng(seed)
    return within(np.sort(START + chance.uniform(0, days * DAY, chance.poisson(an_hour * 24 * days))), hours)


def within(times: np.ndarray, hours: tuple[int, int]) -> np.ndarray:
    """Those of `times` in these hours of the day."""
    hour = times % DAY // 3600
    return times[(hour >= hours[0]) & (hour < hours[1])]


def office() -> np.ndarray:
    """The profile of a source with office hours."""
    return rhythm.profile(random_traffic(200, 7, 0, (8, 18)))


_WORK = (9, 17)

#: By name: the times of one beacon, from a seed.
BEACONS: dict[str, Callable[[int], np.ndarray]] = {
    "60 s, 20 %, 1 day": partial(beacon, 60, 0.2, 1),
    "60 s, 90 %, 1 day": partial(beacon, 60, 0.9, 1),
    "1 h, 20 %, 1 day": partial(beacon, 3600, 0.2, 1),
    "4 h, 20 %, 7 days": partial(beacon, 14_400, 0.2, 7),
    "6 h, 10 %, 7 days": partial(beacon, 21_600, 0.1, 7),
    "8 h, 20 %, 10 days": partial(beacon, 28_800, 0.2, 10),
    "24 h, 20 %, 30 days": partial(beacon, DAY, 0.2, 30),
    "5 min, 20 %, 9 to 17 h": lambda seed: beacon(300, 0.2, 1, seed, _WORK),
}

#: The same for random traffic.
RANDOM: dict[str, Callable[[int], np.ndarray]] = {
    "30 an hour, 1 day": partial(random_traffic, 30, 1),
    "5 an hour, 1 day": partial(random_traffic, 5, 1),
    "30 an hour, 9 to 17 h, 7 days": lambda seed: random_traffic(30, 7, seed, _WORK),
    "1 an hour, 9 to 17 h, 30 days": lambda seed: random_traffic(1, 30, seed, _WORK),
}


def connections(count: int) -> pa.Table:
    """A week of `count` connections: 100 beacons, and random traffic of a thousand sources to some destinations each."""
    chance = np.random.default_rng(7)
    beats = [beacon(600 + 30 * n, 0.2, 7, n) for n in range(100)]
    rest = max(0, count - sum(map(len, beats)))
    times = np.concatenate([*beats, START + chance.uniform(0, 7 * DAY, rest)])
    near = np.concatenate(
        [*(np.full(len(b), n) for n, b in enumerate(beats)), chance.integers(0, 1000, rest)]
    )
    far = np.concatenate(
        [
            *(np.full(len(b), 1_000_000 + n) for n, b in enumerate(beats)),
            (chance.pareto(1, rest) * 20).astype(int) % 50_000,
        ]
    )
    names = [pa.array(ends.astype(np.int32)).cast(pa.string()) for ends in (near, far)]
    sizes = pa.array(chance.integers(40, 5000, len(times))).cast(pa.string())
    micros = pa.array((times * 1e6).astype(np.int64)).cast(pa.timestamp("us", "UTC"))
    return pa.table([micros, *names, sizes], ["time", "id.orig_h", "id.resp_h", "orig_ip_bytes"])

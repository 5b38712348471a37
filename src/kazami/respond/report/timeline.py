"""The picture of time: findings stacked by level, and a lane for each of the most affected hosts.

Everything is a plain rectangle in percent of the width, so the picture fits any screen without a script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kazami.model.finding import LEVELS
from kazami.respond.language import Words
from kazami.respond.report.axis import GAP, Piece, Tick, moment, pieces, ticks
from kazami.respond.report.histogram import Levels
from kazami.respond.report.tally import Group, Tally

HEIGHT = 120  # pixels of the stacked bars
LANES = 12
#: Labels that have room on a wide and on a narrow screen.
WIDE, NARROW = 10, 3


@dataclass(frozen=True, slots=True)
class Part:
    """One level's share of a bar: top and height in pixels."""

    level: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What was found in one stretch of time; `x` and `width` in percent, `title` says it in words."""

    x: float
    width: float
    title: str
    level: str
    strength: int  # 1 to 3: how much, for a lane
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """One host over time."""

    group: Group
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that the page draws. `cuts` are positions of cuts and how long they are."""

    bars: list[Bar] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    wide: list[Tick] = field(default_factory=list)
    narrow: list[Tick] = field(default_factory=list)
    cuts: list[tuple[float, str]] = field(default_factory=list)
    grid: list[tuple[float, str]] = field(default_factory=list)  # y in pixels, label
    first: str = ""
    last: str = ""


def _bins(buckets: Mapping[int, Levels], axis: Sequence[Piece]) -> list[tuple[Piece, int, Levels]]:
    """The buckets gathered into the bars of the axis: piece, start of the bar, counts by level."""
    bins: dict[tuple[int, int], Levels] = {}
    number = 0
    for second, levels in buckets.items():
        while number < len(axis) - 1 and second >= axis[number].stop:
            number += 1
        piece = axis[number]
        start = second - (second - piece.start) % piece.step
        total = bins.setdefault((number, start), [0] * len(LEVELS))
        total[:] = [a + b for a, b in zip(total, levels, strict=True)]
    return [(axis[number], start, levels) for (number, start), levels in bins.items()]


def _title(words: Words, piece: Piece, start: int, levels: Levels) -> str:
    counts = [
        words("timeline.part", level=words.level(LEVELS[i]), n=words.number(levels[i]))
        for i in reversed(range(len(LEVELS)))
        if levels[i]
    ]
    stop = words.time(moment(start + piece.step))
    return words("timeline.bar", start=words.time(moment(start)), stop=stop, counts=", ".join(counts))


def _parts(levels: Levels, most: int) -> tuple[Part, ...]:
    """A stack with the highest level at the bottom; whatever is there at all is at least 2 pixels high."""
    parts, y = [], float(HEIGHT)
    for rank in reversed(range(len(LEVELS))):
        if levels[rank]:
            height = max(levels[rank] / most * (HEIGHT - 14), 2)
            y -= height
            parts.append(Part(LEVELS[rank], round(y, 1), round(height, 1)))
    return tuple(parts)


def _bars(words: Words, bins: list[tuple[Piece, int, Levels]], most: int) -> list[Bar]:
    bars = []
    for piece, start, levels in bins:
        x, stop = piece.at(start), piece.at(start + piece.step)
        rank = max(i for i, count in enumerate(levels) if count)
        total = sum(levels)
        bars.append(
            Bar(
                x=round(x, 3),
                width=round(max(stop - x, 0.25) * 0.92, 3),
                title=_title(words, piece, start, levels),
                level=LEVELS[rank],
                strength=1 if total * 20 < most else 2 if total * 4 < most else 3,
                parts=_parts(levels, most),
            )
        )
    return bars


def _nice(most: int) -> int:
    """A round number, at most `most` and more than a third of it."""
    ten = int("1" + "0" * (len(str(most)) - 1))
    return next(n for n in (5 * ten, 2 * ten, ten) if n <= most)


def _grid(words: Words, most: int) -> list[tuple[float, str]]:
    nice = _nice(most)
    return [(round(HEIGHT - nice / most * (HEIGHT - 14), 1), words.number(nice))]


def affected(tally: Tally) -> list[Group]:
    """Hosts, the most affected first: highest level, then distinct rules, then findings."""
    return sorted(
        tally.hosts.values(),
        key=lambda host: (-host.rank, -len(host.rules), -host.count, host.key, host.tenant),
    )


def picture(tally: Tally, words: Words) -> Timeline:
    """The timeline of everything that was counted; an empty one where no finding has a time."""
    buckets = tally.time.lane(0)
    if not buckets:
        return Timeline()
    axis = pieces(list(buckets), tally.time.width)
    bins = _bins(buckets, axis)
    most = max(sum(levels) for _, _, levels in bins)
    followed = [host for host in affected(tally) if (host.tenant, host.key) in tally.lanes][:LANES]
    lanes = []
    for host in followed:
        mine = _bins(tally.time.lane(tally.lanes[host.tenant, host.key]), axis)
        lanes.append(
            Lane(host, _bars(words, mine, max(sum(levels) for _, _, levels in mine)) if mine else [])
        )
    return Timeline(
        bars=_bars(words, bins, most),
        lanes=lanes,
        wide=ticks(axis, WIDE),
        narrow=ticks(axis, NARROW),
        cuts=[
            (round(before.right + GAP / 2, 2), words.duration(after.start - before.stop))
            for before, after in pairwise(axis)
        ],
        grid=_grid(words, most),
        first=words.time(tally.all.first),
        last=words.time(tally.all.last),
    )

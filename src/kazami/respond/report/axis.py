"""A time axis in UTC that is honest and still shows something: linear pieces, cut where nothing happened.

A stretch without any finding that is longer than `CUT` of what is left of the axis is cut out, and the cut
is marked with its length. Inside a piece the scale is linear. Positions are percent of the picture's width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

#: Share of the axis that an empty stretch must have to be cut out.
CUT = 0.3
PIECES = 5
GAP = 3.0  # percent that a cut takes
LEAST = 0.14  # share of the axis that a piece has at least, where there are not too many

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _SECOND
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _SECOND

_M, _H, _D = 60, 3600, 86400
#: Widths of bars, in seconds.
STEPS: tuple[int, ...] = (
    *(1, 2, 5, 10, 15, 30, _M, 2 * _M, 5 * _M, 10 * _M, 15 * _M, 30 * _M),
    *(_H, 2 * _H, 3 * _H, 6 * _H, 12 * _H, _D, 2 * _D, 7 * _D, 14 * _D, 28 * _D, 91 * _D, 364 * _D),
)
#: Distances of ticks: seconds, or months where a calendar is needed.
TICKS: tuple[tuple[int, int], ...] = (
    *((s, 0) for s in (1, 5, 15, 30, _M, 5 * _M, 15 * _M, 30 * _M)),
    *((s, 0) for s in (_H, 3 * _H, 6 * _H, 12 * _H, _D, 2 * _D, 7 * _D, 14 * _D)),
    *((m * 30 * _D, m) for m in (1, 3, 6, 12, 24, 60, 120, 600, 1200, 12000)),
)


def moment(second: int) -> datetime:
    """`second` since the epoch as a time, held inside the years 1 to 9999."""
    return _EPOCH + timedelta(seconds=min(max(second, _FIRST), _LAST))


@dataclass(frozen=True, slots=True)
class Piece:
    """One linear stretch: seconds `start` to `stop` at `left` to `right` percent, bars `step` seconds wide."""

    start: int
    stop: int
    left: float
    right: float
    step: int

    def at(self, second: float) -> float:
        """Where `second` lies, in percent."""
        return self.left + (self.right - self.left) * (second - self.start) / (self.stop - self.start)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis: where, what time, and the date where it is new."""

    x: float
    label: str
    date: str


def _cuts(seconds: Sequence[int], width: int) -> list[int]:
    """Positions in `seconds` before which the axis is cut, in order."""
    gaps = sorted(
        ((after - before - width, i) for i, (before, after) in enumerate(pairwise(seconds), 1)),
        reverse=True,
    )
    left = seconds[-1] + width - seconds[0]
    cuts: list[int] = []
    for gap, i in gaps[: PIECES - 1]:
        if gap <= CUT * left or gap < 2 * _H:
            break
        cuts.append(i)
        left -= gap
    return sorted(cuts)


def _margin(start: int, stop: int) -> tuple[int, int]:
    """A little air around a piece, more around a single moment."""
    air = max((stop - start) // 50, 0) if stop - start > 30 else 15 * _M if stop - start <= 1 else 20
    return max(start - air, _FIRST), max(
        stop, min(stop + air, _LAST)
    )  # the last second of 9999 is inside, too


def _step(length: int, bars: float, width: int) -> int:
    return next((s for s in STEPS if s % width == 0 and s * bars >= length), max(STEPS[-1], width))


def pieces(seconds: Sequence[int], width: int, bars: int = 130) -> list[Piece]:
    """The axis for buckets that start at `seconds` (sorted, not empty) and are `width` seconds wide."""
    cuts = [0, *_cuts(seconds, width), len(seconds)]
    spans = [_margin(seconds[a], seconds[b - 1] + width) for a, b in pairwise(cuts)]
    total = sum(stop - start for start, stop in spans)
    usable = 100 - GAP * (len(spans) - 1)
    least = min(0.5 / len(spans), LEAST)
    shares = [least + (1 - least * len(spans)) * (stop - start) / total for start, stop in spans]
    axis, left = [], 0.0
    for (start, stop), share in zip(spans, shares, strict=True):
        step = _step(stop - start, max(bars * share, 4), width)
        start, stop = start // step * step, -(-stop // step) * step
        axis.append(Piece(start, stop, left, left + usable * share, step))
        left += usable * share + GAP
    return axis


def _marks(piece: Piece, most: int) -> Iterator[int]:
    """Seconds at which a piece has ticks: round ones, at most `most` or so."""
    length = piece.stop - piece.start
    distance, months = next((t for t in TICKS if t[0] * most >= length), TICKS[-1])
    if not months:
        yield from range(-(-piece.start // distance) * distance, piece.stop + 1, distance)
        return
    first = moment(piece.start)
    month = -(-(first.year * 12 + first.month - 1) // months) * months
    while month // 12 <= 9999:
        second = int((datetime(max(month // 12, 1), month % 12 + 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
        if second > piece.stop:
            return
        if second >= piece.start:
            yield second
        month += months


def _label(time: datetime, length: int) -> tuple[str, str]:
    """The small and the large part of a tick's label, for a piece of `length` seconds."""
    if length > 3 * 366 * _D:
        return f"{time:%Y-%m}" if time.month > 1 else f"{time.year:04d}", ""
    if length > 6 * _D:
        return f"{time:%m-%d}", f"{time.year:04d}"
    return f"{time:%H:%M}" if length > 5 * _M else f"{time:%H:%M:%S}", f"{time.year:04d}-{time:%m-%d}"


def ticks(axis: Sequence[Piece], most: int) -> list[Tick]:
    """Ticks of the whole axis, `most` or so; each piece has one at least, and says its date at its first."""
    marks: list[Tick] = []
    for piece in axis:
        room = max(int(most * (piece.right - piece.left) / 100), 1)
        seconds = list(_marks(piece, room)) or [piece.start]
        said = ""
        for second in seconds:
            label, date = _label(moment(second), piece.stop - piece.start)
            marks.append(Tick(piece.at(second), label, date if date != said else ""))
            said = date
    return marks

"""Holes in logs: records that are not there, silences, and clocks that were set back. Pure, over arrays.

**Records.** A filter leaves many small holes, a removal few: where more than `SIFTED` of the steps skip a record, the log
is an extract and its holes say nothing.

**Silences** by a robust outlier test on maxima, because a log's pauses are anything but normal: the log of the longest
pause of each block (a day where the log spans five of them, so that nights and lunch hours are the norm; else as many
blocks as each holds records) is held against median and median absolute deviation of all blocks, with the modified
z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993; 3.5). Tests: `tests/survey/test_holes.py`.

**Clocks.** Windows writes records out of order by fractions of a second; a step back of a minute and more, and of far more
than is usual in this log, is a clock that was set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kazami.survey.streams import NO_TIME, Numbers, Stream

#: Share of steps that skip a record, from which a log is an extract; records from which silences can be judged.
SIFTED, ENOUGH = 0.05, 50
#: Modified z-score of an outlier; the least deviation, in powers of ten; days from which a block is a day.
SCORE, LEAST, DAYS = 3.5, 0.1, 5
#: Holes of one log that are told one by one.
MOST = 100

SECOND = 1_000_000
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole in `log`: `kind` is ``records``, ``silence``, ``clock`` or ``extract``.

    `start` and `stop` are microseconds since 1970 of the records before and after, None where they have no time;
    `records` how many are missing, `before` and `after` the ids beside. `apart`: the records beside are of two pieces of
    evidence, so that what is between them may only not have been handed over.
    """

    kind: str
    log: str
    start: int | None
    stop: int | None
    records: int = 0
    before: int | None = None
    after: int | None = None
    apart: bool = False

    @property
    def seconds(self) -> float | None:
        """From the record before to the one after; below zero for a clock that was set back."""
        return None if self.start is None or self.stop is None else (self.stop - self.start) / SECOND


def share(stream: Stream) -> float:
    """The part of the record ids between the first and the last that is there; 1 where records have no ids."""
    if not stream.numbered or not len(stream.record):
        return 1.0
    return len(stream.record) / float(stream.record[-1] - stream.record[0] + 1)


def is_extract(stream: Stream) -> bool:
    """Whether what is missing was left out by a filter."""
    skips = np.count_nonzero(np.diff(stream.record) > 1)
    return bool(stream.numbered and len(stream.record) > 1 and skips > SIFTED * (len(stream.record) - 1))


def holes(stream: Stream, *, ordered: bool = True) -> list[Hole]:
    """The holes of a log, records first. Without `ordered` its records need not be in the order of time."""
    if is_extract(stream):
        times = stream.time[stream.time != NO_TIME]
        missing = int(stream.record[-1] - stream.record[0] + 1) - len(stream.record)
        start, stop = (int(times.min()), int(times.max())) if len(times) else (None, None)
        return [
            Hole("extract", stream.log, start, stop, missing, int(stream.record[0]), int(stream.record[-1]))
        ]
    found = _records(stream) if stream.numbered else []
    return [*found, *_silences(stream), *(_clocks(stream) if ordered else [])]


def _at(stream: Stream, before: int, kind: str, records: int = 0) -> Hole:
    """A hole between the record number `before` of the stream and the next."""
    start, stop = (None if time == NO_TIME else int(time) for time in stream.time[before : before + 2])
    ids = stream.record[before : before + 2]
    apart = bool(stream.part[before] != stream.part[before + 1])
    return Hole(kind, stream.log, start, stop, records, int(ids[0]), int(ids[1]), apart)


def _records(stream: Stream) -> list[Hole]:
    missing = np.diff(stream.record) - 1
    where = np.flatnonzero(missing > 0)
    largest = where[np.argsort(-missing[where], kind="stable")[:MOST]]
    return [_at(stream, int(place), "records", int(missing[place])) for place in np.sort(largest)]


def _silences(stream: Stream) -> list[Hole]:
    known = np.flatnonzero(stream.time != NO_TIME)
    if len(known) < ENOUGH:
        return []
    order = known[np.argsort(stream.time[known], kind="stable")]
    times, part = stream.time[order], stream.part[order]
    pauses = np.diff(times)
    limit = _limit(times[:-1], pauses)
    where = np.flatnonzero(pauses > limit)
    longest = where[np.argsort(-pauses[where], kind="stable")[:MOST]]
    return [
        Hole(
            "silence",
            stream.log,
            int(times[place]),
            int(times[place + 1]),
            apart=bool(part[place] != part[place + 1]),
        )
        for place in np.sort(longest)
    ]


def _limit(starts: Numbers, pauses: Numbers) -> float:
    """The length, in microseconds, from which a pause stands out; at least a minute."""
    if starts[-1] - starts[0] >= DAYS * DAY:
        edges = np.flatnonzero(np.diff(starts // DAY)) + 1
    else:
        size = int(np.sqrt(len(pauses)))
        edges = np.arange(size, len(pauses), size)
    longest = np.maximum.reduceat(pauses, np.concatenate([[0], edges]))
    logs = np.log10(np.maximum(longest, SECOND))
    middle = float(np.median(logs))
    deviation = max(1.4826 * float(np.median(np.abs(logs - middle))), LEAST)
    return float(max(10 ** (middle + SCORE * deviation), MINUTE))


def _clocks(stream: Stream) -> list[Hole]:
    """Steps back in time inside one piece of evidence: files may be of machines that were set back as a whole."""
    known = np.flatnonzero(stream.time != NO_TIME)
    steps = np.diff(stream.time[known])
    steps[np.diff(stream.part[known]) != 0] = 0
    back = -steps[steps < 0]
    if not len(back):
        return []
    # what is usual here; a single step back is not
    usual = 10 * float(np.median(back)) if len(back) >= 10 else 0.0
    where = np.flatnonzero(-steps > max(MINUTE, usual))
    worst = where[np.argsort(steps[where], kind="stable")[:MOST]]
    return [_between(stream, int(known[place]), int(known[place + 1])) for place in np.sort(worst)]


def _between(stream: Stream, first: int, second: int) -> Hole:
    start, stop = int(stream.time[first]), int(stream.time[second])
    return Hole("clock", stream.log, start, stop, 0, int(stream.record[first]), int(stream.record[second]))

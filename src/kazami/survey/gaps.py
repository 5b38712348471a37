"""The holes in the logs of a machine, each with what the machine's other logs did meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kazami.survey.holes import SECOND, Hole, holes
from kazami.survey.streams import NO_TIME, Numbers, Stream

#: Seconds after a silence within which a start of the machine explains it.
START = 300
#: Products whose records are written when something ends, and so not in the order of their times.
_UNORDERED = frozenset({"flow", "dns", "http", "tls", "files", "ssh", "rdp"})


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole on a machine.

    `others` are records of the machine's other logs inside it; `note` is ``alone`` (they went on), ``was_off`` (the machine
    was started at its end), ``still`` (nothing else was written either), ``apart`` (it is between two pieces of evidence),
    or empty where it does not matter.
    """

    tenant: str
    host: str
    hole: Hole
    others: int = 0
    note: str = ""


def gaps(logs: Mapping[str, Sequence[Stream]], starts: Sequence[int] = ()) -> Iterator[Gap]:
    """The gaps of one machine, whose streams are `logs`; `starts` is when it was started, in microseconds."""
    times = {log: _times(found) for log, found in logs.items()}
    for log, found in logs.items():
        others = _sorted([part for name, part in times.items() if name != log])
        for stream in found:
            for hole in holes(stream, ordered=stream.numbered or log not in _UNORDERED):
                count = _within(others, hole)
                yield Gap(stream.tenant, stream.host, hole, count, _note(hole, count, starts))


def _times(streams: Sequence[Stream]) -> Numbers:
    return _sorted([stream.time[stream.time != NO_TIME] for stream in streams])


def _sorted(parts: Sequence[Numbers]) -> Numbers:
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)


def _within(times: Numbers, hole: Hole) -> int:
    """How many of the sorted `times` lie inside the hole, without its edges."""
    if hole.start is None or hole.stop is None or hole.stop <= hole.start:
        return 0
    first = np.searchsorted(times, hole.start, "right")
    return max(0, int(np.searchsorted(times, hole.stop, "left") - first))


def _note(hole: Hole, others: int, starts: Sequence[int]) -> str:
    if hole.kind not in ("silence", "records") or hole.stop is None:
        return ""
    if hole.apart:
        return "apart"
    if any(abs(start - hole.stop) <= START * SECOND for start in starts):
        return "was_off"
    return "alone" if others else "still"

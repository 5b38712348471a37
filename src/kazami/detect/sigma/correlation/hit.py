"""Hits: what a correlation found, one an episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

import numpy as np

from kazami.detect.sigma.correlation import number
from kazami.detect.sigma.correlation.entries import Entries
from kazami.detect.sigma.correlation.matches import Ints, Matches
from kazami.detect.sigma.correlation.window import Episode
from kazami.detect.sigma.rule import Correlation

#: How many events a hit names; `Hit.events` counts them all.
MAX_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Hit:
    """One episode of one group of one tenant.

    `group` has the group-by values as the first event writes them; `first` and `last` are microseconds since
    1970 in UTC; `event_uids` are the first `MAX_EVENTS` of the `events` events, by time and then by uid; `measured`
    is the largest measure of the windows that met the condition (the smallest, where the condition only bounds it from
    above); `matches` counts matches, or hits, of each of the correlation's rules. `row` is the first event's row
    of the matches, `rows` are those of all events.
    """

    rule: str
    tenant: str
    group: dict[str, str]
    first: int
    last: int
    event_uids: tuple[str, ...]
    events: int
    measured: str
    matches: dict[str, int]
    row: int
    rows: Ints = field(repr=False, compare=False)


def hits_of(
    correlation: Correlation,
    episodes: Sequence[Episode],
    measured: Sequence[Fraction],
    found: Entries,
    matches: Matches,
) -> list[Hit]:
    """The hit of each episode, with the measure to show for it."""
    named = [_first_entries(episode, found, matches) for episode in episodes]
    rows = found.row[np.concatenate([np.empty(0, np.int64), *named])]
    uids = iter(matches.table["event_uid"].take(rows).to_pylist())
    tables = iter(matches.table["table"].take(rows).to_pylist())
    hits = []
    for episode, shown, entries in zip(episodes, measured, named, strict=True):
        times = matches.time[found.row[entries]].tolist()
        size = len(times)
        ordered = sorted(zip(times, islice(uids, size), islice(tables, size), entries.tolist(), strict=True))
        uid = tuple(uid for _, uid, _, _ in ordered[:MAX_EVENTS])
        hits.append(_hit(correlation, episode, shown, uid, ordered[0][3], found, matches))
    return hits


def _first_entries(episode: Episode, found: Entries, matches: Matches) -> Ints:
    """One entry for each of the first events: of all with a time among the first `MAX_EVENTS`."""
    rows = found.row[episode.start : episode.end + 1]
    where = np.unique(matches.event[rows], return_index=True)[1]
    if len(where) > MAX_EVENTS:
        time = matches.time[rows[where]]
        where = where[time <= np.partition(time, MAX_EVENTS - 1)[MAX_EVENTS - 1]]
    return episode.start + where


def _hit(
    correlation: Correlation,
    episode: Episode,
    measured: Fraction,
    uids: tuple[str, ...],
    first: int,
    found: Entries,
    matches: Matches,
) -> Hit:
    inside = slice(episode.start, episode.end + 1)
    rows = np.unique(found.row[inside])
    time = matches.time[rows]
    shown = [matches.texts[column[first]] for column in found.shown]
    return Hit(
        rule=correlation.info.id,
        tenant=matches.tenants[matches.tenant[rows[0]]],
        group=dict(zip(correlation.group_by, shown, strict=True)),
        first=int(time.min()),
        last=int(time.max()),
        event_uids=uids,
        events=len(np.unique(matches.event[rows])),
        measured=number.text(measured),
        matches=_by_rule(correlation, found.step[inside], found.occurrence[inside]),
        row=int(found.row[first]),
        rows=rows,
    )


def _by_rule(correlation: Correlation, step: Ints, occurrence: Ints) -> dict[str, int]:
    size = len(correlation.rules)
    pairs = np.unique(occurrence * size + step)
    counts = np.bincount(pairs % size, minlength=size).tolist()
    return {rule: count for rule, count in zip(correlation.rules, counts, strict=True) if count}

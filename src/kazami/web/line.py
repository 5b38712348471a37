"""The time line of an entity as a picture: a lane for each of its incidents, one for all other findings, time to the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from kazami.model.finding import LEVELS
from kazami.respond.text import safe
from kazami.respond.track.draw import fitted
from kazami.store.browse.clock import iso
from kazami.store.browse.entities import Moment
from kazami.store.browse.incidents import Row

#: Incidents that have a lane, the gravest; the findings of all others stand with those of none.
LANES = 8

#: Pixels: height of a lane, of a bar at most, below all lanes; and between two bars.
LANE, BAR, FOOT, STEP = 44, 24, 22, 9


@dataclass(frozen=True, slots=True)
class Line:
    """The picture for wide and for narrow screens."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True)
class _Bar:
    """Findings of a lane that lie close together."""

    lane: int
    place: int
    first: int
    last: int
    count: int
    rank: int


def line_of(
    moments: Sequence[Moment], incidents: Sequence[Row], name: str, base: str, words: Any
) -> Line | None:
    """The picture of the findings of the entity `name`; None where none has a time. `words` are those of the console."""
    if not moments:
        return None
    there = {moment.incident for moment in moments}
    lanes = [one for one in incidents if one.uid in there][:LANES]
    wide, narrow = (
        Markup("".join(_drawn(moments, lanes, name, base, words, width)))  # noqa: S704 - ours, and escaped texts
        for width in (1132, 360)
    )
    return Line(wide, narrow)


def _drawn(
    moments: Sequence[Moment], lanes: Sequence[Row], name: str, base: str, words: Any, width: int
) -> Iterator[str]:
    titles = [one.title.spoken(words.lang) for one in lanes]
    lane_of = {one.uid: number for number, one in enumerate(lanes)}
    bars = list(_bars(moments, lane_of, (width - 12) // STEP))
    if any(bar.lane == len(lanes) for bar in bars):
        titles.append(words("entity.others"))
    height = LANE * len(titles) + FOOT
    label = escape(safe(f"{words('entity.line')}: {name}"))
    yield f'<svg class="track line" viewBox="0 0 {width} {height}" role="group" aria-label="{label}">'
    for number, title in enumerate(titles):
        y = LANE * (number + 1)
        yield f'<line class="lane" x1="0" x2="{width}" y1="{y}" y2="{y}"/>'
        yield f'<text class="small" x="6" y="{y - BAR - 6}">{escape(fitted(title, width // 8))}</text>'
    most = max(bar.count for bar in bars)
    for bar in bars:
        yield from _bar(bar, most, name, base, words)
    first, last = (
        str(iso(time))[:16].replace("T", " ") for time in (moments[0].time, max(m.time for m in moments))
    )
    yield f'<text class="small" x="6" y="{height - 5}">{first}</text>'
    yield f'<text class="small end" x="{width - 6}" y="{height - 5}">{last if last != first else ""}</text></svg>'


def _bars(moments: Sequence[Moment], lane_of: dict[str, int], places: int) -> Iterator[_Bar]:
    """Findings by lane and place; as many places as there is room for."""
    begin, end = moments[0].time, max(moment.time for moment in moments)
    span = max(end - begin, 1)
    held: dict[tuple[int, int], list[Moment]] = {}
    for moment in moments:
        place = (moment.time - begin) * (places - 1) // span
        held.setdefault((lane_of.get(moment.incident or "", len(lane_of)), place), []).append(moment)
    for (lane, place), found in sorted(held.items()):
        times = [moment.time for moment in found]
        rank = max(moment.rank for moment in found)
        yield _Bar(lane, place, min(times), max(times), len(found), rank)


def _bar(bar: _Bar, most: int, name: str, base: str, words: Any) -> Iterator[str]:
    high = 6 + (BAR - 6) * bar.count / most
    level = LEVELS[bar.rank - 1]
    query = urlencode(
        {"entity": name, "since": iso(bar.first), "until": iso(bar.last + 1), "show": "counted"}
    )
    when = str(iso(bar.first))[:19].replace("T", " ")
    said = escape(safe(f"{when}: {words.count('finding', bar.count)}, {words.level(level)}"))
    yield (
        f'<a href="{escape(base)}/findings?{escape(query)}" aria-label="{said}"><title>{said}</title>'
        f'<rect class="b {level}" x="{6 + bar.place * STEP}" y="{LANE * (bar.lane + 1) - high:.1f}" width="{STEP - 2}" '
        f'height="{high:.1f}"/></a>'
    )

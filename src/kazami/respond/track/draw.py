"""A picture of a track as SVG: no script, no style of its own but classes, every text of evidence made visible and escaped.

Units are pixels at full width; the page scales it. Shapes say what colors say, so it can be read without them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from kazami.respond.language import Words
from kazami.respond.text import safe
from kazami.respond.track.kind import KINDS, SHAPES
from kazami.respond.track.layout import Arrow, Lane, Mark, Track
from kazami.respond.track.phase import Phase
from kazami.respond.track.scene import ORDINARY, Spot

#: Steps that the title of one mark names.
NAMED = 6

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (("y", 31_556_952), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def svg(track: Track, words: Words, uid: str, *, linked: bool = False) -> Markup:
    """The picture; `uid` is a word that no other picture of the page has (letters, digits, hyphens).

    `linked`, each mark is a link to its first step (``#step-N``) and names all of them in ``data-steps``.
    """
    size = track.size
    parts = [
        f'<svg class="track" viewBox="0 0 {size.width} {track.height:g}" role="{"group" if linked else "img"}" '
        f'aria-labelledby="{uid}-title {uid}-desc">',
        f'<title id="{uid}-title">{escape(words("track.alt"))}</title>',
        f'<desc id="{uid}-desc">{escape(described(track, words))}</desc>',
        *_ground(track, words),
        *(part for lane in track.lanes for part in _line(lane, track)),
        *(part for arrow in track.arrows for part in _arrow(arrow, track.marks, words)),
        *(part for lane in track.lanes for part in _name(lane, track, words)),
        *_labels(track, words),
        *(part for mark in track.marks for part in _mark(mark, words, bool(size.names), linked)),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - ours, and escaped texts


def legend(track: Track, words: Words) -> list[tuple[str, Markup, str]]:
    """The kinds that are in the picture: kind, its shape as SVG, its name."""
    there = {mark.kind for mark in track.marks}
    return [(kind, glyph(kind), words(f"track.kind.{kind}")) for kind in KINDS if kind in there]


def glyph(kind: str) -> Markup:
    """The shape of a kind, by itself."""
    head = '<svg class="glyph" viewBox="-9 -9 18 18" width="15" height="15" aria-hidden="true">'
    return Markup(f'{head}<path class="k {kind}" d="{SHAPES[kind]}"/></svg>')  # noqa: S704 - ours


def described(track: Track, words: Words) -> str:
    """The picture in words, for who does not see it: where it began, went, and what left."""
    seen = track.scene
    hosts = words.listing([lane_name(lane, words) for lane in track.lanes[:6]], len(track.lanes), "host")
    steps = words.count("step", sum(lane.steps for lane in track.lanes))
    first, last = min(lane.first for lane in track.lanes), max(lane.last for lane in track.lanes)
    said = [words("track.what", steps=steps, hosts=hosts, first=_time(first, words), last=_time(last, words))]
    if seen.entry is not None:
        key = "track.entered" if seen.entered else "track.begins"
        said.append(words(key, step=_told(seen.entry, words)))
    for one in seen.arrivals[:NAMED]:
        said.append(
            words("track.moved", source=one.source[1], target=one.target[1], time=_time(one.second, words))
        )
    said += [words("track.left", step=_told(spot, words)) for spot in seen.exits[:NAMED]]
    return safe(words("list.sentence").join(said))


def lane_name(lane: Lane, words: Words) -> str:
    """The name of a host, or that there is none."""
    return lane.place[1] or words("track.no_host")


def fitted(text: str, columns: int) -> str:
    """`text` on one line in at most `columns` half-width columns, cut with an ellipsis."""
    shown = safe(text)
    used = 0
    for number, char in enumerate(shown):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > columns:
            return shown[: max(number - 1, 0)] + "…"
    return shown


def silence(seconds: float, words: Words) -> str:
    """A length of time in its largest unit, rounded."""
    unit, length = next(((u, n) for u, n in _UNITS if seconds >= n * 1.5), _UNITS[-1])
    return words(f"unit.{unit}", n=max(round(seconds / length), 1))


def _ground(track: Track, words: Words) -> Iterator[str]:
    """Bands, phases with their times, and the silence between them."""
    size, bottom = track.size, track.bottom
    top = track.bands[0].top if track.bands else 0
    if len(track.bands) > 1:
        for number, band in enumerate(track.bands):
            kind = "band odd" if number % 2 else "band"
            yield f'<rect class="{kind}" x="0" y="{band.top:g}" width="{size.width}" height="{band.bottom - band.top:g}"/>'
            name = escape(fitted(band.tenant, 60))
            yield f'<text class="tenant" x="6" y="{band.top + 15:g}">{name}</text>'
    before = ""
    for number, phase in enumerate(track.phases):
        if number:
            left = track.phases[number - 1].right
            middle, half = (left + phase.left) / 2, (top + bottom) / 2
            yield (
                f'<rect class="silence" x="{middle - 8:.1f}" y="{top:g}" width="16" height="{bottom - top:g}"/>'
                f'<text class="small middle" transform="translate({middle + 4:.1f} {half:g}) rotate(-90)">'
                f"{escape(silence(phase.silence, words))}</text>"
            )
        upper, lower = _span(phase, len(track.phases) == 1)
        date = upper if upper != before or len(lower) > 11 else ""
        before = upper
        start = max(phase.left - 10, 0.0)
        yield f'<text class="date" x="{start:.1f}" y="15">{date}</text>' if date else ""
        yield f'<text class="small" x="{start:.1f}" y="30">{lower}</text>'
    for x, second in track.ticks:
        form = "%m-%d" if second % 86_400 == 0 else "%H:%M:%S" if second % 60 else "%H:%M"
        yield f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}"/>'
        yield f'<text class="small middle" x="{x:.1f}" y="{bottom + 14:g}">{_moment(second):{form}}</text>'
    if track.outside:
        y = track.outside
        yield f'<line class="outer" x1="0" x2="{size.width}" y1="{y + 12:g}" y2="{y + 12:g}"/>'
        yield (
            f'<text class="small" x="6" y="{y + 4:g}">{escape(words("track.outside"))}</text>'
            if size.names
            else ""
        )


def _span(phase: Phase, alone: bool) -> tuple[str, str]:
    """The two lines over a phase: its day, and from when to when; in seconds where there is room and little time."""
    first, last = _moment(phase.start), _moment(phase.stop)
    if first.date() != last.date():
        return f"{first:%Y-%m-%d}", f"– {last:%Y-%m-%d}"
    form = "%H:%M:%S" if alone and phase.stop - phase.start < 600 else "%H:%M"
    start, stop = first.strftime(form), last.strftime(form)
    return f"{first:%Y-%m-%d}", start if start == stop else f"{start}–{stop}"


def _line(lane: Lane, track: Track) -> Iterator[str]:
    size = track.size
    yield f'<line class="lane" x1="{size.names}" x2="{size.width}" y1="{lane.y:g}" y2="{lane.y:g}"/>'
    for left, right in lane.spans:
        yield f'<line class="span" x1="{left - 3:.1f}" x2="{right + 3:.1f}" y1="{lane.y:g}" y2="{lane.y:g}"/>'


def _name(lane: Lane, track: Track, words: Words) -> Iterator[str]:
    """The name of a host, beside its lane or above it, and what the host is where somebody said so."""
    size = track.size
    wide, said = bool(size.names), lane.tier < ORDINARY
    y = lane.y - 30 if not wide else lane.y - 2 if said else lane.y + 4
    title = escape(safe(f"{lane_name(lane, words)} ({lane.place[0]})"))
    shown = escape(fitted(lane_name(lane, words), 22 if wide else 30))
    yield f'<text class="host" x="6" y="{y:g}"><title>{title}</title>{shown}</text>'
    if said:
        place = (
            f'class="small" x="6" y="{y + 15:g}"'
            if wide
            else f'class="small end" x="{size.width - 4}" y="{y:g}"'
        )
        yield f"<text {place}>{escape(words(f'track.tier.{lane.tier}'))}</text>"


def _arrow(arrow: Arrow, marks: Sequence[Mark], words: Words) -> Iterator[str]:
    down = arrow.y2 > arrow.y1
    badged = any(mark.badges and (mark.x, mark.y) == (arrow.x2, arrow.y2) for mark in marks)
    end = arrow.y2 - ((26 if badged else 11) if down else -11) if arrow.what != "exit" else arrow.y2 - 4
    head = f"M{arrow.x2 - 4.5:.1f} {end - (7 if down else -7):g}L{arrow.x2:.1f} {end:g}L{arrow.x2 + 4.5:.1f} {end - (7 if down else -7):g}"
    title = _arrow_title(arrow, words)
    if arrow.what == "move":
        from_x = max(arrow.x1 - 26, 0)
        bend = arrow.y1 + (16 if down else -16)
        line = f"M{from_x:.1f} {arrow.y1:g}Q{arrow.x1:.1f} {arrow.y1:g} {arrow.x1:.1f} {bend:g}V{end:g}"
    elif arrow.what == "bond":
        bend = (arrow.y1 + end) / 2
        line = f"M{arrow.x1:.1f} {arrow.y1:g}C{arrow.x1:.1f} {bend:g} {arrow.x2:.1f} {bend:g} {arrow.x2:.1f} {end:g}"
    else:
        line = f"M{arrow.x1:.1f} {arrow.y1:g}V{end:g}"
    yield f'<g class="arrow {arrow.what}"><title>{escape(safe(title))}</title><path d="{line}"/><path d="{head}"/></g>'


def _arrow_title(arrow: Arrow, words: Words) -> str:
    if arrow.arrival is not None:
        one = arrow.arrival
        said = words("track.moved", source=one.source[1], target=one.target[1], time=_time(one.second, words))
        return f"{said} {arrow.label}".strip()
    told = _told(arrow.spot, words) if arrow.spot is not None else ""
    if arrow.what == "bond":
        return words("track.bond", entity=arrow.label, step=told)
    return words("track.left" if arrow.what == "exit" else "track.entered", step=told)


def _labels(track: Track, words: Words) -> Iterator[str]:
    """What the arrows from and to the outside say, where there is room; and where it was first seen if nobody saw it enter."""
    limit = 70.0 if track.size.names else 0.0
    for arrow in sorted(
        (one for one in track.arrows if one.what in ("entry", "exit")), key=lambda one: one.x1
    ):
        text = words(f"track.{arrow.what}")
        if arrow.label and track.size.names:
            text = f"{text} · {arrow.label}"
        shown = fitted(text, 40)
        length = 6.3 * sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown)
        left = arrow.x1 + 7 if arrow.x1 + 7 + length < track.size.width else arrow.x1 - 7 - length
        if left < limit:
            continue
        limit = left + length + 8
        yield f'<text class="small way" x="{left:.1f}" y="{track.outside + 4:g}">{escape(shown)}</text>'
    entry = track.scene.entry
    if entry is not None and not track.scene.entered:
        mark = next((one for one in track.marks if any(spot is entry for spot in one.spots)), None)
        if mark is not None:
            text = escape(words("track.first_seen"))
            yield f'<text class="small way" x="{mark.x - 6:.1f}" y="{mark.y + 19:g}">{text}</text>'


def _mark(mark: Mark, words: Words, titled: bool, linked: bool) -> Iterator[str]:
    """A shape; it says what it stands for where there is a mouse to ask it with, and leads there where it is `linked`."""
    told = [_told(spot, words) for spot in mark.spots[:NAMED]]
    if len(mark.spots) > NAMED:
        told.append(words("track.more", steps=words.count("step", len(mark.spots) - NAMED)))
    size = "" if mark.rank >= 3 else " scale(.75)"
    said = escape(safe("; ".join(told)))
    title = f"<title>{said}</title>" if titled and not linked else ""
    if linked:
        numbers = [spot.step.number for spot in mark.spots]
        steps = " ".join(map(str, numbers[:NAMED]))
        yield f'<a href="#step-{numbers[0]}" data-steps="{steps}" aria-label="{said}">'
        yield f'<circle class="hit" cx="{mark.x:g}" cy="{mark.y:g}" r="11"/>'
    grave = " grave" if mark.rank >= 4 else ""
    yield (
        f'<path class="k {mark.kind}{grave}" transform="translate({mark.x:g} {mark.y:g}){size}" '
        f'd="{SHAPES[mark.kind]}">{title}</path>'
    )
    if mark.badges:
        text = "·".join(map(str, mark.badges[:3]))
        width = 15 + 7 * (len(text) - 1)
        yield (
            f'<rect class="badge" x="{mark.x - width / 2:g}" y="{mark.y - 24:g}" width="{width}" height="15" rx="7.5"/>'
            f'<text class="number" x="{mark.x:g}" y="{mark.y - 12.7:g}">{text}</text>'
        )
    if linked:
        yield "</a>"


def _told(spot: Spot, words: Words) -> str:
    """A step in a line: time, host, what it was."""
    said = spot.step.words.spoken(words.lang) or spot.step.title
    where = f" {spot.place[1]}" if spot.place[1] else ""
    return f"{_time(spot.second, words)}{where}: {said[:160]}"


def _time(second: float, words: Words) -> str:
    return words.time(_moment(second), seconds=False)


def _moment(second: float) -> datetime:
    return _EPOCH + timedelta(seconds=second)

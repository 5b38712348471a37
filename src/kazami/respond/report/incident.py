"""The incidents as the page tells them: a picture, the few steps that say it all, then everything in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from kazami.intel import shelf
from kazami.model.incident import Incident, Step
from kazami.model.story import Bond, Shared, Story
from kazami.respond.assessment import lines
from kazami.respond.language import Words
from kazami.respond.report.matrix import Matrix, of_incident
from kazami.respond.track import NARROW, WIDE, Track, draw, track

#: Steps of an incident that stand on the page, and those of them that do not fold away.
STEPS, OPEN = 120, 12
#: Names of hosts and accounts, links, questions and hunts that are shown.
NAMES, LINKS, LINES = 12, 12, 12


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for wide and for narrow screens, what its shapes mean, and the numbered steps."""

    wide: Markup
    narrow: Markup
    legend: list[tuple[str, Markup, str]]
    told: list[tuple[int, str, Step]]  # number, tenant, step
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Told:
    """One incident as the page shows it."""

    number: int
    incident: Incident
    title: str
    picture: Picture | None
    steps: list[Step]
    steps_left_out: int
    matrix: Matrix
    mitigations: list[tuple[str, str]] = field(default_factory=list)
    judged: list[tuple[str, str]] = field(default_factory=list)  # the assessment: kind of line, text


def told(story: Story, words: Words) -> list[Told]:
    """The incidents that are told, in their order."""
    named = shelf.attack().mitigation
    return [
        Told(
            number=number,
            incident=one,
            title=one.title.spoken(words.lang),
            picture=picture(_pair([one], story), words, f"track-{number}"),
            steps=list(one.steps[:STEPS]),
            steps_left_out=max(len(one.steps) - STEPS, 0),
            matrix=of_incident(one),
            judged=_judged(one, story, words),
            mitigations=[(uid, named[uid].name if uid in named else "") for uid in one.mitigations],
        )
        for number, one in enumerate(story.incidents, 1)
    ]


def _judged(one: Incident, story: Story, words: Words) -> list[tuple[str, str]]:
    said = story.assessments.get(one.incident_uid)
    return list(lines(said, story.measured, words)) if said else []


def campaigns(story: Story, words: Words) -> list[tuple[Shared, Picture]]:
    """The campaigns over several tenants, each with its picture; for who sees the whole case."""
    drawn = [
        (one, picture(_pair(one.incidents, story, one.bonds), words, f"campaign-{number}"))
        for number, one in enumerate(story.campaigns, 1)
    ]
    return [(one, made) for one, made in drawn if made is not None]


def _pair(
    incidents: Sequence[Incident], story: Story, bonds: Sequence[Bond] = ()
) -> tuple[Track, Track] | None:
    """The same incidents laid out for wide and for narrow screens; None where nothing has a time."""
    wide, narrow = (track(incidents, size, story.tiers, bonds) for size in (WIDE, NARROW))
    return (wide, narrow) if wide is not None and narrow is not None else None


def picture(
    pair: tuple[Track, Track] | None, words: Words, uid: str, *, linked: bool = False
) -> Picture | None:
    """The picture with its words; `linked`, its marks lead to ``#step-N`` on the page."""
    if pair is None:
        return None
    wide, narrow = pair
    return Picture(
        wide=draw.svg(wide, words, uid, linked=linked),
        narrow=draw.svg(narrow, words, f"{uid}-narrow", linked=linked),
        legend=draw.legend(wide, words),
        told=[(number, spot.place[0], spot.step) for number, spot in enumerate(wide.told, 1)],
        notes=list(_notes(wide, words)),
    )


def _notes(wide: Track, words: Words) -> Iterator[str]:
    """How to read the picture, and what it leaves out."""
    yield words("track.caption")
    if len(wide.phases) > 1:
        yield words("track.phases")
    if any(len(mark.spots) > 1 for mark in wide.marks):
        yield words("track.bundled")
    if any(arrow.what == "bond" for arrow in wide.arrows):
        yield words("track.bonds")
    if any(lane.tier < 2 for lane in wide.lanes):
        yield words("track.tiers")
    seen = wide.scene
    if seen.hosts_left_out:
        steps = words.count("step", seen.steps_left_out)
        yield words("track.hosts_left_out", hosts=words.count("host", seen.hosts_left_out), steps=steps)
    if seen.moves_left_out:
        yield words("track.moves_left_out", moves=words.number(seen.moves_left_out))
    if seen.undated:
        yield words("track.undated", steps=words.count("step", seen.undated))

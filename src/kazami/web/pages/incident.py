"""One incident: its track, its steps with their proof, what ties it, what to do, what was said and done about it."""

from __future__ import annotations

import msgspec

from kazami.intel import shelf
from kazami.model.incident import Incident
from kazami.store.browse.findings import Found, Wanted, findings, firsts
from kazami.store.browse.incidents import Asked, Row, incident, incidents
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource
from kazami.web.state import audit, notes
from kazami.web.state.audit import Line
from kazami.web.state.notes import Comment

#: Findings that are shown with the incident itself; the list of findings has all.
PROOF, PROOF_OF_STEP = 12, 200

#: Steps that are shown with a line of their evidence.
LINES = 150

#: Incidents that are offered to be merged.
OTHERS = 40


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`step` shows the findings of this step alone."""

    step: int | None = None


class Measure(msgspec.Struct, frozen=True):
    """One thing to do, and who has ticked it off."""

    id: str
    title: str
    done_by: str | None = None
    done: str | None = None


class Shown(msgspec.Struct, frozen=True):
    """An incident, and what people made of it; `lines` is the first finding of each step, `others` what it may be merged with."""

    incident: Incident
    proof: list[Found]
    techniques: dict[str, str]
    measures: list[Measure]
    comments: list[Comment]
    history: list[Line]
    others: list[Row]
    lines: dict[int, Found]


def found(asking: Asking) -> Incident:
    """The incident that the path names. Raises RefusedError where there is none behind the wall."""
    one = incident(asking.reader, asking.path["uid"])
    if one is None:
        raise missing("there is no such incident")
    return one


def shown(asking: Asking) -> Shown:
    """The incident."""
    one = found(asking)
    place = place_of(one)
    state = asking.site.state
    step = asking.query.step
    wanted = Wanted(incident=one.incident_uid, step=step)
    proof = findings(asking.reader, wanted, oldest=True, limit=PROOF if step is None else PROOF_OF_STEP).rows
    return Shown(
        incident=one,
        proof=proof,
        techniques={name: _technique(name) for name in one.techniques},
        measures=_measures(one, notes.ticked(state, place)),
        comments=notes.comments(state, place),
        history=audit.lines(state, place=place),
        others=_others(asking, one),
        lines=firsts(asking.reader, one.incident_uid, LINES),
    )


def _others(asking: Asking, one: Incident) -> list[Row]:
    """Open incidents of the same tenant that this one could be merged with, the gravest."""
    if not asking.person.may_write or one.state != "open":
        return []
    rows = incidents(asking.reader, Asked(tenant=one.tenant), limit=OTHERS).rows
    return [row for row in rows if row.uid != one.incident_uid]


def place_of(one: Incident) -> str:
    """The name under which the console remembers things about an incident."""
    return f"incident/{one.incident_uid}"


def _technique(name: str) -> str:
    known = shelf.attack().technique.get(name)
    return known.name if known else name


def _measures(one: Incident, ticked: dict[str, tuple[str, str]]) -> list[Measure]:
    known = shelf.attack().mitigation
    return [
        Measure(name, known[name].name if name in known else name, *ticked.get(name, (None, None)))
        for name in one.mitigations
    ]


RESOURCES = (
    Resource(
        "/incidents/{uid}", "incident", "One incident with its story and its proof", shown, Shown, Query
    ),
)

"""What people decide about incidents: state, owner, verdict, comments, check list, merging and splitting."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from kazami.model.incident import Incident
from kazami.pipeline import incidents as told
from kazami.pipeline import triage
from kazami.store.browse import patch
from kazami.store.browse.incidents import incident
from kazami.store.case import Case
from kazami.web.errors import missing
from kazami.web.pages.incident import found, place_of
from kazami.web.resource import Act, Asking, everybody
from kazami.web.state import audit, notes

Verdict = Literal["true positive", "false positive", "benign", "test"]


class Marks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided about `uids`; what is not given stays. `owner` "-" is nobody, `verdict` "-" none."""

    uids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=triage.MOST)]
    state: Literal["open", "closed"] | None = None
    verdict: Verdict | Literal["-"] | None = None
    owner: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    next: str = ""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comment."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=notes.COMMENT)]


class Ticked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of the check list."""

    item: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    done: bool = False


class Merged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Incidents of the same tenant that become part of the one in the path."""

    others: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Incidents of one tenant that belong together; the gravest of them takes in the others."""

    uids: Annotated[list[str], msgspec.Meta(min_length=2, max_length=50)]
    verdict: Verdict | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    next: str = ""


class Parted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps that become an incident of their own."""

    steps: Annotated[list[int], msgspec.Meta(min_length=1, max_length=500)]
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Done(msgspec.Struct, frozen=True):
    """The incidents as they stand now."""

    uids: list[str]


def mark(asking: Asking) -> Done:
    """Decide about incidents; all of them, or none."""
    body: Marks = asking.query
    uids = [one.incident_uid for one in _all(asking, body.uids)]
    owner = "" if body.owner == "-" else body.owner
    verdict = "" if body.verdict == "-" else body.verdict
    with asking.desk.changing("triage") as case:
        after = triage.mark(
            case, uids, asking.person.name, state=body.state, verdict=verdict, owner=owner, note=body.note
        )
    patch.decided(asking.desk.file, after, signature=asking.desk.signature)
    asking.desk.keep()
    said = {"state": body.state, "verdict": verdict, "owner": owner, "note": body.note or None}
    given = {name: value for name, value in said.items() if value is not None}
    for one in after:
        audit.note(asking.site.state, asking.person.name, "mark", place_of(one), one.tenant, **given)
    return Done(uids)


def comment(asking: Asking) -> Done:
    """Say something about an incident."""
    one = found(asking)
    notes.say(asking.site.state, place_of(one), one.tenant, asking.person.name, asking.query.text)
    audit.note(asking.site.state, asking.person.name, "comment", place_of(one), one.tenant)
    return Done([one.incident_uid])


def tick(asking: Asking) -> Done:
    """Mark a counter-measure as done, or as not done."""
    one = found(asking)
    item, done = asking.query.item, asking.query.done
    notes.tick(asking.site.state, place_of(one), item, asking.person.name, done=done)
    audit.note(asking.site.state, asking.person.name, "tick", place_of(one), one.tenant, item=item, done=done)
    return Done([one.incident_uid])


def merge(asking: Asking) -> Done:
    """Make one incident of several of one tenant."""
    return _merged(asking, found(asking), _all(asking, asking.query.others))


def merge_chosen(asking: Asking) -> Done:
    """Make one incident of those that were chosen in a list."""
    first, *others = sorted(_all(asking, asking.query.uids), key=lambda one: -one.score)
    return _merged(asking, first, others, asking.query.verdict)


def _all(asking: Asking, uids: list[str]) -> list[Incident]:
    """The incidents with these ids. Raises RefusedError where there is one that is not behind the wall."""
    known = [incident(asking.reader, uid) for uid in dict.fromkeys(uids)]
    if None in known:
        raise missing("there is no such incident")
    return [one for one in known if one is not None]


def _merged(asking: Asking, into: Incident, others: list[Incident], verdict: str | None = None) -> Done:
    uids = [one.incident_uid for one in others]
    about = (asking.person.name, asking.query.note, verdict)
    uid = asking.desk.change("merge", _merge, into.incident_uid, uids, *about)
    audit.note(asking.site.state, asking.person.name, "merge", place_of(into), into.tenant, others=uids)
    return Done([uid])


def _merge(case: Case, into: str, others: list[str], who: str, note: str, verdict: str | None) -> str:
    made = told.merge(case, into, others, who, note)
    if verdict:
        triage.mark(case, [made.incident_uid], who, verdict=verdict)
    return made.incident_uid


def split(asking: Asking) -> Done:
    """Make an incident of its own of some steps."""
    one = found(asking)
    steps = asking.query.steps
    made = asking.desk.change(
        "split", told.split, one.incident_uid, steps, asking.person.name, asking.query.note
    )
    audit.note(
        asking.site.state,
        asking.person.name,
        "split",
        place_of(one),
        one.tenant,
        steps=steps,
        into=made.incident_uid,
    )
    return Done([one.incident_uid, made.incident_uid])


_ONE = "/incidents/{uid}"

ACTS = (
    Act("/incidents/mark", "Set state, verdict or owner of incidents", mark, Marks, "/incidents"),
    Act("/incidents/merge", "Make one incident of several of one tenant", merge_chosen, Chosen, "/incidents"),
    Act(f"{_ONE}/comment", "Comment on an incident", comment, Said, _ONE, may=everybody),
    Act(f"{_ONE}/tick", "Tick off a counter-measure", tick, Ticked, _ONE),
    Act(f"{_ONE}/merge", "Merge incidents of one tenant", merge, Merged, _ONE),
    Act(f"{_ONE}/split", "Split steps off an incident", split, Parted, _ONE),
)

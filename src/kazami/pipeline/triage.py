"""What people decide about incidents one after the other, all day: written at once, without correlating anew.

`pipeline.incidents.judge` tells all incidents anew, because one that is closed or opened again takes findings
differently; for a person at a list of hundreds that is too slow, and the next scan does it anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kazami.errors import UsageError
from kazami.model.incident import VERDICTS, Change, Incident
from kazami.store import incidents
from kazami.store.case import Case

#: Incidents that are decided on at a time, at most.
MOST = 500


def mark(
    case: Case,
    uids: Sequence[str],
    who: str,
    *,
    state: str | None = None,
    verdict: str | None = None,
    owner: str | None = None,
    note: str = "",
) -> list[Incident]:
    """Set state, verdict or owner of incidents; what is not given stays. All of them, or none.

    Raises UsageError where a value cannot be, an incident is not known, or there are more than `MOST`.
    """
    if state is not None and state not in ("open", "closed"):
        raise UsageError("state: open or closed")
    if verdict is not None and verdict not in VERDICTS:
        raise UsageError(f"verdict: one of {', '.join(filter(None, VERDICTS))}")
    if len(uids) > MOST:
        raise UsageError(f"incidents: {MOST} at a time")
    before = [_known(case, uid) for uid in dict.fromkeys(uids)]
    said = {"state": state, "verdict": verdict, "owner": owner}
    given = {name: value for name, value in said.items() if value is not None}
    after = [_decided(one, given) for one in before]
    now = datetime.now(UTC)
    log = [change for one in before for change in _changes(one, given, who, note, now)]
    incidents.update(case, after, log)
    return after


def _decided(one: Incident, given: dict[str, str]) -> Incident:
    return replace(
        one,
        links=(),
        state=given.get("state", one.state),
        verdict=given.get("verdict", one.verdict),
        owner=given.get("owner", one.owner),
    )


def _known(case: Case, uid: str) -> Incident:
    found = incidents.incident(case, uid)
    if found is None:
        raise UsageError(f"{uid}: no incident of this case")
    return found


def _changes(before: Incident, given: dict[str, str], who: str, note: str, now: datetime) -> list[Change]:
    actions = {
        "state": "closed" if given.get("state") == "closed" else "reopened",
        "verdict": "judged",
        "owner": "assigned",
    }
    return [
        Change(now, who, actions[name], before.incident_uid, note=note or value)
        for name, value in given.items()
        if value != getattr(before, name)
    ]

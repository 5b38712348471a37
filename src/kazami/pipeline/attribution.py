"""From the findings of a case, or of one incident, to an assessment of who it was: one for each tenant."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from kazami.attribute.assess import Assessment, assess
from kazami.attribute.evidence import Hit, gather
from kazami.attribute.profile import Profiles, profiles
from kazami.errors import UsageError
from kazami.intel.actor import recognizes
from kazami.intel.shelf import attack
from kazami.model.finding import LEVELS

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Weaker findings are no evidence of anybody unless asked for.
LEVEL = "medium"

_UID = re.compile(r"[0-9a-f]{4,32}")

#: A rule that fired, as `Hit` has it.
_HIT = """rule_id, any_value(title), any_value(techniques), any_value(tags), count(*), any_value("table")"""


def attributed(
    case: Case, incident: str = "", tenant: str = "", level: str = LEVEL, world: Profiles | None = None
) -> dict[str, Assessment]:
    """Assessments by tenant, over findings of `level` and above, of the whole case or of one `incident` (the beginning
    of its id is enough).

    Findings of one tenant never speak for another. Raises UsageError for an unknown level, tenant or incident.
    """
    world = world or profiles(attack())
    found = hits(case, incident, level)
    if tenant and tenant not in found:
        raise UsageError(f"no findings of tenant {tenant[:80]!r} at {level} or above")
    known = recognizes()
    return {
        one: assess(gather(theirs, world.table, known), world)
        for one, theirs in sorted(found.items())
        if not tenant or one == tenant
    }


def of_incidents(case: Case, uids: Sequence[str], level: str = LEVEL) -> dict[str, Assessment]:
    """Assessments of several incidents, whose whole ids these are, asked for at once; by id."""
    if not uids:
        return {}
    world, known = profiles(attack()), recognizes()
    names = ", ".join(f"'{uid}'" for uid in uids if _UID.fullmatch(uid))
    found: defaultdict[str, list[Hit]] = defaultdict(list)
    wanted = ", ".join(f"'{one}'" for one in LEVELS[LEVELS.index(level) :])
    _, batches = case.sql(
        f"""SELECT incident_uid, {_HIT} FROM finding JOIN (SELECT incident_uid, finding_uid FROM incident_finding
            WHERE incident_uid IN ({names})) USING (finding_uid) WHERE level IN ({wanted}) AND suppressed IS NULL
            GROUP BY incident_uid, rule_id ORDER BY incident_uid, rule_id"""  # noqa: S608 - levels and ids, both checked
    )
    for uid, hit in _gathered(batches):
        found[uid].append(hit)
    return {uid: assess(gather(theirs, world.table, known), world) for uid, theirs in found.items()}


def hits(case: Case, incident: str = "", level: str = LEVEL) -> dict[str, list[Hit]]:
    """The rules that fired, by tenant. Raises UsageError where level or incident is not known."""
    if level not in LEVELS:
        raise UsageError(f"{level[:40]!r} is no level; levels are {', '.join(LEVELS)}")
    wanted = ", ".join(f"'{one}'" for one in LEVELS[LEVELS.index(level) :])
    within = _within(case, incident) if incident else ""
    _, batches = case.sql(
        f"""SELECT tenant, {_HIT} FROM finding WHERE level IN ({wanted}) AND suppressed IS NULL {within}
            GROUP BY tenant, rule_id ORDER BY tenant, rule_id"""  # noqa: S608 - levels and ids, both checked
    )
    found: defaultdict[str, list[Hit]] = defaultdict(list)
    for tenant, hit in _gathered(batches):
        found[tenant].append(hit)
    return dict(found)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, Hit]]:
    """Rows of a first column and of `_HIT`."""
    for batch in batches:
        for first, rule, title, techniques, tags, count, table in zip(
            *(column.to_pylist() for column in batch.columns), strict=True
        ):
            yield (
                first,
                Hit(rule, title or rule, tuple(techniques or ()), tuple(tags or ()), count, table or ""),
            )


def _within(case: Case, incident: str) -> str:
    if not _UID.fullmatch(incident):
        raise UsageError(f"{incident[:40]!r} is no id of an incident: 4 to 32 hex digits")
    _, batches = case.sql(
        f"SELECT DISTINCT incident_uid FROM incident WHERE incident_uid LIKE '{incident}%'"  # noqa: S608 - hex digits
    )
    uids = [uid for batch in batches for uid in batch.column(0).to_pylist()]
    if len(uids) != 1:
        raise UsageError(f"{'several incidents begin' if uids else 'no incident begins'} with {incident}")
    return (
        "AND finding_uid IN (SELECT finding_uid FROM incident_finding "  # noqa: S608 - an id of ours
        f"WHERE incident_uid = '{uids[0]}')"
    )

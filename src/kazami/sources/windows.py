"""Windows events, whatever format they come in: from channel and event id to log source, columns and envelope.

All facts are in ``windows.yml``; this module turns them into a `Plan` for each shape of event. Readers of EVTX, XML
and JSON give the cells of an event as `SYSTEM` followed by the event's own data fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypedDict

from kazami.model.event import LogSource, Route
from kazami.sources import mapping, windows_kind
from kazami.sources.columns import Column, Plan
from kazami.sources.plan_cache import MAX_NAMES, PlanCache
from kazami.sources.windows_event import flatten
from kazami.sources.windows_kind import Entry, Origin, Values

#: The cells that every event has, in this order: ``<System>``, attributes as ``Element_Attribute``.
SYSTEM: tuple[str, ...] = (
    "Provider_Name", "Provider_Guid", "EventID", "Version", "Level", "Task", "Opcode", "Keywords", "TimeCreated",
    "EventRecordID", "Correlation_ActivityID", "Execution_ProcessID", "Execution_ThreadID", "Channel", "Computer",
    "Security_UserID",
)  # fmt: skip

#: System cells that a data field of the same name does not hide. Any other does: rules for System 104 mean by
#: ``Channel`` the log that was cleared, which the event carries as data.
_OWN_NAMES = frozenset(("EventID", "Provider_Name"))

#: Fields beside the system's that an event has if its message only repeats them.
_FIELDS = 4

#: The names of the system cells where the envelope's ``record`` already says the record's id.
_SYSTEM_OF_EVTX = tuple("#EventRecordID" if name == "EventRecordID" else name for name in SYSTEM)


class _Envelope(TypedDict):
    """Who acted, where: the columns of the envelope."""

    host: Column | None
    user: Column | None
    logon_id: Column | None
    process_uid: Column | None
    parent_uid: Column | None


_plans = PlanCache()
_plans_over = PlanCache()


def plan(
    channel: str | None,
    provider: str | None,
    event_id: int | str | None,
    keys: tuple[str, ...],
    values: Values = (),
    own_identity: bool = True,
    record_is_id: bool = True,
) -> Plan:
    """The plan of events whose cells are `SYSTEM` and then `keys`.

    `values` are what `values_of` says of the fields that `discriminator` names; `record_is_id` says that the
    number handed to `Columns` is the record's own id, not its place. Equal arguments give the same plan.
    """
    key = (channel, event_id, keys, values, provider, own_identity, record_is_id)
    found = _plans.get(key)
    if found is None:
        names = (_SYSTEM_OF_EVTX if record_is_id else SYSTEM) + keys
        found = plan_over(names, channel, provider, event_id, values, own_identity)
        _plans.put(key, found)
    return found


def plan_over(
    names: tuple[str, ...],
    channel: str | None,
    provider: str | None,
    event_id: int | str | None,
    values: Values = (),
    own_identity: bool = True,
    time: str = "TimeCreated",
) -> Plan:
    """The plan of events whose cells have `names`, in any order; `time` names the cell that says when.

    A name that begins with # hides its cell: mappings see it, rules do not.
    """
    origin = windows_kind.origin(channel, provider)
    kind = windows_kind.kind(origin.service, event_id)
    own = next((entry for entry in kind.entries if entry.holds(values)), None)
    feeds = tuple(entry for entry in kind.feeds if entry.holds(values))
    key = (names, origin, windows_kind.number(event_id), own, feeds, own_identity, time)
    return _plans_over.get(key) or _plans_over.put(key, _plan(*key))


def discriminator(channel: str | None, event_id: int | str | None) -> tuple[str, ...]:
    """The data fields whose values decide where an event belongs; none for most events."""
    return windows_kind.kind(windows_kind.origin(channel, "").service, event_id).by


def values_of(data: Mapping[str, Any], names: tuple[str, ...]) -> Values:
    """The texts by which `plan` tells events of one id apart; the first of several values."""
    return tuple(first(data.get(name)) for name in names)


def first(value: Any) -> str | None:
    """A value as text, of several the first; cut where it is too long to tell anything apart."""
    while isinstance(value, list):
        value = value[0] if value else None
    return None if value is None else str(value)[:200]


def service(channel: str | None, provider: str | None = None) -> str | None:
    """Sigma's name for a channel; None where it has none."""
    return windows_kind.origin(channel, provider).service


def _plan(
    names: tuple[str, ...],
    origin: Origin,
    number: int | None,
    own: Entry | None,
    feeds: tuple[Entry, ...],
    own_identity: bool,
    time: str,
) -> Plan:
    system = {name: names.index(name) for name in SYSTEM if name in names}
    cells = _cells(names, origin.service)
    columns = dict(islice(mapping.as_they_are(cells).items(), MAX_NAMES))
    columns.pop("TimeCreated", None)  # the envelope says when
    if len(columns) >= len(system) + _FIELDS:
        for name in mapping.load("windows.yml")["repeated"].get(origin.service, ()):
            columns.pop(name, None)
    columns.update(_more_fields(cells, origin.service, own))
    envelope = _envelope(cells | system, origin.service, number)
    when = names.index(time) if time in names else None
    projections = tuple(_fed(feed, cells, envelope, when) for feed in feeds)
    return Plan(
        Route(own.categories[0] if own else origin.table, _log_sources(origin, own)),
        tuple(columns.values()),
        when,
        own_identity=own_identity,
        projections=tuple(found for found in projections if found is not None),
        **envelope,
    )


def _cells(names: tuple[str, ...], service: str | None) -> dict[str, int]:
    """Cells by the name that rules use; of equal names the last counts, `_OWN_NAMES` apart."""
    aliases = _aliases(service)
    cells: dict[str, int] = {}
    for index, name in enumerate(names):
        for alias in aliases.get(name, (name,)):
            if alias and not (alias in _OWN_NAMES and alias in cells):
                cells[alias] = index
    return cells


@cache
def _aliases(service: str | None) -> dict[str, tuple[str, ...]]:
    """Evidence's names to rules' names, the evidence's also with underscores for blanks (Winlogbeat)."""
    aliases = mapping.load("windows.yml")["aliases"].get(service, {})
    return {
        name: tuple(targets)
        for known, targets in aliases.items()
        for name in (known, known.replace(" ", "_"))
    }


def _more_fields(
    cells: Mapping[str, int], service: str | None, own: Entry | None
) -> Iterator[tuple[str, Column]]:
    fields = mapping.load("windows.yml")["fields"]
    specs = {**fields["*"], **fields.get(service, {}), **(own.fields if own else {})}
    for name, spec in specs.items():
        if name not in cells and (made := mapping.column(name, spec, cells)):
            yield name, made
    hidden = {name[1:]: index for name, index in cells.items() if name[:1] == "#"}
    if hidden and own:  # a shipper may have moved data to names of its own
        for name, spec in mapping.load("ecs.yml")["fields"].get(own.categories[0], {}).items():
            if name not in cells and (made := mapping.column(name, spec, hidden)):
                yield name, made


def _envelope(cells: Mapping[str, int], service: str | None, number: int | None) -> _Envelope:
    whole = mapping.load("windows.yml")
    special = whole["envelope_of"].get(service, {})
    specs = {**whole["envelope"], **special, **special.get(number, {})}
    return {
        "host": mapping.column("host", {"somebody": "Computer"}, cells),
        "user": mapping.column("user", specs["user"], cells),
        "logon_id": mapping.column("logon_id", specs["logon_id"], cells),
        "process_uid": mapping.column("process_uid", specs["process_uid"], cells),
        "parent_uid": mapping.column("parent_uid", specs["parent_uid"], cells),
    }


def _log_sources(origin: Origin, own: Entry | None) -> tuple[LogSource, ...]:
    services = (origin.service, *mapping.load("windows.yml")["also"].get(origin.service, ()))
    categories = own.categories if own else (None,)
    return tuple(
        LogSource(origin.product, category, service) for service in services for category in categories
    )


def _fed(feed: Entry, cells: Mapping[str, int], envelope: _Envelope, time: int | None) -> Plan | None:
    """The plan of the second event; it belongs to categories only, its service is served by the record itself."""
    made = {
        name: column for name, spec in feed.fields.items() if (column := mapping.column(name, spec, cells))
    }
    if next(iter(feed.fields)) not in made:
        return None
    used = {index for column in made.values() for index in column.cells}
    kept = mapping.as_they_are(
        {n: i for n, i in cells.items() if n not in made and (n in SYSTEM or i not in used)}
    )
    for name in ("Message", "TimeCreated"):
        kept.pop(name, None)
    if "logon_id" in feed.envelope:
        envelope = {**envelope, "logon_id": mapping.column("logon_id", feed.envelope["logon_id"], cells)}
    return Plan(
        Route(feed.categories[0], tuple(LogSource("windows", c, None) for c in feed.categories), True),
        (*kept.values(), *made.values()),
        time,
        **envelope,
    )


__all__ = [
    "SYSTEM", "discriminator", "first", "flatten", "plan", "plan_over", "service", "values_of",
]  # fmt: skip

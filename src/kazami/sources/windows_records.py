"""Windows events on their way to the columns: grouped by plan, so that nothing is done twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kazami.sources import windows
from kazami.sources.columns import Columns, Plan
from kazami.sources.plan_cache import MAX_NAMES, Names, hidden

_CHANNEL, _EVENT_ID, _RECORD_ID = (windows.SYSTEM.index(n) for n in ("Channel", "EventID", "EventRecordID"))


@dataclass(slots=True, eq=False)
class Group:
    """Records of one plan."""

    plan: Plan
    cells: list[tuple[Any, ...]] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    records: list[int] = field(default_factory=list)

    def flush(self, columns: Columns) -> None:
        """Hand everything on."""
        if self.raws:
            columns.extend(self.plan, self.cells, self.raws, self.records)
            self.cells, self.raws, self.records = [], [], []


class Groups:
    """Records of one file, and the names of fields that it has shown."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._groups: dict[Plan, Group] = {}
        self._names = Names()

    def put(self, plan: Plan, cells: tuple[Any, ...], raw: str, number: int) -> None:
        """Take one record of `plan`."""
        group = self._groups.get(plan)
        if group is None:
            group = self._groups[plan] = Group(plan)
        group.cells.append(cells)
        group.raws.append(raw)
        group.records.append(number)

    def add_event(self, system: tuple[Any, ...], data: dict[str, Any], raw: str, number: int) -> None:
        """Take one Windows event as `windows.flatten` gives it."""
        channel, provider = windows.first(system[_CHANNEL]), windows.first(system[0])
        event_id = windows.first(system[_EVENT_ID])
        plan = windows.plan(
            channel,
            provider,
            event_id,
            self.admitted(channel, (*data,), number),
            windows.values_of(data, windows.discriminator(channel, event_id)),
            own_identity=system[_RECORD_ID] is not None,
            record_is_id=False,
        )
        self.put(plan, (*system, *data.values()), raw, number)

    def admitted(self, log: str | None, names: tuple[str, ...], number: int) -> tuple[str, ...]:
        """`names` of a record of `log`, those beyond `MAX_NAMES` hidden; that is noted."""
        surplus = self._names.surplus(log or "", names)
        if surplus:
            reason = (
                f"more than {MAX_NAMES} names of fields in one log: the rest is only in the original text"
            )
            self._columns.reject(f"record {number}", reason, 0, f"{len(surplus)} fields")
        return hidden(names, surplus)

    def flush(self) -> None:
        """Hand everything on."""
        for group in self._groups.values():
            group.flush(self._columns)
        self._groups.clear()

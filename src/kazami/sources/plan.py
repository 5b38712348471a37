"""How records of one shape become events: the words that sources and `columns` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from kazami.model.event import Route

#: A value as a parser gives it. Lists are multi-valued fields; objects never arrive here (flatten them before).
Cell: TypeAlias = "str | int | float | list[Cell] | None"

#: Makes one text of one or several cells (each as text, None where null); None means the field is missing.
Transform: TypeAlias = Callable[..., "str | None"]

#: Says that a column is made of cells.
VARIES: Any = ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a plan: its name, which cells it is made of, and how (None: the cell as it is).

    Where every record of the shape has the same value, `constant` is that value, and there are no cells.
    """

    name: str
    cells: tuple[int, ...]
    transform: Transform | None = None
    constant: Any = VARIES


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How records of one shape become events.

    `columns` are the fields; `time` is the index of the cell that holds the time (any form that `clock.parse`
    reads; None where the record has none); `host`, `user`, `logon_id`, `process_uid`, `parent_uid` are columns
    of the envelope. `projections` are further plans over the same cells for other log sources. `own_identity` says
    that a record names itself (a record id): a second, equal record in one file is then the same event, not another.
    """

    route: Route
    columns: tuple[Column, ...]
    time: int | None = None
    host: Column | None = None
    user: Column | None = None
    logon_id: Column | None = None
    process_uid: Column | None = None
    parent_uid: Column | None = None
    own_identity: bool = False
    projections: tuple[Plan, ...] = ()


def fixed(plan: Plan, constants: Mapping[int, Any], texts: Callable[[Any], str | None]) -> Plan:
    """`plan` for records whose cells at these indices always have these values; they are then left out.

    `texts` gives a cell as text, which is what transforms see.
    """
    count = 1 + max([plan.time or 0, *constants, *(i for c in _columns(plan) for i in c.cells)])
    left = [index for index in range(count) if index not in constants]
    places = {index: place for place, index in enumerate(left)}

    def again(column: Column | None) -> Column | None:
        return None if column is None else _fixed(column, constants, places, texts)

    return replace(
        plan,
        columns=tuple(found for column in plan.columns if (found := again(column)) is not None),
        time=None if plan.time is None else places[plan.time],
        host=again(plan.host),
        user=again(plan.user),
        logon_id=again(plan.logon_id),
        process_uid=again(plan.process_uid),
        parent_uid=again(plan.parent_uid),
        projections=tuple(fixed(projection, constants, texts) for projection in plan.projections),
    )


def _columns(plan: Plan) -> list[Column]:
    envelope = (plan.host, plan.user, plan.logon_id, plan.process_uid, plan.parent_uid)
    return [*plan.columns, *(column for column in envelope if column is not None)]


def _fixed(
    column: Column,
    constants: Mapping[int, Any],
    places: Mapping[int, int],
    texts: Callable[[Any], str | None],
) -> Column | None:
    transform = column.transform
    if not any(cell in constants for cell in column.cells):
        return replace(column, cells=tuple(places[cell] for cell in column.cells))
    if transform is None:
        return Column(column.name, (), constant=constants[column.cells[0]])
    known = {place: texts(constants[cell]) for place, cell in enumerate(column.cells) if cell in constants}
    varying = tuple(places[cell] for cell in column.cells if cell not in constants)
    if varying:
        return Column(column.name, varying, _bound(transform, known, len(column.cells)))
    made = transform(*(known[place] for place in range(len(column.cells))))
    return None if made is None else Column(column.name, (), constant=made)


def _bound(transform: Transform, known: Mapping[int, str | None], count: int) -> Transform:
    def bound(*texts: str | None) -> str | None:
        rest = iter(texts)
        return transform(*(known[place] if place in known else next(rest) for place in range(count)))

    return bound

"""A plan whose constant cells are left out makes the same events as the whole."""

from __future__ import annotations

from typing import Any

from cells import events
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.model.event import LogSource, Route
from kazami.model.evidence import Evidence
from kazami.sources import text
from kazami.sources.columns import Columns
from kazami.sources.plan import VARIES, Column, Plan, fixed

ROUTE = Route("t", (LogSource("p", "c"),))
FED = Route("f", (LogSource("p", "d"),), projected=True)
WIDTH = 6


def joined(*texts: str | None) -> str:
    return "|".join("null" if one is None else one for one in texts)


def gone(*texts: str | None) -> str | None:
    return None if texts[0] in (None, "", "a") else f"<{texts[0]}>"


CELLS = st.sampled_from([None, "", "a", "b", 1, 0, True, 2.5])
INDICES = st.integers(0, WIDTH - 1)
MADE = st.one_of(
    INDICES.map(lambda index: ((index,), None)),
    st.tuples(st.lists(INDICES, min_size=1, max_size=3).map(tuple), st.sampled_from([joined, gone])),
    st.just(((), joined)),
)


def columns(several: list[Any]) -> tuple[Column, ...]:
    return tuple(Column(f"c{number}", cells, transform) for number, (cells, transform) in enumerate(several))


def made(plan: Plan, rows: list[tuple[Any, ...]]) -> dict[Route, list[dict[str, Any]]]:
    into = Columns(Evidence("e", "ab" * 8, "acme", 0, open=lambda: open("/dev/null", "rb")))  # noqa: PTH123, SIM115
    for number, row in enumerate(rows):
        into.add(plan, row, f"raw {number}", number)
    return events(into.rest())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(MADE, max_size=4).map(columns),
    st.lists(MADE, max_size=2).map(columns),
    st.one_of(st.none(), MADE),
    st.dictionaries(st.integers(1, WIDTH - 1), CELLS, max_size=4),
    st.lists(st.tuples(*[CELLS] * WIDTH), min_size=1, max_size=4),
    st.booleans(),
)
def test_a_plan_without_its_constants_makes_the_same(
    own: tuple[Column, ...],
    fed: tuple[Column, ...],
    user: Any,
    constants: dict[int, Any],
    rows: list[tuple[Any, ...]],
    timed: bool,
) -> None:
    who = None if user is None else Column("user", *user)
    whole = Plan(
        ROUTE,
        own,
        0 if timed else None,
        host=who,
        user=who,
        projections=(Plan(FED, fed, None, process_uid=who),),
    )
    full = [tuple(constants.get(index, cell) for index, cell in enumerate(row)) for row in rows]
    short = [tuple(cell for index, cell in enumerate(row) if index not in constants) for row in full]
    assert made(fixed(whole, constants, text.text), short) == made(whole, full)


def test_what_is_fixed_needs_no_cells() -> None:
    whole = Plan(ROUTE, (Column("a", (0,)), Column("b", (1, 2), joined), Column("c", (1,), gone)), time=3)
    short = fixed(whole, {0: 4688, 1: "a", 2: None}, text.text)
    assert [column.name for column in short.columns] == ["a", "b"]  # c is missing in all such records
    assert [(column.cells, column.constant) for column in short.columns] == [((), 4688), ((), "a|null")]
    assert short.time == 0
    half = fixed(whole, {1: "x"}, text.text)
    assert [column.cells for column in half.columns] == [(0,), (1,), ()]
    assert half.columns[1].constant is VARIES
    assert half.columns[1].transform is not None
    assert half.columns[1].transform("y") == "x|y"
    assert half.time == 2

"""The fast evaluator of correlations is held to the plain one, whatever the rule, the matches and their order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from correlation_reference import hits as reference
from correlation_table import table
from hypothesis import given, settings
from hypothesis import strategies as st

from kazami.detect.sigma.correlation import Matches, evaluate, from_json, logic, needed_fields, to_json
from kazami.detect.sigma.correlation.kinds import NUMERIC, TEMPORAL, TYPES
from kazami.detect.sigma.correlation.number import text
from kazami.detect.sigma.rule import Correlation
from kazami.model.rule import RuleInfo

RULES = ("r1", "r2", "r3")
TEXTS = ("a", "A", "b", "")
NUMBERS = ("1", "2", "10", "0.1", "0.2", "-3", "1e2", "0x10", "many", "007")


def _match(cells: tuple[Any, ...]) -> dict[str, Any]:
    rule, uid, time, tenant, *values = cells
    fields = {name: value for name, value in zip("UVN", values, strict=True) if value is not None}
    host = fields.pop("V", None) if uid % 3 == 0 else None  # what a few say in their envelope instead
    fields |= {"host": fields["V"]} if uid % 3 == 1 and "V" in fields else {}
    return {"rule": rule, "uid": f"e{uid}", "time": time, "tenant": tenant, "host": host, "fields": fields}


#: Of few events, groups and tenants, so that they meet; with copies, unreadable times and missing fields.
row = st.tuples(
    st.sampled_from(RULES),
    st.integers(0, 60),
    st.sampled_from((*(500_000 * step for step in range(40)), None)),
    st.sampled_from(("t1", "t1", "t2")),
    st.sampled_from((*TEXTS, *TEXTS, None)),
    st.sampled_from((*TEXTS, *TEXTS, None)),
    st.sampled_from((*NUMBERS, None)),
).map(_match)
matches = st.one_of(st.lists(row, max_size=3), st.lists(row, min_size=12, max_size=30))


def expressions(rules: tuple[str, ...]) -> st.SearchStrategy[Any]:
    leaf = st.sampled_from(rules).map(lambda rule: ("is", rule))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(lambda e: ("not", e)),
            st.tuples(st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=5,
    ).filter(lambda e: not logic.value(e, dict.fromkeys(rules, False)))


@st.composite
def correlations(draw: st.DrawFn, kind: str, id_: str, below: tuple[str, ...]) -> Correlation:
    rules = tuple(draw(st.permutations(below)))[: draw(st.integers(1, len(below)))]
    numbers = st.sampled_from((1, 2, 3, 0, 4, 0.3, 1.5, 10, -2))
    operators = st.sampled_from(("gt", "gte", "gte", "lt", "lte", "eq", "neq"))
    expression = None
    if kind in TEMPORAL and draw(st.booleans()):
        expression = draw(expressions(rules)) if len(rules) > 1 else ("is", rules[0])
        rules = tuple(rule for rule in rules if rule in logic.references(expression))
    condition = st.lists(st.tuples(operators, numbers), min_size=1, max_size=2, unique_by=lambda c: c[0])
    names = st.sampled_from(("U", "V", "alias", "host"))
    fields: tuple[str, ...] = ()
    if kind in NUMERIC:
        fields = ("N",)
    elif kind == "value_count":
        fields = tuple(
            draw(
                st.lists(
                    st.sampled_from(("U", "V", "N", "alias", "host")), min_size=1, max_size=2, unique=True
                )
            )
        )
    return Correlation(
        info=RuleInfo(id_, "0" * 16, id_),
        type=kind,
        rules=rules,
        group_by=tuple(draw(st.lists(names, max_size=2, unique=True))),
        timespan=draw(st.sampled_from((1.0, 3.0, 5.0))),
        condition=() if expression is not None else tuple(draw(condition)),
        expression=expression,
        fields=fields,
        percentile=draw(st.sampled_from((0.0, 25.0, 50.0, 90.0, 99.9, 100.0))),
        aliases={"alias": draw(st.dictionaries(st.sampled_from(below), st.sampled_from(("U", "V", "host"))))},
    )


def comparable(hits: list[dict[str, Any]]) -> list[Any]:
    return sorted(
        (h["rule"], h["tenant"], h["first"], h["last"], h["event_uids"], h["measured"],
         sorted(h["group"].items()), sorted(h["matches"].items()))
        for h in hits
    )  # fmt: skip


def fast(chain: list[Correlation], found: pa.Table) -> list[list[Any]]:
    fields = {name for names in needed_fields(chain).values() for name in names}
    return [
        comparable(
            [
                {
                    name: getattr(hit, name)
                    for name in ("rule", "tenant", "first", "last", "event_uids", "matches")
                }
                | {
                    "measured": hit.measured,
                    "group": {name: value.casefold() for name, value in hit.group.items()},
                }
                for hit in outcome.hits
            ]
        )
        for outcome in evaluate(chain, Matches.of(found, fields))
    ]


def plain(chain: list[Correlation], found: list[dict[str, Any]]) -> list[list[Any]]:
    return [
        comparable([hit | {"measured": text(Fraction(hit["measured"]))} for hit in hits])
        for hits in reference(chain, found)
    ]


def check(data: st.DataObject, kinds: tuple[str, ...], found: list[dict[str, Any]]) -> None:
    """Correlations of these kinds, each of which may build on those before it, fast and plain."""
    chain: list[Correlation] = []
    for level, kind in enumerate(kinds):
        below = (*(c.info.id for c in chain), *RULES)[: len(RULES)]
        chain.append(data.draw(correlations(kind, f"c{level}", below)))
    assert fast(chain, table(found)) == plain(chain, found)


kinds = st.sampled_from(sorted(TYPES))


@pytest.mark.parametrize("kind", sorted(TYPES))
@given(data=st.data(), found=matches)
@settings(max_examples=20, deadline=None)
def test_fast_is_plain(kind: str, data: st.DataObject, found: list[dict[str, Any]]) -> None:
    check(data, (kind,), found)


@given(data=st.data(), found=matches, chain=st.tuples(kinds, kinds, kinds))
@settings(max_examples=50, deadline=None)
def test_fast_is_plain_in_chains(
    data: st.DataObject, found: list[dict[str, Any]], chain: tuple[str, ...]
) -> None:
    check(data, chain, found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(TYPES))
@given(data=st.data(), found=matches, over=st.lists(kinds, max_size=2).map(tuple))
@settings(max_examples=400, deadline=None)
def test_fast_is_plain_at_length(
    kind: str, data: st.DataObject, found: list[dict[str, Any]], over: tuple[str, ...]
) -> None:
    check(data, (kind, *over), found)


@given(data=st.data(), found=matches, kind=st.sampled_from(sorted(TYPES)))
@settings(max_examples=30, deadline=None)
def test_order_and_chunks_do_not_matter(data: st.DataObject, found: list[dict[str, Any]], kind: str) -> None:
    chain = [data.draw(correlations(kind, "c", RULES))]
    whole = table(found)
    order = data.draw(st.permutations(range(len(found))))
    cut = data.draw(st.integers(0, len(found)))
    mixed = whole.take(order) if order else whole
    chunks = pa.concat_tables([mixed.slice(0, cut), mixed.slice(cut)])
    assert fast(chain, chunks) == fast(chain, whole)


@given(data=st.data(), kind=st.sampled_from(sorted(TYPES)))
@settings(max_examples=30, deadline=None)
def test_json_keeps_all(data: st.DataObject, kind: str) -> None:
    correlation = data.draw(correlations(kind, "c", RULES))
    assert from_json(to_json(correlation)) == correlation

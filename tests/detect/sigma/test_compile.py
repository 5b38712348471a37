"""From the words of a rule to its compiled form."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionNOT, ConditionOR
from sigma.rule import SigmaDetections

from kazami.detect.sigma import condition
from kazami.detect.sigma.compile import compile_detection, compile_rule
from kazami.detect.sigma.encoding import base64offset
from kazami.detect.sigma.expression import (
    ANY,
    DASH,
    DASHES,
    ONE,
    Expression,
    Predicate,
    from_json,
    predicates,
    to_json,
)
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.plain import evaluate
from kazami.errors import RuleError
from kazami.model.event import LogSource


def compiled(selection: Any, **placeholders: list[str]) -> Expression:
    return compile_detection({"s": selection, "condition": "s"}, placeholders)


def leaf(field: str | None, op: Any, arg: Any, cased: bool = False) -> Expression:
    return ("is", Predicate(field, op, arg, cased))


@pytest.mark.parametrize(
    ("selection", "expression"),
    [
        ({"A": "x"}, leaf("A", "match", ("x",))),
        ({"A": ""}, leaf("A", "match", ())),
        ({"A": "*"}, leaf("A", "match", (ANY,))),
        ({"A": "a**b?"}, leaf("A", "match", ("a", ANY, "b", ONE))),
        ({"A|contains": "*x*"}, leaf("A", "match", (ANY, "x", ANY))),
        ({"A|startswith": "x"}, leaf("A", "match", ("x", ANY))),
        ({"A|endswith|cased": "x"}, leaf("A", "match", (ANY, "x"), True)),
        ({"A|windash|contains": " -x"}, leaf("A", "match", (ANY, " ", DASH, "x", ANY))),
        ({"A|base64": "x"}, leaf("A", "match", ("eA==",), True)),
        ({"A|re|m|i": "x"}, leaf("A", "re", ("x", "im"))),
        ({"A|cidr": "10.1.2.3/8"}, leaf("A", "cidr", "10.0.0.0/8")),
        ({"A": 5}, leaf("A", "number", 5)),
        ({"A": 1.5}, leaf("A", "number", 1.5)),
        ({"A": True}, leaf("A", "match", ("true",))),
        ({"A": None}, leaf("A", "null", None)),
        ({"A": [None]}, leaf("A", "null", None)),
        ({"A|gte": "0x10"}, leaf("A", "gte", 16)),
        ({"A|exists": False}, leaf("A", "exists", False)),
        ({"A|fieldref|endswith": "B"}, leaf("A", "ref", ("B", "endswith"))),
        ({"A|hour|lt": 6}, leaf("A", "time", ("hour", "lt", 6))),
        ({"A|week": 53}, leaf("A", "time", ("week", "eq", 53))),
        (["x"], leaf(None, "match", (ANY, "x", ANY))),
        ("x", leaf(None, "match", (ANY, "x", ANY))),
        ({"|startswith": "x"}, leaf(None, "match", ("x", ANY))),
        ({"A": ["x", "x"]}, leaf("A", "match", ("x",))),
        ({"A|neq": "x"}, ("not", leaf("A", "match", ("x",)))),
        ({"A": ["x", 1]}, ("or", (leaf("A", "match", ("x",)), leaf("A", "number", 1)))),
        ({"A": "x", "B": "y"}, ("and", (leaf("A", "match", ("x",)), leaf("B", "match", ("y",))))),
    ],
)
def test_form(selection: Any, expression: Expression) -> None:
    found = compiled(selection)
    assert found == expression
    assert from_json(msgspec.json.decode(msgspec.json.encode(to_json(found)))) == found


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        ({"A|": "x"}, "unknown modifier ''"),
        ({"A|Contains": "x"}, "unknown modifier 'Contains'"),
        ({"A|re|contains": "x"}, "'contains' cannot follow a regular expression"),
        ({"A|re|base64": "x"}, "'base64' cannot follow a regular expression"),
        ({"A|contains|gt": 5}, "'gt' takes a number"),
        ({"A|gt|contains": 5}, "'contains' cannot follow gt"),
        ({"A|cidr|contains": "10.0.0.0/8"}, "'contains' cannot follow cidr"),
        ({"A|contains|cidr": "10.0.0.0/8"}, "takes no wildcards"),
        ({"A|hour|gte|lt": 5}, "'lt' cannot follow 'gte'"),
        ({"A|fieldref|startswith|endswith": "B"}, "'endswith' cannot follow 'startswith'"),
        ({"A|base64": "x?"}, "takes no wildcards"),
        ({"A|base64offset": "x"}, "too short to be found at every offset"),
        ({"A|windash|base64": "-a -b -c -d -e"}, "too many spellings"),
        ({"A" + "|base64" * 60: "xyz"}, "60 modifiers; at most 10"),
        ({"A|exists": [True, False]}, "takes one value"),
        ({"A|exists": "perhaps"}, "takes true or false"),
        ({"|gt": 5}, "needs a field"),
        ({"|fieldref": "A"}, "needs a field"),
        ({None: "x"}, "names of fields"),
        ({"A": [["x"]]}, "a value cannot be a list"),
        ({"A": float("inf")}, "too large"),
        ([], "selects nothing"),
        ({}, "selects nothing"),
        ([{}], "selects nothing"),
    ],
)
def test_what_is_refused(selection: Any, reason: str) -> None:
    with pytest.raises(Fault, match=reason.replace("(", r"\(")):
        compiled(selection)


def test_too_many_values() -> None:
    with pytest.raises(Fault, match="more than 50000 values"):
        compiled({"A|base64offset|contains": [f"{n:06}" for n in range(20_000)]})


def test_a_placeholder_in_a_regular_expression_is_a_pattern_of_sigma() -> None:
    expression = compiled({"A|re|expand": r"^%x%\.lan$"}, x=["srv*", "d.c?"])
    assert evaluate(expression, {"A": "srv17.lan"})
    assert evaluate(expression, {"A": "d.c1.lan"})
    assert not evaluate(expression, {"A": "dxc1.lan"})
    assert not evaluate(expression, {"A": "srvx"})


def test_too_many_placeholders() -> None:
    with pytest.raises(Fault, match="expand to 1000000 values"):
        compiled({"A|expand": "%x%%x%%x%"}, x=[str(n) for n in range(100)])


def test_a_rule() -> None:
    info, expression, warnings = compile_rule(
        {
            "title": "t",
            "id": "929A690E-bef0-4204-a928-ef5e620d6fcc",
            "level": "HIGH",
            "logsource": {"product": "Windows", "category": "process_creation"},
            "tags": ["attack.t1059", "attack.execution"],
            "falsepositives": "none known",
            "date": "2024-01-01",
            "detection": {"s": {"A": "x"}, "condition": "s"},
        },
        "a.yml",
    )
    assert info.id == "929a690e-bef0-4204-a928-ef5e620d6fcc"
    assert (info.level, info.logsource) == ("high", LogSource("windows", "process_creation"))
    assert (info.techniques, info.tactics) == (["T1059"], ["execution"])
    assert (info.falsepositives, info.date) == (("none known",), "2024-01-01")
    assert expression == leaf("A", "match", ("x",))
    assert warnings == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"logsource": None}, "no log source"),
        ({"logsource": {"definition": "x"}}, "names no product"),
        ({"logsource": {"product": 5}}, "product is not text"),
        ({"detection": None}, "no detection"),
        ({"detection": [1]}, "detection: not a map"),
        ({"detection": {"condition": "s"}}, "no selection"),
        ({"detection": {"s": {"A": 1}}}, "no condition"),
        ({"detection": {"s": {"A": 1}, "condition": ""}}, "the condition is empty"),
        ({"detection": {"s": {"A": 1}, "condition": {"s": 1}}}, "condition: not text"),
        ({"detection": {"s": {"A": 1}, "condition": "not " * 200 + "s"}}, "nested deeper"),
        ({"detection": {"s": {"A": 1}, "condition": "(" * 5000 + "s" + ")" * 5000}}, "nested deeper"),
        ({"detection": {"s": {"A": 1}, "condition": "s and " * 20_000 + "s"}}, "words"),
        ({"taxonomy": "ecs"}, "its taxonomy is 'ecs'"),
    ],
)
def test_a_rule_that_cannot_be(change: dict[str, Any], reason: str) -> None:
    rule = {"title": "t", "logsource": {"product": "windows"}, "detection": {"s": {"A": 1}, "condition": "s"}}
    with pytest.raises(RuleError, match=reason) as caught:
        compile_rule(rule | change, "a.yml")
    assert caught.value.path == "a.yml"


@given(st.binary(min_size=2, max_size=12), st.binary(max_size=5), st.binary(max_size=5))
def test_base64_at_any_offset(data: bytes, before: bytes, after: bytes) -> None:
    whole = b64encode(before + data + after).decode()
    assert any(code in whole for code in base64offset(data))


@given(st.text(min_size=2, max_size=8).filter(lambda text: text.isprintable()))
def test_base64offset_of_any_text(text: str) -> None:
    escaped = "".join(f"\\{char}" if char in "*?\\" else char for char in text)
    expression = compiled({"A|base64offset|contains": escaped})
    for offset in range(3):
        value = b64encode(b"x" * offset + text.encode() + b"yyy").decode()
        assert evaluate(expression, {"A": value})


@pytest.mark.parametrize("spelling", list(product(DASHES, repeat=2)))
def test_every_permutation_of_dashes(spelling: tuple[str, str]) -> None:
    expression = compiled({"A|windash": "x -a /b"})
    assert evaluate(expression, {"A": f"x {spelling[0]}a {spelling[1]}b"})


def test_windash_before_an_encoding_gives_every_spelling() -> None:
    expression = compiled({"A|windash|wide|base64": "-a"})
    wanted = {b64encode(f"{dash}a".encode("utf-16-le")).decode() for dash in DASHES}
    assert {"".join(map(str, predicate.arg)) for predicate in predicates(expression)} == wanted


NAMES = ("sel", "sel_a", "_sel", "b-1", "notb", "android", "x_filter")
PATTERNS = ("them", "sel*", "*el", "s*l*", "_*", "*_filter", "x_filter")


def conditions() -> st.SearchStrategy[str]:
    atoms = st.one_of(
        st.sampled_from(NAMES),
        st.builds("{} of {}".format, st.sampled_from(["1", "all", "any"]), st.sampled_from(PATTERNS)),
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds("{} and {}".format, inner, inner),
            st.builds("{} or {}".format, inner, inner),
            st.builds("not {}".format, inner),
            st.builds("({})".format, inner),
        ),
        max_leaves=6,
    )


@settings(deadline=None, max_examples=150)
@given(conditions(), st.sets(st.sampled_from(NAMES)))
def test_conditions_mean_what_pysigma_makes_of_them(text: str, true: set[str]) -> None:
    ours = condition.parse(text, {name: ("const", name in true) for name in NAMES})
    theirs = SigmaDetections.from_dict({**{name: {"f": name} for name in NAMES}, "condition": text})
    assert evaluate(ours, {}) is truth(theirs.parsed_condition[0].parse(), true)


def truth(parsed: Any, true: set[str]) -> bool:
    if isinstance(parsed, ConditionAND):
        return all(truths(parsed.args, true))
    if isinstance(parsed, ConditionOR):
        return any(truths(parsed.args, true))
    if isinstance(parsed, ConditionNOT):
        return not truth(parsed.args[0], true)
    assert not isinstance(parsed, ConditionIdentifier)
    return str(parsed.value) in true


def truths(args: list[Any], true: set[str]) -> Iterator[bool]:
    return (truth(arg, true) for arg in args)

"""Explaining: the answer is that of the evaluator, and what is said to decide does decide."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kazami.detect.sigma import plain
from kazami.detect.sigma.explain import Step, explain, named, render
from kazami.detect.sigma.expression import ANY, DASH, ONE, Expression, Predicate
from kazami.detect.sigma.load import load
from kazami.detect.sigma.question import WORDS, question
from kazami.detect.sigma.rule import Rule
from kazami.model.rule import RuleInfo


def rule(expression: Expression) -> Rule:
    return Rule(RuleInfo("1", "v", "t"), expression)


def trees() -> st.SearchStrategy[Any]:
    return st.recursive(
        st.just("leaf"),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, max_size=4)),
            st.tuples(st.just("not"), inner),
        ),
        max_leaves=12,
    )


def built(tree: Any, numbers: Iterator[int]) -> Expression:
    """The tree with a field of its own for each leaf."""
    if tree == "leaf":
        return ("is", Predicate(f"f{next(numbers)}", "match", ("1",)))
    kind, body = tree
    if kind == "not":
        return ("not", built(body, numbers))
    return (kind, tuple(built(part, numbers) for part in body))


def leaves(step: Step) -> Iterator[Step]:
    if step.kind == "is":
        yield step
    for child in step.children:
        yield from leaves(child)


@given(trees(), st.lists(st.sampled_from("01"), min_size=12, max_size=12))
def test_what_decides_decides(tree: Any, values: list[str]) -> None:
    expression = built(tree, count())
    event = {f"f{number}": value for number, value in enumerate(values)}
    step = explain(rule(expression), event)
    assert step.result is plain.evaluate(expression, event)
    changed = dict(event)
    for leaf in leaves(step):
        assert leaf.predicate is not None
        name = str(leaf.predicate.field)
        assert leaf.result is (event[name] == "1")
        if not leaf.decisive:
            changed[name] = "0" if event[name] == "1" else "1"
    assert plain.evaluate(expression, changed) is step.result


@pytest.mark.parametrize(
    ("predicate", "english", "japanese"),
    [
        (Predicate("A", "match", ("x",)), "A is 'x'", "A が 'x' である"),
        (Predicate("A", "match", ()), "A is empty", "A が空である"),
        (Predicate("A", "match", (ANY,)), "A has a value", "A に値がある"),
        (Predicate("A", "match", (ANY, "x")), "A ends with 'x'", "A が 'x' で終わる"),
        (Predicate("A", "match", ("x", ANY)), "A begins with 'x'", "A が 'x' で始まる"),
        (Predicate("A", "match", (ANY, "x", ANY)), "A contains 'x'", "A が 'x' を含む"),
        (Predicate("A", "match", ("x", ANY, "y", ONE)), "A has the form 'x*y?'", "A が 'x*y?' の形である"),
        (
            Predicate(None, "match", (ANY, DASH, "x", ANY), True),
            "any field contains '[-/]x' ([-/] is any dash or slash), upper and lower case told apart",
            "いずれかのフィールド が '[-/]x' を含む ([-/] は任意のダッシュまたはスラッシュ) (大文字と小文字を区別)",
        ),
        (
            Predicate("A", "re", ("x+", "i")),
            "A matches the regular expression 'x+' (i)",
            "A が正規表現 'x+' (i) に一致する",
        ),
        (
            Predicate("A", "cidr", "10.0.0.0/8"),
            "A is an address in 10.0.0.0/8",
            "A が 10.0.0.0/8 内のアドレスである",
        ),
        (Predicate("A", "number", 5), "A is the number 5", "A が数値 5 である"),
        (Predicate("A", "gte", 5), "A is 5 or greater", "A が 5 以上である"),
        (Predicate("A", "null", None), "A is missing or null", "A がない、または null である"),
        (Predicate("A", "exists", True), "A is there", "A がある"),
        (Predicate("A", "exists", False), "A is not there", "A がない"),
        (Predicate("A", "ref", ("B", "endswith")), "A ends with the value of B", "A が B の値で終わる"),
        (
            Predicate("T", "time", ("hour", "gte", 22)),
            "the hour (UTC) of T is 22 or later",
            "T の時 (UTC)が 22 以降である",
        ),
    ],
)
def test_questions_in_words(predicate: Predicate, english: str, japanese: str) -> None:
    assert question(predicate) == english
    assert question(predicate, "ja") == japanese


def test_both_languages_have_all_words() -> None:
    assert set(WORDS["en"]) == set(WORDS["ja"])


def test_lines() -> None:
    expression = (
        "and",
        (
            ("or", tuple(("is", Predicate("A", "match", (str(n),))) for n in range(9))),
            ("is", Predicate("B", "exists", True)),
            ("not", ("is", Predicate("C", "ref", ("D", "eq")))),
            ("is", Predicate(None, "match", (ANY, "x", ANY))),
        ),
    )
    event: dict[str, Any] = {"A": ["8", None], "B": "", "C": "x", "E": "axb"}
    step = explain(rule(expression), event)
    assert render(step) == [
        "The rule is true of this event.",
        "> marks what decides: any change of the result has to come from there.",
        "> [true] all of",
        ">   [true] any of",
        *[f"      [false] A is '{n}' — seen: '8', null" for n in range(6)],
        ">     [true] A is '8' — seen: '8', null",
        ">     ... and 2 more, each false",
        ">   [true] B is there",
        ">   [true] not",
        ">     [false] C is the same as D — seen: C='x'; D=missing",
        ">   [true] any field contains 'x' — seen: C='x'; E='axb'",
    ]
    assert len(render(step, full=True)) == len(render(step)) + 1
    assert render(step, "ja")[0] == "このイベントはルールに一致します。"


def test_missing_null_and_long_values() -> None:
    expression = ("is", Predicate("A", "match", ("x",)))
    assert render(explain(rule(expression), {}))[2] == "> [false] A is 'x' — seen: missing"
    assert render(explain(rule(expression), {"A": None}))[2] == "> [false] A is 'x' — seen: null"
    assert render(explain(rule(expression), {"A": []}))[2] == "> [false] A is 'x' — seen: no value"
    assert len(render(explain(rule(expression), {"A": "y" * 10_000}))[2]) < 300


def test_a_regular_expression_that_takes_too_long_is_said() -> None:
    slow = ("is", Predicate("A", "re", (r"^(([a-z])+.)+[A-Z]([a-z])+\2(?=!)$", "")))
    step = explain(rule(slow), {"A": "a" * 5_000})
    assert (step.result, step.note) == (False, "timeout")
    assert "took too long" in render(step)[2]


def test_selections_are_named_as_in_the_file(tmp_path: Path) -> None:
    document = {
        "title": "t",
        "id": "929a690e-bef0-4204-a928-ef5e620d6fcc",
        "logsource": {"product": "windows"},
        "detection": {"sel": {"A": "x"}, "other": {"B": "y"}, "condition": ["sel and not other", "other"]},
    }
    suppress = {
        "title": "f",
        "logsource": {"product": "windows"},
        "filter": {"rules": "any", "s": {"C": "z"}, "condition": "not s"},
    }
    path = tmp_path / "a.yml"
    path.write_text(yaml.safe_dump(document))
    (loaded,) = load([path]).rules
    lines = render(explain(loaded, {"A": "x"}, named(loaded)))
    assert [line.strip("> ") for line in lines[2:]] == [
        "[true] any of",
        "[true] all of",
        "[true] sel",
        "[true] A is 'x' — seen: 'x'",
        "[true] not",
        "[false] other",
        "[false] B is 'y' — seen: missing",
        "[false] other",
        "[false] B is 'y' — seen: missing",
    ]
    path.write_text(yaml.safe_dump(document) + "\n---\n" + yaml.safe_dump(suppress))
    (filtered,) = load([path]).rules
    assert "[true] filter 1" in "\n".join(render(explain(filtered, {"A": "x"}, named(filtered))))
    path.write_text(yaml.safe_dump(document | {"detection": {"sel": {"A": "changed"}, "condition": "sel"}}))
    assert named(loaded) == loaded.condition
    path.unlink()
    assert named(loaded) == loaded.condition

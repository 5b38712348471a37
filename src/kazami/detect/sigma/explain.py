"""Why a rule is true of an event, or is not: leaf by leaf, with what was seen and what decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kazami.detect.sigma import plain
from kazami.detect.sigma.expression import Expression, Predicate
from kazami.detect.sigma.plain import Event
from kazami.detect.sigma.question import WORDS, question, short
from kazami.detect.sigma.rule import Rule

_ALIKE = 6  # branches of one node that say the same are shown up to here
_VALUES = 5  # values of one field


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a condition with its result.

    `kind` is and, or, not, const, named (a selection, `name`), or is: then `predicate` is the question, and `seen`
    are the fields that it was asked of, with their values; a field that is missing has no entry. `decisive` says
    that the result of the whole comes from here. `note` is "timeout" where no answer was found in time.
    """

    kind: str
    result: bool
    children: tuple[Step, ...] = ()
    predicate: Predicate | None = None
    seen: tuple[tuple[str, tuple[str | None, ...]], ...] = ()
    name: str = ""
    decisive: bool = False
    note: str = ""


def explain(rule: Rule, event: Event, condition: Expression | None = None) -> Step:
    """The steps of a rule's condition on an event; `condition` may be that of `named`, which tells selections."""
    return _decided(_step(rule.condition if condition is None else condition, event), True)


def named(rule: Rule) -> Expression:
    """The rule's condition with its selections named, read again from the rule's file.

    Where that file is gone, or says something else by now, the condition is given as it is.
    """
    from kazami.detect.sigma.naming import naming  # with the compiler behind it

    return naming(rule, Path(rule.info.path)) or rule.condition


def _step(expression: Expression, event: Event) -> Step:
    kind, body = expression
    if kind == "is":
        return _leaf(body, event)
    if kind == "named":
        inner = _step(body[1], event)
        return Step("named", inner.result, (inner,), name=body[0])
    if kind == "not":
        inner = _step(body, event)
        return Step("not", not inner.result, (inner,))
    if kind == "const":
        return Step("const", bool(body))
    children = tuple(_step(part, event) for part in body)
    results = [child.result for child in children]
    return Step(kind, all(results) if kind == "and" else any(results), children)


def _leaf(predicate: Predicate, event: Event) -> Step:
    note = ""
    try:
        result = plain.ask(predicate, event)
    except TimeoutError:
        result, note = False, "timeout"
    return Step("is", result, predicate=predicate, seen=tuple(_seen(predicate, event)), note=note)


def _seen(predicate: Predicate, event: Event) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """What a question was asked of; of a keyword, only where it was found."""
    if predicate.field is None:
        for name in event:
            found = [value for value in plain.values(event, name) if _held(predicate, value, event)]
            if found:
                yield name, tuple(found)
        return
    for name in (predicate.field, predicate.arg[0]) if predicate.op == "ref" else (predicate.field,):
        if name in event:
            yield name, tuple(plain.values(event, name))


def _held(predicate: Predicate, value: str | None, event: Event) -> bool:
    try:
        return plain.holds(predicate, value, event)
    except TimeoutError:
        return False


def _decided(step: Step, decisive: bool) -> Step:
    """The same steps, with those marked from which the result of the whole comes."""
    every = (step.kind == "and") is step.result or step.kind in ("not", "named")
    children = tuple(
        _decided(child, decisive and (every or child.result is step.result)) for child in step.children
    )
    return Step(step.kind, step.result, children, step.predicate, step.seen, step.name, decisive, step.note)


def render(step: Step, lang: str = "en", *, full: bool = False) -> list[str]:
    """The steps as indented lines of plain text, which may hold anything that the event holds.

    ``>`` marks what decides. Branches that decide nothing and are many are counted, unless `full`.
    """
    words = WORDS[lang]
    lines = [words["holds" if step.result else "fails"], words["legend"]]
    return lines + list(_lines(step, words, lang, 0, full))


def _lines(step: Step, words: Any, lang: str, depth: int, full: bool) -> Iterator[str]:
    mark = ">" if step.decisive else " "
    yield f"{mark} {'  ' * depth}[{words['true' if step.result else 'false']}] {_said(step, words, lang)}"
    told = {True: 0, False: 0}
    for child in step.children:
        told[child.result] += 1
        if full or child.kind != "is" or told[child.result] <= _ALIKE:
            yield from _lines(child, words, lang, depth + 1, full)
    for result, count in _untold(step, full).items():
        text = words["more"].format(n=count, v=words["true" if result else "false"])
        yield f"{mark} {'  ' * (depth + 1)}{text}"


def _untold(step: Step, full: bool) -> dict[bool, int]:
    """How many leaves of each result `_lines` passes over."""
    found = {}
    for result in (True, False):
        places = [place for place, child in enumerate(step.children) if child.result is result]
        leaves = [place for place in places[_ALIKE:] if step.children[place].kind == "is"]
        if leaves and not full:
            found[result] = len(leaves)
    return found


def _said(step: Step, words: Any, lang: str) -> str:
    if step.predicate is None:
        return words[step.kind].format(v=step.name)  # type: ignore[no-any-return]
    asked = question(step.predicate, lang)
    if step.note:
        return f"{asked} — {words[step.note]}"
    if step.predicate.op == "exists":
        return asked
    seen = _values(step, words)
    return f"{asked} — {words['seen'].format(v=seen)}" if seen else asked


def _values(step: Step, words: Any) -> str:
    assert step.predicate is not None
    if step.predicate.field is None:
        return "; ".join(f"{name}={_listed(values, words)}" for name, values in step.seen[:_VALUES])
    wanted = (
        (step.predicate.field, step.predicate.arg[0])
        if step.predicate.op == "ref"
        else (step.predicate.field,)
    )
    found = dict(step.seen)
    said = [_listed(found[name], words) if name in found else words["seen_missing"] for name in wanted]
    return (
        "; ".join(said)
        if len(said) == 1
        else "; ".join(f"{n}={v}" for n, v in zip(wanted, said, strict=True))
    )


def _listed(values: tuple[str | None, ...], words: Any) -> str:
    if not values:
        return str(words["seen_nothing"])
    said = [words["seen_null"] if value is None else short(value) for value in values[:_VALUES]]
    return ", ".join(said) + (", …" if len(values) > _VALUES else "")

"""Conditions and loops of VBScript and VBA. What is not known whether it happens, happens once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.basic import thing
from kazami.detect.content.script.basic.value import Thing, binary, number, order, truth
from kazami.detect.content.script.record import Ended, Unknown
from kazami.detect.content.script.tree import Node

if TYPE_CHECKING:
    from kazami.detect.content.script.basic.machine import Machine


class Leave(BaseException):
    """``Exit``, and ``WScript.Quit``; no `Exception`, as it is no failure."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class Jump(BaseException):
    """``GoTo``: looked for in the statements around, from the innermost outwards."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


def run_if(machine: Machine, branches: list[tuple[Node, list[Node]]], other: list[Node]) -> None:
    """The branch that holds; of conditions that are not known, every branch."""
    unknown = False
    for condition, body in branches:
        value = machine.value(condition)
        if isinstance(value, Unknown):
            unknown = True
            _maybe(machine, body)
        elif truth(value):
            machine.run(body)
            return
    if unknown:
        _maybe(machine, other)
    else:
        machine.run(other)


def _maybe(machine: Machine, body: list[Node]) -> None:
    """A branch of which nobody knows whether it is taken: what leaves in it does not leave."""
    try:
        machine.run(body)
    except Leave as left:
        machine.record.call(f"perhaps {left.word}")
    except Jump as jump:
        machine.record.call(f"perhaps GoTo {jump.label}")


def _turn(machine: Machine, body: list[Node], word: str) -> bool:
    try:
        machine.run(body)
    except Leave as left:
        if left.word != word:
            raise
        return False
    return True


def run_for(
    machine: Machine, target: Node, first: Node, last: Node, step: Node | None, body: list[Node]
) -> None:
    """With a counter; of bounds that are not known, once."""
    at, end = machine.value(first), machine.value(last)
    by = machine.value(step) if step is not None else 1
    if isinstance(at, Unknown) or isinstance(end, Unknown) or isinstance(by, Unknown):
        machine.assign(target, at)
        _turn(machine, body, "for")
        return
    at, end, by = number(at), number(end), number(by)
    if not by:
        raise Ended("a loop that does not step", "time")
    while (at <= end) if by > 0 else (at >= end):
        machine.assign(target, at)
        if not _turn(machine, body, "for"):
            return
        at += by
    machine.assign(target, at)


def run_each(machine: Machine, name: str, source: Node, body: list[Node]) -> None:
    """Over items; of items that are not known, over one that is not."""
    values = machine.value(source)
    for item in (
        values
        if isinstance(values, list)
        else [*values]
        if isinstance(values, bytes)
        else thing.each(values)
        if isinstance(values, Thing) and values.name in thing.HOLDERS
        else [Unknown(f"item of {getattr(values, 'text', '')}")]
    ):
        machine.set(name, item)
        if not _turn(machine, body, "for"):
            return


def run_do(machine: Machine, condition: Node | None, before: str, after: str, body: list[Node]) -> None:
    """While or until; once, where that is not known."""
    while True:
        machine.meter.step()
        if before and condition is not None:
            value = machine.value(condition)
            if not isinstance(value, Unknown) and truth(value) == (before == "until"):
                return
        if not _turn(machine, body, "do"):
            return
        if after and condition is not None:
            value = machine.value(condition)
            if not isinstance(value, Unknown) and truth(value) == (after == "until"):
                return
        if condition is not None and isinstance(value, Unknown):
            return


def run_select(machine: Machine, subject: Node, cases: list[tuple[list[Node] | None, list[Node]]]) -> None:
    """The case that fits; where that is not known, every case."""
    value = machine.value(subject)
    for labels, body in cases:
        if isinstance(value, Unknown):
            _maybe(machine, body)
        elif labels is None or any(_fits(machine, value, label) for label in labels):
            machine.run(body)
            return


def _fits(machine: Machine, value: Any, label: Node) -> bool:
    if label.kind == "beside":
        return truth(binary(label.parts[0], value, machine.value(label.parts[1]), machine.meter))
    if label.kind == "between":
        return order(value, machine.value(label.parts[0])) >= 0 >= order(value, machine.value(label.parts[1]))
    return order(value, machine.value(label)) == 0

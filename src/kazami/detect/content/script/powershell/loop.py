"""Conditions and loops of PowerShell. What is not known whether it happens, happens once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.powershell.static import one
from kazami.detect.content.script.powershell.value import Block, binary, items, truth
from kazami.detect.content.script.record import Unknown
from kazami.detect.content.script.tree import Node

if TYPE_CHECKING:
    from kazami.detect.content.script.powershell.machine import Machine


class Leave(BaseException):
    """``break``, ``continue``, ``return``, ``throw``, ``exit``; no `Exception`, as it is no failure."""

    def __init__(self, word: str, value: list[Any]) -> None:
        super().__init__(word)
        self.word, self.value = word, value


def run_if(machine: Machine, branches: list[tuple[Node | None, Node]]) -> list[Any]:
    """The branch that holds; of a condition that is not known, every branch."""
    for condition, body in branches:
        value = True if condition is None else machine.value(condition)
        if isinstance(value, Unknown):
            out = machine.run(body.parts[0])
            continue
        if truth(value):
            return machine.run(body.parts[0])
        out = []
    return out


def _turn(machine: Machine, body: Node, out: list[Any]) -> bool:
    """One turn of a loop; False where it ends the loop."""
    try:
        out += machine.run(body.parts[0])
    except Leave as left:
        if left.word not in ("break", "continue"):
            raise
        return left.word == "continue"
    return True


def run_while(machine: Machine, condition: Node, body: Node, _: object) -> list[Any]:
    """While it holds; once, where that is not known."""
    out: list[Any] = []
    while truth(value := machine.value(condition)):
        if not _turn(machine, body, out) or isinstance(value, Unknown):
            break
    return out


def run_do(machine: Machine, body: Node, condition: Node, until: bool) -> list[Any]:
    """At least once."""
    out: list[Any] = []
    while _turn(machine, body, out):
        value = machine.value(condition)
        if isinstance(value, Unknown) or truth(value) == until:
            break
    return out


def run_for(
    machine: Machine, first: Node | None, condition: Node | None, step: Node | None, body: Node
) -> list[Any]:
    """With a counter."""
    out: list[Any] = []
    if first is not None:
        machine.run(first)
    while condition is None or truth(value := machine.value(condition)):
        if not _turn(machine, body, out) or (condition is not None and isinstance(value, Unknown)):
            break
        if step is not None:
            machine.run(step)
    return out


def run_foreach(machine: Machine, name: str, source: Node, body: Node) -> list[Any]:
    """Over items; of items that are not known, over one that is not."""
    out: list[Any] = []
    for item in items(machine.value(source)):
        machine.set(name, item)
        if not _turn(machine, body, out):
            break
    return out


def run_switch(
    machine: Machine, subject: Node, cases: list[tuple[Node, Node]], flags: list[str]
) -> list[Any]:
    """Every case that fits."""
    out: list[Any] = []
    for item in items(machine.value(subject)):
        hit = False
        machine.scopes[-1]["_"] = item
        for label, body in cases:
            default = label.kind == "word" and label.parts[0].lower() == "default"
            if default and hit:
                continue
            if default or isinstance(item, Unknown) or _fits(machine, item, label, flags):
                hit = True
                if not _turn(machine, body, out):
                    break
    return out


def _fits(machine: Machine, item: Any, label: Node, flags: list[str]) -> bool:
    value = machine.value(label)
    if isinstance(value, Block):
        return truth(one(machine.run(value.body)))
    way = "like" if "wildcard" in flags else "match" if "regex" in flags else "eq"
    return truth(binary(way, item, value, machine.meter))


def run_try(machine: Machine, body: Node, handlers: list[Node], last: Node | None) -> list[Any]:
    """The body; handlers too, where the body throws or something in it is not known to work."""
    out: list[Any] = []
    try:
        out += machine.run(body.parts[0])
    except Leave as left:
        if left.word != "throw":
            raise
        machine.set("_", one(left.value))
        for handler in handlers[:1]:
            out += machine.run(handler.parts[0])
    if last is not None:
        out += machine.run(last.parts[0])
    return out

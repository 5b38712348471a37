"""Conditions and loops of the shell. What is not known whether it happens, happens once."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kazami.detect.content.script.shell import word
from kazami.detect.content.script.shell.own import Leave
from kazami.detect.content.script.shell.word import UNKNOWN
from kazami.detect.content.script.tree import Node

if TYPE_CHECKING:
    from kazami.detect.content.script.shell.machine import Machine


def run_if(machine: Machine, given: str, branches: list[tuple[list[Node], list[Node]]]) -> str:
    """Every branch, as conditions are of the machine."""
    out = ""
    for condition, body in branches:
        machine.run(condition, given)
        out += machine.perhaps(body, given)
    return out


def run_case(machine: Machine, given: str, subject: str, branches: list[tuple[list[str], list[Node]]]) -> str:
    """The branch that fits, every one where that is not known."""
    value = word.text(machine, subject)
    out = ""
    for labels, body in branches:
        if not value or UNKNOWN in value:
            out += machine.perhaps(body, given)
        elif any(fnmatchcase(value, word.text(machine, label)) for label in labels):
            return machine.run(body, given)
    return out


def run_while(machine: Machine, given: str, condition: list[Node], body: list[Node]) -> str:
    """Line by line where it reads; else as long as a sum says, or once."""
    reads = condition[0] if condition and condition[0].kind == "simple" else None
    if (
        reads is not None
        and "read" in reads.parts[1][:1] + reads.parts[1][1:2]
        and given
        and UNKNOWN not in given
    ):
        names = [one for one in reads.parts[1][1:] if not one.startswith("-") and one != "read"]
        out = ""
        for line in given.splitlines():
            machine.read(names, line)
            out += _turn(machine, body, "")
        return out
    if len(condition) == 1 and (test := _holds(machine, condition[0])) is not None:
        out = ""
        while test:
            out += _turn(machine, body, given)
            test = bool(_holds(machine, condition[0]))
        return out
    machine.run(condition, given)
    return machine.perhaps(body, given)


def _holds(machine: Machine, node: Node) -> bool | None:
    """Whether a condition over numbers or texts holds; None where that is not known."""
    if node.kind == "sum":
        return bool(word.total(machine, node.parts[0]))
    if node.kind != "simple" or not node.parts[1]:
        return None
    words = [one for raw in node.parts[1] for one in word.expanded(machine, raw) or [""]]
    ways = {
        "-lt": int.__lt__,
        "-le": int.__le__,
        "-gt": int.__gt__,
        "-ge": int.__ge__,
        "-eq": int.__eq__,
        "-ne": int.__ne__,
    }
    if words[0] in ("[", "test") and len(words) > 3 and words[2] in ways:
        left, right = words[1], words[3]
        if re.fullmatch(r"-?\d{1,12}", left) and re.fullmatch(r"-?\d{1,12}", right):
            return bool(ways[words[2]](int(left), int(right)))
    return None


def _turn(machine: Machine, body: list[Node], given: str) -> str:
    try:
        return machine.run(body, given)
    except Leave as left:
        if left.how != "continue":
            raise
        return ""


def run_for(machine: Machine, given: str, name: str, words: list[str], body: list[Node]) -> str:
    """Over words; once, over what is not known, where there are none."""
    out = ""
    try:
        for value in [one for raw in words for one in word.expanded(machine, raw)] or [UNKNOWN]:
            machine.variables[name] = value
            out += _turn(machine, body, given)
    except Leave as left:
        if left.how != "break":
            raise
    return out


def run_count(machine: Machine, given: str, parts: tuple[str, str, str], body: list[Node]) -> str:
    """``for ((a; b; c))``."""
    out = ""
    word.total(machine, parts[0])
    try:
        while not parts[1].strip() or word.total(machine, parts[1]):
            out += _turn(machine, body, given)
            machine.meter.room(len(out))
            word.total(machine, parts[2])
    except Leave as left:
        if left.how != "break":
            raise
    return out

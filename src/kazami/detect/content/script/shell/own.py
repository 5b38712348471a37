"""What the shell does itself: variables, texts that are run, what comes in, the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from kazami.detect.content.script.shell import word
from kazami.detect.content.script.shell.word import UNKNOWN

if TYPE_CHECKING:
    from kazami.detect.content.script.shell.machine import Machine

#: The name under which a script finds itself.
ITSELF = "script.sh"
_SETS = frozenset(("export", "local", "declare", "readonly", "typeset", "let"))


class Leave(BaseException):
    """``exit``, ``return``, ``break``; no `Exception`, as it is no failure."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


def _set(machine: Machine, words: list[str], given: str) -> str:
    for one in words[1:]:
        name, sign, value = one.partition("=")
        if words[0] == "let":
            word.total(machine, one)
        elif sign and re.fullmatch(r"\w+", name):
            machine.variables[name] = value
        elif words[0] == "declare" and "-A" in words and re.fullmatch(r"\w+", one):
            machine.variables.setdefault(one, {})
    return ""


def _eval(machine: Machine, words: list[str], given: str) -> str:
    machine.changed += 1
    machine.said(" ".join(words))
    return machine.code(" ".join(words[1:]), "eval")


def _source(machine: Machine, words: list[str], given: str) -> str:
    machine.said(" ".join(words))
    if len(words) > 1 and words[1] in machine.files and words[1] != ITSELF:
        return machine.code(machine.files[words[1]], words[1])
    return UNKNOWN


def _read(machine: Machine, words: list[str], given: str) -> str:
    names = [one for one in words[1:] if not one.startswith("-")]
    machine.read(names, given.splitlines()[0] if given and UNKNOWN not in given else UNKNOWN)
    return ""


def _leave(machine: Machine, words: list[str], given: str) -> str:
    if not machine.doubts:
        raise Leave(words[0])
    return ""


def _trap(machine: Machine, words: list[str], given: str) -> str:
    return machine.code(words[1], "trap") if len(words) > 2 and words[1] not in ("-", "") else ""


def _position(machine: Machine, words: list[str], given: str) -> str:
    if words[0] == "set" and "--" in words:
        rest = words[words.index("--") + 1 :]
    elif words[0] == "shift":
        held = machine.variables.get("@")
        rest = held[1:] if isinstance(held, list) else []
    else:
        return ""
    machine.variables |= {str(at): one for at, one in enumerate(rest, 1)}
    machine.variables |= {"@": list(rest), "*": " ".join(rest), "#": str(len(rest)), str(len(rest) + 1): ""}
    return ""


def _nothing(machine: Machine, words: list[str], given: str) -> str:
    return ""


OWN: dict[str, Callable[[Machine, list[str], str], str]] = {
    "eval": _eval, "source": _source, ".": _source, "read": _read, "trap": _trap, "set": _position, "shift": _position,
    **dict.fromkeys(_SETS, _set), **dict.fromkeys(("exit", "return", "break", "continue"), _leave),
    **dict.fromkeys((":", "true", "false", "[", "test", "unset", "shopt", "cd", "alias"), _nothing),
}  # fmt: skip

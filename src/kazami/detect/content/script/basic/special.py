"""Functions of VBScript and VBA that reach beyond values: objects, programs, expressions in texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kazami.detect.content.script.basic import thing
from kazami.detect.content.script.basic.parse import parse
from kazami.detect.content.script.basic.value import Thing, text
from kazami.detect.content.script.record import Unknown

if TYPE_CHECKING:
    from kazami.detect.content.script.basic.machine import Machine

NAMES = frozenset(("createobject", "getobject", "getref", "shell", "eval", "environ", "msgbox", "callbyname"))


def called(machine: Machine, name: str, given: list[Any]) -> Any:
    """One of `NAMES`."""
    first = given[0] if given else None
    if name == "createobject":
        return thing.made(machine, first)
    if name == "eval":
        return _evaluated(machine, first)
    if name == "getref":
        return Thing("procedure", {"name": text(first).lower()})
    if name == "callbyname":
        return thing.member(machine, first, text(given[1]).lower(), given[3:])
    if name == "environ":
        return machine.environment.get(text(first).lower(), "")
    machine.record.call({"getobject": "GetObject", "shell": "Shell", "msgbox": "MsgBox"}[name], *given)
    if name == "shell" and isinstance(first, Unknown):
        machine.record.unresolved.append(first.text)
    elif name == "shell":
        thing.command(machine, text(first))
    return Unknown(f"{name}({first.text if isinstance(first, Unknown) else first})")


def _evaluated(machine: Machine, source: Any) -> Any:
    """``Eval``: the value of a text."""
    if isinstance(source, Unknown):
        machine.record.unresolved.append(source.text)
        return source
    body = text(source)
    machine.record.layer(body, "vbs", "Eval")
    tree, _ = parse(f"x = {body}")
    machine.inner += 1
    try:
        return (
            machine.value(tree.parts[0][0].parts[1])
            if tree.parts[0] and tree.parts[0][0].kind == "assign"
            else Unknown(body[:100])
        )
    finally:
        machine.inner -= 1

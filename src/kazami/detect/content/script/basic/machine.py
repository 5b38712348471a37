"""Runs VBScript and VBA as far as values are known. Nothing is called: objects are played or written down (`thing`).

An error in a statement is passed over, as under ``On Error Resume Next``, which what hides in scripts nearly always has.
"""

from __future__ import annotations

import re
from typing import Any

from kazami.detect.content.script.basic import loop, special, thing
from kazami.detect.content.script.basic.builtin import CONSTANTS, FUNCTIONS
from kazami.detect.content.script.basic.loop import Jump, Leave
from kazami.detect.content.script.basic.parse import parse
from kazami.detect.content.script.basic.value import Thing, array, binary, number, text, whole
from kazami.detect.content.script.host import ENVIRONMENT
from kazami.detect.content.script.record import Ended, Meter, Record, Unknown
from kazami.detect.content.script.tree import Folds, Node, ParseError

_DEPTH = 40
_HOST = {
    name: Thing(name)
    for name in (
        "wscript",
        "err",
        "server",
        "debug",
        "application",
        "activedocument",
        "thisdocument",
        "activeworkbook",
        "thisworkbook",
        "document",
        "window",
        "self",
        "me",
        "response",
        "request",
    )
}
#: Procedures that an application calls by itself.
_BEGIN = re.compile(
    r"(?:auto_?(?:open|exec|close|exit|new)|(?:document|workbook|worksheet|presentation|window|userform)_\w+|main|\w+_(?:gotfocus|layout|painted|change|click))$"
)
_FAILS = (ValueError, OverflowError, TimeoutError, LookupError, TypeError)


class Machine:
    """One run."""

    def __init__(self, meter: Meter | None = None) -> None:
        self.record = Record()
        self.meter: Meter = meter or Meter()
        self.globals: dict[str, Any] = {}
        self.locals: list[dict[str, Any]] = []
        self.procedures: dict[str, Node] = {}
        self.ran: set[str] = set()
        self.classes: dict[str, list[Node]] = {}
        self.selves: list[Thing] = []
        self.settings: dict[str, Any] = {}
        self.subjects: list[Any] = []
        self.files: list[Thing] = []
        self.environment: dict[str, str] = dict(ENVIRONMENT)
        self.folds = Folds()
        self.inner = 0

    def start(self, source: str, every: bool) -> Record:
        """Run a module; with `every`, then what an application would call, and whatever nobody called."""
        try:
            self._load(source)
            names = [name for name in self.procedures if _BEGIN.match(name)]
            for name in (*names, *(self.procedures if every else ())):
                if name not in self.ran and not self.procedures[name].parts[1]:
                    self._quietly(name)
        except Ended as ended:
            self.record.stop(str(ended), ended.kind)
        except ParseError as error:
            self.record.stop(f"does not parse: {error}")
        except RecursionError:
            self.record.stop("nested too deep", "limit")
        except (Leave, Jump) as left:
            self._left(left)
        for stream in self.files:
            if stream.text:
                path = text(stream.fields["path"])
                self.record.layer(
                    stream.text,
                    path.rpartition(".")[2].lower() if "." in path else "txt",
                    f"written to {path}",
                )
        return self.record

    def _quietly(self, name: str) -> None:
        try:
            self.invoke_name(name, [])
        except (Leave, Jump) as left:
            self._left(left)

    def _left(self, left: Leave | Jump) -> None:
        if isinstance(left, Jump):
            self.record.stop(f"no label {left.label}")
        elif left.word == "quit":
            self.record.stop("the script ends itself")

    def _load(self, source: str) -> None:
        """A module: its procedures, then what stands outside them."""
        self.meter.room(len(source))
        tree, faults = parse(source)
        if faults:
            self.record.stop(f"does not parse: {faults[0]}")
        self._declare(tree.parts[0])
        self.run(tree.parts[0])

    def _declare(self, body: list[Node]) -> None:
        for node in body:
            if node.kind == "procedure":
                self.procedures[node.parts[0]] = node
            elif node.kind == "block":
                self.classes[node.parts[1]] = node.parts[0]
                self._declare(node.parts[0])

    def execute(self, source: Any, how: str) -> Any:
        """``Execute``: text that was made is run, and kept; text that is not known is named."""
        if isinstance(source, Unknown):
            self.record.unresolved.append(source.text)
            self.record.call("Execute", source)
            return None
        body = text(source)
        if not body.strip():
            self.record.unresolved.append("nothing that is known")
            return None
        if self.inner >= _DEPTH:
            raise Ended("code in code in code")
        self.record.call("Execute", body)
        self.record.layer(body, "vbs", how)
        self.inner += 1
        try:
            self._load(body)
        except ParseError as error:
            self.record.stop(f"does not parse: {error}")
        finally:
            self.inner -= 1
        return None

    # Statements

    def run(self, body: list[Node]) -> None:
        """Statements one by one; one that fails is passed over."""
        at = 0
        while at < len(body):
            node = body[at]
            at += 1
            self.meter.step()
            try:
                getattr(self, f"run_{node.kind}")(*node.parts)
            except _FAILS as error:
                self.record.stop(f"{type(error).__name__}: {error}"[:200])
            except Jump as jump:
                labels = [
                    place
                    for place, one in enumerate(body)
                    if one.kind == "label" and one.parts[0] == jump.label
                ]
                if not labels:
                    raise
                at = labels[0]

    def run_label(self, name: str) -> None:
        """A place to go on at, or a procedure that needs nothing."""
        if name in self.procedures:
            self.called(name, [])

    def run_goto(self, label: str) -> None:
        """On at a label."""
        raise Jump(label)

    def run_nothing(self) -> None:
        """A line that is of no use here."""

    def run_block(self, body: list[Node], name: str) -> None:
        """A class: its procedures are known already."""

    def run_procedure(self, name: str, names: Any, body: Any) -> None:
        """Known already."""

    def run_declare(self, words: list[str]) -> None:
        """A function of a library."""
        self.record.call("Declare", " ".join(words))

    def run_file(self, word: str, arguments: list[Node]) -> None:
        """A file of BASIC's own."""
        self.record.call(f"{word} #", *[self.value(one) for one in arguments])

    def run_exit(self, word: str) -> None:
        """Out of here."""
        raise Leave(word)

    def run_dim(self, names: list[tuple[str, list[Node | None], Node | None]], keep: bool) -> None:
        """Names, arrays of a size, objects that are made at once."""
        for name, sizes, made in names:
            fresh: Any = self.value(made) if made is not None else None
            if sizes:
                fresh = array([whole(self.value(size)) for size in sizes if size is not None])
            old = self.get(name)
            if keep and isinstance(old, list) and isinstance(fresh, list):
                fresh[: len(old)] = old[: len(fresh)]
            if self.locals:
                self.locals[-1][name] = fresh
            else:
                self.globals[name] = fresh

    def run_const(self, pairs: list[tuple[str, Node]]) -> None:
        """Names for values."""
        for name, value in pairs:
            self.set(name, self.value(value))

    def run_assign(self, target: Node, source: Node) -> None:
        """``=``."""
        self.assign(target, self.value(source))

    def assign(self, target: Node, value: Any) -> None:
        """Put a value where `target` says."""
        if target.kind == "name":
            self.set(target.parts[0], list(value) if isinstance(value, list) else value)
        elif target.kind == "member":
            thing.put(self, self.value(target.parts[0]), target.parts[1], value)
        elif target.kind == "call":
            self._assign_item(target, value)

    def _assign_item(self, target: Node, value: Any) -> None:
        owner, arguments = target.parts
        given = self.given(arguments)
        if owner.kind == "name" and owner.parts[0] == "mid" and len(given) > 1:
            old, at = text(given[0]), whole(given[1]) - 1
            new = text(value)[: whole(given[2]) if len(given) > 2 else None]
            self.assign(arguments[0], old[:at] + new + old[at + len(new) :])
            return
        place = self.value(owner)
        if isinstance(place, list):
            for index in given[:-1]:
                place = place[whole(index)]
            place[whole(given[-1])] = value
        elif isinstance(place, Thing):
            thing.member(self, place, "add", [*given, value])
        elif isinstance(place, Unknown):
            thing.put(self, Unknown(f"{place.text}({', '.join(map(str, given))})"), "value", value)

    def set(self, name: str, value: Any) -> None:
        """A variable: of the procedure where it has one of the name, else of the object or the module where that has one."""
        if self.selves and name in self.selves[-1].fields and name not in self.locals[-1]:
            self.selves[-1].fields[name] = value
        elif self.locals and (name in self.locals[-1] or name not in self.globals):
            self.locals[-1][name] = value
        else:
            self.globals[name] = value

    def run_invoke(self, target: Node, arguments: list[Node | None]) -> None:
        """A call whose value nobody wants."""
        if target.kind == "name":
            word = target.parts[0]
            if word in ("execute", "executeglobal"):
                self.execute(self.value(arguments[0]) if arguments and arguments[0] else None, word)
                return
            self.called(word, arguments)
        elif target.kind == "member":
            owner = self.value(target.parts[0])
            if isinstance(owner, Thing) and owner.name == "wscript" and target.parts[1] == "quit":
                raise Leave("quit")
            thing.member(self, owner, target.parts[1], self.given(arguments))
        else:
            self.value(target)

    def run_within(self, subject: Node, body: list[Node]) -> None:
        """``With``."""
        self.subjects.append(self.value(subject))
        try:
            self.run(body)
        finally:
            self.subjects.pop()

    run_if, run_for, run_each, run_do, run_select = (
        loop.run_if,
        loop.run_for,
        loop.run_each,
        loop.run_do,
        loop.run_select,
    )

    # Expressions

    def value(self, node: Node) -> Any:
        """What an expression is; unknown where it fails."""
        self.meter.step()
        try:
            value = getattr(self, f"eval_{node.kind}")(*node.parts)
        except _FAILS as error:
            return Unknown(f"{type(error).__name__}: {error}"[:200])
        if isinstance(value, str) and node.kind not in ("constant", "name") and not self.inner:
            self.folds.add(node, value)
        return value

    def given(self, arguments: list[Node | None]) -> list[Any]:
        """Arguments; nothing for one that is left out."""
        return [self.value(one) if one is not None else None for one in arguments]

    def get(self, name: str) -> Any:
        """A variable or constant; None for what nobody set."""
        if self.locals and name in self.locals[-1]:
            return self.locals[-1][name]
        if self.selves and name in self.selves[-1].fields:
            return self.selves[-1].fields[name]
        if self.selves and name == "me":
            return self.selves[-1]
        if name in self.globals:
            return self.globals[name]
        return CONSTANTS.get(name, _HOST.get(name))

    def eval_constant(self, value: Any) -> Any:
        """As it stands."""
        return value

    def eval_name(self, name: str) -> Any:
        """A variable, or a function that needs nothing."""
        known = (
            (self.locals and name in self.locals[-1])
            or (self.selves and name in self.selves[-1].fields)
            or name in self.globals
            or name in CONSTANTS
            or name in _HOST
        )
        if not known and (name in self.procedures or name in FUNCTIONS):
            return self.called(name, [])
        return self.get(name)

    def eval_paren(self, inner: Node) -> Any:
        """As it is."""
        return self.value(inner)

    def eval_not(self, inner: Node) -> Any:
        """The other truth, or the other bits."""
        value = self.value(inner)
        return (
            value if isinstance(value, Unknown) else not value if isinstance(value, bool) else ~whole(value)
        )

    def eval_minus(self, inner: Node) -> Any:
        """Negative."""
        value = self.value(inner)
        return value if isinstance(value, Unknown) else -number(value)

    def eval_new(self, inner: Node) -> Any:
        """An object of a class."""
        name = inner.parts[0] if inner.kind == "name" else inner.parts[1] if inner.kind == "member" else ""
        if name in self.classes:
            return self._instance(name)
        return thing.made(self, f"vbscript.{name}" if name == "regexp" else name)

    def _instance(self, name: str) -> Thing:
        """An object with the variables that its class names, as its ``Class_Initialize`` leaves them."""
        made = Thing("instance")
        for node in self.classes[name]:
            if node.kind == "dim":
                made.fields.update(
                    (variable, array([])) if sizes else (variable, None)
                    for variable, sizes, _ in node.parts[0]
                )
        for node in self.classes[name]:
            if node.kind == "procedure" and node.parts[0] == "class_initialize":
                self.invoke_on(made, "class_initialize", [])
        return made

    def eval_with(self) -> Any:
        """What ``With`` named."""
        return self.subjects[-1] if self.subjects else Unknown("with nothing")

    def eval_chain(self, level: int, first: Node, rest: list[tuple[str, Node]]) -> Any:
        """Operators of one level, from left to right."""
        value = self.value(first)
        for operator, node in rest:
            value = binary(operator, value, self.value(node), self.meter)
        return value

    def eval_member(self, owner: Node, name: str) -> Any:
        """A property."""
        return thing.member(self, self.value(owner), name, None)

    def eval_call(self, owner: Node, arguments: list[Node | None]) -> Any:
        """A function, a method, or an item."""
        if owner.kind == "name":
            held, name = self.get(owner.parts[0]), owner.parts[0]
            if not isinstance(held, (list, bytes, Thing, Unknown)) or name in self.procedures:
                return self.called(name, arguments)
        if owner.kind == "member":
            return thing.member(self, self.value(owner.parts[0]), owner.parts[1], self.given(arguments))
        value, given = self.value(owner), self.given(arguments)
        if isinstance(value, (list, bytes)):
            for index in given:
                value = value[whole(index)]
            return value
        return thing.member(self, value, "item", given)

    def called(self, name: str, arguments: list[Node | None]) -> Any:
        """A function or procedure by name."""
        if name in self.procedures:
            given = self.given(arguments)
            return self._invoked(self.procedures[name], given, arguments)
        given = self.given(arguments)
        if name in special.NAMES:
            return special.called(self, name, given)
        if name in ("execute", "executeglobal"):
            return self.execute(given[0] if given else None, name)
        if name in FUNCTIONS:
            if any(isinstance(one, Unknown) for one in given):
                return Unknown(
                    f"{name}({', '.join(one.text if isinstance(one, Unknown) else str(one)[:100] for one in given)})"[
                        :400
                    ]
                )
            return FUNCTIONS[name](self.meter, *given)
        return thing.recorded(self, "", name, given)

    def invoke_on(self, owner: Thing, name: str, given: list[Any]) -> Any:
        """A procedure of an object. Raises LookupError where there is none."""
        self.selves.append(owner)
        try:
            return self.invoke_name(name, given)
        finally:
            self.selves.pop()

    def invoke_name(self, name: str, given: list[Any]) -> Any:
        """A procedure by name. Raises LookupError where there is none."""
        return self._invoked(self.procedures[name], given, [])

    def _invoked(self, procedure: Node, given: list[Any], arguments: list[Node | None]) -> Any:
        name, names, body = procedure.parts
        if len(self.locals) >= _DEPTH:
            raise Ended(f"calls in calls, {_DEPTH} deep")
        self.ran.add(name)
        scope: dict[str, Any] = {name: None}
        for at, (parameter, _, default) in enumerate(names):
            missing = at >= len(given) or given[at] is None
            scope[parameter] = (
                given[at] if not missing else self.value(default) if default is not None else None
            )
        self.locals.append(scope)
        try:
            self.run(body)
        except Leave as left:
            if left.word not in ("function", "sub", "property"):
                raise
        finally:
            self.locals.pop()
        for (parameter, by_value, _), argument in zip(names, arguments, strict=False):
            if (
                not by_value
                and argument is not None
                and argument.kind == "name"
                and self.get(argument.parts[0]) is not scope[parameter]
            ):
                self.assign(argument, scope[parameter])
        return scope[name]


def run(source: str, meter: Meter | None = None, *, every: bool = False) -> Record:
    """What a script asks for, and what it unfolds to. Never raises for what the script says."""
    machine = Machine(meter)
    record = machine.start(source, every)
    record.folded = machine.folds.written(source, '"')
    return record

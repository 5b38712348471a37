"""Runs PowerShell as far as its values are known: arithmetic, text, loops, functions, blocks. Nothing is called.

What a script asks of the machine is written down in a `Record` and gives an unknown value. Text that it would run
(Invoke-Expression and its many disguises) is parsed and goes on in the same place, and is kept as a layer.
"""

from __future__ import annotations

from typing import Any

from kazami.detect.content.script.host import ENVIRONMENT
from kazami.detect.content.script.powershell import command, library, loop
from kazami.detect.content.script.powershell.loop import Leave
from kazami.detect.content.script.powershell.statement import parse
from kazami.detect.content.script.powershell.static import one
from kazami.detect.content.script.powershell.value import (
    Block,
    Type,
    binary,
    cast,
    items,
    number,
    pattern_of,
    text,
    truth,
    whole,
)
from kazami.detect.content.script.record import Ended, Meter, Record, Unknown
from kazami.detect.content.script.tree import Folds, Node, ParseError

_DEPTH = 60
ITSELF = "C:\\Users\\user\\script.ps1"

#: Variables that obfuscators take letters from, as Windows PowerShell 5.1 has them, and what an ordinary machine has.
_KNOWN: dict[str, Any] = {
    "true": True, "false": False, "null": None, "pshome": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0", "shellid": "Microsoft.PowerShell",
    "verbosepreference": "SilentlyContinue", "debugpreference": "SilentlyContinue", "warningpreference": "Continue",
    "erroractionpreference": "Continue", "informationpreference": "SilentlyContinue", "progresspreference": "Continue",
    "confirmpreference": "High", "maximumdrivecount": 4096, "ofs": None, "home": "C:\\Users\\user", "pid": 4242, "executioncontext": library.CONTEXT,
    "psversiontable": {"psversion": "5.1", "psedition": "Desktop"}, "psculture": "en-US", "host": Unknown("$Host"), "args": [],
}  # fmt: skip


class Machine:
    """One run: variables, functions, and what was recorded."""

    def __init__(self, meter: Meter | None = None) -> None:
        self.record = Record()
        self.meter: Meter = meter or Meter()
        self.scopes: list[dict[str, Any]] = [dict(_KNOWN)]
        self.environment: dict[str, Any] = dict(ENVIRONMENT)
        self.functions: dict[str, Block] = {}
        self.aliases: dict[str, str] = dict(command.ALIASES)
        self.source = self.script = ""
        self.folds = Folds()
        self.files: dict[str, str] = {}
        self.ordered: list[Any] = []  # what the last command was given, as it was written
        self.depth = 0

    def start(self, source: str) -> Record:
        """Run a script; whatever ends it is in the record."""
        self.script = source
        self.files.setdefault(ITSELF.lower(), source)
        self.scopes[0]["pscommandpath"] = ITSELF
        own = {"path": ITSELF, "definition": ITSELF, "name": "script.ps1", "scriptcontents": source}
        self.scopes[0]["myinvocation"] = {"mycommand": own}
        try:
            self.run_text(source)
        except Leave as left:
            if left.word == "throw":
                self.record.stop("the script throws an error")
        except Ended as ended:
            self.record.stop(str(ended), ended.kind)
        except ParseError as error:
            self.record.stop(f"does not parse: {error}")
        except RecursionError:
            self.record.stop("nested too deep", "limit")
        return self.record

    def run_text(self, source: str) -> list[Any]:
        """Text as a script of its own, with our variables."""
        if self.depth >= _DEPTH:
            raise Ended(f"calls in calls, {_DEPTH} deep")
        self.meter.room(len(source))
        tree, faults = parse(source)
        if faults:
            self.record.stop(f"does not parse: {faults[0]}")
        before, self.source = self.source, source
        self.depth += 1
        try:
            return self.run(tree)
        finally:
            self.source, self.depth = before, self.depth - 1

    def run_dynamic(self, value: Any, how: str) -> list[Any]:
        """What Invoke-Expression does: text that was made is run, and kept; text that is not known is named."""
        if isinstance(value, Block):
            return self.invoke(value, [])
        if isinstance(value, Unknown):
            self.record.unresolved.append(value.text)
            self.record.call("Invoke-Expression", value)
            return [Unknown(value.text)]
        source = "\n".join(map(text, items(value)))
        if not source.strip():
            self.record.unresolved.append("nothing that is known")
            return []
        self.record.call("Invoke-Expression", source)
        self.record.layer(source, "ps1", how)
        try:
            return self.run_text(source)
        except ParseError as error:
            self.record.stop(f"does not parse: {error}")
            return [Unknown("text that does not parse")]

    def run(self, node: Node) -> list[Any]:
        """What a statement puts out."""
        self.meter.step()
        method = getattr(self, f"run_{node.kind}", None)
        if method is not None:
            return list(method(*node.parts))
        value = self.value(node)
        return value if isinstance(value, list) else [] if value is None else [value]

    def value(self, node: Node) -> Any:
        """What an expression is; unknown where an operation fails."""
        self.meter.step()
        method = getattr(self, f"eval_{node.kind}", None)
        if method is None:
            return one(self.run(node))
        try:
            value = method(*node.parts)
        except (ValueError, OverflowError, TimeoutError, LookupError) as error:
            return Unknown(f"{self.source[node.start : node.end][:200]}: {error}")
        if isinstance(value, str) and node.kind not in ("constant", "word") and self.source is self.script:
            self.folds.add(node, value)
        return value

    # Statements

    def run_statements(self, body: list[Node]) -> list[Any]:
        """All of them."""
        out: list[Any] = []
        for node in body:
            if node.kind == "function":
                self.functions[node.parts[0]] = Block(
                    node.parts[2].parts[0], node.parts[1], self.source[node.start : node.end]
                )
        for node in body:
            try:
                out += self.run(node)
            except Leave as left:
                left.value = out + left.value if left.word == "return" else left.value
                raise
            self.meter.step(len(out) >> 10)
        return out

    def run_function(self, name: str, names: list[Any], body: Node) -> list[Any]:
        """Known already, when its block began."""
        return []

    def run_param(self, names: list[tuple[str, Node | None, str]]) -> list[Any]:
        """Parameters that nobody gave have their default."""
        for name, default, _ in names:
            if name not in self.scopes[-1]:
                self.scopes[-1][name] = self.value(default) if default is not None else None
        return []

    def run_part(self, body: Node) -> list[Any]:
        """``begin``, ``process``, ``end``."""
        return self.run(body.parts[0])

    def run_block(self, body: Node) -> list[Any]:
        """A block by itself is a value."""
        return [Block(body, text=self.source[body.start : body.end])]

    def run_assign(self, operator: str, target: Node, source: Node) -> list[Any]:
        """``=`` and ``+=`` and the like."""
        stated = source.kind != "step" and hasattr(self, f"run_{source.kind}")
        value = one(self.run(source)) if stated else self.value(source)
        if operator != "=":
            try:
                value = binary(operator[:-1], self.value(target), value, self.meter)
            except (ValueError, OverflowError, LookupError) as error:
                value = Unknown(str(error))
        self.assign(target, value)
        return []

    def assign(self, target: Node, value: Any) -> None:
        """Put a value where `target` says."""
        if target.kind == "variable":
            self.set(target.parts[0], value)
        elif target.kind in ("cast", "paren"):
            inner = target.parts[-1]
            if target.kind == "cast":
                try:
                    value = cast(target.parts[0], value, self.meter)
                except ValueError as error:
                    value = Unknown(str(error))
            self.assign(inner, value)
        elif target.kind == "list":
            given = items(value)
            for at, part in enumerate(target.parts[0]):
                self.assign(part, given[at] if at < len(given) else None)
        elif target.kind == "index":
            library.put(self.value(target.parts[0]), self.value(target.parts[1]), value)
        elif target.kind == "member":
            command.set_member(self, target, value)

    def set(self, name: str, value: Any) -> None:
        """A variable, in the scope that its name says."""
        scope, _, plain = name.rpartition(":")
        if scope == "env":
            self.environment[plain] = value
            self.record.call(f"$env:{plain} =", value)
        elif scope in ("global", "script"):
            self.scopes[0][plain] = value
        else:
            self.scopes[-1][plain or name] = value

    def run_leave(self, word: str, value: Node | None) -> list[Any]:
        """Out of here."""
        raise Leave(word, self.run(value) if value is not None else [])

    def run_pipeline(self, steps: list[Node]) -> list[Any]:
        """What one puts out is what the next gets."""
        value = self.run(steps[0])
        for step in steps[1:]:
            if step.kind == "command":
                how, name, arguments = step.parts
                value = command.run(self, how, name, arguments, value)
            else:
                self.scopes[-1]["input"] = value
                value = self.run(step)
        return value

    def run_command(self, how: str, name: Node, arguments: list[Node]) -> list[Any]:
        """A command with nothing before it."""
        return command.run(self, how, name, arguments, None)

    def invoke(
        self,
        block: Block,
        arguments: list[Any],
        given: list[Any] | None = None,
        named: dict[str, Any] | None = None,
    ) -> list[Any]:
        """Run a block or function in a scope of its own."""
        if self.depth >= _DEPTH:
            raise Ended(f"calls in calls, {_DEPTH} deep")
        scope: dict[str, Any] = dict(named or {})
        names = block.names or next((n.parts[0] for n in block.body.parts[0] if n.kind == "param"), [])
        free = [name for name in names if name[0] not in scope]
        for (name, _, kind), value in zip(free, arguments, strict=False):
            try:
                scope[name] = cast(kind, value, self.meter) if kind else value
            except ValueError:
                scope[name] = value
        scope["args"], scope["input"] = arguments[len(free) :], given or []
        if given:
            scope["_"] = given[0] if len(given) == 1 else given
        self.scopes.append(scope)
        self.depth += 1
        try:
            self.run_param(names)
            return self.run(block.body)
        except Leave as left:
            if left.word != "return":
                raise
            return left.value
        finally:
            self.depth -= 1
            self.scopes.pop()

    run_if, run_while, run_do, run_for = loop.run_if, loop.run_while, loop.run_do, loop.run_for
    run_foreach, run_switch, run_try = loop.run_foreach, loop.run_switch, loop.run_try

    # Expressions

    def eval_constant(self, value: Any) -> Any:
        """As it stands."""
        return value

    def eval_word(self, value: str) -> Any:
        """A word among the arguments of a command: a number, where it is one."""
        try:
            return number(value) if value[:1].isdigit() else value
        except ValueError:
            return value

    def eval_expand(self, parts: list[Any]) -> Any:
        """A text with values in it."""
        values = [part if isinstance(part, str) else self.value(part) for part in parts]
        flat = [
            binary("join", v, text(self.get("ofs") or " "), self.meter) if isinstance(v, list) else v
            for v in values
        ]
        return command.join("", flat, self.meter)

    def get(self, name: str) -> Any:
        """A variable; what was never set is nothing."""
        scope, _, plain = name.rpartition(":")
        if scope == "env":
            return self.environment.get(plain)
        if name == "?":
            return True
        for variables in reversed(self.scopes):
            if plain in variables:
                return variables[plain]
        return None

    def eval_variable(self, name: str) -> Any:
        """Its value."""
        return self.get(name)

    def eval_paren(self, inner: Node) -> Any:
        """What is in parentheses; an assignment gives what was assigned."""
        if inner.kind == "assign":
            self.run(inner)
            return self.value(inner.parts[1])
        return self.value(inner)

    def eval_sub(self, body: Node) -> Any:
        """``$(...)``."""
        return one(self.run(body))

    def eval_array(self, body: Node) -> list[Any]:
        """``@(...)``."""
        return self.run(body)

    def eval_block(self, body: Node) -> Block:
        """Not run yet."""
        return Block(body, text=self.source[body.start : body.end])

    def eval_table(self, pairs: list[tuple[Node, Node]]) -> dict[str, Any]:
        """Keys in lower case."""
        return {text(self.value(key)).lower(): self.value(value) for key, value in pairs}

    def eval_list(self, parts: list[Node]) -> list[Any]:
        """With commas."""
        return [self.value(part) for part in parts]

    def eval_type(self, name: str) -> Type:
        """By its name."""
        return Type(name)

    def eval_cast(self, name: str, inner: Node) -> Any:
        """As a type; a block that is cast to text is its text."""
        value = self.value(inner)
        if name in ("scriptblock", "management.automation.scriptblock"):
            return library.block_of(self, value)
        if name in ("wmiclass", "wmi", "adsi", "wmisearcher"):
            self.record.call(f"[{name}]", value)
            return Unknown(f"[{name}]{text(value)}")
        return cast(name, value, self.meter)

    def eval_chain(self, level: int, first: Node, rest: list[tuple[str, Node]]) -> Any:
        """Operators of one level, from left to right."""
        value = self.value(first)
        for operator, node in rest:
            if (
                operator in ("and", "or")
                and not isinstance(value, Unknown)
                and truth(value) == (operator == "or")
            ):
                value = truth(value)
                continue
            value = self._matched(operator, value, self.value(node))
        return value

    def _matched(self, operator: str, left: Any, right: Any) -> Any:
        out = binary(operator, left, right, self.meter)
        if operator in ("match", "cmatch") and out is True:
            found = pattern_of(text(right), operator == "cmatch").search(text(left), timeout=1)
            if found:
                self.scopes[-1]["matches"] = {str(at): found[at] or "" for at in range(found.re.groups + 1)}
        return out

    def eval_unary(self, operator: str, inner: Node) -> Any:
        """Before its operand."""
        value = self.value(inner)
        if isinstance(value, Unknown):
            return value
        if operator == "not":
            return not truth(value)
        if operator == "join":
            return command.join("", items(value), self.meter)
        if operator in ("split", "bnot"):
            return binary("split", value, r"\s+", self.meter) if operator == "split" else ~whole(value)
        return -number(value) if operator == "-" else number(value)

    def eval_step(self, sign: str, target: Node, before: bool) -> Any:
        """``++`` and ``--``: the new value where they stand `before`, else the old one."""
        value = self.value(target)
        if isinstance(value, Unknown):
            return value
        new = number(value) + (1 if sign == "+" else -1)
        self.assign(target, new)
        return new if before else value

    def run_step(self, sign: str, target: Node, before: bool) -> list[Any]:
        """As a statement it puts out nothing."""
        self.eval_step(sign, target, before)
        return []

    def eval_index(self, value: Node, index: Node) -> Any:
        """One item, or several."""
        return library.item(self.value(value), self.value(index))

    def eval_member(self, value: Node, name: Any, static: bool) -> Any:
        """A property."""
        word = name if isinstance(name, str) else text(self.value(name)).lower()
        return library.member(self, self.value(value), word, static)

    def eval_call(self, value: Node, name: Any, arguments: list[Node], static: bool) -> Any:
        """A method."""
        word = name if isinstance(name, str) else text(self.value(name)).lower()
        return library.call(self, self.value(value), word, [self.value(one) for one in arguments], static)


def run(source: str, meter: Meter | None = None, files: dict[str, str] | None = None) -> Record:
    """What a script asks for, and what it unfolds to; `files` are what it finds, by path in lower case. Never raises for what the script says."""
    machine = Machine(meter)
    machine.files.update(files or {})
    record = machine.start(source)
    record.folded = machine.folds.written(source, "'")
    return record

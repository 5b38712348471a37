"""Runs shell scripts as far as values are known. Nothing is called: programs that make text are played (`tool`), the rest is written down.

What is not known whether it happens, happens once; what only a real machine has is `word.UNKNOWN` within text.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from kazami.detect.content.script.record import Ended, Meter, Record
from kazami.detect.content.script.shell import loop, tool, word
from kazami.detect.content.script.shell.code import of_python
from kazami.detect.content.script.shell.own import ITSELF, OWN, Leave
from kazami.detect.content.script.shell.parse import Parser, parse
from kazami.detect.content.script.shell.word import UNKNOWN
from kazami.detect.content.script.tree import Node

_DEPTH, _ITSELF_DEEP = 30, 4
_ENVIRONMENT = {
    "HOME": "/root", "PWD": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM": "xterm", "LANG": "C.UTF-8", "HOSTNAME": "host", "OSTYPE": "linux-gnu", "BASH": "/bin/bash", "BASH_VERSION": "5.2.15(1)-release", "IFS": " \t\n", "UID": "0", "EUID": "0",
    "0": ITSELF, "#": "0", "?": "0", "$": "4242", "-": "hB", "_": "/bin/bash", "RANDOM": UNKNOWN, "SECONDS": UNKNOWN,
}  # fmt: skip
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ash"))
_OTHERS = {
    "python": "py",
    "python2": "py",
    "python3": "py",
    "perl": "pl",
    "ruby": "rb",
    "php": "php",
    "node": "js",
}
_FETCH = frozenset(("curl", "wget", "fetch"))
#: What starts what it is given.
_BEFORE = frozenset(
    (
        "command",
        "builtin",
        "exec",
        "nohup",
        "sudo",
        "env",
        "busybox",
        "setsid",
        "nice",
        "time",
        "stdbuf",
        "doas",
        "timeout",
        "xargs",
    )
)
_FOLDERS = ("/bin/", "/usr/bin/")
_PROGRAMS = (
    "awk",
    "base64",
    "bash",
    "cat",
    "chmod",
    "curl",
    "dash",
    "nc",
    "perl",
    "printf",
    "python3",
    "rm",
    "sh",
    "wget",
    "xxd",
)
_MOST = 64 << 10


class Machine:
    """One run: variables, functions, files that were written."""

    def __init__(self, meter: Meter) -> None:
        self.record, self.meter = Record(), meter
        self.variables: dict[str, Any] = dict(_ENVIRONMENT)
        self.functions: dict[str, Node] = {}
        self.files: dict[str, str] = {}
        self.top: list[str] = []
        self.lines = self.top  # those of a pipeline, while it is gone through
        self.fetched = ""
        self.calling: list[str] = []
        self.changed = self.depth = self.doubts = 0

    def get(self, name: str) -> str:
        """A variable, "" where nobody set it."""
        self.meter.step()
        value = self.variables.get(name, "")
        if isinstance(value, dict):
            return str(value.get("0", ""))
        return value if isinstance(value, str) else value[0] if value else ""

    def kept(self, text: str) -> str:
        """The name of a file with this text."""
        name = f"/dev/fd/{60 + len(self.files)}"
        self.files[name] = text
        return name

    def output(self, source: str) -> str:
        """What commands put out, without the last ends of lines."""
        return self.text(source).rstrip("\n")

    def text(self, source: str, given: str = "") -> str:
        """Run a text; what it puts out. Raises Ended."""
        if self.depth >= 2 * _DEPTH:
            raise Ended("commands in commands")
        self.meter.room(len(source))
        body, faults = parse(source)
        if faults:
            self.record.stop(f"does not parse: {faults[0]}")
        self.depth += 1
        try:
            return self.run(body, given)
        finally:
            self.depth -= 1

    def run(self, body: list[Node], given: str) -> str:
        """Commands one by one; what they put out."""
        out = ""
        for node in body:
            self.meter.step()
            out += getattr(self, f"run_{node.kind}")(given, *node.parts)
            self.meter.room(len(out))
        return out

    def perhaps(self, body: list[Node], given: str) -> str:
        """Commands of which nobody knows whether they run: what leaves in them does not leave."""
        self.doubts += 1
        try:
            return self.run(body, given)
        except Leave:
            return ""
        finally:
            self.doubts -= 1

    # Compound commands

    def run_joined(self, given: str, joint: str, node: Node) -> str:
        """Behind ``&&`` and ``||``."""
        return self.perhaps([node], given)

    def run_pipeline(self, given: str, steps: list[Node]) -> str:
        """What one puts out is what the next gets; written down as one line."""
        before, self.lines = self.lines, []
        for node in steps:
            given = self.run([node], given)
        said, self.lines = " | ".join(self.lines), before
        if said:
            self.said(said)
        return given

    def run_with(self, given: str, node: Node, redirects: list[tuple[str, str, list[str]]]) -> str:
        """A compound command with files."""
        given, target = self._redirected(given, redirects)
        return self._stored(self.run([node], given), target)

    def run_block(self, given: str, body: list[Node]) -> str:
        """In braces or parentheses."""
        return self.run(body, given)

    def run_function(self, given: str, name: str, body: Node) -> str:
        """Known from now on."""
        self.functions[name] = body
        return ""

    def run_test(self, given: str) -> str:
        """A condition of bash."""
        return ""

    def run_sum(self, given: str, source: str) -> str:
        """``((...))``."""
        word.total(self, source)
        return ""

    run_if, run_case, run_while, run_for, run_count = (
        loop.run_if,
        loop.run_case,
        loop.run_while,
        loop.run_for,
        loop.run_count,
    )

    # Simple commands

    def run_simple(
        self,
        given: str,
        sets: list[tuple[str, str]],
        words: list[str],
        redirects: list[tuple[str, str, list[str]]],
    ) -> str:
        """Variables, then a program or what the shell does itself."""
        given, target = self._redirected(given, redirects)
        for name, value in sets:
            self._set(name, value)
        said = [one for raw in words for one in word.expanded(self, raw)]
        if not said:
            return self._stored("", target)
        said[0] = _found(said[0])
        return self._stored(self.command(said, given), target)

    def _set(self, sign: str, raw: str) -> None:
        match = re.match(r"(\w+)(?:\[([^\]]*)\])?(\+?)=", sign)
        if match is None:
            return
        name, index, more = match.groups()
        if raw.startswith("("):
            items = [one for part in _words(raw[1:-1]) for one in word.expanded(self, part)]
            held = self.variables.get(name)
            self.variables[name] = [*held, *items] if more and isinstance(held, list) else _table(items)
            return
        value = word.text(self, raw)
        if index is not None:
            self._put(name, index, value)
            return
        value = self.get(name) + value if more else value
        self.meter.room(len(value))
        if value != raw:
            self.changed += 1
        self.variables[name] = value

    def _put(self, name: str, index: str, value: str) -> None:
        held = self.variables.get(name)
        key = word.text(self, index)
        if isinstance(held, dict) or not re.fullmatch(r"\d{1,5}", key):
            held = held if isinstance(held, dict) else {}
            held[key] = value
        else:
            held = list(held) if isinstance(held, list) else []
            held += [""] * (int(key) + 1 - len(held))
            held[int(key)] = value
        self.variables[name] = held

    def command(self, words: list[str], given: str) -> str:
        """A program with its arguments; what it puts out."""
        self.meter.step()
        name = words[0].rpartition("/")[2] if words[0].startswith("/") else words[0]
        if name in _BEFORE and len(words) > 1:
            return self._started(name, words, given)
        if name in self.functions:
            return self._called(name, words[1:], given)
        if (way := OWN.get(name)) is not None:
            return way(self, words, given)
        self.said(" ".join(words))
        if name == "printf" and words[1:2] == ["-v"] and len(words) > 3:
            self.variables[words[2]] = tool.run(name, words[3:], "") or ""
            return ""
        if name in _SHELLS:
            return self._shell(words[1:], given)
        if name in _OTHERS:
            return self._other(_OTHERS[name], words[1:], given)
        if name in tool.READ and (found := [one for one in words[1:] if one in self.files]):
            given = "".join(self.files[one] for one in found)
            words = [one for one in words if one not in found]
        out = tool.run(name, words[1:], given)
        if name == "tee":
            self.files.update((one, given) for one in words[1:] if not one.startswith("-"))
        if out is None and words[0] in self.files:
            return self.code(self.files[words[0]], words[0])
        if name in _FETCH and not {"-o", "-O", "--output"} & set(words):
            self.fetched = " ".join(words)
            return UNKNOWN + word.FETCHED
        return UNKNOWN if out is None else out

    def said(self, line: str) -> None:
        """A line of what is run."""
        line = line.replace(word.FETCHED, "").replace(UNKNOWN, "<?>")[:_MOST]
        self.lines.append(line)
        if self.lines is self.top:
            self.record.call("run", line)

    def _started(self, name: str, words: list[str], given: str) -> str:
        rest = words[1:]
        while rest and (
            rest[0].startswith("-")
            or "=" in rest[0]
            or (name == "timeout" and re.fullmatch(r"[\d.]+\w?", rest[0]))
        ):
            rest = rest[1:]
        if name == "xargs" and given and UNKNOWN not in given:
            rest = [*rest, *given.split()]
        self.said(" ".join(words))
        return self.command([_found(rest[0]), *rest[1:]], given) if rest else ""

    def _called(self, name: str, words: list[str], given: str) -> str:
        if self.calling.count(name) >= _ITSELF_DEEP or self.depth >= _DEPTH:
            self.record.stop(f"{name} calls itself")  # as every branch is taken, it would never end
            return UNKNOWN
        before = dict(self.variables)
        self.variables |= {str(at): one for at, one in enumerate(words, 1)}
        self.variables |= {"@": list(words), "*": " ".join(words), "#": str(len(words))}
        self.depth += 1
        self.calling.append(name)
        try:
            return self.run([self.functions[name]], given)
        except Leave as left:
            if left.how != "return":
                raise
            return ""
        finally:
            self.depth -= 1
            self.calling.pop()
            for key in ("@", "*", "#", *map(str, range(1, len(words) + 1))):
                self.variables.pop(key, None)
                if key in before:
                    self.variables[key] = before[key]

    def code(self, source: str, how: str) -> str:
        """A text that is run: kept, and gone through; one that is not known is named."""
        if word.FETCHED in source:
            self.record.call("run", f"{self.fetched} | sh")
        if UNKNOWN in source and not source.strip(f"{UNKNOWN}{word.FETCHED} \n"):
            self.record.unresolved.append(how)
            return UNKNOWN
        if not source.strip():
            return ""
        if UNKNOWN not in source:
            self.record.layer(tool.octets(source), "sh", how)
        try:
            return self.text(source)
        except Leave:
            return ""

    def _shell(self, words: list[str], given: str) -> str:
        """A shell: the text it is given, the file, or what comes in."""
        for at, one in enumerate(words):
            if re.fullmatch(r"-\w*c", one) and at + 1 < len(words):
                return self.code(words[at + 1], "sh -c")
        files = [one for one in words if not one.startswith("-")]
        if files and "-s" not in words:
            return self.code(self.files[files[0]], files[0]) if files[0] in self.files else UNKNOWN
        return self.code(given, "standard input") if given else UNKNOWN

    def _other(self, extension: str, words: list[str], given: str) -> str:
        """Another language: its text as a layer, and what that text decodes."""
        for at, one in enumerate(words):
            if re.fullmatch(r"-\w*[ecr]", one) and at + 1 < len(words):
                given = words[at + 1]
                break
        else:
            named = next((one for one in words if one in self.files), None)
            given = self.files[named] if named else given if not words or words == ["-"] else ""
        if UNKNOWN in given and not given.strip(UNKNOWN):
            self.record.unresolved.append(f"text for {extension}")
        elif given.strip():
            self.record.layer(tool.octets(given), extension, "given to an interpreter")
            for text, ending in of_python(given):
                self.record.layer(text, ending, "decoded in it")
        return UNKNOWN

    def _redirected(
        self, given: str, redirects: list[tuple[str, str, list[str]]]
    ) -> tuple[str, tuple[str, bool] | None]:
        """What comes in, and the file that takes what goes out, with whether it is kept."""
        target = None
        for sign, raw, body in redirects:
            if sign.startswith("<<<"):
                given = word.text(self, raw) + "\n"
            elif sign.startswith("<<"):
                given = "".join(body) if sign == "<<'" else _here(self, "".join(body))
            elif sign == "<":
                given = self.files.get(word.text(self, raw), UNKNOWN)
            elif sign in (">", ">>", ">|", "&>"):
                name = word.text(self, raw)
                target = None if name in ("/dev/null", "&1", "&2") else (name, sign == ">>")
                self.said(f"{sign} {name}") if name.startswith(("/dev/tcp/", "/dev/udp/")) else None
        return given, target

    def _stored(self, out: str, target: tuple[str, bool] | None) -> str:
        if target is None:
            return out
        name, more = target
        self.files[name] = self.files.get(name, "") * more + out
        if self.lines:
            self.lines[-1] += f" {'>>' if more else '>'} {name}"
        return ""

    def read(self, names: list[str], line: str) -> None:
        parts = line.split(None, max(len(names) - 1, 0)) if len(names) > 1 else [line]
        for at, name in enumerate(names or ["REPLY"]):
            self.variables[name] = parts[at] if at < len(parts) else ""


def _found(name: str) -> str:
    """A program that signs like ``/bin/c?t`` stand for."""
    if not name.startswith("/") or not set(name) & set("?*["):
        return name
    paths = (folder + one for one in _PROGRAMS for folder in _FOLDERS)
    return next((path for path in paths if fnmatchcase(path, name)), name)


def _words(text: str) -> list[str]:
    """The words of an array as they are written."""
    parser, out = Parser(re.sub(r"(?m)(?<=\s)#[^\n]*$", "", text).replace("\n", " ")), []
    while parser.at < len(parser.text):
        parser._blank()
        found = parser.word()
        if not found:
            parser.at += 1
        else:
            out.append(found)
    return out


def _table(items: list[str]) -> Any:
    """An array, or a table where its items say where they belong."""
    pairs = [re.match(r"\[([^\]]+)\]=(.*)\Z", one, re.DOTALL) for one in items]
    return {pair[1]: pair[2] for pair in pairs if pair} if items and all(pairs) else items


def _here(machine: Machine, body: str) -> str:
    """A here-document: as in double quotes, where quotes mean nothing."""
    return word.text(machine, '"' + body.replace('"', '\\"') + '"')


def run(source: str, meter: Meter | None = None) -> Record:
    """What a shell script comes to. Never raises for what it says."""
    machine = Machine(meter or Meter())
    plain = source.encode("utf-8", "replace").decode("latin-1")
    machine.files[ITSELF] = plain
    try:
        machine.text(plain)
    except Ended as ended:
        machine.record.stop(str(ended), ended.kind)
    except RecursionError:
        machine.record.stop("nested too deep", "limit")
    except Leave:
        machine.record.stop("the script ends itself")
    for name, body in machine.files.items():
        if name != ITSELF and UNKNOWN not in body and not name.startswith("/dev/fd/"):
            ending = (
                name.rpartition(".")[2]
                if re.search(r"\.[A-Za-z0-9]{1,5}\Z", name)
                else "sh"
                if body.startswith("#!")
                else "txt"
            )
            machine.record.layer(tool.octets(body), ending, f"written to {name}"[:200])
    machine.record.folded = "\n".join(machine.top) if machine.changed else ""
    return machine.record

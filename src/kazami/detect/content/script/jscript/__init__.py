"""JScript, run by QuickJS in a confined process (`engine.confine`) against a script host that only writes down what is asked of it.

A name that is not known there (of a browser, of Node, of Acrobat) is made an object that writes down too, and the script begins anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from kazami.detect.content.identify import kind
from kazami.detect.content.page import MEANINGS as OF_PAGE
from kazami.detect.content.page import handed_over, unpacked
from kazami.detect.content.script import MEANINGS as OF_SCRIPT
from kazami.detect.content.script import decoded, languages, tell
from kazami.detect.content.script.record import Record
from kazami.engine import confine
from kazami.model.content import Analysis, Child, Gap, Scope

__all__ = ["MEANINGS", "NEEDS", "analyze", "confidence"]

MEANINGS = {**OF_SCRIPT, **OF_PAGE}
NEEDS = {"quickjs": "what JScript and JavaScript do when they run (pip install quickjs-ng)"}
BY_NAME = True

_RECORDER = Path(__file__).with_name("recorder.js").read_text("utf-8")
_LONGEST = 2 << 20
_MEMORY, _SECONDS, _STACK = 256 << 20, 2.0, 1 << 20
_FILES = 1_000_000  # bytes of what a page makes that are written down
_NAMES = 16  # that are not known, until the script is left alone

#: Without one of these, a script reaches neither its host nor code that it makes.
_REACHES = re.compile(
    r"activexobject|wscript|wsh\b|getobject|\beval\b|\bfunction\s*\(\s*[\"'`]|new\s+function|constructor|\]\s*\(|settimeout|setinterval|execscript|document\s*\.\s*write|createelement\s*\(\s*[\"']script|child_process|import\s*\(|\\u|exportdataobject|app\s*\."
    r"|\batob\b|\bblob\b|uint8array|fromcharcode|mssave|[\"'`]data:",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(
    r"/\*@(?:cc_on)?|@\*/|//@cc_on|@cc_on\b|@(?:if\s*\([^)]{0,200}\)|end\b|else\b|set\b[^\r\n]{0,200})"
)
_LEADS = re.compile(r"\blocation\s*=")
_EVAL = re.compile(r"\beval\s*\(\s*(?![\s)])")
_MISSING = re.compile(r"ReferenceError: '?([A-Za-z_$][\w$]*)'? is not defined")


def confidence(head: bytes, name: str) -> float:
    """Is JScript by its content or name."""
    return 1.0 if "jscript" in languages(kind(head, name), name) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What the script asks its host for, and every text that it runs."""
    text = decoded(data)
    if not _REACHES.search(text):
        return Analysis()
    if len(text) > _LONGEST:
        return Analysis(gaps=(Gap("limit", f"{len(text):,} characters, too many to run"),))
    if reason := confine.possible():
        return Analysis(gaps=(Gap("missing", f"scripts are not run here: {reason}"),))
    record = run(text, scope.limits.seconds * 0.8)
    said = tell(record, text, "jscript")
    made = list(_made(record))
    cut = tuple(Gap("limit", f"only the first {_FILES:,} bytes looked at", child.name) for child in made if len(child.data) > _FILES)  # fmt: skip
    return Analysis((*said.features, *handed_over(made)), (*said.children, *made), (*said.gaps, *cut))


def _made(record: Record) -> Iterator[Child]:
    """Files that the script made in its page."""
    for at, data in enumerate(dict.fromkeys(record.made)):
        name = record.names[min(at, len(record.names) - 1)] if record.names else f"made{at}"
        yield Child(name, data, "made by the page", "decoded")


def run(text: str, clock: float = 5 * _SECONDS) -> Record:
    """A run of a script, `clock` seconds long at most. Raises OSError where no process can be made for it."""
    import _quickjs  # noqa: F401 - in memory before the process has no files any more; `quickjs` would start a thread

    record = Record()
    plain = _CONDITIONAL.sub(" ", text) if "@cc_on" in text else text
    try:
        answer = confine.confined(partial(_run, plain), memory=_MEMORY, seconds=_SECONDS, clock=clock)
    except confine.Ended as ended:
        record.stop(str(ended), ended.kind)
        return record
    _read(answer.decode("utf-8", "replace"), record)
    return record


def _run(text: str) -> bytes:
    """In the confined process: the log, and in its first line how the script ended."""
    names = ["location"] if _LEADS.search(text) else []  # what is only written to is not missed
    direct = False
    while True:
        log, error = _once(text, names, direct)
        if not direct and '["local",' in log:  # code that needs variables of the function around it
            direct = True
            continue
        missing = _MISSING.search(error)
        if missing and len(names) < _NAMES and missing[1] not in names:
            names.append(missing[1])
            continue
        if (
            names and "interrupted" in error
        ):  # the script host, which has none of these names, would have ended it before
            error = f"{names[0]} is not defined; with it made up, it does not end"
        return orjson.dumps(["end", error]) + b"\n" + log.encode("utf-8", "replace")


def _once(text: str, names: list[str], direct: bool) -> tuple[str, str]:
    import _quickjs

    context = _quickjs.Context()
    context.set_memory_limit(_MEMORY // 4)
    context.set_time_limit(_SECONDS / 3)
    context.set_max_stack_size(_STACK)
    given = (orjson.dumps(one).decode() for one in (names, direct, text))
    context.eval(f"{_RECORDER}({', '.join(given)})")
    error = ""
    try:
        context.eval((_EVAL.sub("eval(__code = ", text) if direct else text) + "\n;undefined")
        context.eval('__kazami("later")')
    except (_quickjs.JSException, MemoryError) as raised:
        error = str(raised).strip().split("\n")[0][:300] or type(raised).__name__
    context.set_time_limit(_SECONDS)
    return str(orjson.loads(context.eval('__kazami("log")'))), error


def _read(answer: str, record: Record) -> None:
    """A log into a record."""
    files: dict[str, str] = {}
    for kind_of, *parts in _lines(answer):
        if kind_of == "end":
            _ended(parts[0], record)
        elif kind_of == "call":
            record.call(parts[0], *parts[1:])
        elif kind_of == "code":
            record.call("eval", parts[1][:2000])
            record.layer(parts[1], "js", parts[0])
        elif kind_of == "command":
            record.layer(parts[0], "cmd", "command")
        elif kind_of == "page":
            record.layer(parts[0], "html", "document.write")
        elif kind_of == "file" and len(parts) > 1:
            files[parts[0]] = files.get(parts[0], "") + parts[1]
        elif kind_of == "unresolved":
            record.unresolved.append(parts[0])
        else:
            _of_page(kind_of, str(parts[0]), record)
    for name, body in files.items():
        ending = name.rpartition(".")[2].lower()
        data = (
            body.encode("latin-1")
            if body.isascii() or max(body) <= "\xff"
            else body.encode("utf-8", "replace")
        )
        record.layer(data, ending if ending.isalnum() and len(ending) < 6 else "bin", f"written to {name}")


def _of_page(kind_of: str, value: str, record: Record) -> None:
    """What a page makes files of, and what it calls them."""
    if kind_of == "made":
        record.made.append(value.encode("latin-1", "replace"))
    elif kind_of == "data":
        record.made += (content for _, _, content in unpacked(value.encode("utf-8", "replace")))
    elif kind_of == "named":
        record.names.append(value)


def _lines(answer: str) -> Iterator[list[Any]]:
    for line in answer.split("\n"):
        if line:
            found = orjson.loads(line.encode("utf-8", "replace"))
            yield found


def _ended(error: str, record: Record) -> None:
    if not error or error == "Quit":
        return
    if "interrupted" in error:
        record.stop("more processor time than it may take", "time")
    elif "out of memory" in error or "too long" in error:
        record.stop(f"more memory than it may take: {error}", "memory")
    else:
        record.stop(error)

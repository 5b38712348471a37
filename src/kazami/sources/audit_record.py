"""One line of an audit log as fields: raw and enriched, and as ``ausearch`` prints it, interpreted (``-i``) or not.

After "Linux Audit event fields" and `auparse` of the audit userspace: a value that anybody could choose is quoted,
or in hexadecimal where quotes would not hold it; programs put their own fields into ``msg='...'``; what the daemon
resolves follows a group separator.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

from kazami.sources import clock, mapping

#: Characters of one record that are looked at; `raw` has the whole.
MAX_RECORD = 1 << 20

#: Fields of one record.
MAX_FIELDS = 300

_HEAD = re.compile(
    r"(?:node=(?P<node>\S{1,255}) )?(?:audit: )?type=(?P<type>\S{1,40}) (?:msg=)?audit\((?P<time>[^)]{1,40}):(?P<serial>\d{1,20})\)"
    r"(?P<mark> ?: ?)"
)
_PAIR = re.compile(r"""([A-Za-z_][\w\[\]/-]{0,63})=("[^"]*"|'.*'|\{[^}]{0,4096}\}|\S*)""")
_KEY = re.compile(r"[A-Za-z_][\w\[\]/-]{0,63}=")
_KEYS = {  # of interpreted records whose values may hold anything
    "PROCTITLE": re.compile("proctitle="),
    "CWD": re.compile("cwd="),
    "EXECVE": re.compile(r"(?:argc|a\d{1,7}(?:_len|\[\d{1,7}\])?)="),
}
_HEX = re.compile(r"(?:[0-9A-F]{2})+\Z")
_PIECE = re.compile(r"(a\d{1,7})\[\d{1,7}\]\Z")
_ARGUMENT = re.compile(r"a\d{1,7}\Z")


class Record(NamedTuple):
    """One record. `time` is in microseconds, None where it is no time; `serial` names its event with `node`."""

    type: str
    node: str | None
    time: int | None
    serial: str
    fields: dict[str, str]


def parse(line: str) -> Record | None:
    """The record of one line; None where the line is none."""
    head = _HEAD.match(line)
    if head is None:
        return None
    kind = _type(head["type"])
    body, _, resolved = line[head.end() : head.end() + MAX_RECORD].partition("\x1d")
    fields = _interpreted(body, kind) if "/" in head["time"] else _raw(body, kind)
    for name, value in _PAIR.findall(resolved):
        fields.setdefault(name, _unquoted(value))
    return Record(kind, head["node"], _time(head["time"]), head["serial"], fields)


@lru_cache(1024)
def _time(text: str) -> int | None:
    seconds, _, fraction = text.partition(".")
    if seconds.isdigit() and len(seconds) < 12:
        return int(seconds) * 1_000_000 + int((fraction + "000000")[:6] if fraction.isdigit() else 0)
    return clock.parse(text)


@lru_cache(1024)
def _type(name: str) -> str:
    """``SYSCALL`` of ``SYSCALL``, ``1300`` and ``UNKNOWN[1300]``."""
    number = name.removeprefix("UNKNOWN[").rstrip("]")
    found = mapping.load("auditd.yml")["types"].get(int(number)) if number.isdecimal() else None
    return found or name


@cache
def _untrusted() -> frozenset[str]:
    return frozenset(mapping.load("auditd.yml")["untrusted"])


def _raw(body: str, kind: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    untrusted, pieces = _untrusted(), dict[str, str]()
    for name, value in _PAIR.findall(body):
        if name == "msg" and value[:1] == "'":
            for inner, text in _raw(value[1:-1], kind).items():
                fields.setdefault(inner, text)
            continue
        if value[:1] in ('"', "'"):
            value = _unquoted(value)
        elif name in untrusted or (kind == "EXECVE" and _ARGUMENT.match(name)):
            value = _unhexed(value, name)
        elif name[-1] == "]" and (piece := _PIECE.match(name)):
            pieces[piece[1]] = pieces.get(piece[1], "") + value
            continue
        _put(fields, name, value)
    for name, value in pieces.items():
        _put(fields, name, _unhexed(value, name))
    first = body.split("=", 1)[0].rpartition(" ")[0].strip()
    if first:
        fields.setdefault("msg", first)  # "avc:  denied  { read } for"
    return fields


def _put(fields: dict[str, str], name: str, value: str) -> None:
    if len(fields) < MAX_FIELDS:
        fields.setdefault(name, value)


def _interpreted(body: str, kind: str) -> dict[str, str]:
    """Pairs whose values may hold blanks: what does not begin another pair belongs to the one before."""
    fields: dict[str, str] = {}
    outer, _, inner = body.partition(" msg='")
    _take_pairs(fields, outer, _KEYS.get(kind, _KEY))
    _take_pairs(fields, inner.rstrip().removesuffix("'"), _KEY)
    return fields


def _take_pairs(fields: dict[str, str], body: str, key: re.Pattern[str]) -> None:
    name, words, braces = "msg", list[str](), False
    for word in body.removesuffix(" ").split(" "):
        if braces or not key.match(word):
            words.append(word)
        else:
            _close(fields, name, words)
            name, _, first = word.partition("=")
            words = [first]
        braces = (braces or word.endswith("={")) and word != "}"
    _close(fields, name, words)


def _close(fields: dict[str, str], name: str, words: list[str]) -> None:
    text = " ".join(words)
    if name != "msg" or text.strip():
        _put(fields, name, _unquoted(text))


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _unhexed(value: str, name: str) -> str:
    """The text of a value in hexadecimal; blanks for the zeros between arguments, commas between keys."""
    if not _HEX.match(value):
        return value
    text = bytes.fromhex(value).decode("utf-8", "replace")
    return text.replace("\x01", ",") if name == "key" else text.rstrip("\0").replace("\0", " ")


def system_call(fields: dict[str, Any]) -> str:
    """The name of the system call of a SYSCALL record, "" where it cannot be told."""
    if named := fields.get("SYSCALL"):
        return str(named)
    number = str(fields.get("syscall", ""))
    if not number.isdecimal() or len(number) > 9:
        return number
    architectures = mapping.load("auditd.yml")["architectures"]
    arch = str(fields.get("ARCH") or fields.get("arch", ""))
    table = mapping.load("syscalls.yml").get(architectures.get(arch, arch), {})
    return str(table.get(int(number), ""))


def arguments(fields: dict[str, str]) -> dict[str, str]:
    """The arguments in an EXECVE record, by their names; a long command line has several records."""
    return {name: value for name, value in fields.items() if _ARGUMENT.match(name)}

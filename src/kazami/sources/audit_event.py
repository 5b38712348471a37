"""What the records of one audit event say together: who ran what, on which file, to which address.

The kernel writes SYSCALL first, then what it was about, PROCTITLE or EOE last; records of several events mix. So much
of an event is kept as later records need, for the last `OPEN` events only.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from kazami.sources import mapping
from kazami.sources.audit_record import Record, arguments, system_call

#: Events whose records may still come.
OPEN = 1024

#: Processes whose program is remembered, to be named as parents.
PROCESSES = 16_384

#: Characters of a command line that is made, and arguments in it.
MAX_COMMAND = 1 << 20
MAX_ARGUMENTS = 10_000

_UNSET = frozenset(("4294967295", "-1", "unset", ""))
_ENDS = frozenset(("EOE", "PROCTITLE"))


@dataclass(slots=True, eq=False)
class Context:
    """One event, as far as its records have come. `waiting` is the SYSCALL record that ran a program."""

    call: str = ""
    values: dict[str, str | None] = field(default_factory=dict)
    failed: bool = False
    waiting: Any = None
    arguments: dict[str, str] = field(default_factory=dict)
    count: str = ""
    title: str | None = None

    def add_arguments(self, fields: dict[str, str]) -> None:
        """Take an EXECVE record; the pieces of a long argument follow each other."""
        self.count = self.count or fields.get("argc", "")
        for name, value in arguments(fields).items():
            if len(self.arguments) < MAX_ARGUMENTS:
                self.arguments[name] = (self.arguments.get(name, "") + value)[:MAX_COMMAND]

    @property
    def command(self) -> str | None:
        """The command line: all arguments; else the title, which the kernel cuts; else the arguments that came."""
        complete = self.count in ("", str(len(self.arguments)))
        words = " ".join(self.arguments.values())[:MAX_COMMAND]
        return words if words and (complete or self.title is None) else self.title


class Events:
    """Follows events over their records.

    `hidden` are fields for one record beyond its own, by names with a leading #. A record that must wait for its event
    to be complete is kept with `hold` and comes back, with its hidden fields, from `complete` or `rest`.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str | None, str], Context] = OrderedDict()
        self._programs: OrderedDict[tuple[str | None, str], tuple[str | None, str | None]] = OrderedDict()
        whole = mapping.load("auditd.yml")
        self._exec = frozenset(whole["exec"])
        self._connect: dict[str, str] = whole["connect"]

    def take(self, record: Record) -> tuple[dict[str, str | None], str, bool]:
        """Learn from one record: its hidden fields, the category it feeds ("" for none), and whether it must wait."""
        context = self._context(record)
        if record.type == "SYSCALL":
            return self._syscall(record, context)
        if record.type == "EXECVE" and context.waiting is not None:
            context.add_arguments(record.fields)
        elif record.type == "PROCTITLE":
            context.title = record.fields.get("proctitle")
        elif record.type == "CWD":
            context.values["#cwd"] = record.fields.get("cwd")
        elif record.type == "PATH":
            return self._path(record, context)
        elif record.type == "SOCKADDR":
            return self._address(record, context)
        return _own(record, context), "", False

    def hold(self, record: Record, waiting: Any) -> None:
        """Keep `waiting`, which is made of `record`, until its event is complete."""
        self._context(record).waiting = waiting

    def complete(self, record: Record) -> tuple[Any, dict[str, str | None]] | None:
        """What was held of an event that `record` ends, or that must make room; with its hidden fields."""
        if record.type in _ENDS:
            context = self._open.pop((record.node, record.serial), None)
        elif len(self._open) > OPEN:
            context = self._open.popitem(last=False)[1]
        else:
            return None
        return self._finished(context) if context is not None and context.waiting is not None else None

    def rest(self) -> list[tuple[Any, dict[str, str | None]]]:
        """Everything that is still held."""
        contexts, self._open = list(self._open.values()), OrderedDict()
        return [self._finished(context) for context in contexts if context.waiting is not None]

    def _context(self, record: Record) -> Context:
        return self._open.setdefault((record.node, record.serial), Context())

    def _syscall(self, record: Record, context: Context) -> tuple[dict[str, str | None], str, bool]:
        fields = record.fields
        context.call = system_call(fields)
        context.failed = fields.get("success") == "no"
        context.values.update(_own(record, context))
        context.values["#exe"], context.values["#pid"] = fields.get("exe"), fields.get("pid")
        context.values["#node"], context.values["#ppid"] = record.node, fields.get("ppid")
        ran = context.call in self._exec and not context.failed
        return dict(context.values), "process_creation" if ran else "", ran

    def _finished(self, context: Context) -> tuple[Any, dict[str, str | None]]:
        values, node = context.values, context.values.get("#node")
        parent = self._programs.get((node, values.get("#ppid") or ""), (None, None))
        values["#CommandLine"] = context.command
        values["#ParentImage"], values["#ParentCommandLine"] = parent
        self._programs[node, values.get("#pid") or ""] = (values.get("#exe"), context.command)
        if len(self._programs) > PROCESSES:
            self._programs.popitem(last=False)
        return context.waiting, values

    def _path(self, record: Record, context: Context) -> tuple[dict[str, str | None], str, bool]:
        name, kind = record.fields.get("name", ""), record.fields.get("nametype", "")
        category = {"CREATE": "file_event", "DELETE": "file_delete"}.get(kind, "")
        if not category or context.failed or not context.call or name in ("", "(null)"):
            return _own(record, context), "", False
        path = posixpath.normpath(posixpath.join(context.values.get("#cwd") or "/", name))
        return context.values | {"#path": path}, category, False

    def _address(self, record: Record, context: Context) -> tuple[dict[str, str | None], str, bool]:
        initiated = self._connect.get(context.call)
        found = socket_address(record.fields.get("saddr", ""))
        if initiated is None or found is None or context.failed:
            return _own(record, context), "", False
        side = "Destination" if initiated == "true" else "Source"
        more = {"#Initiated": initiated, f"#{side}Ip": found[0], f"#{side}Port": found[1]}
        return context.values | more, "network_connection", False


def _own(record: Record, context: Context) -> dict[str, str | None]:
    """Who acted, from the record itself or from the event's system call."""
    fields = record.fields
    if "auid" not in fields and "uid" not in fields:
        return {name: context.values.get(name) for name in ("#user", "#login", "#session")}
    user = _account(fields, "uid")
    login = _account(fields, "auid")
    session = fields.get("ses", "")
    return {"#user": user, "#login": login or user, "#session": "0" if session in _UNSET else session}


def _account(fields: dict[str, str], which: str) -> str | None:
    """A user's name where the log resolves it, ``root`` for 0, else the number."""
    named = fields.get(which.upper()) or fields.get(which, "")
    if named in _UNSET:
        return None
    return "root" if named == "0" else named


def socket_address(text: str) -> tuple[str, str] | None:
    """Address and port of ``saddr``, in hexadecimal (struct sockaddr) or interpreted; None for other families."""
    if text[:1] == "{":
        pairs = dict(pair.split("=", 1) for pair in text.strip("{} ").split() if "=" in pair)
        address, port = (
            pairs.get("laddr") or pairs.get("addr", ""),
            pairs.get("lport") or pairs.get("port", ""),
        )
        return (address, port) if address and port.isdecimal() else None
    try:
        data = bytes.fromhex(text[:256])
    except ValueError:
        return None
    family = int.from_bytes(data[:2], "little")
    port = str(int.from_bytes(data[2:4], "big"))
    if family == 2 and len(data) >= 8:
        return str(ipaddress.IPv4Address(data[4:8])), port
    if family == 10 and len(data) >= 24:
        found = ipaddress.IPv6Address(data[8:24])
        return str(found.ipv4_mapped or found), port
    return None

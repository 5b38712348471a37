"""Lines of strace, as ``strace -f -y`` writes them (strace(1)): calls with their texts, put together again where one interrupts another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)", re.DOTALL)
_UNFINISHED = " <unfinished ...>"
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}
_FAMILY = re.compile(
    r'sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"'
)


class Call(NamedTuple):
    """One system call: who, which, its arguments as written, what it gave (None for none), and the words behind that."""

    pid: int
    name: str
    arguments: str
    result: int | None
    note: str

    @property
    def texts(self) -> list[str]:
        """All texts among the arguments."""
        return [text(found) for found in _TEXT.findall(self.arguments)]

    @property
    def address(self) -> tuple[str, str] | None:
        """Address and port of an Internet socket."""
        found = _FAMILY.search(self.arguments)
        return (found.group(2), found.group(1)) if found else None


class Exit(NamedTuple):
    """The end of a process with its exit code, or -1 for a signal."""

    pid: int
    code: int


class Begun(NamedTuple):
    """A call of which no end has been seen yet."""

    pid: int
    name: str


def text(written: str) -> str:
    """A text without its escapes; what is no UTF-8 becomes a replacement character."""
    data = _ESCAPE.sub(_byte, written.encode("utf-8", "surrogateescape"))
    return data.decode("utf-8", "replace")


def _byte(found: re.Match[bytes]) -> bytes:
    code = found.group(1)
    if code.startswith(b"x") and len(code) == 3:
        return bytes((int(code[1:], 16),))
    if code.isdigit():
        return bytes((int(code, 8) & 0xFF,))
    return _LETTERS.get(code, code)


def read(log: bytes) -> Iterator[Call | Exit | Begun]:
    """Everything in order; a call that is interrupted comes when it has ended, and as `Begun` before."""
    waiting: dict[int, str] = {}
    for line in log.decode("utf-8", "surrogateescape").split("\n"):
        found = _LINE.match(line)
        if not found:
            continue
        pid, rest = int(found.group(1)), found.group(2)
        if rest.startswith("+++ "):
            code = re.search(r"exited with (\d+)", rest)
            yield Exit(pid, int(code.group(1)) if code else -1)
            continue
        if rest.endswith(_UNFINISHED):
            waiting[pid] = rest.removesuffix(_UNFINISHED)
            yield Begun(pid, rest.partition("(")[0])
            continue
        if resumed := _RESUMED.match(rest):
            rest = waiting.pop(pid, "") + resumed.group(1)
        if call := _CALL.match(rest):
            result = call.group(3)
            yield Call(
                pid,
                call.group(1),
                call.group(2),
                None if result == "?" else int(result),
                call.group(4).strip(),
            )

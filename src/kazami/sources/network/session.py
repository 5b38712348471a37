"""Connections that firewalls tell twice, as they begin and as they end: told once, from the beginning on and with what only the end says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from kazami.sources.network.phrase import Said

#: Connections of one file whose end is waited for; then those that began first are told as they are.
MAX_OPEN = 100_000

#: What begins, in the words of Cisco ASA, Juniper, Fortinet and Palo Alto; and what their numbers of connections are called.
_BEGINS = frozenset(("built", "create", "start"))
_NUMBERS = ("connection", "sessionid", "session-id-32")
_ENDS = ("one", "one_port", "two", "two_port")


class _Line(NamedTuple):
    found: Said
    raw: str
    number: int


class Sessions:
    """Lines of firewalls on their way to `put`."""

    def __init__(self, put: Callable[[Said, str, int], None]) -> None:
        self._put = put
        self._open: dict[tuple[str, str], _Line] = {}

    def take(self, found: Said, raw: str, number: int) -> None:
        """Take what a line says, with the line and its number."""
        key = _key(found.fields)
        if key is None:
            self._put(found, raw, number)
            return
        begun = self._open.pop(key, None)
        if _begins(found.fields):
            if begun is not None:
                self._put(*begun)
            elif len(self._open) >= MAX_OPEN:
                self._put(*self._open.pop(next(iter(self._open))))
            self._open[key] = _Line(found, raw, number)
            return
        fields = _ended(found.fields, known=begun is not None)
        if begun is None:
            self._put(Said(found.kind, fields), raw, number)
            return
        time = begun.found.fields.get("#time")
        whole = begun.found.fields | fields | {"#time": time}
        self._put(Said(found.kind, whole), f"{begun.raw}\n{raw}", begun.number)

    def finish(self) -> None:
        """Tell those that have not ended."""
        for line in self._open.values():
            self._put(*line)
        self._open.clear()


def _key(fields: dict[str, Any]) -> tuple[str, str] | None:
    """Whose connection, and its number; None where the line is about none that has one."""
    number = next((fields[name] for name in _NUMBERS if fields.get(name)), None)
    return None if number is None or number == "0" else (str(fields.get("devname")), number)


def _begins(fields: dict[str, Any]) -> bool:
    return str(fields.get("action")).lower() in _BEGINS or fields.get("subtype") == "start"


def _ended(fields: dict[str, Any], known: bool) -> dict[str, Any]:
    """Cisco's end of a connection does not say who began it: if nobody else did, the lower port is the server's."""
    fields = dict(fields)
    clock = str(fields.get("duration", "")).split(":")
    if len(clock) == 3 and all(part.isdecimal() for part in clock):
        hours, minutes, seconds = map(int, clock)
        fields["duration"] = str(hours * 3600 + minutes * 60 + seconds)
    one, one_port, two, two_port = (fields.pop(name, None) for name in _ENDS)
    if one is not None and not known:
        forward = int(one_port or 0) >= int(two_port or 0)
        ends = (one, one_port, two, two_port) if forward else (two, two_port, one, one_port)
        fields |= dict(zip(("src", "spt", "dst", "dpt"), ends, strict=True))
    return fields

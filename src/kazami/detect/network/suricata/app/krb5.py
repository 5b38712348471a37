"""Kerberos 5 (RFC 4120): kind of message, names, error, and how a ticket is encrypted."""

from __future__ import annotations

from collections.abc import Sequence

from kazami.detect.network.suricata.app.parser import Exchange, Said
from kazami.wire import der

#: Bytes of the largest message over TCP.
MAX_MESSAGE = 1 << 20

_TYPES = {0x6A: 10, 0x6B: 11, 0x6C: 12, 0x6D: 13, 0x6E: 14, 0x6F: 15, 0x7E: 30}
_REPLIES = frozenset((11, 13, 15, 30))


def is_krb5(data: bytes) -> bool:
    """Whether a message begins as Kerberos does."""
    return len(data) > 8 and data[0] in _TYPES


def parse(data: bytes) -> tuple[Said, int] | None:
    """One message, and its side: requests are the client's."""
    kind = _TYPES.get(data[0]) if data else None
    fields = der.tagged(der.inside(der.inside(data)))
    if kind is None or not fields:
        return None
    values: dict[str, Sequence[bytes]] = {"krb5.msg_type": (str(kind).encode(),)}
    if kind == 30:
        values |= _error(fields)
    elif kind in (11, 13):
        values |= _reply(fields)
    return Said(values), int(kind in _REPLIES)


def _error(fields: dict[int, bytes]) -> dict[str, Sequence[bytes]]:
    values: dict[str, Sequence[bytes]] = {}
    if 6 in fields:
        values["krb5.err_code"] = _number(fields[6])
    for name, place in (("krb5.cname", 8), ("krb5.sname", 10)):
        if found := _name(fields.get(place, b"")):
            values[name] = found
    return values


def _reply(fields: dict[int, bytes]) -> dict[str, Sequence[bytes]]:
    values: dict[str, Sequence[bytes]] = {}
    ticket = der.tagged(der.inside(der.inside(fields.get(5, b""))))
    for name, part in (("krb5.cname", fields.get(4, b"")), ("krb5.sname", ticket.get(2, b""))):
        if found := _name(part):
            values[name] = found
    sealed = der.tagged(der.inside(ticket.get(3, b"")))
    if 0 in sealed:
        values["krb5.ticket_encryption"] = _number(sealed[0])
    return values


def _number(data: bytes) -> Sequence[bytes]:
    return (str(int.from_bytes(der.inside(data)[:8])).encode(),)


def _name(data: bytes) -> list[bytes]:
    names = der.tagged(der.inside(data)).get(1, b"")
    return [text for _, text in der.elements(der.inside(names))]


class Krb5:
    """Follows one flow; `framed` messages have their length before them (TCP)."""

    def __init__(self, framed: bool = False) -> None:
        self.name = "krb5"
        self.over = False
        self._framed = framed
        self._buffers = [bytearray(), bytearray()]

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side, or one datagram."""
        if not self._framed:
            found = parse(data)
            return [] if found is None else [found]
        buffer = self._buffers[side]
        buffer += data
        made: list[Exchange] = []
        while len(buffer) >= 4:
            size = int.from_bytes(buffer[:4])
            if size > MAX_MESSAGE:
                buffer.clear()
            if len(buffer) < 4 + size:
                break
            found = parse(bytes(buffer[4 : 4 + size]))
            if found is not None:
                made.append(found)
            del buffer[: 4 + size]
        return made

    def gap(self, side: int) -> list[Exchange]:
        """Nothing can be said of what follows."""
        self._buffers[side].clear()
        return []

    def finish(self) -> list[Exchange]:
        """Nothing waits."""
        return []

"""Kerberos 5 (RFC 4120): kind of message, names, error, and how a ticket is encrypted."""

from __future__ import annotations

from collections.abc import Sequence

from kazami.detect.network.suricata.app import der
from kazami.detect.network.suricata.app.parser import Exchange, Said

#: Bytes of the largest message over TCP.
MAX_MESSAGE = 1 << 20

_TYPES = {0x6A: 10, 0x6B: 11, 0x6C: 12, 0x6D: 13, 0x6E: 14, 0x6F: 15, 0x7E: 30}
_REPLIES = frozenset((11, 13, 15, 30))


def is_krb5(data: bytes) -> bool:
    """Whether a message begins as Kerberos does."""
    return len(data) > 8 and data[0] in _TYPES


def parse(data: bytes) -> tuple[Said, int] | None:
    """One message, and its side: requests are the client's."""
    whole = der.value(data)
    kind = _TYPES.get(data[0]) if data else None
    inner = der.value(whole[1]) if whole is not None else None
    if kind is None or inner is None:
        return None
    fields = {tag & 0x1F: content for tag, content in der.values(inner[1]) if tag & 0xE0 == 0xA0}
    values: dict[str, Sequence[bytes]] = {"krb5.msg_type": (str(kind).encode(),)}
    if kind == 30:
        values |= _error(fields)
    elif kind in (11, 13):
        values |= _reply(fields)
    return Said(values), int(kind in _REPLIES)


def _error(fields: dict[int, bytes]) -> dict[str, Sequence[bytes]]:
    values: dict[str, Sequence[bytes]] = {}
    code = der.value(fields.get(6, b""))
    if code is not None:
        values["krb5.err_code"] = (str(int.from_bytes(code[1][:8])).encode(),)
    for name, place in (("krb5.cname", 8), ("krb5.sname", 10)):
        if found := _name(fields.get(place, b"")):
            values[name] = found
    return values


def _reply(fields: dict[int, bytes]) -> dict[str, Sequence[bytes]]:
    values: dict[str, Sequence[bytes]] = {}
    client = _name(fields.get(4, b""))
    if client:
        values["krb5.cname"] = client
    ticket = der.value(fields.get(5, b""))
    inner = der.value(ticket[1]) if ticket is not None else None
    parts = {tag & 0x1F: c for tag, c in der.values(inner[1])} if inner is not None else {}
    server = _name(parts.get(2, b""))
    if server:
        values["krb5.sname"] = server
    sealed = der.value(parts.get(3, b""))
    sealed_parts = {tag & 0x1F: c for tag, c in der.values(sealed[1])} if sealed is not None else {}
    number = der.value(sealed_parts.get(0, b""))
    if number is not None:
        values["krb5.ticket_encryption"] = (str(int.from_bytes(number[1][:4])).encode(),)
    return values


def _name(data: bytes) -> list[bytes]:
    whole = der.value(data)
    if whole is None:
        return []
    for tag, content in der.values(whole[1]):
        if tag == 0xA1:
            names = der.value(content)
            return [text for _, text in der.values(names[1])] if names is not None else []
    return []


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

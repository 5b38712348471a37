"""Files of NetFlow version 5 and 9 and of IPFIX: datagrams, one after the other, as they were exported.

After Cisco's description of version 5, RFC 3954 (version 9), RFC 7011 (IPFIX) and RFC 5655 (files of it).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, reading
from kazami.sources.network import words
from kazami.sources.network.netflow_fields import Template, Templates, decoded, times

#: Bytes that are read at a time; more than the longest datagram.
BLOCK = 1 << 20

#: Bytes in which a datagram must end.
MOST = 1 << 17

#: Confidence from which a datagram is read, and exporters of one capture.
LEAST, MAX_EXPORTERS = 0.5, 1000

#: Bytes of flows that are kept until their template comes.
MOST_HELD = 4 << 20

_V5 = struct.Struct("!IIIHHIIIIHHBBBBHHBBH")
_NAMES5 = ("sourceIPv4Address", "destinationIPv4Address", "ipNextHopIPv4Address", "ingressInterface", "egressInterface",
           "packetDeltaCount", "octetDeltaCount", "flowStartSysUpTime", "flowEndSysUpTime", "sourceTransportPort",
           "destinationTransportPort", "", "tcpControlBits", "protocolIdentifier", "ipClassOfService", "bgpSourceAsNumber",
           "bgpDestinationAsNumber", "sourceIPv4PrefixLength", "destinationIPv4PrefixLength", "")  # fmt: skip
_HEADERS = {5: 24, 9: 20, 10: 16}


def confidence(name: str, head: bytes) -> float:
    """By a header that is possible, and another one, or the end, behind what it announces."""
    if len(head) < 24:
        return 0.0
    version, count = struct.unpack_from("!HH", head)
    if version == 5 and 1 <= count <= 30:
        return _next_is(head, 24 + 48 * count, 5)
    if version == 10 and count >= 20:
        return _next_is(head, count, 10) if struct.unpack_from("!H", head, 16)[0] in (2, 3, *_DATA) else 0.0
    if version == 9 and 1 <= count <= 1000:
        kind, size = struct.unpack_from("!HH", head, 20)
        return _next_is(head, 20 + size, None) if kind in (0, 1, *_DATA) and size >= 4 else 0.0
    return 0.0


_DATA = range(256, 65536)


def _next_is(head: bytes, at: int, version: int | None) -> float:
    if at + 2 > len(head):
        return 0.7 if at <= len(head) or len(head) >= 1024 else 0.5
    found = struct.unpack_from("!H", head, at)[0]
    return 0.97 if found == version or (version is None and found in (0, 1, 9, *_DATA)) else 0.0


class _Header(NamedTuple):
    """Of one datagram: `base` is when the exporter started, in microseconds, where it says so."""

    version: int
    exported: int
    base: int | None
    domain: int


class _Reader:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._templates = Templates()
        self._count = 0
        self._waiting: dict[tuple[int, int], list[tuple[bytes, _Header, int]]] = {}
        self._held = 0
        self._bases: dict[int, int] = {}
        self._sampling = 1

    def datagram(self, data: memoryview, place: int, last: bool = False) -> int:
        """Take the datagram at the start of `data`, behind which nothing comes if it is `last`.

        Gives its length, 0 where there is none, -1 where more is needed.
        """
        if len(data) < 24:
            return -1
        version, count, *rest = struct.unpack_from("!HHIIII", data)
        if version == 5:
            return self._version5(data, count, _Header(5, rest[1], _base(rest), 0), place)
        if version == 10:
            if count < 16:
                return 0
            if count > len(data):
                return -1
            return self._sets(data, count, _Header(10, rest[0], None, rest[2]), place)
        return (
            self._version9(data, _Header(9, rest[1], _base(rest), rest[3]), place, last)
            if version == 9
            else 0
        )

    def _version5(self, data: memoryview, count: int, header: _Header, place: int) -> int:
        if not 1 <= count <= 30:
            return 0
        size = 24 + 48 * count
        if size > len(data):
            return -1
        self._sampled(int.from_bytes(data[22:24]) & 0x3FFF)
        for record in _V5.iter_unpack(data[24:size]):
            fields = {n: v for n, v in zip(_NAMES5, record, strict=True) if n}
            for name in _NAMES5[:3]:
                fields[name] = ".".join(map(str, int(fields[name]).to_bytes(4)))
            self._add(fields, header)
        return size

    def _version9(self, data: memoryview, header: _Header, place: int, last: bool) -> int:
        """Its header does not say how long it is: sets follow until another header does."""
        at = 20
        while at + 4 <= len(data):
            kind, size = struct.unpack_from("!HH", data, at)
            if kind in (5, 9, 10):
                break
            if size < 4 or (kind > 1 and kind < 256):
                break
            if at + size > len(data):
                if last and at > 20:
                    break
                return -1
            at += size
        return self._sets(data, at, header, place)

    def _sets(self, data: memoryview, stop: int, header: _Header, place: int) -> int:
        at = _HEADERS[header.version]
        while at + 4 <= stop:
            kind, size = struct.unpack_from("!HH", data, at)
            if size < 4 or at + size > stop:
                self._columns.reject(f"byte {place + at}", "a set that is longer than its datagram", 1)
                break
            body = bytes(data[at + 4 : at + size])
            if kind >= 256:
                self._data(body, kind, header, place + at)
            elif kind < 4 and (fault := self._templates.learn(kind, body, header.version, header.domain)):
                self._columns.reject(f"byte {place + at}", fault, 1)
            elif kind < 4:
                self._told(header.domain)
            at += size
        return stop

    def _data(self, body: bytes, kind: int, header: _Header, place: int) -> None:
        template = self._templates.get(header.domain, kind)
        if template is None:
            self._wait(body, kind, header, place)
            return
        for fields in self._records(body, template, place):
            if template.options:
                self._option(fields, header)
            else:
                self._add(fields, header)

    def _wait(self, body: bytes, kind: int, header: _Header, place: int) -> None:
        """Keep flows whose template may come later, as it does where a capture begins between two of them."""
        self._held += len(body)
        if self._held > MOST_HELD:
            self._without(kind, place)
        else:
            self._waiting.setdefault((header.domain, kind), []).append((body, header, place))

    def _told(self, domain: int) -> None:
        """Read what waited for a template that is known by now."""
        for key in [key for key in self._waiting if key[0] == domain and self._templates.get(*key)]:
            for body, header, place in self._waiting.pop(key):
                self._held -= len(body)
                self._data(body, key[1], header, place)

    def _without(self, kind: int, place: int) -> None:
        self._columns.reject(
            f"byte {place}", "flows without their template: they cannot be read", 1, f"template {kind}"
        )

    def finish(self) -> None:
        """Tell what is still without a template, and that flows are but samples."""
        for (_, kind), sets in self._waiting.items():
            for _, _, place in sets:
                self._without(kind, place)
        if self._sampling > 1:
            self._columns.reject(
                "", "flows are of sampled packets: counters are of these alone", 0, f"1 of {self._sampling}"
            )

    def _option(self, fields: dict[str, Any], header: _Header) -> None:
        """What an exporter says of itself: when it was started, how it samples."""
        if isinstance(started := fields.get("systemInitTimeMilliseconds"), int):
            self._bases[header.domain] = started * 1000
        for name in ("samplingInterval", "samplerRandomInterval"):
            self._sampled(fields.get(name))
        if isinstance(space := fields.get("samplingPacketSpace"), int):
            self._sampled(space // max(1, int(fields.get("samplingPacketInterval") or 1)) + 1)

    def _sampled(self, interval: Any) -> None:
        if isinstance(interval, int) and interval < 1 << 32:
            self._sampling = max(self._sampling, interval)

    def _records(self, body: bytes, template: Template, place: int) -> Iterator[dict[str, Any]]:
        at = 0
        while at + template.least <= len(body):
            fields, size = decoded(body, at, template)
            if not size:
                self._columns.reject(f"byte {place + 4 + at}", "a flow that is cut", 1)
                return
            yield fields
            at += size

    def _add(self, fields: dict[str, Any], header: _Header) -> None:
        self._count += 1
        raw = orjson.dumps({"version": header.version, "exported": header.exported, **fields}).decode()
        base = self._bases.get(header.domain) if header.base is None else header.base
        start, duration = times(fields, header.exported, base)
        fields["#time"] = start
        if duration is not None:
            fields["#duration"] = f"{duration / 1e6:.6f}"
        self._columns.add(words.plan("netflow", (*fields,)), (*fields.values(),), raw, self._count)


def _base(rest: list[int]) -> int:
    """When the exporter started: its clock less how long it is up; version 5 and 9 count flows from there."""
    return rest[1] * 1_000_000 - rest[0] * 1000


class Exports:
    """Datagrams of NetFlow and IPFIX in a capture. Each exporter has templates of its own."""

    #: Ports at which collectors listen: IANA's for IPFIX, and what exporters are set to.
    PORTS = frozenset(port.to_bytes(2) for port in (2055, 2056, 2100, 4739, 9025, 9555, 9995, 9996))

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._readers: dict[bytes, _Reader] = {}

    def take(self, exporter: bytes, data: bytes) -> None:
        """Take one datagram of the exporter with this address, if it is one."""
        if confidence("", data) < LEAST:
            return
        reader = self._readers.get(exporter)
        if reader is None and len(self._readers) >= MAX_EXPORTERS:
            return
        if reader is None:
            reader = self._readers[exporter] = _Reader(self._columns)
        if reader.datagram(memoryview(data), 0, last=True) <= 0:
            self._columns.reject("", "a datagram of NetFlow that is cut", 1, data[:16].hex())

    def finish(self) -> None:
        """Tell what is missing."""
        for reader in self._readers.values():
            reader.finish()


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every flow of `evidence`; yields the bytes read since the last time."""
    reader = _Reader(columns)
    place, rest, piece = 0, b"", b"more"
    with evidence.open() as stream:
        while piece:
            piece = stream.read(BLOCK)
            rest += piece
            at, more, view = 0, 0, memoryview(rest)
            while (
                at < len(rest) and (more := reader.datagram(view[at : at + MOST], place + at, not piece)) > 0
            ):
                at += more
            place, rest = place + at, rest[at:]
            yield len(piece)
            if rest and (more == 0 or len(rest) > BLOCK):
                reason = "not a datagram of NetFlow or IPFIX: what follows is not read"
                columns.reject(f"byte {place}", reason, 1, rest[:16].hex())
                reader.finish()
                return
    if rest:
        columns.reject(f"byte {place}", "cut in a datagram", 1, rest[:16].hex())
    reader.finish()


read = reading(feed)

"""Flows that are over as records: the flow itself, and what its first bytes say."""

from __future__ import annotations

import hashlib
import socket
from binascii import b2a_base64
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from kazami.sources.columns import Columns, Plan
from kazami.sources.network import words
from kazami.sources.network.capture import handshake
from kazami.sources.network.capture.application import dns, talk
from kazami.sources.network.capture.flow import FIN, RST, SYN, TCP, UDP, Flow
from kazami.sources.network.capture.unwrap import ICMP, ICMP6

#: First bytes of each direction that a flow's record carries, for recognisers of what no parser here knows.
CARRIED, CARRIED_HTTP = 1024, 2048

#: Questions of one flow that wait for their answer.
MAX_QUESTIONS = 256

#: Ports whose datagrams are read as DNS: DNS itself, multicast, LLMNR.
DNS_PORTS = frozenset(port.to_bytes(2) for port in (53, 5353, 5355))

#: Sets of fields of one log that are remembered.
MAX_SHAPES = 4096

#: Bytes of conversations that are remembered, and of one of them; records that wait to be handed on together.
REMEMBERED, MAX_REMEMBERED, WAITING = 12 << 20, 16384, 2048

_WHOSE = ("uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
_COUNTED = (
    "duration", "orig_bytes", "resp_bytes", "conn_state", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
)  # fmt: skip
_COMMUNITY = (*_COUNTED, "community_id")
_PLAIN = bytes.maketrans(b"+/", b"xy")
_NAMES = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp", 132: "sctp"}


class _Record(NamedTuple):
    """One record but for what tells its flow: place in the client's bytes, plan, cells, and the end of its text."""

    path: str
    at: int
    plan: Plan | None  # None for what must be made anew for each flow
    cells: tuple[Any, ...]
    text: str
    fields: dict[str, Any]


class _Told(NamedTuple):
    """What the first bytes of a flow said: service, records, and its carried fields with their names."""

    service: str
    records: list[_Record]
    carried: tuple[tuple[str, ...], tuple[str, ...]]


_DNS, _NOTHING = _Told("dns", [], ((), ())), _Told("", [], ((), ()))


class Records:
    """Makes records of flows, and hands them on to `columns`.

    What equal bytes say is worked out once and remembered for a while: scans, beacons and names that are asked for again are much
    of what networks carry.
    """

    def __init__(self, columns: Columns, remember: int = REMEMBERED) -> None:
        self._columns, self._remember = columns, remember
        self._plans: dict[str, dict[tuple[str, ...], Plan]] = {}
        self._flow: Flow | None = None  # whose words `_head` and `_cells` hold
        self._head = ""
        self._cells: tuple[Any, ...] = ()
        self._young: dict[Any, _Told] = {}
        self._old: dict[Any, _Told] = {}
        self._bytes = 0
        self._waiting: dict[int, tuple[Plan, list[tuple[Any, ...]], list[str], list[int]]] = {}
        self._count = 0

    def flow(self, flow: Flow) -> None:
        """A flow that is over."""
        if flow.queries:
            for _, fields in sorted(flow.queries.items()):
                self._put("dns", flow, fields.pop("#asked"), fields)
        told = self._told(flow)
        for record in told.records:
            time = flow.time_at(record.at)
            if record.plan is None:
                self._put(record.path, flow, time, _named(flow, record.fields))
            else:
                self._keep(record.plan, record.path, flow, time, record.cells, record.text)
        if flow.watch is not None:
            for match in flow.watch.found():
                self._put("rule_match", flow, match.time, match.fields)
        names, cells, text = _connection(flow, told.service)
        carried, values = told.carried
        plan = self._plan("conn", names + carried)
        self._keep(plan, "conn", flow, flow.first, cells + values, text)

    def flush(self) -> None:
        """Hand on what waits."""
        for plan, cells, raws, numbers in self._waiting.values():
            self._columns.extend(plan, cells, raws, numbers)
        self._waiting.clear()
        self._count = 0

    def _told(self, flow: Flow) -> _Told:
        if flow.queries is not None:
            return _DNS
        near, far = flow.halves
        first, second = bytes(near.head), bytes(far.head)
        size = len(first) + len(second)
        if not size:
            return _NOTHING
        if size > MAX_REMEMBERED or not self._remember:
            return self._worked_out(flow, first, second)
        key = (flow.protocol, flow.key[-3:-1], first, second, tuple(near.sizes), tuple(far.sizes))
        told = self._young.get(key)
        if told is None:
            told = self._old.pop(key, None) or self._worked_out(flow, first, second)
            self._young[key] = told
            self._bytes += size
            if self._bytes > self._remember:
                self._young, self._old, self._bytes = {}, self._young, 0
        return told

    def _worked_out(self, flow: Flow, first: bytes, second: bytes) -> _Told:
        service, found = said(flow, first, second)
        records: list[_Record] = []
        for path, fields in found:
            at = fields.pop("#at", 0)
            if path == "files":
                records.append(_Record(path, at, None, (), "", fields))
            else:
                plan = self._plan(path, tuple(fields))
                records.append(_Record(path, at, plan, tuple(fields.values()), _ending(fields), {}))
        return _Told(service, records, _carried(flow, service, first, second))

    def datagram(self, flow: Flow, direction: int, data: bytes, time: int) -> None:
        """A datagram of DNS: an answer makes a record with its question, a question waits."""
        found = dns.parse(data)
        if found is None:
            return
        fields, answer = found
        if flow.queries is None:
            flow.queries = {}
        asked = flow.queries.pop(fields["trans_id"], None)
        if answer:
            if asked is not None:
                fields = asked | fields
                fields["rtt"] = f"{max(0, time - asked['#asked']) / 1e6:.6f}"
            self._put("dns", flow, fields.pop("#asked", time), fields)
            return
        if asked is not None:
            self._put("dns", flow, asked.pop("#asked"), asked)
        if len(flow.queries) >= MAX_QUESTIONS:
            oldest = flow.queries.pop(next(iter(flow.queries)))
            self._put("dns", flow, oldest.pop("#asked"), oldest)
        flow.queries[fields["trans_id"]] = {"#asked": time, **fields}

    def _put(self, path: str, flow: Flow, time: int, fields: dict[str, Any]) -> None:
        """Add a record of a flow."""
        self._keep(self._plan(path, tuple(fields)), path, flow, time, tuple(fields.values()), _ending(fields))

    def _keep(self, plan: Plan, path: str, flow: Flow, time: int, cells: tuple[Any, ...], text: str) -> None:
        if self._flow is not flow:
            self._flow = flow
            self._head, self._cells = _head(flow)
        stamp = f"{time / 1e6:.6f}"
        waiting = self._waiting.get(id(plan))
        if waiting is None:
            waiting = self._waiting[id(plan)] = (plan, [], [], [])
        waiting[1].append((time, stamp, *self._cells, *cells))
        waiting[2].append(f'{{"_path":"{path}","ts":"{stamp}",{self._head}{text}')
        waiting[3].append(flow.number)
        self._count += 1
        if self._count >= WAITING:
            self.flush()

    def _plan(self, path: str, names: tuple[str, ...]) -> Plan:
        """The plan of records with these fields behind those of their flow."""
        known = self._plans.get(path)
        if known is None:
            known = self._plans[path] = {}
        plan = known.get(names)
        if plan is None:
            if len(known) >= MAX_SHAPES:
                known.clear()
            plan = known[names] = words.plan(f"zeek.{path}", ("#time", "ts", *_WHOSE, *names))
        return plan


def _ending(fields: dict[str, Any]) -> str:
    """Fields as the end of a JSON object."""
    return f",{orjson.dumps(fields)[1:].decode()}" if fields else "}"


def _head(flow: Flow) -> tuple[str, tuple[Any, ...]]:
    """What all records of a flow begin with, as JSON and as cells."""
    near, far, port, other = endpoints(flow.key)
    name, protocol = uid(flow), _NAMES.get(flow.protocol) or f"ip-{flow.protocol}"
    text = (
        f'"uid":"{name}","id.orig_h":"{near}","id.orig_p":{port},"id.resp_h":"{far}","id.resp_p":{other},'
        f'"proto":"{protocol}"'
    )
    return text, (name, near, port, far, other, protocol)


def _connection(flow: Flow, service: str) -> tuple[tuple[str, ...], tuple[Any, ...], str]:
    """Names, cells and text of a flow's own record."""
    near, far = flow.halves
    duration, how = f"{max(0, flow.last - flow.first) / 1e6:.6f}", state(flow)
    cells: tuple[Any, ...] = (
        duration, near.payload, far.payload, how, near.packets, near.ip_bytes, far.packets, far.ip_bytes,
    )  # fmt: skip
    text = (
        f',"duration":"{duration}","orig_bytes":{near.payload},"resp_bytes":{far.payload},"conn_state":"{how}",'
        f'"orig_pkts":{near.packets},"orig_ip_bytes":{near.ip_bytes},"resp_pkts":{far.packets},"resp_ip_bytes":{far.ip_bytes}'
    )
    names: tuple[str, ...] = _COUNTED
    if flow.protocol in (TCP, UDP, 132):
        community = community_id(flow.key)
        names, cells = _COMMUNITY, (*cells, community)
        text = f'{text},"community_id":"{community}"'
    if flow.protocol == TCP and (begun := handshake.fields(near, far)):
        names, cells = (*names, *begun), (*cells, *begun.values())
        text += "".join(f',"{name}":"{value}"' for name, value in begun.items())
    if service:
        return ("service", *names), (service, *cells), f',"service":"{service}"{text}}}'
    return names, cells, text + "}"


def _carried(
    flow: Flow, service: str, first: bytes, second: bytes
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """First bytes and sizes, for recognisers of what is not read here. They make columns, and are left out of the text."""
    if service in ("dns", "ssl", "quic") and b"Quasar" not in second:
        return (), ()
    most = CARRIED_HTTP if service in ("http", "ssl") else CARRIED
    near, far = flow.halves
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    for which, data, half in (("orig", first, near), ("resp", second, far)):
        if data:
            names += (f"{which}_first_bytes", f"{which}_first_sizes")
            values += (b2a_base64(data[:most], newline=False).decode(), ",".join(map(str, half.sizes)))
    return names, values


def said(flow: Flow, first: bytes, second: bytes) -> talk.Said:
    """Which protocol a flow is, in Zeek's word, and the records in its first bytes."""
    if flow.queries is not None:
        return "dns", []
    if flow.protocol not in (TCP, UDP) or not (first or second):
        return "", []
    near, far = flow.halves
    told = talk.Talk(first, second, int.from_bytes(flow.key[-3:-1]), (list(near.sizes), list(far.sizes)))
    return talk.stream(told) if flow.protocol == TCP else talk.datagrams(told)


def _named(flow: Flow, fields: dict[str, Any]) -> dict[str, Any]:
    """A file with its name in Zeek's manner, and the two that it passed between."""
    name = uid(flow)
    fields = dict(fields)
    source = fields.pop("#source", 0)
    digest = hashlib.blake2b(f"{name} {source} {fields}".encode(), digest_size=9).digest()
    near, far, _, _ = endpoints(flow.key)
    sender, receiver = (near, far) if fields["is_orig"] else (far, near)
    fuid = "F" + b2a_base64(digest, newline=False).translate(_PLAIN).decode()
    return {"fuid": fuid, "tx_hosts": [sender], "rx_hosts": [receiver], "conn_uids": [name], **fields}


def state(flow: Flow) -> str:
    """Zeek's word for how a connection went."""
    near, far = flow.halves
    if flow.protocol != TCP:
        if flow.protocol in (ICMP, ICMP6):
            return "OTH"
        return "SF" if near.packets and far.packets else "S0" if near.packets else "SHR"
    if not near.flags & SYN:
        return "SHR" if far.flags & SYN else "OTH"
    if not far.flags & SYN:
        return _unanswered(near.flags, far.flags)
    if near.flags & RST:
        return "RSTO"
    if far.flags & RST:
        return "RSTR"
    if near.flags & FIN:
        return "SF" if far.flags & FIN else "S2"
    return "S3" if far.flags & FIN else "S1"


def _unanswered(near: int, far: int) -> str:
    if far & RST:
        return "REJ"
    if near & RST:
        return "RSTOS0"
    return "SH" if near & FIN else "S0"


@lru_cache(1 << 14)
def _address(raw: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def endpoints(key: bytes) -> tuple[str, str, int, int]:
    """Both addresses and both ports of a flow's key, the originator's first."""
    half = (len(key) - 5) // 2
    ports = key[-5:-1]
    return (
        _address(key[:half]),
        _address(key[half : 2 * half]),
        int.from_bytes(ports[:2]),
        int.from_bytes(ports[2:]),
    )


def uid(flow: Flow) -> str:
    """A name of a flow, from its key and its beginning: the same in every reading."""
    digest = hashlib.blake2b(flow.key + flow.first.to_bytes(8, signed=True), digest_size=9).digest()
    return "C" + b2a_base64(digest, newline=False).translate(_PLAIN).decode()


def community_id(key: bytes) -> str:
    """Corelight's Community ID, version 1, seed 0, of a flow with ports."""
    half = (len(key) - 5) // 2
    one, two = (key[:half], key[-5:-3]), (key[half : 2 * half], key[-3:-1])
    (first, port), (second, other) = (one, two) if one <= two else (two, one)
    text = b"\0\0" + first + second + key[-1:] + b"\0" + port + other
    return "1:" + b2a_base64(hashlib.sha1(text, usedforsecurity=False).digest(), newline=False).decode()

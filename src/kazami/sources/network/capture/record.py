"""Flows that are over as records: the flow itself, and what its first bytes say."""

from __future__ import annotations

import base64
import hashlib
import socket
from functools import lru_cache
from typing import Any

import orjson

from kazami.sources.columns import Columns
from kazami.sources.network import words
from kazami.sources.network.capture import handshake
from kazami.sources.network.capture.application import dns, talk
from kazami.sources.network.capture.engine import FIN, ICMP, ICMP6, RST, SYN, TCP, UDP
from kazami.sources.network.capture.flow import Flow

#: First bytes of each direction that a flow's record carries, for recognisers of what no parser here knows.
CARRIED, CARRIED_HTTP = 1024, 2048

#: Questions of one flow that wait for their answer.
MAX_QUESTIONS = 256

#: Ports whose datagrams are read as DNS: DNS itself, multicast, LLMNR.
DNS_PORTS = frozenset(port.to_bytes(2) for port in (53, 5353, 5355))

_NAMES = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp", 132: "sctp"}


class Records:
    """Makes records of flows, and hands them on to `columns`."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def flow(self, flow: Flow) -> None:
        """A flow that is over."""
        for _, fields in sorted((flow.queries or {}).items()):
            self._put("dns", flow, fields.pop("#asked"), fields)
        first, second = (bytes(half.head) for half in flow.halves)
        service, records = said(flow, first, second)
        for path, fields in records:
            time = flow.time_at(fields.pop("#at", 0))
            self._put(path, flow, time, _named(flow, fields) if path == "files" else fields)
        if flow.watch is not None:
            for match in flow.watch.found():
                self._put("rule_match", flow, match.time, match.fields)
        self._put("conn", flow, flow.first, self._connection(flow, service, first, second))

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

    def _connection(self, flow: Flow, service: str, first: bytes, second: bytes) -> dict[str, Any]:
        near, far = flow.halves
        fields: dict[str, Any] = {"service": service} if service else {}
        fields |= {
            "duration": f"{max(0, flow.last - flow.first) / 1e6:.6f}",
            "orig_bytes": near.payload, "resp_bytes": far.payload, "conn_state": state(flow),
            "orig_pkts": near.packets, "orig_ip_bytes": near.ip_bytes, "resp_pkts": far.packets, "resp_ip_bytes": far.ip_bytes,
        }  # fmt: skip
        if flow.protocol in (TCP, UDP, 132):
            fields["community_id"] = community_id(flow.key)
        if flow.protocol == TCP:
            fields |= handshake.fields(near, far)
        if service not in ("dns", "ssl", "quic") or b"Quasar" in second:
            most = CARRIED_HTTP if service in ("http", "ssl") else CARRIED
            for name, data, half in (("orig", first, near), ("resp", second, far)):
                if data:
                    fields[f"{name}_first_bytes"] = base64.b64encode(data[:most]).decode()
                    fields[f"{name}_first_sizes"] = ",".join(map(str, half.sizes))
        return fields

    def _put(self, path: str, flow: Flow, time: int, fields: dict[str, Any]) -> None:
        near, far, port, other = endpoints(flow.key)
        whole = {
            "ts": f"{time / 1e6:.6f}", "uid": uid(flow), "id.orig_h": near, "id.orig_p": port, "id.resp_h": far,
            "id.resp_p": other, "proto": _NAMES.get(flow.protocol, f"ip-{flow.protocol}"), **fields,
        }  # fmt: skip
        raw = orjson.dumps({"_path": path, **whole}).decode()
        plan = words.plan(f"zeek.{path}", ("#time", *whole))
        self._columns.add(plan, (time, *whole.values()), raw, flow.number)


def said(flow: Flow, first: bytes, second: bytes) -> talk.Said:
    """Which protocol a flow is, in Zeek's word, and the records in its first bytes."""
    if flow.queries is not None:
        return "dns", []
    if flow.protocol not in (TCP, UDP) or not (first or second):
        return "", []
    near, far = flow.halves
    told = talk.Talk(first, second, int.from_bytes(flow.key[-3:-1]), (near.sizes, far.sizes))
    return talk.stream(told) if flow.protocol == TCP else talk.datagrams(told)


def _named(flow: Flow, fields: dict[str, Any]) -> dict[str, Any]:
    """A file with its name in Zeek's manner, and the two that it passed between."""
    name = uid(flow)
    source = fields.pop("#source", 0)
    digest = hashlib.blake2b(f"{name} {source} {fields}".encode(), digest_size=9).digest()
    near, far, _, _ = endpoints(flow.key)
    sender, receiver = (near, far) if fields["is_orig"] else (far, near)
    fuid = "F" + base64.urlsafe_b64encode(digest).decode().replace("-", "x").replace("_", "y")
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
    return "C" + base64.urlsafe_b64encode(digest).decode().replace("-", "x").replace("_", "y")


def community_id(key: bytes) -> str:
    """Corelight's Community ID, version 1, seed 0, of a flow with ports."""
    half = (len(key) - 5) // 2
    one, two = (key[:half], key[-5:-3]), (key[half : 2 * half], key[-3:-1])
    (first, port), (second, other) = (one, two) if one <= two else (two, one)
    text = b"\0\0" + first + second + key[-1:] + b"\0" + port + other
    return "1:" + base64.b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode()

"""A flow in words: who, how long, how it went; its own record. `columnar` says the same of many flows at once."""

from __future__ import annotations

import hashlib
import socket
from binascii import b2a_base64
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from kazami.sources.network.capture import handshake
from kazami.sources.network.capture.flow import FIN, RST, SYN, TCP, UDP, Flow
from kazami.sources.network.capture.unwrap import ICMP, ICMP6

#: What tells the flow of a record, and what is counted of a flow.
WHOSE = ("uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")
COUNTED = (
    "duration", "orig_bytes", "resp_bytes", "conn_state", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
)  # fmt: skip

#: Names of protocols, and those whose flows have ports and with them a Community ID.
NAMES = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp", 132: "sctp"}
PORTED = (TCP, UDP, 132)

#: Base64 without signs.
PLAIN = bytes.maketrans(b"+/", b"xy")


def seconds(micros: int) -> str:
    """Microseconds as seconds with six places."""
    whole, part = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}"


def ending(fields: dict[str, Any]) -> str:
    """Fields as the end of a JSON object."""
    return f",{orjson.dumps(fields)[1:].decode()}" if fields else "}"


class Whose(NamedTuple):
    """What tells a flow: its key, its first time, and the number of its first packet."""

    key: bytes
    first: int
    number: int


def head(whose: Whose) -> tuple[str, tuple[Any, ...]]:
    """What all records of a flow begin with, as JSON and as cells."""
    near, far, port, other = endpoints(whose.key)
    name, protocol = uid(whose.key, whose.first), NAMES.get(whose.key[-1]) or f"ip-{whose.key[-1]}"
    text = (
        f'"uid":"{name}","id.orig_h":"{near}","id.orig_p":{port},"id.resp_h":"{far}","id.resp_p":{other},'
        f'"proto":"{protocol}"'
    )
    return text, (name, near, port, far, other, protocol)


def connection(flow: Flow, service: str) -> tuple[tuple[str, ...], tuple[Any, ...], str]:
    """Names, cells and text of a flow's own record."""
    near, far = flow.halves
    duration, how = seconds(max(0, flow.last - flow.first)), state(flow)
    cells: tuple[Any, ...] = (
        duration, near.payload, far.payload, how, near.packets, near.ip_bytes, far.packets, far.ip_bytes,
    )  # fmt: skip
    text = (
        f',"duration":"{duration}","orig_bytes":{near.payload},"resp_bytes":{far.payload},"conn_state":"{how}",'
        f'"orig_pkts":{near.packets},"orig_ip_bytes":{near.ip_bytes},"resp_pkts":{far.packets},"resp_ip_bytes":{far.ip_bytes}'
    )
    names: tuple[str, ...] = COUNTED
    if flow.protocol in PORTED:
        community = community_id(flow.key)
        names, cells = (*COUNTED, "community_id"), (*cells, community)
        text = f'{text},"community_id":"{community}"'
    if flow.protocol == TCP and (begun := handshake.fields(near, far)):
        names, cells = (*names, *begun), (*cells, *begun.values())
        text += "".join(f',"{name}":"{value}"' for name, value in begun.items())
    if service:
        return ("service", *names), (service, *cells), f',"service":"{service}"{text}}}'
    return names, cells, text + "}"


def named(whose: Whose, fields: dict[str, Any]) -> dict[str, Any]:
    """A file with its name in Zeek's manner, and the two that it passed between."""
    name = uid(whose.key, whose.first)
    fields = dict(fields)
    source = fields.pop("#source", 0)
    digest = hashlib.blake2b(f"{name} {source} {fields}".encode(), digest_size=9).digest()
    near, far, _, _ = endpoints(whose.key)
    sender, receiver = (near, far) if fields["is_orig"] else (far, near)
    fuid = "F" + b2a_base64(digest, newline=False).translate(PLAIN).decode()
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
def address(raw: bytes) -> str:
    """An address of either version as text."""
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def endpoints(key: bytes) -> tuple[str, str, int, int]:
    """Both addresses and both ports of a flow's key, the originator's first."""
    half = (len(key) - 5) // 2
    ports = key[-5:-1]
    return (
        address(key[:half]),
        address(key[half : 2 * half]),
        int.from_bytes(ports[:2]),
        int.from_bytes(ports[2:]),
    )


def uid(key: bytes, first: int) -> str:
    """A name of a flow, from its key and its beginning: the same in every reading."""
    digest = hashlib.blake2b(key + first.to_bytes(8, signed=True), digest_size=9).digest()
    return "C" + b2a_base64(digest, newline=False).translate(PLAIN).decode()


def community_id(key: bytes) -> str:
    """Corelight's Community ID, version 1, seed 0, of a flow with ports."""
    half = (len(key) - 5) // 2
    one, two = (key[:half], key[-5:-3]), (key[half : 2 * half], key[-3:-1])
    (first, port), (second, other) = (one, two) if one <= two else (two, one)
    text = b"\0\0" + first + second + key[-1:] + b"\0" + port + other
    return "1:" + b2a_base64(hashlib.sha1(text, usedforsecurity=False).digest(), newline=False).decode()

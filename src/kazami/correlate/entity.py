"""What findings share, normalized and numbered.

A finding's entities come from its envelope (process, session, account, host) and from fields of its event
(addresses, hashes, names of services and tasks). Values that say nothing, such as the session of the system itself or the
address of the machine itself, are none.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Ints = np.ndarray[Any, np.dtype[np.int64]]

#: Kinds in the order of their weight as ties.
KINDS: tuple[str, ...] = ("process", "session", "account", "address", "domain", "hash", "service")

#: Fields of events, in Sigma's words, and what they hold.
FIELDS: dict[str, str] = {
    **dict.fromkeys(
        (
            "IpAddress",
            "SourceIp",
            "DestinationIp",
            "SourceAddress",
            "DestAddress",
            "ClientAddress",
            "ClientIP",
        ),
        "address",
    ),
    **dict.fromkeys(
        ("src_ip", "dest_ip", "id.orig_h", "id.resp_h", "c-ip", "SourceNetworkAddress"), "address"
    ),
    **dict.fromkeys(
        ("sourceIPAddress", "callerIpAddress", "ipAddress", "clientIp", "addr", "data.srcip"), "address"
    ),
    **dict.fromkeys(("ClientIPAddress", "Client_IPAddress", "IPAddress"), "address"),
    **dict.fromkeys(
        ("QueryName", "query", "DestinationHostname", "server_name", "cs-host", "r-dns", "tls.sni", "domain"),
        "domain",
    ),
    **dict.fromkeys(("Hashes", "Hash", "sha256", "md5", "sha1", "FileHash"), "hash"),
    **dict.fromkeys(("ServiceName", "TaskName", "ServiceFileName"), "service"),
    "url.domain": "domain",  # of an address in a command line or script, see `store.correlating.fields`
    "url.address": "address",
    **dict.fromkeys(
        ("TargetUserName", "SubjectUserName", "acct", "session_server_principal_name"), "account"
    ),
}

#: Accounts that every machine has, and that tie nothing.
NOBODY = frozenset(
    {
        "",
        "-",
        "system",
        "local service",
        "network service",
        "anonymous logon",
        "localsystem",
        "n/a",
        "root",
        "s-1-5-18",
    }
    | {"nt authority\\system", "localservice", "networkservice", "none", "null", "(null)", "unknown", "guest"}
)
_SYSTEM_SESSIONS = frozenset({"0x3e7", "0x3e4", "0x3e5", "0x0", "0", "-", "", "999", "996", "997"})
_MACHINE_OWN = re.compile(r"(dwm|umfd|font driver host)-?\d*$|.*\$$")
_HASH = re.compile(r"(?:SHA256|SHA1|MD5)=([0-9A-Fa-f]{32,64})")
_PLAIN_HASH = re.compile(r"[0-9a-fA-F]{32,64}$")


_DOMAIN = re.compile(r"(?=.{4,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$")
_OWN_DOMAINS = (".local", ".lan", ".internal", ".home", ".corp", ".arpa", ".localdomain")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which row has which entity: parallel arrays of one kind. `values` are what the codes stand for."""

    kind: str
    rows: Ints
    codes: Ints
    values: list[str]


def account(text: str) -> str:
    """An account without its domain, in small letters; empty where it is nobody's."""
    name = text.strip().lower()
    name = name.rpartition("\\")[2].partition("@")[0] or name
    return "" if name in NOBODY or _MACHINE_OWN.match(name) else name


def host(text: str) -> str:
    """A host without its domain, in small letters; an address stays whole."""
    name = text.strip().lower().rstrip(".")
    return name if _is_address(name) else name.partition(".")[0]


def address(text: str) -> str:
    """An address in its shortest form; empty where it is none, or names no machine in particular."""
    try:
        found = ipaddress.ip_address(text.strip().removeprefix("::ffff:"))
    except ValueError:
        return ""
    if found.is_loopback or found.is_unspecified or found.is_multicast or found.is_link_local:
        return ""
    return "" if str(found).endswith(".255") else str(found)


def domain(text: str) -> str:
    """A name of the outside in small letters, without port; empty for an address, a single label, and names of the network itself."""
    name = text.strip().lower().rstrip(".").partition(":")[0]
    if not _DOMAIN.match(name) or name.endswith(_OWN_DOMAINS) or _is_address(name):
        return ""
    return name[:253]


def file_hash(text: str) -> str:
    """The strongest hash in a text such as ``SHA1=...,SHA256=...``, in small letters; empty where there is none."""
    found = max(_HASH.findall(text), key=len, default="")
    return (found or (text if _PLAIN_HASH.match(text) else "")).lower()


def service(text: str) -> str:
    """The name of a service or task; empty for what Windows itself calls by random numbers."""
    return text.strip().lower()[:200] if len(text.strip()) > 1 else ""


def _session(text: str) -> str:
    lower = text.strip().lower()
    return "" if lower in _SYSTEM_SESSIONS else lower


@cache
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_NORMAL: dict[str, Callable[[str], str]] = {
    "address": address,
    "domain": domain,
    "hash": file_hash,
    "service": service,
    "account": account,
}


def coded(column: pa.ChunkedArray | pa.Array, normal: Callable[[str], str] = str) -> tuple[Ints, list[str]]:
    """Codes of a text column, -1 for null and for what `normal` makes empty, and the values in order of the alphabet."""
    encoded = pc.dictionary_encode(_one(column))
    given = [normal(value) if value is not None else "" for value in encoded.dictionary.to_pylist()]
    values = sorted(set(given) - {""})
    place = {value: number for number, value in enumerate(values)}
    table = np.array([place.get(value, -1) for value in given] + [-1], dtype=np.int64)
    indices = encoded.indices.fill_null(len(given)).to_numpy(zero_copy_only=False)
    return table[indices], values


def pairs(findings: pa.Table, more: pa.Table, hosts: tuple[Ints, list[str]]) -> list[Pairs]:
    """The entities of findings, a kind at a time, each pair once.

    `more` are fields of their events: columns ``row`` (place in `findings`), ``field`` and ``value``. `hosts` are the
    codes of their hosts and their names: a session is one of a host.
    """
    rows = np.arange(findings.num_rows)
    given: dict[str, list[tuple[Ints, pa.Array]]] = {kind: [] for kind in KINDS}
    given["process"] = [(rows, findings.column(name)) for name in ("process_uid", "parent_uid")]
    given["account"] = [(rows, findings.column("user"))]
    given["address"] = [(rows, findings.column("host"))]  # a sensor knows machines by their addresses only
    for place, field, value in fields(findings, more):
        for kind in _NORMAL:
            wanted = np.array([FIELDS.get(name) == kind for name in field.dictionary.to_pylist()] + [False])
            chosen = np.flatnonzero(
                wanted[field.indices.fill_null(len(wanted) - 1).to_numpy(zero_copy_only=False)]
            )
            if chosen.size:
                given[kind].append((place[chosen], value.take(pa.array(chosen))))
    made = [_joined(kind, given[kind]) for kind in KINDS if kind != "session"]
    return [made[0], _sessions(findings.column("logon_id"), hosts), *made[1:]]


def fields(findings: pa.Table, more: pa.Table) -> tuple[tuple[Ints, pa.DictionaryArray, pa.Array], ...]:
    """What matched, and what events say besides: rows of findings, names of fields, values."""
    return _matched(findings.column("matched")), _more(more)


def _joined(kind: str, columns: list[tuple[Ints, pa.Array]]) -> Pairs:
    rows = np.concatenate([place for place, _ in columns]) if columns else np.empty(0, np.int64)
    parts = [
        part
        for _, column in columns
        for part in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])
    ]
    codes, values = coded(pa.chunked_array(parts, pa.string()), _NORMAL.get(kind, str))
    return _distinct(kind, rows[codes >= 0], codes[codes >= 0], values)


def _sessions(column: pa.ChunkedArray, hosts: tuple[Ints, list[str]]) -> Pairs:
    codes, values = coded(column, _session)
    known = np.flatnonzero((codes >= 0) & (hosts[0] >= 0))
    both = hosts[0][known] * max(1, len(values)) + codes[known]
    distinct, inverse = np.unique(both, return_inverse=True)
    names = [f"{hosts[1][one // len(values)]}!{values[one % len(values)]}" for one in distinct.tolist()]
    return _distinct("session", known, inverse.astype(np.int64), names)


def _distinct(kind: str, rows: Ints, codes: Ints, values: list[str]) -> Pairs:
    both = distinct(rows * max(1, len(values)) + codes)
    return Pairs(kind, both // max(1, len(values)), both % max(1, len(values)), values)


def distinct(numbers: Ints) -> Ints:
    """The different numbers, in order. By sorting: numpy's own way hashes, which is slow where most of them differ."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def _matched(column: pa.ChunkedArray) -> tuple[Ints, pa.DictionaryArray, pa.Array]:
    array = _one(column)
    offsets = array.offsets.to_numpy()
    place = np.repeat(np.arange(len(array)), np.diff(offsets))
    start, stop = int(offsets[0]), int(offsets[-1])
    keys, items = array.keys.slice(start, stop - start), array.items.slice(start, stop - start)
    return place, pc.dictionary_encode(keys), items


def _more(table: pa.Table) -> tuple[Ints, pa.DictionaryArray, pa.Array]:
    table = table.combine_chunks()
    field = pc.dictionary_encode(_one(table.column("field")))
    return table.column("row").to_numpy().astype(np.int64), field, _one(table.column("value"))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

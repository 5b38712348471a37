"""Seats: which host had an address, and when; so that what the network saw is tied to what hosts logged.

Records that name a host together with its address are asked for: connections that a host logged of itself, logons with the name of the
workstation, tickets for machines, NTLM, leases of DHCP, names of shares, answers of the name system. An address that had
one host in all evidence has it always; one that changed hands has the host that was seen there next in time, within half a day.
Who got it by a lease did not have it before.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import entity
from kazami.correlate.entity import Ints, Pairs
from kazami.correlate.strand import TIMELESS
from kazami.model.address import is_inside
from kazami.model.question import Question, asked

HOUR = 3_600_000_000

#: How far in time an address that changed hands is told from what was seen of it; hosts at which it is nobody's seat (a gateway, a farm).
VALID, MOST = 12 * HOUR, 8

#: Fields of findings that hold the ends of a connection.
ENDS = ("id.orig_h", "id.resp_h")

QUESTIONS: tuple[Question, ...] = (
    Question("network_connection", {"near": ("SourceIp",), "far": ("DestinationIp",), "began": ("Initiated",)}),
    Question(
        "security",
        {"name": ("WorkstationName",), "account": ("TargetUserName",), "address": ("IpAddress",)},
        ("4624", "4768", "4769", "4776"),
    ),
    Question("kerberos", {"account": ("client",), "address": ("id.orig_h",)}),
    Question(
        "ntlm",
        {"name": ("hostname",), "address": ("id.orig_h",), "server": ("server_nb_computer_name",), "far": ("id.resp_h",)},
    ),
    Question("zeek.dhcp", {"name": ("host_name", "client_fqdn"), "address": ("assigned_addr", "assigned_ip", "client_addr")}),
    Question("smb_mapping", {"share": ("path",), "far": ("id.resp_h",)}),
    Question("dns", {"query": ("query",), "answers": ("answers",)}, like=("answers", r"(^|[^0-9])(10|172|192)\.")),
)  # fmt: skip

_MACHINE = re.compile(r"^([A-Za-z0-9_-]{1,63})\$(?:$|[/@])")
_SHARE = re.compile(r"^\\\\([A-Za-z0-9_.-]{1,255})\\")
_FIRST = frozenset("0123456789abcdefABCDEF:")  # of an address
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")


#: When a host was seen at an address within an hour: first, last (microseconds), and whether a lease began it.
Span = tuple[int, int, bool]


@dataclass(slots=True)
class Seats:
    """Hosts of one tenant by address, each with when it was seen there, hour by hour."""

    seen: dict[str, dict[str, dict[int, Span]]] = field(default_factory=lambda: defaultdict(dict))

    def add(
        self, address: str, host: str, first: int, last: int, *, leased: bool = False, own: bool = False
    ) -> None:
        """That a host had an address from `first` to `last`, within one hour; what is no address of a machine, or no name, is passed over.

        One outside counts only where it is the host's `own` word (IPv6, servers with public addresses): others see what stands before it.
        """
        address, host = entity.address(address), entity.host(host)
        if not address or not host or entity.address(host):
            return
        if not is_inside(address) and (not own or address.endswith(".255")):
            return
        hours = self.seen[address].setdefault(host, {})
        known = hours.get(first // HOUR, (first, last, leased))
        began, _, by_lease = min(known, (first, last, leased))
        hours[first // HOUR] = began, max(known[1], last), by_lease

    def at(self, address: str, time: int) -> str:
        """The host that had an address at a time; empty where it is not known, or several claim it."""
        hosts = self.seen.get(address, {})
        if len(hosts) == 1:
            return next(iter(hosts))
        if not hosts or len(hosts) > MOST or time == TIMELESS:
            return ""
        nearest = _nearest(hosts, time, leases=False) or _nearest(hosts, time, leases=True)
        if not nearest:
            return ""
        alone = len(nearest) == 1 or nearest[0][0] < nearest[1][0]
        return nearest[0][1] if nearest[0][0] <= VALID and alone else ""


def _nearest(hosts: Mapping[str, Mapping[int, Span]], time: int, *, leases: bool) -> list[tuple[int, str]]:
    """How far in time each host was seen, the nearest first; what a lease began later counts with `leases` only."""
    around = range((time - VALID) // HOUR, (time + VALID) // HOUR + 1)
    far = {
        host: [
            max(first - time, time - last, 0)
            for first, last, leased in (spans[hour] for hour in around if hour in spans)
            if leases or first <= time or not leased
        ]
        for host, spans in hosts.items()
    }
    return sorted((min(gaps), host) for host, gaps in far.items() if gaps)


def wanted(findings: pa.Table) -> bool:
    """Whether any finding is about a connection, so that seats would matter."""
    names = [one for one in pc.unique(findings.column("host")).to_pylist() if one]
    return any(entity.address(name) for name in names)


def seats(batches: Iterable[pa.RecordBatch]) -> dict[str, Seats]:
    """What the answers to `QUESTIONS` say of who had which address, by tenant: private addresses repeat."""
    found: dict[str, Seats] = defaultdict(Seats)
    for batch in batches:
        kind = asked(batch)
        columns = [batch.column(name).to_pylist() for name in batch.schema.names[7:] if name != "EventID"]
        times = batch.column("time").cast(pa.int64()).fill_null(TIMELESS).to_pylist()
        rows = zip(
            batch.column("tenant").to_pylist(), times, batch.column("host").to_pylist(), *columns, strict=True
        )
        spans: dict[tuple[Any, ...], tuple[int, int]] = {}
        for tenant, time, host, *rest in rows:
            key = (tenant, time // HOUR, host, *rest)
            first, last = spans.get(key, (time, time))
            spans[key] = min(first, time), max(last, time)
        for (tenant, _, host, *rest), span in spans.items():
            for address, name in _told(kind, host, rest):
                leased, own = kind == "zeek.dhcp", kind == "network_connection"
                found[tenant].add(address or "", name or "", *span, leased=leased, own=own)
    return found


def _told(kind: str, host: str | None, row: Sequence[str | None]) -> Iterator[tuple[str | None, str | None]]:
    """Addresses and hosts that one record names, by the table that it is of."""
    if kind == "network_connection":
        near, far, began = row
        yield (far if (began or "").lower() == "false" else near), host
    elif kind == "security":
        name, account, address = row
        machine = _MACHINE.match(account or "")
        yield address, name if name and name != "-" else machine.group(1) if machine else ""
    elif kind == "kerberos":
        machine = _MACHINE.match(row[0] or "")
        yield row[1], machine.group(1) if machine else ""
    elif kind == "ntlm":
        yield row[1], row[0]
        yield row[3], row[2]
    elif kind == "zeek.dhcp":
        yield row[1], row[0]
    elif kind == "smb_mapping":
        share = _SHARE.match(row[0] or "")
        yield row[1], share.group(1) if share else ""
    else:
        addresses = _ADDRESS.findall(row[1] or "")
        yield (addresses[0] if len(addresses) == 1 else ""), row[0]


def seated(findings: pa.Table, found: Seats) -> pa.Table:
    """`findings` with the host in place of an address that was its seat at that time."""
    if not found.seen:
        return findings
    times = findings.column("time").cast(pa.int64()).fill_null(TIMELESS).to_pylist()
    hosts = []
    for host, time in zip(findings.column("host").to_pylist(), times, strict=True):
        hosts.append(found.at(entity.address(host), time) or host if host and host[0] in _FIRST else host)
    place = findings.schema.get_field_index("host")
    return findings.set_column(place, findings.schema.field(place), pa.array(hosts, pa.string()))


def apart(pairs: Pairs, times: Ints, found: Seats) -> Pairs:
    """Addresses that changed hands as one for each host that had them; `times` are those of the rows (microseconds).

    All are called alike: it is the address that is shared, or is not.
    """
    changed = [len(found.seen.get(value, ())) > 1 for value in pairs.values]
    codes, values = pairs.codes.copy(), list(pairs.values)
    place: dict[tuple[int, str], int] = {}
    for at in np.flatnonzero(np.array(changed, bool)[codes]).tolist():
        code = int(codes[at])
        host = found.at(values[code], int(times[pairs.rows[at]]))
        codes[at] = place.setdefault((code, host), len(values))
        if codes[at] == len(values):
            values.append(values[code])
    return Pairs(pairs.kind, pairs.rows, codes, values)


def ends(findings: pa.Table, more: pa.Table, found: Seats) -> tuple[Ints, list[str]]:
    """Which findings are about a connection with which host: rows, and the hosts at the ends.

    `more` are fields of their events, as for `entity.pairs`.
    """
    if not found.seen:
        return np.empty(0, np.int64), []
    times = findings.column("time").cast(pa.int64()).fill_null(TIMELESS).to_pylist()
    rows: dict[tuple[int, str], None] = {}
    for place, names, values in entity.fields(findings, more):
        wanted = np.array([name in ENDS for name in names.dictionary.to_pylist()] + [False])
        codes = names.indices.fill_null(len(wanted) - 1).to_numpy(zero_copy_only=False)
        for at in np.flatnonzero(wanted[codes]).tolist():
            row = int(place[at])
            host = found.at(entity.address(values[at].as_py() or ""), times[row])
            if host:
                rows[row, host] = None
    return np.array([row for row, _ in rows], np.int64), [host for _, host in rows]

"""Seats: which host had an address, and when; so that what the network saw is tied to what hosts logged.

Records that name a host together with its address are asked for: connections that a host logged of itself, logons with the name of the
workstation, tickets for machines, NTLM, leases of DHCP, names of shares, answers of the name system. An address that had
one host in all evidence has it always; one that changed hands has the host that was seen there next in time, within half a day.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.correlate import entity
from kazami.correlate.entity import Ints
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


@dataclass(slots=True)
class Seats:
    """Hosts of one tenant by address, each with the times at which it was seen there (microseconds, one an hour)."""

    seen: dict[str, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, address: str, host: str, time: int) -> None:
        """That a host had an address; what is no address of a machine inside, or no name, is passed over."""
        address, host = entity.address(address), entity.host(host)
        if not address or not is_inside(address) or not host or entity.address(host):
            return
        times = self.seen[address].setdefault(host, [])
        if not times or abs(time - times[-1]) >= HOUR:
            times.append(time)

    def at(self, address: str, time: int) -> str:
        """The host that had an address at a time; empty where it is not known, or several claim it."""
        hosts = self.seen.get(address, {})
        if len(hosts) == 1:
            return next(iter(hosts))
        if not hosts or len(hosts) > MOST or time == TIMELESS:
            return ""
        nearest = sorted((min(abs(time - one) for one in times), host) for host, times in hosts.items())
        return nearest[0][1] if nearest[0][0] <= VALID and nearest[0][0] < nearest[1][0] else ""


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
        for row in dict.fromkeys(
            (tenant, time // HOUR * HOUR, host, *rest) for tenant, time, host, *rest in rows
        ):
            for address, name in _told(kind, row[2], row[3:]):
                found[row[0]].add(address or "", name or "", row[1])
    return found


def _told(
    kind: str, host: str | None, row: tuple[str | None, ...]
) -> Iterator[tuple[str | None, str | None]]:
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

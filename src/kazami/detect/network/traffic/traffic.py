"""The traffic of one tenant as the detectors see it: tables without what the operator expects, and what several of them ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from ipaddress import ip_network

import numpy as np

from kazami.detect.network.traffic.rows import Numbers, Rows, Texts
from kazami.model.address import PLATFORM, is_inside
from kazami.model.tenant import Network, parsed, within

#: Ports of services that speak by the clock, or look for others, on every network: RFC 6335.
HOUSEKEEPING = frozenset((53, 67, 68, 123, 137, 138, 161, 162, 546, 547, 1900, 3702, 5353, 5355))

_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}")

#: Bytes of a packet that only opens a connection: 60 with all options, 80 in IPv6; a flow of more in the mean carries data.
HANDSHAKE = 80

#: Bytes of a reset in IPv6 and IPv4: headers alone.
RESET = (60, 40)

#: States of Zeek in which a connection was never answered, or refused.
FAILED = frozenset(("S0", "REJ", "RSTOS0", "SH", "RSTRH", "SHR"))
_STATES = FAILED | {"S1", "SF", "S2", "S3", "RSTO", "RSTR", "OTH"}

#: What firewalls call what they did not let through.
_FORBIDDEN = re.compile("den(?:y|ied)|drop|block|reject|discard|prevent", re.IGNORECASE)


@dataclass(eq=False)
class Traffic:
    """All tables of one tenant, by name.

    `networks` are public ones that are the tenant's own: inside is what lies in them, and what only exists inside a
    network. `allowed` counts what the operator expects, and is left out.
    """

    tenant: str
    tables: Mapping[str, Rows]
    networks: tuple[Network, ...] = ()
    allowed: dict[str, int] = field(default_factory=dict)
    _callers: dict[str, Numbers] = field(default_factory=dict)

    def __getitem__(self, table: str) -> Rows:
        return self.tables[table]

    @property
    def flow(self) -> Rows:
        """The flows."""
        return self.tables["flow"]

    @cached_property
    def outward(self) -> Numbers:
        """Which flows go from inside to outside."""
        return self.inside("flow", "source") & self.outside("flow", "target")

    @cached_property
    def inward(self) -> Numbers:
        """Which flows come from outside."""
        return self.outside("flow", "source") & self.inside("flow", "target")

    @cached_property
    def within(self) -> Numbers:
        """Which flows stay inside."""
        return self.inside("flow", "source") & self.inside("flow", "target")

    def inside(self, table: str, column: str) -> Numbers:
        """Rows whose address in `column` is one inside a network."""
        return self.tables[table].texts[column].where(self.is_inside)

    def outside(self, table: str, column: str) -> Numbers:
        """Rows whose address in `column` is one machine on the internet."""
        return self.tables[table].texts[column].where(self.is_outside)

    def is_inside(self, address: str) -> bool:
        """One machine of a network of ours."""
        return is_machine(address) and (
            is_inside(address) or address == PLATFORM or within(address, self.networks)
        )

    def is_outside(self, address: str) -> bool:
        """One machine on the internet."""
        return is_machine(address) and not self.is_inside(address)

    @cached_property
    def failed(self) -> Numbers:
        """Which flows were never answered or were refused; by what a firewall did or the packets where no state is known.

        What a firewall let through, and did not count, is not known to have failed. A connection of TCP that sent more than handshakes was
        answered, even where an exporter sees one direction only; one whose answers are headers without options was refused, since who accepts says
        how much he takes at once.
        """
        rows = self.flow
        state = rows.texts["state"]
        known = state.among(_STATES)
        if known.all():
            return state.among(FAILED)
        silent = (rows.known("received_packets") == 0) & (rows.known("received") == 0)
        counted = (rows.known("sent_packets") > 0) | (rows.known("sent") > 0)
        forbidden = state.where(lambda text: bool(_FORBIDDEN.search(text)))
        tcp = rows.texts["proto"].among(("tcp",))
        spoke = tcp & (rows.known("sent") > HANDSHAKE * np.maximum(rows.known("sent_packets"), 1))
        reset = np.where(rows.texts["target"].where(lambda text: ":" in text), *RESET)
        refused = tcp & ~silent & ~spoke & (rows.known("received") <= reset * rows.known("received_packets"))
        told = forbidden | refused | (silent & ~spoke & ~(state.among(("accept",)) & ~counted))
        return np.where(known, state.among(FAILED), told)

    @cached_property
    def talks(self) -> Numbers:
        """Flows between two machines that both say something, and are no answers of a service that an exporter counts alone."""
        rows = self.flow
        machines = rows.texts["target"].where(is_machine) & rows.texts["source"].where(is_machine)
        port, source = rows.known("port"), rows.known("source_port")
        answer = (rows.known("received") == 0) & (source > 0) & (source < 1024) & (port >= 1024)
        found: Numbers = machines & ~answer
        return found

    @cached_property
    def sources_of(self) -> Numbers:
        """By code of an address: how many others inside began a flow to it."""
        rows = self.flow
        firsts = [places[0] for places in rows.groups("source", "target")]
        return np.bincount(rows.texts["target"].codes[firsts], minlength=len(rows.texts["target"].values) + 1)

    @cached_property
    def visitors(self) -> Numbers:
        """By code of an address: how many go to it, or to a name under which it is called, whichever are more: a service has many addresses."""
        found = self.sources_of.copy()
        for rows in (self["http"], self["tls"]):
            near = np.flatnonzero((rows.texts["target"].codes >= 0) & (rows.texts["name"].codes >= 0))
            target = rows.texts["target"].codes[near]
            known = target < len(found)
            np.maximum.at(found, target[known], self.callers(rows)[rows.texts["name"].codes[near[known]]])
        return found

    def callers(self, rows: Rows) -> Numbers:
        """By code of a name in HTTP or TLS: how many machines called it."""
        found = self._callers.get(rows.table)
        if found is None:
            firsts = [places[0] for places in rows.groups("source", "name")]
            size = len(rows.texts["name"].values) + 1
            found = self._callers[rows.table] = np.bincount(rows.texts["name"].codes[firsts], minlength=size)
        return found

    @cached_property
    def machines(self) -> int:
        """How many machines inside began a flow to the internet."""
        return len(np.unique(self.flow.texts["source"].codes[self.outward]))

    @cached_property
    def named(self) -> frozenset[str]:
        """Addresses that somebody asked a name for, or called by one."""
        found: set[str] = set()
        for text in self["dns"].texts["answers"].values:
            found.update(_ADDRESS.findall(text))
        for table in ("http", "tls"):
            rows = self[table]
            called = rows.texts["name"].where(
                lambda text: bool(text) and not is_machine(text.partition(":")[0])
            )
            found.update(rows.texts["target"].distinct(np.flatnonzero(called)))
        return frozenset(found)

    @cached_property
    def resolving(self) -> frozenset[int]:
        """Codes of addresses whose questions for names are in the evidence."""
        return frozenset(np.unique(self["dns"].texts["source"].codes).tolist())

    def is_bare(self, rows: Rows, place: int) -> bool:
        """Whether a target has no name although names that its source asks for are known."""
        return (
            rows.texts["source"].codes[place] in self.resolving
            and rows.texts["target"][place] not in self.named
        )

    @cached_property
    def begun(self) -> tuple[int, int]:
        """When the first and the last flow began."""
        times = self.flow.time
        return (int(times[0]), int(times[-1])) if len(times) else (0, 0)


class Expected:
    """What the operator expects: addresses, networks and names, each with a port or without.

    ``10.0.0.5``, ``203.0.113.0/24``, ``*.update.example``, ``10.0.0.5:445``. Traffic to or from such an address, or to such
    a name, is not judged.
    """

    def __init__(self, entries: tuple[str, ...]) -> None:
        self.networks: list[tuple[Network, int]] = []
        self.names: list[tuple[str, int]] = []
        for entry in entries:
            text, port = parted(entry)
            try:
                self.networks.append((ip_network(text, strict=False), port))
            except ValueError:
                self.names.append((text.lower(), port))

    def mask(self, rows: Rows) -> Numbers:
        """Which rows are expected."""
        found = np.zeros(len(rows), bool)
        ports = rows.known("port")
        for network, port in self.networks:
            for column in ("target", "source"):
                fits = rows.texts[column].where(partial(_lies, network))
                found |= fits if not port else fits & (ports == port)
        for column in ("name", "query"):
            if column in rows.texts and rows.table in ("dns", "http", "tls"):
                found |= self._named(rows.texts[column], ports)
        return found

    def _named(self, names: Texts, ports: Numbers) -> Numbers:
        found = np.zeros(len(names.codes), bool)
        for pattern, port in self.names:
            fits = names.where(partial(_fits, pattern))
            found |= fits if not port else fits & (ports == port)
        return found


def parted(entry: str) -> tuple[str, int]:
    """An entry's address, network or name, and its port; 0 where it has none."""
    text, colon, port = entry.strip().rpartition(":")
    if colon and port.isdecimal() and (text.count(":") == 0 or text.endswith("]")):
        return text.strip("[]"), int(port)
    return entry.strip().strip("[]"), 0


def _lies(network: Network, text: str) -> bool:
    return within(text, (network,))


def _fits(pattern: str, name: str) -> bool:
    return fnmatchcase(name.lower(), pattern)


def is_machine(text: str) -> bool:
    """Whether an address is one machine's: no broadcast, no multicast, nothing unspecified."""
    found = parsed(text)
    if found is None or found.is_multicast or found.is_unspecified or found.is_loopback:
        return False
    return not text.endswith(".255")

"""A set of rules arranged by where they are asked: streams, packets, transactions, beginnings of flows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from kazami.detect.network.suricata.buffers import BUFFERS
from kazami.detect.network.suricata.builder import PAYLOAD
from kazami.detect.network.suricata.classes import Classes
from kazami.detect.network.suricata.compile import possible
from kazami.detect.network.suricata.packet import ICMP, ICMP6, SCTP, TCP, UDP
from kazami.detect.network.suricata.prefilter import Finder, choose
from kazami.detect.network.suricata.rule import Rule

#: Protocols above IP that are told apart; all others are 0.
TOLD = (TCP, UDP, ICMP, ICMP6, SCTP)
_PROTOCOLS = (*TOLD, 0)

#: Protocols whose transactions carry files.
CARRIERS = ("http", "smtp", "smb")


def application_of(buffer: str) -> str:
    """The protocol that fills a buffer."""
    return BUFFERS[buffer].application if buffer in BUFFERS else buffer.partition(".")[0]


class Plan:
    """Rules by protocol and side (0 to the server, 1 to the client), ready to be asked.

    `finder` makes the prefilter; protocols that have no number of their own here are 0.
    """

    def __init__(self, rules: Sequence[Rule], finder: type[Finder] = Finder) -> None:
        self.rules = tuple(rules)
        self.whole = any("flow.pkts" in rule.raw for rule in rules)  # all packets of a flow are counted
        #: Whether any rule asks for flows that do not speak a protocol: then it matters that none is told.
        self.doubts = any(negated for rule in rules for _, negated in rule.application)
        #: Whether what a rule sets is asked of other flows: then each turn is looked at when the next one begins.
        self.shared = any(bit.scope != "flow" for rule in rules for bit in rule.bits)
        self._finder = finder
        self._payload: dict[tuple[int, int], list[Rule]] = defaultdict(list)
        self._bare: dict[tuple[int, int], list[Rule]] = defaultdict(list)
        self._begin: dict[tuple[int, int], list[Rule]] = defaultdict(list)
        self._transaction: dict[tuple[str, int], list[Rule]] = defaultdict(list)
        self.known: list[Rule] = []  # asked once, when the application protocol of a flow is known
        gates: dict[object, int] = {}
        self._choices = {rule: choose(rule) for rule in rules}
        #: Bytes (in lower case) without which a payload cannot be what a rule asks for.
        self.probes = {
            rule: one.pattern for rule, one in self._choices.items() if one and one.buffer == PAYLOAD
        }
        for rule in rules:
            head = rule.header
            sets = tuple(map(id, (head.source, head.source_port, head.target, head.target_port)))
            key = (
                head.transports,
                head.application,
                head.both_ways,
                head.version,
                sets,
                rule.established,
                rule.application,
            )
            rule.gate = gates.setdefault(key, len(gates))
            self._sort(rule)
        heads = [rule.header for rule in rules]
        self.addresses = Classes([one for head in heads for one in (head.source, head.target)])
        self.ports = Classes([one for head in heads for one in (head.source_port, head.target_port)])
        self.followed = frozenset(name for name, _ in self._transaction)
        self.bare = {key: _sorted(r for r in found if not r.bits) for key, found in self._bare.items()}
        self.bitten = {key: _sorted(r for r in found if r.bits) for key, found in self._bare.items()}
        #: Rules that ask packets for the protocol that their flow speaks: it must be known as early as it can be.
        self.attentive = {
            key: tuple(r for r in found if r.application or r.header.application)
            for key, found in self._bare.items()
        }
        self.begin = {key: _sorted(found) for key, found in self._begin.items()}
        self.payload = {key: self._filtered(found, PAYLOAD) for key, found in self._payload.items()}
        self.transaction = {
            key: {name: self._filtered(found, name) for name in self._names(found)}
            for key, found in self._transaction.items()
        }
        #: Buffers that rules ask for, by protocol and side; None where one asks for what is absent.
        self.wanted = {key: _wanted(found) for key, found in self._transaction.items()}
        self.asked = {
            key: tuple(r for r in found if self._choices[r] is None)
            for key, found in self._transaction.items()
        }

    def _sort(self, rule: Rule) -> None:
        buffers = [one.buffer for one in rule.buffers if application_of(one.buffer)]
        sides = possible(rule)
        if buffers:
            applications = {application_of(name) for name in buffers} - {"file"}
            if "dcerpc" in applications and rule.header.application in ("", "smb", "dcerpc"):
                applications |= {"smb"}  # calls within pipes
            for application in sorted(applications) or self._carriers(rule):
                for side in sides:
                    self._transaction[application, side].append(rule)
            return
        meant = rule.header.transports
        protocols = {one if one in TOLD else 0 for one in meant} if meant else _PROTOCOLS
        where = self._payload if rule.payload else self._bare
        if not rule.payload and only_once(rule):
            if rule.application or rule.header.application:
                self.known.append(rule)
                return
            where = self._begin
        for protocol in protocols:
            for side in sides:
                where[protocol, side].append(rule)

    @staticmethod
    def _carriers(rule: Rule) -> tuple[str, ...]:
        return (rule.header.application,) if rule.header.application in CARRIERS else CARRIERS

    def _names(self, rules: Sequence[Rule]) -> list[str]:
        chosen = (self._choices[rule] for rule in rules)
        return sorted({choice.buffer for choice in chosen if choice is not None})

    def _filtered(self, rules: Sequence[Rule], buffer: str) -> Finder:
        found, always = [], []
        for rule in rules:
            choice = self._choices[rule]
            if choice is None:
                always.append(rule)
            elif choice.buffer == buffer:
                found.append((choice, rule))
        return self._finder(found, always if buffer == PAYLOAD else ())


def _wanted(rules: Iterable[Rule]) -> frozenset[str] | None:
    buffers = [one for rule in rules for one in rule.buffers]
    return None if any(one.absent for one in buffers) else frozenset(one.buffer for one in buffers)


def _sorted(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.order))


def of_addresses(rule: Rule) -> bool:
    """Whether a rule is about a flow as such: addresses, ports and protocol, nothing that changes from packet to packet."""
    changing = rule.payload or rule.buffers or rule.tests or rule.counts or rule.checks_bits
    if changing or rule.established is not None or rule.only_stream or rule.no_stream:
        return False
    return bool(rule.application) or not (rule.header.application or rule.flowing)


def only_once(rule: Rule) -> bool:
    """Whether a rule about a flow as such is asked once for each direction; Suricata asks for each packet where an address is negated."""
    return of_addresses(rule) and (bool(rule.application) or not rule.header.negates)

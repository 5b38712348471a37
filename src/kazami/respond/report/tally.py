"""One pass over the findings: counts by rule, host, account and tenant, and when things happened.

Everything here is bounded: names beyond `NAMES` of one kind are counted together, not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from kazami.model.attack import TACTICS
from kazami.model.finding import LEVELS, level_rank
from kazami.model.result import FindingRow
from kazami.respond.language import parse_time
from kazami.respond.report.histogram import Histogram

#: Distinct rules, hosts, accounts and tenants kept by name.
NAMES = 20_000
#: Distinct partners kept of one of them (the hosts of a rule, the rules of a host).
PARTNERS = 2_000
#: And of all of them together.
ALL_PARTNERS = 500_000
#: Hosts whose time is followed, for the lanes of the picture; number 0 is all findings.
LANES = 24

K = TypeVar("K")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Group:
    """Findings that share a rule, a host, an account or a tenant. Hosts are (tenant, host)."""

    key: str
    tenant: str = ""
    count: int = 0
    first: str = ""
    last: str = ""
    levels: list[int] = field(default_factory=lambda: [0] * len(LEVELS))
    rules: dict[str, int] = field(default_factory=dict)
    hosts: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """The number of its highest level."""
        return max((i for i, count in enumerate(self.levels) if count), default=0)

    @property
    def level(self) -> str:
        """Its highest level."""
        return LEVELS[self.rank]

    def add(self, same: Same, seen: Seen, room: bool) -> int:
        """Count findings that are the same but for their time; returns how many new names were kept."""
        before = len(self.rules) + len(self.hosts)
        self.count += seen.count
        self.levels[same.rank] += seen.count
        if seen.first:
            self.first = min(self.first or seen.first, seen.first)
            self.last = max(self.last, seen.last)
        if same.rule in self.rules or (room and len(self.rules) < PARTNERS):
            self.rules[same.rule] = self.rules.get(same.rule, 0) + seen.count
        host = (same.tenant, same.host)
        if same.host and (host in self.hosts or (room and len(self.hosts) < PARTNERS)):
            self.hosts[host] = self.hosts.get(host, 0) + seen.count
        return len(self.rules) + len(self.hosts) - before


class Same(NamedTuple):
    """What findings must share to be counted as one before they are counted into groups."""

    rule: str
    rank: int
    tenant: str
    host: str
    user: str


@dataclass(slots=True)
class Seen:
    """How many, first and last."""

    count: int = 0
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule says of itself, taken from its first finding."""

    id: str
    title: str
    level: str
    kind: str
    version: str
    description: str
    author: str
    table: str
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]
    falsepositives: tuple[str, ...]
    references: tuple[str, ...]

    @classmethod
    def of(cls, row: FindingRow) -> RuleText:
        """The rule of one finding."""
        return cls(
            *(row["rule_id"], row["title"] or row["rule_id"], row["level"], row["kind"], row["rule_version"]),
            *(row["description"], row["author"], row["table"]),
            *(tuple(row["techniques"]), tuple(row["tactics"])),
            *(tuple(row["falsepositives"]), tuple(row["references"])),
        )


class Tally:
    """The counts. `rules` are by rule id, `hosts` by (tenant, host), `users` by (tenant, user).

    They are complete after `close`, which `read` calls at its end.
    """

    def __init__(self, lanes: Iterable[str] = ()) -> None:
        self.all = Group("")
        self.undated = 0
        self.texts: dict[str, RuleText] = {}
        self.rules: dict[str, Group] = {}
        self.hosts: dict[tuple[str, str], Group] = {}
        self.users: dict[tuple[str, str], Group] = {}
        self.tenants: dict[str, Group] = {}
        self.time = Histogram()
        self.lanes: dict[tuple[str, str], int] = {}
        self._wanted = frozenset(lanes)
        self._same: dict[Same, Seen] = {}
        self._partners = 0

    def read(self, findings: Iterable[FindingRow]) -> Iterator[FindingRow]:
        """Count each finding on its way through."""
        for row in findings:
            self.add(row)
            yield row
        self.close()

    def add(self, row: FindingRow) -> None:
        """Count one finding."""
        rule, time = row["rule_id"], row["time"] or ""
        same = Same(rule, level_rank(row["level"]), row["tenant"], row["host"] or "", row["user"] or "")
        seen = self._same.get(same)
        if seen is None:
            if rule not in self.texts and len(self.texts) < NAMES:
                self.texts[rule] = RuleText.of(row)
            if len(self._same) >= NAMES:
                self.close()
            seen = self._same[same] = Seen(first=time)
        seen.count += 1
        if time:
            if time < seen.first or not seen.first:
                seen.first = time
            if time > seen.last:
                seen.last = time
        self._at(same, time)

    def close(self) -> None:
        """Count into groups what has been added since the last time."""
        for same, seen in self._same.items():
            host, user = (same.tenant, same.host), (same.tenant, same.user)
            groups = (
                self.all,
                _group(self.rules, same.rule, same.rule, ""),
                _group(self.tenants, same.tenant, same.tenant, same.tenant),
                _group(self.hosts, host, same.host, same.tenant),
                _group(self.users, user, same.user, same.tenant),
            )
            for group in groups:
                if group is not None:
                    self._partners += group.add(same, seen, self._partners < ALL_PARTNERS)
        self._same.clear()

    def tactics(self, group: Group) -> list[str]:
        """The tactics of the rules of one group, in the order of the matrix."""
        seen = {tactic for rule in group.rules if rule in self.texts for tactic in self.texts[rule].tactics}
        return [tactic for tactic in TACTICS if tactic in seen]

    def _at(self, same: Same, text: str) -> None:
        time = parse_time(text) if text else None
        if time is None:
            self.undated += 1
            return
        since = time - _EPOCH
        second = since.days * 86_400 + since.seconds
        self.time.add(0, second, same.rank)
        if same.host and (not self._wanted or same.host in self._wanted):
            lane = self.lanes.get((same.tenant, same.host))
            if lane is None and len(self.lanes) < LANES:
                lane = self.lanes[same.tenant, same.host] = len(self.lanes) + 1
            if lane is not None:
                self.time.add(lane, second, same.rank)


def _group(groups: dict[K, Group], key: K, name: str, tenant: str) -> Group | None:
    """The group of `key`, made where there is room; None where the name is empty or there is none."""
    group = groups.get(key)
    if group is None and name and len(groups) < NAMES:
        group = groups[key] = Group(name, tenant)
    return group

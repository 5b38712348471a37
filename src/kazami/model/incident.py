"""Incidents: findings of one tenant, tied by links that can be named (OCSF 2005 at the edge).

What people read is an `Incident`; programs that count read the Arrow tables. `MEMBER` says which findings belong to
which incident, `LINK` what ties them, `SKELETON` which entities an incident was seen on (it outlives the findings),
`CHANGE` is the log of what was done to incidents, which is only ever added to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

#: What can tie two findings, strongest first. ``repeat`` is the same rule on the same entity again; ``time`` says that
#: a finding on a host was taken along because it lies within the incident's time there: it extends, and never merges.
#: ``skeleton`` ties what is far apart in time: an account or address that hardly appears outside of incidents. ``analyst`` is a merge that a person asked for.
LINK_KINDS: tuple[str, ...] = (
    "process",
    "session",
    "account",
    "address",
    "domain",
    "hash",
    "service",
    "move",
    "order",
    "repeat",
    "skeleton",
    "analyst",
    "time",
)

#: Kinds of entities, as links and skeletons name them; a value is lower case, as `kazami.correlate` normalizes it.
ENTITY_KINDS: tuple[str, ...] = (
    "process",
    "session",
    "account",
    "address",
    "hash",
    "service",
    "domain",
    "host",
    "rule",
)

#: States of an incident; what is redirected was merged into another, whose id `Incident.redirect` gives.
STATES: tuple[str, ...] = ("open", "closed", "redirected")

#: What a person can say of an incident; empty where nobody has.
VERDICTS: tuple[str, ...] = ("", "true positive", "false positive", "benign", "test")

#: What can be done to an incident, as its log says it.
ACTIONS: tuple[str, ...] = ("made", "joined", "merged", "split", "closed", "reopened", "assigned", "judged")


@dataclass(frozen=True, slots=True)
class Text:
    """One thing said in the languages that Kazami speaks."""

    en: str
    ja: str

    def spoken(self, lang: str) -> str:
        """The text in the language `lang`: ``en`` or ``ja``."""
        return self.ja if lang == "ja" else self.en


@dataclass(frozen=True, slots=True)
class Step:
    """What happened at one place for one reason: findings of one rule on one host (or account) that follow each other.

    `number` counts from 1 in the order of time. `tactic` is the one of the rule's tactics that fits the order best,
    in the words of `model.attack.TACTICS`, empty where the rule names none. `finding_uids` are the first hundred of
    `findings`; `MEMBER` has all. Of a step that is `gone` there are no findings any more: it is told as it was.
    """

    number: int
    tactic: str
    title: str
    rule_id: str
    level: str
    first: datetime | None
    last: datetime | None
    host: str = ""
    account: str = ""
    address: str = ""
    techniques: tuple[str, ...] = ()
    findings: int = 1
    finding_uids: tuple[str, ...] = ()
    words: Text = Text("", "")
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """From one host or address to another: an arrow of the picture. `step` is where it was seen."""

    source: str
    target: str
    time: datetime | None
    account: str = ""
    step: int = 0
    words: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class Way:
    """The logon that opened the first session of an incident.

    `kind` is Windows' logon type, `address` where it came from, `machine` what that calls itself; `gateway` is the VPN that
    gave `caller` that address at `given`, and `outside` is where the caller came from then. Empty where not known.
    """

    time: datetime
    account: str
    kind: str
    address: str = ""
    machine: str = ""
    gateway: str = ""
    caller: str = ""
    given: datetime | None = None
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """What ties two findings of an incident. `weight` is in nats: -log of how common the entity is, times its kind.

    `kind` is one of `LINK_KINDS`; `entity` is ``host!0x3e7`` of a session, an address, a hash and so on; `source` and
    `target` are finding uids, the earlier one first. `count` is how many findings the entity ties.
    """

    kind: str
    entity: str
    weight: float
    source: str
    target: str
    count: int = 2
    words: Text = Text("", "")


@dataclass(frozen=True, slots=True)
class Incident:
    """One story inside one tenant.

    `incident_uid` is 32 hex digits and stays what it is when findings join; of incidents that are merged the older
    id stays, and the other is kept with `state` ``redirected``. `score` is 0 to 100, `severity` one of Sigma's levels;
    `why` are the reasons for both. `tactics` are in the order in which they were first seen. `entry` is how it
    began, `spread` over which hosts, `taken` what left or was gathered. `mitigations` are ATT&CK ids whose texts
    come from `intel`; `hunts` are questions for `kazami hunt` or for people.
    """

    incident_uid: str
    tenant: str
    title: Text
    state: str = "open"
    redirect: str = ""
    verdict: str = ""
    owner: str = ""
    severity: str = "informational"
    score: float = 0.0
    first: datetime | None = None
    last: datetime | None = None
    findings: int = 0
    rules: int = 0
    hosts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    entry: Text = Text("", "")
    spread: Text = Text("", "")
    taken: Text = Text("", "")
    why: tuple[Text, ...] = ()
    questions: tuple[Text, ...] = ()
    hunts: tuple[Text, ...] = ()
    mitigations: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    moves: tuple[Move, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Skeleton:
    """An entity on which an incident was seen: what a step months later is joined by, and campaigns are made of."""

    tenant: str
    kind: str
    entity: str
    incident_uid: str
    first: datetime | None
    last: datetime | None
    weight: float  # nats: -log of the share of the tenant's findings that have the entity


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the log: `action` is one of `ACTIONS`, `other` the other incident where there is one."""

    time: datetime
    who: str
    action: str
    incident_uid: str
    other: str = ""
    note: str = ""


_TIME = pa.timestamp("us", "UTC")
_TEXTS = pa.list_(pa.string())


def _words(*names: str) -> list[pa.Field]:
    """Columns of text that are always filled."""
    return [pa.field(name, pa.string(), nullable=False) for name in names]


#: `story` is the whole `Incident` as JSON, without its links; the other columns are for SQL.
INCIDENT: pa.Schema = pa.schema(
    [
        *_words(
            "incident_uid", "tenant", "title", "title_ja", "state", "redirect", "verdict", "owner", "severity"
        ),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("first", _TIME),
        pa.field("last", _TIME),
        pa.field("findings", pa.int64(), nullable=False),
        pa.field("rules", pa.int64(), nullable=False),
        pa.field("hosts", _TEXTS, nullable=False),
        pa.field("accounts", _TEXTS, nullable=False),
        pa.field("addresses", _TEXTS, nullable=False),
        pa.field("tactics", _TEXTS, nullable=False),
        pa.field("techniques", _TEXTS, nullable=False),
        *_words("story"),
    ]
)

#: Which findings an incident is made of. `step` counts as in `Step.number`.
MEMBER: pa.Schema = pa.schema(
    [
        *_words("incident_uid", "finding_uid", "tenant"),
        pa.field("step", pa.int64(), nullable=False),
    ]
)

LINK: pa.Schema = pa.schema(
    [
        *_words("incident_uid", "tenant", "kind", "entity"),
        pa.field("weight", pa.float64(), nullable=False),
        *_words("source", "target"),
        pa.field("count", pa.int64(), nullable=False),
        *_words("words", "words_ja"),
    ]
)

SKELETON: pa.Schema = pa.schema(
    [
        *_words("tenant", "kind", "entity", "incident_uid"),
        pa.field("first", _TIME),
        pa.field("last", _TIME),
        pa.field("weight", pa.float64(), nullable=False),
    ]
)

CHANGE: pa.Schema = pa.schema(
    [
        pa.field("time", _TIME, nullable=False),
        *_words("who", "action", "incident_uid", "other", "note"),
    ]
)

"""What a scan tells people: findings in words, and the summary of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NotRequired, TypedDict

import pyarrow as pa

from kazami.model.rule import Rejected, RuleInfo


class FindingRow(TypedDict):
    """One finding as a JSON line prints it. Times are ISO 8601 in UTC with microseconds, or None."""

    finding_uid: str
    rule_id: str
    title: str
    level: str
    time: str | None
    tenant: str
    host: str | None
    user: str | None
    techniques: list[str]
    tactics: list[str]
    event_uids: list[str]
    evidence: str  # the name of the evidence, as a person would say it
    record: int
    table: str  # log source
    matched: dict[str, str]
    kind: str  # rule, or correlation
    rule_version: str
    tags: list[str]
    description: str
    author: str
    falsepositives: list[str]
    references: list[str]
    attack: NotRequired[dict[str, dict[str, str]]]  # technique to its name and the version of ATT&CK
    suppressed: NotRequired[str | None]  # what silences it, where there is any suppression
    mitigations: NotRequired[dict[str, list[str]]]  # now, week, then: ids of what to do


@dataclass(frozen=True, slots=True)
class Totals:
    """The findings of a case, counted, and those that a report needs whole.

    `groups` has a row for findings of the same ``rule``, ``rank`` (of the level, 0 the weakest), ``tenant``, ``host``
    and ``user`` ("" where there is none): their ``count``, how many are ``dated``, ``first`` and ``last`` as text.
    `seconds` counts by ``second`` since the epoch and ``rank``: of all (``tenant`` and ``host`` are ""), and of each
    host that is followed.
    """

    groups: pa.Table
    seconds: pa.Table
    rules: list[FindingRow]  # one finding of each rule
    chosen: list[FindingRow]  # those to show, the newest first


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was seen, when first and last."""

    key: str
    count: int
    first: datetime | None = None
    last: datetime | None = None
    level: str = ""  # the highest level among them
    label: str = ""  # the key in words (a rule's title)


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence: what it was taken for and what came of it."""

    uid: str
    name: str
    tenant: str
    format: str  # the source that read it, "" where none could
    size: int
    events: int
    duplicates: int
    rejects: int
    state: str  # done, partial, unreadable, skipped (not evidence)
    note: str = ""


@dataclass(frozen=True, slots=True)
class RejectRow:
    """Records that could not be read."""

    name: str
    place: str
    reason: str
    count: int
    sample: str | None = None


@dataclass(frozen=True, slots=True)
class Blind:
    """A loaded rule that this evidence can never make fire: why, in words a person can act on."""

    rule: RuleInfo
    reason: str  # "no events of windows/ps_script", "field Imphash never seen in process_creation"


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the summary on the terminal and the report are made of, but for the findings themselves."""

    case: str
    version: str
    started: datetime | None = None
    finished: datetime | None = None
    events: int = 0
    duplicates: int = 0
    first: datetime | None = None
    last: datetime | None = None
    findings: int = 0
    suppressed: int = 0  # findings that are kept and marked, and counted nowhere else
    levels: list[Count] = field(default_factory=list)
    rules: list[Count] = field(default_factory=list)
    hosts: list[Count] = field(default_factory=list)
    users: list[Count] = field(default_factory=list)
    techniques: list[Count] = field(default_factory=list)
    tenants: list[Count] = field(default_factory=list)
    log_sources: list[Count] = field(default_factory=list)  # events a log source
    timeline: list[tuple[datetime, str, int]] = field(
        default_factory=list
    )  # start of a bucket, level, findings
    bucket_seconds: int = 3600
    evidence: list[EvidenceRow] = field(default_factory=list)
    rejects: list[RejectRow] = field(default_factory=list)
    rejected_records: int = 0
    loaded: int = 0
    rejected_rules: list[Rejected] = field(default_factory=list)
    blind: list[Blind] = field(default_factory=list)
    notes: list[str] = field(
        default_factory=list
    )  # "rule x ran out of time on 3 values", "stopped by Ctrl-C"
    extra: dict[str, Any] = field(default_factory=dict)

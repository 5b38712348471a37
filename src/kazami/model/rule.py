"""What is said about a rule, apart from its detection logic."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from kazami.model.attack import tactics, techniques
from kazami.model.event import LogSource


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """The words of a rule that findings, reports and exports print.

    `version` is 16 hex digits of a hash over the rule's own content and of the filters applied to it; `kind` is
    ``rule`` or ``correlation``; `fields` are the fields that the rule's text suggests to show.
    """

    id: str
    version: str
    title: str
    level: str = "informational"
    kind: str = "rule"
    status: str = ""
    description: str = ""
    author: str = ""
    date: str = ""
    logsource: LogSource = LogSource()
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    license: str = ""
    path: str = ""
    name: str = ""  # Sigma's `name`, by which correlations may refer to it

    @property
    def techniques(self) -> list[str]:
        """ATT&CK technique ids of the rule's tags."""
        return techniques(self.tags)

    @property
    def tactics(self) -> list[str]:
        """ATT&CK tactics of the rule's tags."""
        return tactics(self.tags)


def detector(identity: str, said: object, **words: Any) -> RuleInfo:
    """What a detector of ours can find, as `words` (fields of `RuleInfo`) have it; its version is the hash of what `said` looks like."""
    return RuleInfo(
        identity,
        hashlib.sha256(repr(said).encode()).hexdigest()[:16],
        kind="detector",
        status="experimental",
        author="The Kazami authors",
        date="2026-11-29",
        license="Apache-2.0",
        **words,
    )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rule that was handed over and cannot be loaded: never silently dropped."""

    path: str
    reason: str
    id: str = ""
    title: str = ""

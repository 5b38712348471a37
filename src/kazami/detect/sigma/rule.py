"""Compiled rules and correlations, and the set of them that a scan runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from kazami.detect.sigma.expression import Expression, from_json
from kazami.model.rule import Rejected, RuleInfo


@dataclass(frozen=True, slots=True)
class Rule:
    """One Sigma rule, compiled: its words and its condition (several conditions are joined by or).

    `compiled` is the condition, or its JSON (`expression.to_json`), which is read when `condition` is first asked
    for: of some thousand rules in the cache, a scan needs those of the log sources that it sees. `report` is False
    for a rule that only feeds correlations (``generate: false`` there). `words` are literals of which one stands in
    every event that the rule is true of (`witness.words`); None where none are known.
    """

    info: RuleInfo
    compiled: Expression | bytes
    report: bool = True
    words: tuple[str, ...] | None = None

    @property
    def condition(self) -> Expression:
        """What has to be true of an event."""
        if isinstance(self.compiled, bytes):
            object.__setattr__(self, "compiled", from_json(msgspec.json.decode(self.compiled)))
        return self.compiled  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Correlation:
    """One Sigma correlation rule, compiled.

    `rules` are ids of the rules or correlations it builds on, in the order written (as `correlation.load` gives
    it: ids or names, which `correlation.resolve` turns into ids). `aliases` maps an alias to {rule id: field}.
    `condition` is a conjunction of (operator, number) over what the type measures; `expression` is the extended
    temporal condition over rule ids (``("is", rule id)`` as leaves) and then stands in its place. `fields` are
    the counted or summed fields; `timespan` is in seconds. `generate` lets the rules it builds on report findings
    of their own; `report` is False where this correlation only feeds others.
    """

    info: RuleInfo
    type: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: float
    condition: tuple[tuple[str, int | float], ...] = ()
    expression: Expression | None = None
    fields: tuple[str, ...] = ()
    percentile: float = 50.0
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    generate: bool = False
    report: bool = True


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything handed over as rules: what loads, and what does not with the reason."""

    rules: tuple[Rule, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[Rejected, ...] = ()  # loads, but a person should look (lint)
    version: str = ""  # hash over all of it
    extra: dict[str, Any] = field(default_factory=dict)

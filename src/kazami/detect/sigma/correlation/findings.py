"""Findings of correlations, in the words of `kazami.model.finding`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kazami.detect.sigma.correlation.evaluate import Outcome, evaluate
from kazami.detect.sigma.correlation.hit import Hit
from kazami.detect.sigma.correlation.matches import MISSING, Matches, codes
from kazami.detect.sigma.rule import Correlation
from kazami.model.finding import FINDING

#: Envelope columns that a finding has where all of its events agree.
_SHARED = ("host", "user", "logon_id", "process_uid", "parent_uid")


class Correlated(NamedTuple):
    """Findings in the schema `FINDING`, by time; and notes for people about what could not take part."""

    findings: pa.Table
    notes: list[str]


def needed_fields(correlations: Iterable[Correlation]) -> dict[str, set[str]]:
    """Per rule under `correlations` (in the order of `resolve`) the fields that its matches must bring along."""
    inner = {c.info.id: c for c in correlations}
    needed: dict[str, set[str]] = {}
    for correlation in inner.values():
        for name in (*correlation.group_by, *correlation.fields):
            _need(correlation, name, correlation.aliases.get(name, {}), inner, needed)
        for rule in correlation.rules:
            if rule not in inner:
                needed.setdefault(rule, set())
    return needed


def _need(
    correlation: Correlation,
    name: str,
    alias: Mapping[str, str],
    inner: Mapping[str, Correlation],
    needed: dict[str, set[str]],
) -> None:
    """Follow one name down to the rules: the same way as `HitSource.texts`."""
    for rule in correlation.rules:
        below = inner.get(rule)
        if below is None:
            needed.setdefault(rule, set()).add(alias.get(rule, name))
            continue
        field, rest = (alias[rule], {}) if rule in alias else (name, alias)
        _need(below, field, {**below.aliases.get(field, {}), **rest}, inner, needed)


def run(correlations: Sequence[Correlation], matches: pa.Table) -> Correlated:
    """Evaluate `correlations`, in the order of `resolve`, over all matches of a case (a table of `MATCHES`)."""
    fields = {name for names in needed_fields(correlations).values() for name in names}
    columns = Matches.of(matches, fields)
    outcomes = evaluate(correlations, columns)
    return Correlated(findings(outcomes, columns), notes(outcomes))


def notes(outcomes: Iterable[Outcome]) -> list[str]:
    """What people should know: matches that a correlation could not count, and why."""
    return [
        f"{outcome.correlation.info.title}: {count} of {outcome.matches} matches are not counted, having no {what}"
        for outcome in outcomes
        for what, count in outcome.lacking.items()
    ]


def findings(outcomes: Iterable[Outcome], matches: Matches) -> pa.Table:
    """One finding a hit, of those correlations that report, by time."""
    reporting = [(o.correlation, hit) for o in outcomes if o.correlation.report for hit in o.hits]
    reporting.sort(key=lambda pair: (pair[1].last, pair[0].info.id, pair[1].tenant, pair[1].event_uids[:1]))
    hits = [hit for _, hit in reporting]
    first = matches.table.select(["table", "evidence", "record"]).take(
        pa.array([hit.row for hit in hits], pa.int64())
    )
    columns: dict[str, Any] = {
        "finding_uid": [finding_uid(correlation, hit) for correlation, hit in reporting],
        "rule_id": [correlation.info.id for correlation, _ in reporting],
        "rule_version": [correlation.info.version for correlation, _ in reporting],
        "time": pa.array([hit.last for hit in hits], pa.int64()).cast(pa.timestamp("us", "UTC")),
        "tenant": [hit.tenant for hit in hits],
        "event_uids": [list(hit.event_uids) for hit in hits],
        "matched": [list(_matched(correlation, hit).items()) for correlation, hit in reporting],
    }
    columns |= {name: _shared(matches, name, hits) for name in _SHARED}
    columns |= {name: first[name] for name in first.column_names}
    return pa.table([_column(columns[f.name], f.type) for f in FINDING], schema=FINDING)


def _column(values: Any, type_: pa.DataType) -> Any:
    return pa.array(values, type_) if isinstance(values, list) else values.cast(type_)


def finding_uid(correlation: Correlation, hit: Hit) -> str:
    """32 hex digits of tenant, rule, version, group and events: equal for equal evidence, in whatever order."""
    group = [part for pair in hit.group.items() for part in (pair[0], pair[1].casefold())]
    parts = [hit.tenant, correlation.info.id, correlation.info.version, *group, str(hit.events)]
    text = "\x1f".join([*parts, *sorted(hit.event_uids)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _matched(correlation: Correlation, hit: Hit) -> dict[str, str]:
    """Group-by values, the measure under the name of its type, and all events where `event_uids` has not all."""
    matched = hit.group | {correlation.type: hit.measured}
    if hit.events > len(hit.event_uids):
        matched["events"] = str(hit.events)
    return matched


def _shared(matches: Matches, name: str, hits: Sequence[Hit]) -> list[str | None]:
    """Per hit, the value of an envelope column where all events have the same one."""
    if not hits:
        return []
    column, texts = codes(matches.table[name])
    shared = []
    for hit in hits:
        code = column[hit.rows[0]]
        same = code != MISSING and bool(np.all(column[hit.rows] == code))
        shared.append(texts[code] if same else None)
    return shared

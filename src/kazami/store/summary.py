"""What a scan tells people: counted by SQL over the whole case, never by looking at findings one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kazami.errors import UsageError
from kazami.model.finding import LEVELS
from kazami.model.result import Count, Summary
from kazami.store import lists
from kazami.store.suppressed import counted, counts
from kazami.store.views import FIXED, RANK

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Hosts, users and so on that are listed at most; the most frequent.
LONGEST = 1000

#: Seconds that a bar of the timeline may stand for; there are at most some 200 bars.
_BUCKETS = (60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400, 3650 * 86400)
_BARS = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Times that Python can say; what lies beyond counts, but is not shown.
_SANE = "time BETWEEN '0001-01-02 00:00:00+00' AND '9999-12-30 00:00:00+00'"


def summary(case: Case, run: int | None = None) -> Summary:
    """The whole case in figures, and what the run `run` (the last by default) said of its rules."""
    case.database.widen()
    about = _run(case, run)
    evidence = lists.evidence_rows(case)
    sources = _log_sources(case)
    seconds, timeline = _timeline(case)
    by = _counts(case)
    levels = by["levels"]
    return Summary(
        case=str(case.path),
        version=about["version"],
        started=about["started"],
        finished=about["finished"],
        events=sum(source.count for source in sources),
        duplicates=_duplicates(case),
        first=min((s.first for s in sources if s.first), default=None),
        last=max((s.last for s in sources if s.last), default=None),
        findings=sum(level.count for level in levels),
        suppressed=sum(counts(case).values()),
        levels=levels,
        rules=by["rules"],
        hosts=by["hosts"],
        users=by["users"],
        techniques=by["techniques"],
        tenants=by["tenants"],
        log_sources=sources,
        timeline=timeline,
        bucket_seconds=seconds,
        evidence=evidence,
        rejects=lists.reject_rows(case),
        rejected_records=_number(case, "SELECT coalesce(sum(count), 0)::BIGINT AS n FROM reject"),
        loaded=about["loaded"],
        rejected_rules=lists.rejected_rules(case, about["id"]),
        blind=lists.blind_rules(case, about["id"]),
        notes=about["notes"],
        extra=json.loads(about["extra"]),
    )


def _run(case: Case, run: int | None) -> dict[str, Any]:
    rows = case.database.rows(
        "SELECT * FROM run WHERE id = coalesce(?::INTEGER, (SELECT max(id) FROM run))", [run]
    )
    if rows:
        return rows[0]
    if run is not None:
        raise UsageError(f"{case.path}: has no run {run}")
    nothing = dict.fromkeys(("started", "finished"))
    return {**nothing, "id": 0, "version": "", "loaded": 0, "notes": [], "extra": "{}"}


def _number(case: Case, sql: str) -> int:
    return int(case.database.rows(sql)[0]["n"])


def _duplicates(case: Case) -> int:
    dropped = _number(
        case, "SELECT coalesce(sum(list_sum(map_values(dropped))), 0)::BIGINT AS n FROM segment"
    )
    return dropped + _number(case, "SELECT count(*) AS n FROM duplicate WHERE NOT projected")


#: What findings are counted by: SQL for it, for what it is called, and how many are listed at most.
_KEYS: dict[str, tuple[str, str, int | None]] = {
    "levels": ("level", "''", LONGEST),
    "rules": ("rule_id", "any_value(title)", None),
    "hosts": ("host", "''", LONGEST),
    "users": ('"user"', "''", LONGEST),
    "techniques": ("unnest(techniques)", "''", None),
    "tenants": ("tenant", "''", LONGEST),
}


def _counts(case: Case) -> dict[str, list[Count]]:
    """Findings by each of `_KEYS`: the highest level first, then the most frequent. Findings are gone through once."""
    parts = [
        f"""(SELECT '{what}' AS what, key, count(*) AS count, min(time) FILTER ({_SANE}) AS first,
        max(time) FILTER ({_SANE}) AS last, max({RANK}) AS rank, {label} AS label
        FROM (SELECT {key} AS key, time, level, title FROM found) WHERE key IS NOT NULL
        GROUP BY key ORDER BY rank DESC, count DESC, key {"" if limit is None else f"LIMIT {limit}"})"""  # noqa: S608 - ours
        for what, (key, label, limit) in _KEYS.items()
    ]
    rows = case.database.rows(
        f"""WITH found AS MATERIALIZED (SELECT rule_id, title, level, host, "user", techniques, tenant, time
            FROM ({counted(case.path)}))
        SELECT * FROM ({" UNION ALL ".join(parts)}) ORDER BY what, rank DESC, count DESC, key"""  # noqa: S608 - ours
    )
    by: dict[str, list[Count]] = {what: [] for what in _KEYS}
    for row in rows:
        by[row["what"]].append(_count(row))
    return by


def _count(row: dict[str, Any]) -> Count:
    level = LEVELS[row["rank"] - 1] if row["rank"] else ""
    return Count(row["key"], row["count"], row["first"], row["last"], level, row["label"])


def _log_sources(case: Case) -> list[Count]:
    """Distinct events by table, the largest first; what is projected from another table is counted there."""
    rows = case.database.rows(
        f"""SELECT name AS key, sum(events)::BIGINT AS count, min(first) AS first, max(last) AS last
        FROM (SELECT name, events,
            CASE WHEN {_SANE.replace("time", "first")} THEN first END AS first,
            CASE WHEN {_SANE.replace("time", "last")} THEN last END AS last
            FROM ({FIXED["log_source"]}) WHERE NOT projected)
        GROUP BY key ORDER BY count DESC, key"""  # noqa: S608 - ours
    )
    return [Count(**row) for row in rows]


def _timeline(case: Case) -> tuple[int, list[tuple[datetime, str, int]]]:
    """Seconds a bar, and the bars that are not empty: start, level, findings."""
    span = case.database.rows(
        f"SELECT epoch(max(time) - min(time)) AS seconds FROM ({counted(case.path)}) WHERE {_SANE}"  # noqa: S608 - ours
    )[0]["seconds"]
    seconds = next((s for s in _BUCKETS if (span or 0) / s <= _BARS), _BUCKETS[-1])
    rows = case.database.rows(
        f"""SELECT floor(epoch(time) / {seconds})::BIGINT * {seconds} AS start, level, count(*) AS count
        FROM ({counted(case.path)}) WHERE {_SANE} GROUP BY ALL ORDER BY start, max({RANK})"""  # noqa: S608 - ours
    )
    return seconds, [
        (_EPOCH + timedelta(seconds=max(row["start"], -62_135_596_800)), row["level"], row["count"])
        for row in rows
    ]

"""What a report counts and shows of the findings of a case, asked of DuckDB at once instead of finding by finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kazami.model.finding import LEVELS
from kazami.model.result import Totals
from kazami.store.names import literal
from kazami.store.read import rows_of
from kazami.store.suppressed import counted
from kazami.store.views import RANK

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Times that are said in words; what lies beyond has none.
_TIME = "strftime(f.time AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f+00:00')"
_NEWEST = "f.time DESC NULLS LAST, finding_uid DESC"


def totals(case: Case, lanes: Sequence[str], turn: Mapping[str, int], most: int) -> Totals:
    """The findings of a case, counted; `lanes` are hosts to follow over time.

    `turn` says how many findings of one rule on one host are taken at a time, by level; `most` how many in all. The
    order is that of `respond.report.selection`, which says it finding by finding.
    """
    case.database.widen()
    source = f"FROM ({counted(case.path)}) f"
    groups = case.database.table(
        f"""SELECT rule_id AS rule, ({RANK} - 1)::BIGINT AS rank, tenant, coalesce(host, '') AS host,
        coalesce("user", '') AS "user", count(*) AS count, count({_TIME}) AS dated,
        coalesce(min({_TIME}), '') AS first, coalesce(max({_TIME}), '') AS last
        {source} GROUP BY ALL"""
    )
    wanted = ", ".join(map(literal, lanes)) or "NULL"
    seconds = case.database.table(
        f"""WITH seen AS (SELECT tenant, host, floor(epoch(f.time))::BIGINT AS second, ({RANK} - 1)::BIGINT AS rank
            {source} WHERE f.time IS NOT NULL)
        SELECT '' AS tenant, '' AS host, second, rank, count(*) AS count FROM seen GROUP BY ALL
        UNION ALL SELECT tenant, host, second, rank, count(*) AS count FROM seen WHERE host IN ({wanted})
        GROUP BY ALL ORDER BY tenant, host, second, rank"""  # noqa: S608 - ours
    )
    one_of_each = f"(SELECT arg_max(finding_uid, (coalesce(f.time, '-infinity'::TIMESTAMPTZ), finding_uid)) {source} GROUP BY rule_id)"
    size = (
        f"CASE level {' '.join(f'WHEN {literal(level)} THEN {turn[level]}' for level in LEVELS)} ELSE 1 END"
    )
    chosen = (
        f"(SELECT finding_uid FROM (SELECT finding_uid, f.time, {RANK} AS rank, "  # noqa: S608 - ours
        f"(row_number() OVER (PARTITION BY rule_id, tenant, coalesce(host, '') ORDER BY {_NEWEST}) - 1) // {size} AS turn {source}) f "
        f"ORDER BY turn, rank DESC, {_NEWEST} LIMIT {int(most)})"
    )
    return Totals(
        groups,
        seconds,
        list(rows_of(case, f"finding_uid IN {one_of_each}", [], "rule_id, finding_uid")),
        list(rows_of(case, f"finding_uid IN {chosen}", [], _NEWEST)),
    )

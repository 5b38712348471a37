"""Findings that people assert: kept beside those of rules, once each, and not touched by later scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kazami.model.rule import RuleInfo
from kazami.store import words

if TYPE_CHECKING:
    from kazami.store.case import Case


def keep(case: Case, rule: RuleInfo, findings: pa.Table) -> int:
    """Keep `findings` (`model.finding.FINDING`) of `rule`; how many of them are new. Raises CaseError."""
    database = case.database
    count = "SELECT count(*) AS n FROM finding"
    with case.require_writer().changing(), database.transaction():
        before = database.rows(count)[0]["n"]
        words.store(database, [rule])
        database.insert(
            "INSERT INTO finding BY NAME SELECT * FROM new WHERE finding_uid NOT IN (SELECT finding_uid FROM finding)",
            findings,
        )
        return int(database.rows(count)[0]["n"] - before)

"""Lists of a case that are short: evidence, what could not be read, rules that could not be loaded or used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kazami.model.event import LogSource
from kazami.model.result import Blind, EvidenceRow, RejectRow
from kazami.model.rule import Rejected, RuleInfo
from kazami.store.views import FIXED

if TYPE_CHECKING:
    from kazami.store.case import Case


def evidence_rows(case: Case) -> list[EvidenceRow]:
    """All evidence, in the order in which it came. `events` are distinct events that count for it."""
    names = ", ".join(EvidenceRow.__slots__)
    rows = case.database.rows(f"SELECT {names} FROM ({FIXED['evidence']}) ORDER BY seq")  # noqa: S608 - ours
    return [EvidenceRow(**row) for row in rows]


def unread(case: Case) -> bool:
    """Whether there is evidence that no source took."""
    return bool(case.database.rows("SELECT 1 FROM evidence WHERE state = 'skipped' AND size > 0 LIMIT 1"))


def reject_rows(case: Case, limit: int = 1000) -> list[RejectRow]:
    """What could not be read, the largest losses first, at most `limit` places."""
    rows = case.database.rows(
        "SELECT name, place, reason, count, sample FROM reject ORDER BY count DESC, name, place LIMIT ?",
        [limit],
    )
    return [RejectRow(**row) for row in rows]


def rejected_rules(case: Case, run: int) -> list[Rejected]:
    """Rules that could not be loaded in the run `run`."""
    rows = case.database.rows(
        "SELECT path, reason, id, title FROM rejected_rule WHERE run = ? ORDER BY path, title", [run]
    )
    return [Rejected(**row) for row in rows]


def blind_rules(case: Case, run: int) -> list[Blind]:
    """Rules that the evidence of the run `run` could never make fire.

    Of a rule its name, level and log source are told: a case has thousands of these, whose every word takes time.
    """
    rows = case.database.rows(
        "SELECT r.id, r.version, r.title, r.level, r.kind, r.product, r.category, r.service, b.reason "
        "FROM blind b JOIN rule r ON r.id = b.rule_id AND r.version = b.rule_version "
        "WHERE b.run = ? ORDER BY b.reason, r.title",
        [run],
    )
    return [
        Blind(
            RuleInfo(
                row["id"],
                row["version"],
                row["title"],
                row["level"],
                row["kind"],
                logsource=LogSource(row["product"], row["category"], row["service"]),
            ),
            row["reason"],
        )
        for row in rows
    ]


def rule_info(row: dict[str, Any]) -> RuleInfo:
    """The words of a rule, from its row in the case."""
    logsource = LogSource(row["product"], row["category"], row["service"])
    names = set(RuleInfo.__slots__) - {"logsource"}
    given: dict[str, Any] = {
        name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in names
    }
    return RuleInfo(logsource=logsource, **given)

"""The words of rules in a case: what findings are printed with, and which version of a rule speaks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from kazami.model.attack import TACTICS, tactics, techniques
from kazami.model.result import Blind
from kazami.model.rule import Rejected, RuleInfo
from kazami.store.database import Database

_TEXTS = (
    "id",
    "version",
    "name",
    "title",
    "level",
    "kind",
    "status",
    "description",
    "author",
    "date",
    "license",
    "path",
)
_LISTS = ("tags", "references", "falsepositives", "fields")


def store(database: Database, rules: Sequence[RuleInfo]) -> None:
    """Keep the words of `rules`; their versions are the current ones from now on. Inside a transaction."""
    if not rules:
        return
    if not database.rows("SELECT 1 FROM rule LIMIT 1"):
        database.insert(
            "INSERT INTO rule BY NAME SELECT DISTINCT ON (id) *, true AS current FROM new", _table(rules)
        )
        return
    database.insert(
        """CREATE TEMP TABLE given AS SELECT DISTINCT ON (id) * FROM new;
        UPDATE rule SET current = false WHERE current AND id IN (SELECT id FROM given);
        UPDATE rule SET current = true WHERE (id, version) IN (SELECT (id, version) FROM given);
        INSERT INTO rule BY NAME SELECT *, true AS current FROM given
        WHERE (id, version) NOT IN (SELECT (id, version) FROM rule);
        DROP TABLE given;""",
        _table(rules),
    )


def store_rejected(database: Database, run: int, rejected: Sequence[Rejected]) -> None:
    """Keep which rules could not be loaded, and why."""
    if rejected:
        columns = {
            name: [getattr(row, name) for row in rejected] for name in ("path", "reason", "id", "title")
        }
        database.insert(
            "INSERT INTO rejected_rule BY NAME SELECT * FROM new",
            pa.table({"run": pa.repeat(run, len(rejected)), **columns}),
        )


def store_blind(database: Database, run: int, blind: Sequence[Blind]) -> None:
    """Keep which rules this evidence can never make fire, and why."""
    if blind:
        columns = {
            "run": pa.repeat(run, len(blind)),
            "rule_id": [row.rule.id for row in blind],
            "rule_version": [row.rule.version for row in blind],
            "reason": [row.reason for row in blind],
        }
        database.insert("INSERT INTO blind BY NAME SELECT * FROM new", pa.table(columns))


def _table(rules: Sequence[RuleInfo]) -> pa.Table:
    columns = {name: pa.array([getattr(rule, name) for rule in rules], pa.string()) for name in _TEXTS}
    columns |= {
        name: pa.array([getattr(rule, name) for rule in rules], pa.list_(pa.string())) for name in _LISTS
    }
    for name in ("product", "category", "service"):
        columns[name] = pa.array([getattr(rule.logsource, name) for rule in rules], pa.string())
    columns["techniques"] = pa.array(
        [list(dict.fromkeys(t for tag in rule.tags for t in _techniques(tag))) for rule in rules],
        pa.list_(pa.string()),
    )
    columns["tactics"] = pa.array(
        [sorted({t for tag in rule.tags for t in _tactics(tag)}, key=TACTICS.index) for rule in rules],
        pa.list_(pa.string()),
    )
    return pa.table(columns)


# Thousands of rules share some hundred tags.
_techniques = cache(lambda tag: techniques((tag,)))
_tactics = cache(lambda tag: tactics((tag,)))

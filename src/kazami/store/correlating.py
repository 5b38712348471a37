"""What correlation reads of a case: findings, what their events say beside the envelope, the words of their rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from kazami.model.event import own_name
from kazami.model.finding import FINDING
from kazami.model.incident import Change
from kazami.model.rule import RuleInfo
from kazami.model.suppression import Suppression
from kazami.store.lists import rule_info
from kazami.store.names import identifier, literal
from kazami.store.suppressed import counted

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Events of one finding that are looked at, and characters of a value.
EVENTS, LONGEST = 20, 1000

#: Fields that people write addresses into, what these are told as, and the machine in one.
_TEXTS, _WORDS = ("CommandLine", "ScriptBlockText"), ("url.domain", "url.address")
_URL = literal(r"(?i)(?:https?|ftp)://(?:[^\s/@'\"]*@)?([^\s/:'\"<>|^]{4,253})")


def findings(
    case: Case, fields: Collection[str], also: Sequence[Suppression] = (), tenant: str = ""
) -> pa.Table:
    """Findings (of `tenant` alone, if given) that stand (see `kazami.store.read.findings`) and count, as `FINDING`; of what matched only `fields`, and no
    event uids. What `also` would silence is left out too."""
    case.database.widen()
    wanted = ", ".join(map(literal, fields))
    special = {
        "matched": f"map_from_entries([x FOR x IN map_entries(matched) IF x.key IN ({wanted})]) AS matched",
        "event_uids": "[]::VARCHAR[] AS event_uids",
    }
    columns = ", ".join(special.get(name, identifier(name)) for name in FINDING.names)
    of = f" WHERE tenant = {literal(tenant)}" if tenant else ""
    sql = f"SELECT {columns} FROM ({counted(case.path, also)}){of}"  # noqa: S608 - ours
    reader = case.database.stream(sql, size=1 << 16)
    schema = pa.schema([field.with_nullable(True) for field in FINDING])
    return pa.Table.from_batches(list(reader), reader.schema).cast(schema)


def fields(case: Case, names: Collection[str]) -> pa.Table:
    """What the events of findings say in the fields `names`: columns ``finding_uid``, ``field``, ``value``.

    The machine that an address in one of `_TEXTS` names is said as ``url.domain`` and ``url.address``, whichever it is.
    """
    parts = [pa.table({name: pa.array([], pa.string()) for name in ("finding_uid", "field", "value")})]
    for row in case.database.rows('SELECT DISTINCT "table" FROM finding ORDER BY 1'):
        sql = _fields_of(case, row["table"], names)
        if sql:
            parts.append(case.database.table(sql))
    return pa.concat_tables(parts)


def _fields_of(case: Case, table: str, names: Collection[str]) -> str:
    segments = case.database.rows('SELECT path, columns FROM segment WHERE "table" = ? ORDER BY id', [table])
    seen = {column for row in segments for column in row["columns"]}
    known = [name for name in sorted(names) if own_name(name) in seen]
    words = [word for word in _WORDS if word in names]
    texts = [name for name in _TEXTS if words and own_name(name) in seen]
    if not known and not texts:
        return ""
    files = ", ".join(literal(f"{case.root}/{row['path']}") for row in segments)
    said = [
        *((name, f"left(CAST(e.{identifier(own_name(name))} AS VARCHAR), {LONGEST})") for name in known),
        *(
            (word, f"regexp_extract({identifier(own_name(text))}, {_URL}, 1)")
            for text in texts
            for word in words
        ),
    ]
    pairs = ", ".join(f"{{'field': {literal(name)}, 'value': {value}}}" for name, value in said)
    return f"""SELECT DISTINCT finding_uid, pair.field AS field, pair.value AS value FROM (
        SELECT w.finding_uid, unnest([{pairs}]) AS pair
        FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false) e
        JOIN (SELECT finding_uid, unnest(event_uids[1:{EVENTS}]) AS event_uid FROM finding
            WHERE "table" = {literal(table)}) w ON w.event_uid = e.event_uid)
        WHERE pair.value IS NOT NULL AND pair.value NOT IN ('', '-')"""  # noqa: S608 - quoted


def rules(case: Case) -> dict[str, RuleInfo]:
    """The words of the rules that have findings, by id."""
    rows = case.database.rows("SELECT * FROM rule WHERE current AND id IN (SELECT rule_id FROM finding)")
    return {row["id"]: rule_info(row) for row in rows}


def touched(changes: Collection[Change], who: str = "kazami") -> frozenset[str]:
    """Incidents in which people had a hand: somebody else than `who` changed them."""
    return frozenset(uid for one in changes if one.who != who for uid in (one.incident_uid, one.other) if uid)


def told(case: Case, *keys: str) -> list[tuple[str, str, dict[str, str]]]:
    """What findings say in `matched` under `keys`, the first of which they all have: rule id, version, key to value; each once."""
    values = ", ".join(
        f"[x.value FOR x IN map_entries(matched) IF x.key = {literal(key)}][1] AS k{number}"
        for number, key in enumerate(keys)
    )
    rows = case.database.rows(
        f"SELECT DISTINCT * FROM (SELECT rule_id, rule_version, {values} FROM finding "  # noqa: S608 - quoted
        "WHERE contains(rule_id, ':')) WHERE k0 IS NOT NULL ORDER BY ALL"
    )
    return [
        (row["rule_id"], row["rule_version"], {key: row[f"k{n}"] or "" for n, key in enumerate(keys)})
        for row in rows
    ]

"""Incidents of a case: read by whoever tells of them, written by the correlator, changed by people.

What is written by a scan replaces what was there of the same tenant, but for the log of changes, which only grows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from kazami.model.incident import (
    CHANGE,
    INCIDENT,
    LINK,
    MEMBER,
    SKELETON,
    Change,
    Incident,
    Link,
    Skeleton,
    Text,
)
from kazami.model.story import Story
from kazami.store.suppressed import counted
from kazami.store.views import younger

if TYPE_CHECKING:
    from kazami.store.case import Case

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Incident)

#: Columns of `INCIDENT` that are the attribute of the same name.
_PLAIN = [name for name in INCIDENT.names if name not in ("title", "title_ja", "story")]


def incidents(
    case: Case,
    *,
    tenant: str | None = None,
    redirected: bool = False,
    links: bool = False,
    only: str | None = None,
    most: int | None = None,
) -> Iterator[Incident]:
    """The incidents of a case, the highest score first, as they come; `only` those of a state, `most` of them at most.

    Without `redirected` those are left out that were merged into another. With `links` each has its links; else it
    has none, which is quicker. A case of a version without incidents has none.
    """
    if not _there(case, "incident"):
        return
    asked = {"tenant = ?": tenant, "state = ?": only}
    condition = " AND ".join(["true", *(text for text, value in asked.items() if value is not None)])
    parameters: list[Any] = [value for value in asked.values() if value is not None]
    bound = f" LIMIT {int(most)}" if most is not None else ""
    batches = case.database.stream(
        f"SELECT story FROM kase.incident WHERE {condition} AND (state <> 'redirected' OR ?) "  # noqa: S608 - ours
        f"ORDER BY score DESC, first NULLS LAST, incident_uid{bound}",
        [*parameters, redirected],
        size=256,
    )
    for batch in batches:
        for story in batch.column(0).to_pylist():
            found = _DECODER.decode(story)
            yield _linked(case, found) if links else found


def verdicts(case: Case) -> dict[str, str]:
    """What people said of each incident that was not merged into another, by its id; without reading their stories."""
    if not _there(case, "incident"):
        return {}
    rows = case.database.rows("SELECT incident_uid, verdict FROM incident WHERE state <> 'redirected'")
    return {row["incident_uid"]: row["verdict"] for row in rows}


def gravest(case: Case, most: int) -> Story:
    """The gravest open incidents alone, for a summary."""
    return Story(list(incidents(case, only="open", most=most)), total=opened(case))


def opened(case: Case) -> int:
    """How many incidents of a case are open."""
    if not _there(case, "incident"):
        return 0
    return int(case.database.rows("SELECT count(*) AS n FROM incident WHERE state = 'open'")[0]["n"])


def incident(case: Case, incident_uid: str) -> Incident | None:
    """The incident that an id, or the beginning of one that no other has, names; redirects are followed.

    None where the case has no such incident, or several.
    """
    if not _there(case, "incident") or not incident_uid:
        return None
    for _ in range(64):  # merges of merges; a ring of them would be an error, and must not hang
        rows = case.database.rows(
            "SELECT story, redirect FROM incident WHERE starts_with(incident_uid, ?) LIMIT 2", [incident_uid]
        )
        if len(rows) != 1:
            return None
        if not rows[0]["redirect"]:
            return _linked(case, _DECODER.decode(rows[0]["story"]))
        incident_uid = rows[0]["redirect"]
    return None


def members(case: Case, incident_uid: str | None = None) -> pa.Table:
    """Which findings belong to an incident, or to all: rows of `MEMBER`."""
    return _rows(case, "incident_finding", MEMBER, incident_uid)


def rules(case: Case, tenant: str) -> dict[str, set[str]]:
    """The rules that the incidents of a tenant are made of, by incident."""
    if not _there(case, "incident_finding"):
        return {}
    rows = case.database.rows(
        f"""SELECT m.incident_uid AS uid, list(DISTINCT f.rule_id) AS rules FROM incident_finding m
        JOIN ({counted(case.path)}) f USING (finding_uid) WHERE m.tenant = ? GROUP BY ALL""",  # noqa: S608 - ours
        [tenant],
    )
    return {row["uid"]: set(row["rules"]) for row in rows}


def links(case: Case, incident_uid: str | None = None) -> pa.Table:
    """What ties the findings of an incident, or of all: rows of `LINK`, the strongest first."""
    return _rows(case, "incident_link", LINK, incident_uid, "weight DESC, kind, entity, source, target")


def skeleton(case: Case, *, tenant: str | None = None) -> pa.Table:
    """The entities that incidents were seen on: rows of `SKELETON`."""
    if not _there(case, "skeleton"):
        return SKELETON.empty_table()
    where, parameters = ("WHERE tenant = ?", [tenant]) if tenant is not None else ("", [])
    table = case.database.table(f"SELECT * FROM skeleton {where} ORDER BY ALL", parameters)  # noqa: S608 - ours
    return table.cast(SKELETON)


def remembered(case: Case) -> int:
    """How many entities are kept of incidents."""
    if not _there(case, "skeleton"):
        return 0
    return int(case.database.rows("SELECT count(*) AS n FROM skeleton")[0]["n"])


def skeletons(case: Case, *, tenant: str | None = None) -> list[Skeleton]:
    """The same as objects, for those who look at few."""
    return [Skeleton(**row) for row in skeleton(case, tenant=tenant).to_pylist()]


def changes(case: Case, incident_uid: str | None = None) -> list[Change]:
    """What was done to an incident, or to all, oldest first."""
    if not _there(case, "incident_change"):
        return []
    names = ", ".join(f'"{name}"' for name in CHANGE.names)
    where = "WHERE incident_uid = ? OR other = ?" if incident_uid is not None else ""
    rows = case.database.rows(
        f"SELECT {names} FROM incident_change {where} ORDER BY seq",  # noqa: S608 - ours
        [incident_uid, incident_uid] if incident_uid is not None else [],
    )
    return [Change(**row) for row in rows]


def replace(
    case: Case,
    found: Iterable[Incident],
    *,
    members: pa.Table,
    links: pa.Table,
    skeleton: pa.Table,
    changes: Sequence[Change] = (),
) -> None:
    """All incidents of the case are `found` from now on, whole or not at all; `changes` are added to the log.

    The tables are in the words of `MEMBER`, `LINK` and `SKELETON`. Raises CaseError; then nothing was changed.
    """
    tables = {
        "incident": pa.Table.from_pylist([_row(one) for one in found], INCIDENT),
        "incident_finding": members.select(MEMBER.names),
        "incident_link": links.select(LINK.names),
        "skeleton": skeleton.select(SKELETON.names),
    }
    database = case.database
    with case.require_writer().changing(), database.transaction():
        for name, table in tables.items():
            database.run(f"DELETE FROM {name}")  # noqa: S608 - ours
            if table.num_rows:
                database.insert(f"INSERT INTO {name} BY NAME SELECT * FROM new", table)  # noqa: S608 - ours
        _log(case, changes)


def update(case: Case, decided: Sequence[Incident], changes: Sequence[Change]) -> None:
    """What people decided about incidents that the case has, all of it or nothing; `changes` are added to the log."""
    database = case.database
    with case.require_writer().changing(), database.transaction():
        for one in decided:
            row = _row(one)
            database.run(
                "UPDATE incident SET state = ?, verdict = ?, owner = ?, story = ? WHERE incident_uid = ?",
                [row["state"], row["verdict"], row["owner"], row["story"], one.incident_uid],
            )
        _log(case, changes)


def _log(case: Case, changes: Sequence[Change]) -> None:
    if changes:
        rows = [{name: getattr(one, name) for name in CHANGE.names} for one in changes]
        case.database.insert(
            "INSERT INTO incident_change BY NAME SELECT (SELECT coalesce(max(seq), 0) FROM incident_change) + "
            "row_number() OVER () AS seq, * FROM new",
            pa.Table.from_pylist(rows, CHANGE),
        )


def _row(one: Incident) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in _PLAIN}
    story = _ENCODER.encode(dataclasses.replace(one, links=())).decode()
    return {**row, "title": one.title.en, "title_ja": one.title.ja, "story": story}


def _linked(case: Case, one: Incident) -> Incident:
    rows = links(case, one.incident_uid).to_pylist()
    return dataclasses.replace(one, links=tuple(_link(row) for row in rows))


def _link(row: dict[str, Any]) -> Link:
    names = ("kind", "entity", "weight", "source", "target", "count")
    return Link(**{name: row[name] for name in names}, words=Text(row["words"], row["words_ja"]))


def _rows(
    case: Case, table: str, schema: pa.Schema, incident_uid: str | None, order: str = "ALL"
) -> pa.Table:
    if not _there(case, table):
        return schema.empty_table()
    where, parameters = ("WHERE incident_uid = ?", [incident_uid]) if incident_uid is not None else ("", [])
    found = case.database.table(f"SELECT * FROM {table} {where} ORDER BY {order}", parameters)  # noqa: S608 - ours
    return found.cast(schema)


def _there(case: Case, table: str) -> bool:
    return table not in younger(case.database)

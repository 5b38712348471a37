"""Files that were looked inside: what a scan saw in them, why it convicts, and what lay in what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kazami.intel.reputation.label import Known
from kazami.intel.reputation.shelf import Shelf
from kazami.store.browse.findings import Found, Wanted, findings
from kazami.store.case import Case
from kazami.store.seen import views
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource

#: Files of a list, and proofs of one file.
MOST, PROOFS = 500, 200

_VIEW = "file_inspection"
_SQL = f"""SELECT tenant, TargetFilename AS name, Hashes AS hashes, FileKind AS kind, Place AS place, Container AS container,
    Verdict AS verdict, try_cast(Score AS INTEGER) AS score, event_uid FROM {_VIEW}
    ORDER BY score DESC NULLS LAST, container, place LIMIT 20000"""  # noqa: S608 - ours


class File(msgspec.Struct, frozen=True):
    """An artifact: `place` says where in `container` it lay (empty: it is the whole of it)."""

    tenant: str
    name: str
    sha256: str
    kind: str
    place: str
    container: str
    verdict: str
    score: int
    event: str


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`verdict` is ``malicious`` or ``suspicious``; `text` is looked for in names and hashes."""

    tenant: str = ""
    verdict: str = ""
    text: str = ""


class Listed(msgspec.Struct, frozen=True):
    """Files by score, and how many more there are."""

    rows: list[File]
    more: int
    tenants: list[str]


class Shown(msgspec.Struct, frozen=True):
    """A file by its content: each place where it lay, what lay beside, above and below it there, and the proofs."""

    sha256: str
    places: list[File]
    chain: list[File]
    proofs: list[Found]
    known: Known | None


def listed(asking: Asking) -> Listed:
    """Files in which something was found."""
    query: Query = asking.query
    text = query.text.strip().lower()
    rows = [
        one
        for one in _behind_the_wall(asking)
        if (not query.tenant or one.tenant == query.tenant)
        and (not query.verdict or one.verdict == query.verdict)
        and (not text or text in f"{one.name} {one.container} {one.sha256}".lower())
    ]
    return Listed(rows[:MOST], max(len(rows) - MOST, 0), asking.reader.tenant_names())


def shown(asking: Asking) -> Shown:
    """One file."""
    sha256 = asking.path["sha256"].lower()
    mine = _behind_the_wall(asking)
    places = [one for one in mine if one.sha256 == sha256]
    if not places:
        raise missing("nothing was found in such a file")
    holders = {(one.tenant, one.container) for one in places}
    chain = sorted(
        (one for one in mine if (one.tenant, one.container) in holders),
        key=lambda one: (one.container, one.place),
    )
    proofs = findings(asking.reader, Wanted(entity=sha256), oldest=True, limit=PROOFS).rows
    with Shelf(asking.site.shelf) as shelf:
        known = shelf.look(sha256)
    return Shown(sha256, places, chain[:MOST], proofs, known)


def _behind_the_wall(asking: Asking) -> list[File]:
    tenants = asking.person.tenants
    every = asking.desk.kept("files", lambda: _all(asking))
    return [one for one in every if tenants is None or one.tenant in tenants]


def _all(asking: Asking) -> list[File]:
    with asking.desk.opened() as case:
        return list(_read(case))


def _read(case: Case) -> Iterator[File]:
    if _VIEW not in views(case):
        return
    _, batches = case.sql(_SQL)
    for batch in batches:
        for row in batch.to_pylist():
            yield _file(row)


def _file(row: dict[str, Any]) -> File:
    hashes = dict(part.partition("=")[::2] for part in (row["hashes"] or "").split(","))
    name = row["name"] or Path(row["container"] or "").name
    return File(
        tenant=row["tenant"],
        name=name,
        sha256=hashes.get("SHA256", "").lower(),
        kind=row["kind"] or "",
        place=row["place"] or "",
        container=row["container"] or "",
        verdict=row["verdict"] or "",
        score=row["score"] or 0,
        event=row["event_uid"],
    )


RESOURCES = (
    Resource("/files", "files", "Files that were looked inside", listed, Listed, Query),
    Resource("/files/{sha256}", "file", "One file, by its content", shown, Shown),
)

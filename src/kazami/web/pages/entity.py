"""Everything about a host, an account, an address or a file on one line of time."""

from __future__ import annotations

import msgspec

from kazami.store.browse.entities import Entity, Moment, entity, moments, similar
from kazami.store.browse.findings import Facet, Found, Wanted, facets, findings
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` is the entity; `after` the cursor of the next page of its findings."""

    name: str = ""
    after: str = ""


class Shown(msgspec.Struct, frozen=True):
    """An entity, a page of its findings, what they are about, and on the first page when each of them was."""

    entity: Entity | None
    rows: list[Found]
    next: str | None
    facets: list[Facet]
    similar: list[tuple[str, str]]
    moments: list[Moment]


def shown(asking: Asking) -> Shown:
    """One entity; without a name, or for one that is not known, those that begin alike."""
    name = asking.query.name.strip()
    alike = similar(asking.reader, name)
    if not name:
        return Shown(None, [], None, [], [], [])
    wanted = Wanted(entity=name)
    page = findings(asking.reader, wanted, after=asking.query.after)
    about = entity(asking.reader, name)
    if about is None and not page.rows and not alike:
        raise missing("nothing is known of this entity")
    found = [] if asking.query.after else facets(asking.reader, wanted)
    others = [one for one in alike if one[1] != name.lower()]
    line = [] if asking.query.after else moments(asking.reader, name)
    return Shown(about, page.rows, page.next, found, others, line)


RESOURCES = (
    Resource(
        "/entities", "entity", "Everything about one host, account, address or file", shown, Shown, Query
    ),
)

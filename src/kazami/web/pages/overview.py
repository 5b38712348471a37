"""What a person sees first: each tenant as weather, what is new since they last looked, what waits for them."""

from __future__ import annotations

import msgspec

from kazami.store.browse.counts import Weather, weather
from kazami.store.browse.incidents import Asked, Row, count, incidents
from kazami.web.resource import Asking, Resource
from kazami.web.state import notes

#: Incidents of each list.
SHOWN = 12


class Overview(msgspec.Struct, frozen=True):
    """`since` is when the person last said that all was seen; `new` counts open incidents with something later."""

    since: float | None
    weather: list[Weather]
    new: int
    newest: list[Row]
    waiting: int
    mine: list[Row]
    unowned: int
    gravest: list[Row]


def overview(asking: Asking) -> Overview:
    """How it stands."""
    reader, person = asking.reader, asking.person
    since = notes.last_seen(asking.site.state, person, f"{asking.desk.name}/")
    micro = int(since * 1_000_000) if since else None
    mine, unowned = Asked(owner=person.name), Asked(owner="-")
    fresh = Asked(since=micro)
    return Overview(
        since=since,
        weather=weather(reader, micro),
        new=count(reader, fresh),
        newest=incidents(reader, fresh, order="newest", limit=SHOWN).rows,
        waiting=count(reader, mine),
        mine=incidents(reader, mine, limit=SHOWN).rows,
        unowned=count(reader, unowned),
        gravest=incidents(reader, unowned, limit=SHOWN).rows,
    )


RESOURCES = (
    Resource("/", "overview", "How each tenant stands, what is new, what waits for you", overview, Overview),
)

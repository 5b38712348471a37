"""What the hosts of a case had on each day: programs, which started which, services, signers of what was loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazami.store.case import Case
from kazami.store.sql import Fill

_FILL: Fill = {
    "process_creation": ("Image", "ParentImage"),
    "image_load": ("Signature", "Signed"),
    "driver_load": ("ImageLoaded", "Signature"),
    "system": ("EventID", "ServiceName"),
}
_SQL = """
select tenant, host, day, facet, thing, min(event_uid) as event_uid from (
  select tenant, host, time, event_uid, 'program' as facet, Image as thing from process_creation
  union all select tenant, host, time, event_uid, 'parent and child',
    regexp_extract(lower(ParentImage), '[^\\\\/]*$') || ' > ' || regexp_extract(lower(Image), '[^\\\\/]*$') from process_creation
  union all select tenant, host, time, event_uid, 'signer', coalesce(nullif(Signature, '-'), 'nobody') from image_load
  union all select tenant, host, time, event_uid, 'driver', ImageLoaded from driver_load
  union all select tenant, host, time, event_uid, 'service', ServiceName from system where EventID = '7045'
), lateral (select strftime(time, '%Y-%m-%d') as day) group by all order by tenant, host, day"""

#: What differs where two things are the same: numbers of versions and users, and letters drawn by lot.
_DRAWN = re.compile(r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?|[0-9a-f]{12,}|\d+")
_USER = re.compile(r"^(c:\\users\\|/home/)[^\\/]+")

#: A unit, and of each facet the things with an event of each.
Unit = tuple[str, str, str]
Had = dict[str, dict[str, str]]


def plain(thing: str) -> str:
    """A thing without what differs from host to host: in small letters, users and drawn numbers left out."""
    return _DRAWN.sub("#", _USER.sub(r"\1*", thing.lower()))[:300]


def things(case: Case) -> Iterator[tuple[Unit, Had]]:
    """By tenant, host and day: what there was, with an event that shows it."""
    found: dict[Unit, Had] = {}
    _, batches = case.sql(_SQL, fill=_FILL)
    for batch in batches:
        for row in batch.to_pylist():
            if row["host"] and row["thing"] and row["day"]:
                unit = found.setdefault((row["tenant"], row["host"], row["day"]), {})
                unit.setdefault(row["facet"], {}).setdefault(plain(row["thing"]), row["event_uid"])
    yield from found.items()

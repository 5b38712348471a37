"""What is known of a file by its hash."""

from __future__ import annotations

import msgspec

from kazami.errors import UsageError
from kazami.intel.reputation.label import Known
from kazami.intel.reputation.shelf import Shelf
from kazami.web.resource import Asking, Resource


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hash` is an MD5, SHA-1 or SHA-256 in hex digits."""

    hash: str = ""


class Shown(msgspec.Struct, frozen=True):
    """What is known, and how much the shelf holds; `wrong` says why nothing could be looked up."""

    known: Known | None
    stats: dict[str, int]
    wrong: str = ""


def shown(asking: Asking) -> Shown:
    """One hash."""
    with Shelf(asking.site.shelf) as shelf:
        stats = shelf.stats()
        if not asking.query.hash.strip():
            return Shown(None, stats)
        try:
            return Shown(shelf.look(asking.query.hash), stats)
        except UsageError as error:
            return Shown(None, stats, str(error))


RESOURCES = (
    Resource("/reputation", "reputation", "What is known of a file by its hash", shown, Shown, Query),
)

"""Campaigns: incidents of several tenants that rare shared things tie. Only people of the provider see them."""

from __future__ import annotations

import msgspec

from kazami.model.campaign import Campaign
from kazami.pipeline.campaigns import Keys, campaigns
from kazami.store.browse.incidents import Row, by_uids
from kazami.tenants import find
from kazami.web.errors import missing
from kazami.web.resource import Asking, Resource, provider


class Shown(msgspec.Struct, frozen=True):
    """A campaign with its incidents."""

    campaign: Campaign
    incidents: list[Row]


def listed(asking: Asking) -> list[Campaign]:
    """All campaigns, the strongest first."""
    return asking.desk.kept("campaigns", lambda: _found(asking))


def _found(asking: Asking) -> list[Campaign]:
    with asking.desk.opened() as case:
        return campaigns(case, Keys(asking.site.keys), find(asking.site.directory))


def shown(asking: Asking) -> Shown:
    """One campaign."""
    for one in listed(asking):
        if one.campaign_uid == asking.path["uid"]:
            rows = by_uids(asking.reader, [uid for uid, _ in one.incidents])
            return Shown(one, rows)
    raise missing("there is no such campaign")


RESOURCES = (
    Resource(
        "/campaigns", "campaigns", "Campaigns over several tenants", listed, list[Campaign], may=provider
    ),
    Resource("/campaigns/{uid}", "campaign", "One campaign with its incidents", shown, Shown, may=provider),
)

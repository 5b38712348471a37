"""The resources, a file each. To add one: write its file, and name its module here."""

from __future__ import annotations

from kazami.web.pages import (
    actors,
    assessment,
    campaigns,
    changes,
    entity,
    evidence,
    files,
    findings,
    hunts,
    incident,
    incidents,
    jobs,
    logging,
    notices,
    overview,
    people,
    reputation,
    rules,
    suppressions,
)
from kazami.web.resource import Resource

RESOURCES: tuple[Resource, ...] = tuple(
    resource
    for module in (
        *(
            overview,
            incidents,
            incident,
            assessment,
            notices,
            campaigns,
            changes,
            findings,
            entity,
            hunts,
            rules,
            suppressions,
        ),
        *(evidence, logging, files, changes, jobs, actors, reputation, people),
    )
    for resource in module.RESOURCES
)

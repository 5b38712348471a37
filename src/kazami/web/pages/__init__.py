"""The resources, a file each. To add one: write its file, and name its module here."""

from __future__ import annotations

from kazami.web.pages import entity, evidence, findings, incident, incidents, overview, people, rules
from kazami.web.resource import Resource

RESOURCES: tuple[Resource, ...] = tuple(
    resource
    for module in (overview, incidents, incident, findings, entity, rules, evidence, people)
    for resource in module.RESOURCES
)

"""Who it may have been: the assessment of one incident, in the words of the report."""

from __future__ import annotations

from typing import Any

import msgspec

from kazami.attribute.measured import measured
from kazami.pipeline.attribution import of_incidents
from kazami.respond.assessment import lines
from kazami.respond.language import words
from kazami.web.pages.incident import found
from kazami.web.resource import Asking, Resource


class Shown(msgspec.Struct, frozen=True):
    """The assessment as plain values, and in words: each line with what it is."""

    incident_uid: str
    title: str
    assessment: dict[str, Any] | None
    words: list[tuple[str, str]]


def shown(asking: Asking) -> Shown:
    """The assessment."""
    one = found(asking)
    with asking.desk.opened() as case:
        told = of_incidents(case, [one.incident_uid]).get(one.incident_uid)
    assessment = told.plain() if told is not None else None
    said = list(lines(assessment, measured(), words(asking.lang))) if assessment else []
    return Shown(one.incident_uid, one.title.spoken(asking.lang), assessment, said)


RESOURCES = (
    Resource("/incidents/{uid}/assessment", "assessment", "Who one incident may have been", shown, Shown),
)

"""Notices of the tenant of an incident: drafts in both languages, who gets which, and what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from kazami.errors import UsageError
from kazami.pipeline import notices
from kazami.web.pages.incident import found
from kazami.web.resource import Asking, Resource, writers

#: Bytes of a draft that are shown.
SHOWN = 60_000


class Draft(msgspec.Struct, frozen=True):
    """A notice in words; `name` says for whom and in which language."""

    name: str
    text: str


class Shown(msgspec.Struct, frozen=True):
    """What is planned for the tenant; `why` says why nothing is."""

    incident_uid: str
    title: str
    tenant: str
    actions: list[dict[str, Any]]
    drafts: list[Draft]
    why: str = ""


def shown(asking: Asking) -> Shown:
    """The notices."""
    one = found(asking)
    about = (one.incident_uid, one.title.spoken(asking.lang), one.tenant)
    try:
        planned = notices.status(asking.desk.case)
    except UsageError as error:
        return Shown(*about, [], [], str(error))
    mine = [action for action in planned if action["tenant"] == one.tenant]
    drafts = [Draft(name, _text(file)) for name, file in notices.drafts(asking.desk.case, one.tenant)]
    return Shown(*about, mine, drafts)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(SHOWN).decode("utf-8", "replace")
    except OSError:
        return ""


RESOURCES = (
    Resource(
        "/incidents/{uid}/notices", "notices", "Notices of an incident's tenant", shown, Shown, may=writers
    ),
)

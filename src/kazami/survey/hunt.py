"""A hunt: a question in words, the logs that can answer it, the SQL that asks, and how the answer is to be read."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kazami.survey.setting import Text, settings

#: ``H4``, ``CS2``: how hunts are called on the command line.
_ID = re.compile(r"[A-Z]{1,8}\d{1,3}")
_LONGEST = 20_000  # characters of SQL


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log source that the hunt looks at, by the name of its view.

    Without all of `fields` it cannot answer; of `also` each is null where the case does not have it. `setting` is
    what has to be switched on for the log to be written (`kazami.survey.setting`). The answer of an `extra` one adds
    to that of others; that of one that is `alone` as well is worth something without them.
    """

    log: str
    setting: str
    fields: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    extra: bool = False
    alone: bool = False


class Hunt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A hunt as its file says it. `facts` names the place in the published record that it follows."""

    id: str
    title: Text
    question: Text
    techniques: tuple[str, ...]
    references: tuple[str, ...]
    needs: tuple[Need, ...]
    sql: str
    answer: Text
    next: Text
    facts: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"the id {self.id!r} is not capital letters and a number, such as H4")
        if not self.needs:
            raise ValueError("`needs` names no log source")
        unknown = {need.setting for need in self.needs} - settings().keys()
        if unknown:
            raise ValueError(f"{min(unknown)!r} is no setting; settings are {', '.join(settings())}")
        if len(self.sql) > _LONGEST:
            raise ValueError(f"`sql` is longer than {_LONGEST:,} characters")

    @property
    def fill(self) -> dict[str, tuple[str, ...]]:
        """The views that the SQL may count on, with their columns."""
        return {need.log: (*need.fields, *need.also) for need in self.needs}


def parse(document: Any) -> Hunt:
    """A hunt from the content of its file; raises ValueError that says what is wrong and where."""
    return msgspec.convert(document, Hunt)

"""Alerts of other sensors as findings.

An alert is a finding whose rule is the other sensor's: ``suricata:2024897``. What the sensor says of its rule (title, level,
tactics) is kept in `matched` under `TITLE`, `LEVEL` and `TAGS`; `words` makes rules of it when all is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kazami.detect.alert import vocabulary
from kazami.detect.alert.shape import Shape, of
from kazami.model.address import is_inside
from kazami.model.attack import TACTICS
from kazami.model.event import Route, own_name
from kazami.model.finding import FINDING, level_rank
from kazami.model.rule import RuleInfo

TITLE, LEVEL, TAGS = "alert.title", "alert.level", "alert.tags"

#: Fields of alerts beside those of their shape that findings repeat: who talked to whom.
SHOWN = ("src_ip", "dest_ip", "data.srcip", "data.dstip", "ip")

#: Characters of a title, and of a value.
LONGEST = 400

_TECHNIQUE = re.compile(r"\bT\d{4}(?:\.\d{3})?\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{9,13}(?:\.\d+)?")
#: Lists of bad addresses come as dozens of rules that say the same; they are one.
_FAMILY = re.compile(r"(.{8,}) group \d+$")
_SPACE = re.compile(r"[\s_-]+")


def findings(batch: pa.RecordBatch) -> pa.Table:
    """The alerts among the events of a batch, as `FINDING`; empty where there are none."""
    route = Route.of(batch)
    made: list[dict[str, Any]] = []
    taken: set[int] = set()
    for shape in [] if route.projected else of(frozenset(batch.schema.names)):
        columns = Columns(batch, shape)
        ours = [place for place in columns.alerts() if place not in taken]
        taken.update(ours)
        made += [_finding(columns, shape, place, route.table) for place in ours]
    return pa.Table.from_pylist(made, FINDING)


def _finding(columns: Columns, shape: Shape, place: int, table: str) -> dict[str, Any]:
    title = columns.first(shape.title, place)[:LONGEST]
    family = _FAMILY.match(title)
    rule = (
        f"{shape.name}:{(family.group(1) if family else columns.first(shape.id, place)[:LONGEST]) or title}"
    )
    version = sha256(f"alert\0{rule}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    event = columns.own["event_uid"][place]
    said = {
        TITLE: title,
        LEVEL: _level(columns, shape, place),
        TAGS: " ".join(_tags(columns, shape, place, title)),
    }
    shown = {name: columns.first((name,), place) for name in SHOWN}
    row = {name: values[place] for name, values in columns.own.items() if name != "event_uid"}
    row["host"] = row["host"] or _host(columns, shape, place) or None
    row["user"] = row["user"] or columns.first(shape.user, place) or None
    row["time"] = row["time"] if row["time"] is not None else _time(columns.first(shape.time, place))
    return {
        **row,
        "finding_uid": sha256("\0".join((rule, version, event)).encode("utf-8", "surrogatepass")).hexdigest()[
            :32
        ],
        "rule_id": rule,
        "rule_version": version,
        "table": table,
        "event_uids": [event],
        "matched": [(name, value[:LONGEST]) for name, value in (said | shown).items() if value],
    }


def _host(columns: Columns, shape: Shape, place: int) -> str:
    """The first end that is inside, where the sensor knows machines by their addresses only; else the first."""
    ends = [columns.first((name,), place) for name in shape.host]
    return next(filter(is_inside, ends), next(filter(None, ends), ""))


def _level(columns: Columns, shape: Shape, place: int) -> str:
    said = columns.first(shape.severity, place).strip().lower()
    return shape.scale.get(said.partition(".")[0], "low")


def _tags(columns: Columns, shape: Shape, place: int, title: str) -> list[str]:
    """What the sensor itself says of tactics and techniques; where it says nothing, what the title does."""
    techniques = _TECHNIQUE.findall(columns.first(shape.technique, place))
    named = _SPACE.sub("-", columns.first(shape.tactic, place).lower())
    spaced = re.sub("[^a-z-]", "", named) if "-" in named else named
    tactics = [tactic for tactic in TACTICS if tactic in named or tactic.replace("-", "") in spaced]
    tags = [f"attack.{tag.lower()}" for tag in (*tactics, *techniques)]
    if tactics:
        return tags
    return [*tags, *(tag for tag in vocabulary.tags(title) if tag not in tags)]


def _time(text: str) -> int | None:
    """Microseconds of a time in seconds, or milliseconds, since 1970, alone or first in a list."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    number = float(found.group())
    return round(number * (1_000 if number > 1e11 else 1_000_000))


class Columns:
    """The columns of a batch that matter, as Python values by row; a list of values is one text."""

    def __init__(self, batch: pa.RecordBatch, shape: Shape) -> None:
        names = frozenset(batch.schema.names)
        wanted = {
            name: own_name(name) if own_name(name) in names else name for name in (*shape.columns, *SHOWN)
        }
        self._shape = shape
        self._values = {
            name: _texts(batch.column(column)) for name, column in wanted.items() if column in names
        }
        own = (
            "event_uid",
            "tenant",
            "host",
            "user",
            "logon_id",
            "process_uid",
            "parent_uid",
            "evidence",
            "record",
        )
        self.own: dict[str, list[Any]] = {name: batch.column(name).to_pylist() for name in own}
        self.own["time"] = batch.column("time").cast(pa.int64()).to_pylist()

    def alerts(self) -> list[int]:
        """Rows that have all that the shape needs, and a title."""
        needed = [self._values[name] for name in self._shape.needs]
        titles = [self._values[name] for name in self._shape.title if name in self._values]
        rows = range(len(self.own["event_uid"]))
        return [at for at in rows if all(one[at] for one in needed) and any(one[at] for one in titles)]

    def first(self, names: tuple[str, ...], place: int) -> str:
        """The first of these columns that has a value in a row; empty where none has."""
        columns = (self._values[name] for name in names if name in self._values)
        return next((text for column in columns if (text := column[place])), "")


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_list(column.type):
        return [
            " ".join(str(one) for one in value if one is not None) if value else ""
            for value in column.to_pylist()
        ]
    return [value or "" for value in pc.cast(column, pa.string()).to_pylist()]


def words(said: Iterable[tuple[str, str, dict[str, str]]]) -> list[RuleInfo]:
    """Rules from what alerts said of them: rule id, version, `matched`. Of several levels the highest counts."""
    made: dict[str, RuleInfo] = {}
    for rule, version, matched in said:
        info = RuleInfo(
            rule,
            version,
            matched.get(TITLE, rule),
            matched.get(LEVEL, "low"),
            tags=tuple(matched.get(TAGS, "").split()),
            description="An alert of another sensor, as it was handed over.",
        )
        if rule not in made or level_rank(info.level) > level_rank(made[rule].level):
            made[rule] = info
    return list(made.values())

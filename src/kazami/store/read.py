"""A case in the words of people: findings, events, evidence, rejects. Everything comes in batches, or is bounded."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from weakref import WeakKeyDictionary

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from kazami.errors import CaseError, UsageError
from kazami.model.event import ENVELOPE_NAMES, LogSource, field_of
from kazami.model.finding import LEVELS
from kazami.model.result import FindingRow
from kazami.store.database import guarded
from kazami.store.lists import evidence_rows, reject_rows
from kazami.store.names import identifier, literal
from kazami.store.summary import summary
from kazami.store.suppressed import active, marked
from kazami.store.told import told
from kazami.store.views import RANK

if TYPE_CHECKING:
    from kazami.store.case import Case

Fields = dict[str, str | list[str | None] | None]

__all__ = [
    "event",
    "events",
    "evidence_rows",
    "findings",
    "forms",
    "lines",
    "reject_rows",
    "rows_of",
    "summary",
]

_ORDERS = {
    "time": "f.time NULLS LAST, finding_uid",
    "newest": "f.time DESC NULLS LAST, finding_uid DESC",
    "level": f"{RANK} DESC, f.time NULLS LAST, finding_uid",
}
#: A finding as SQL makes a JSON object of it: all that is its own.
_OWN = [
    *("finding_uid", "rule_id", "rule_version", "title", "level", "kind", "tenant", "host", "user", "table"),
    *("event_uids", "record", "matched"),
]
_LINE = ", ".join(
    [
        *(f"{literal(name)}: {identifier(name)}" for name in _OWN),
        "'evidence': coalesce(evidence_name, evidence)",
        "'time': strftime(f.time AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f+00:00')",
    ]
)

#: What is the same for all findings of a rule, and what it is where the rule is not known.
_UNKNOWN: dict[str, Any] = {
    "techniques": [],
    "tactics": [],
    "tags": [],
    "description": "",
    "author": "",
    "falsepositives": [],
    "references": [],
}


def findings(
    case: Case,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    tenant: str | None = None,
    levels: Collection[str] = (),
    limit: int | None = None,
    order: Literal["time", "newest", "level"] = "time",
    counted: bool = False,
) -> Iterator[FindingRow]:
    """Findings, from `since` up to and without `until`, as they come: of the current version of each rule, and of the
    one that found them where the evidence was not read again since.

    `levels` are the levels wanted, none for all; with `counted` those are left out that are suppressed. Findings without a time come last, and are left out where a
    time is asked for.
    """
    condition, parameters = _filter(since, until, tenant, levels)
    if counted:
        condition = f"{condition} AND suppressed IS NULL"
    limited = f" LIMIT {int(limit)}" if limit is not None else ""
    return rows_of(case, condition, parameters, _ORDERS[order] + limited)


def rows_of(case: Case, condition: str, parameters: Sequence[Any], order: str) -> Iterator[FindingRow]:
    """The findings for which the SQL `condition` holds; both are ours, what others say is in `parameters`."""
    words = _words(case)
    for batch in _stream(case, "", condition, parameters, order):
        for line in batch.column(0).to_pylist():  # as text: many times quicker than a Python object a cell
            row = orjson.loads(line)
            yield cast(FindingRow, row | words.of(row["rule_id"], row["rule_version"]))


def lines(case: Case) -> Iterator[str]:
    """All findings as JSON objects in order of time, each the text of the row that `findings` gives."""
    words = _words(case)
    rest: dict[tuple[str, str], str] = {}
    for batch in _stream(case, ", rule_id, rule_version", "true", [], _ORDERS["time"]):
        for line, *rule in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            key = (rule[0], rule[1])
            if key not in rest:
                rest[key] = orjson.dumps(words.of(*key)).decode()[1:]
            yield f"{line[:-1]},{rest[key]}"


def _stream(
    case: Case, more: str, condition: str, parameters: Sequence[Any], order: str
) -> Iterator[pa.RecordBatch]:
    case.database.widen()
    held = ", 'suppressed': suppressed" if active(case.path) else ""
    yield from case.database.stream(
        f"""SELECT to_json({{{_LINE}{held}}}) AS line{more}
        FROM ({marked(case.path)}) f WHERE {condition} ORDER BY {order}""",  # noqa: S608 - ours
        parameters,
        size=2048,
    )


def _filter(
    since: datetime | None, until: datetime | None, tenant: str | None, levels: Collection[str]
) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    parameters: list[Any] = []
    for condition, value in (("f.time >= ?", since), ("f.time < ?", until), ("tenant = ?", tenant)):
        if value is not None:
            conditions.append(condition)
            parameters.append(value if isinstance(value, str) else _utc(value).isoformat())
    if levels:
        unknown = set(levels) - set(LEVELS)
        if unknown:
            raise UsageError(f"{min(unknown)!r} is no level; levels are {', '.join(LEVELS)}")
        conditions.append(f"level IN ({', '.join('?' * len(levels))})")
        parameters += levels
    return " AND ".join(conditions) or "true", parameters


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


_kept: WeakKeyDictionary[Case, _Words] = WeakKeyDictionary()


def _words(case: Case) -> _Words:
    """The words of a case's rules: made once for a case that nobody can change through this opening of it."""
    if case.lock is not None:
        return _Words(case)
    if case not in _kept:
        _kept[case] = _Words(case)
    return _kept[case]


class _Words:
    """What findings say of their rule, fetched once a rule."""

    def __init__(self, case: Case) -> None:
        said = cache(told)
        rows = case.database.rows(
            "SELECT * FROM rule WHERE (id, version) IN (SELECT (rule_id, rule_version) FROM finding)"
        )
        self._rules = {
            (row["id"], row["version"]): {name: row[name] for name in _UNKNOWN}
            | said(tuple(row["techniques"]))
            for row in rows
        }

    def of(self, rule: str, version: str) -> dict[str, Any]:
        """The keys of a finding that are the same for all findings of a rule."""
        return self._rules.get((rule, version)) or _UNKNOWN | told(())


def event(case: Case, event_uid: str) -> dict[str, Any] | None:
    """All columns of one event that have a value; None where the case does not have it.

    ``table`` is added; ``time`` is there in any case, as text as in a finding, or None.
    """
    return events(case, [event_uid]).get(event_uid)


def events(case: Case, event_uids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Events by uid, each as `event` gives it; uids that the case does not have are left out.

    It looks through the uids of all events, some 100 million a minute: ask for many at once.
    """
    found: dict[str, dict[str, Any]] = {}
    for path, uids in _places(case, event_uids).items():
        table = _read(case, path, uids)
        times = table.column("time").cast(pa.int64()).to_pylist()
        for row, time in zip(table.drop_columns("time").to_pylist(), times, strict=True):
            values = {name: value for name, value in row.items() if value is not None}
            table_name = uids[row["event_uid"]]
            found.setdefault(row["event_uid"], {"table": table_name, "time": _iso(time), **values})
    return found


def forms(case: Case, event_uid: str) -> list[tuple[tuple[LogSource, ...], Fields]]:
    """One event as its own log source says it, then in the words of each other that it feeds; only its fields.

    What is stored as a JSON list is one again. Empty where the case does not have it.
    """
    sources = {row["path"]: row for row in case.database.rows("SELECT path, sources, projected FROM segment")}
    places = sorted(
        _places(case, [event_uid], projected=True), key=lambda path: (sources[path]["projected"], path)
    )
    found: dict[str, Fields] = {}
    for path in places:
        row = _read(case, path, [event_uid]).drop_columns("time").slice(0, 1).to_pylist()[0]
        own = {name: value for name, value in row.items() if name not in ENVELOPE_NAMES and value is not None}
        fields: Fields = {field_of(name): _several(value) for name, value in own.items()}
        found.setdefault(sources[path]["sources"], fields)
    return [(tuple(LogSource(*one) for one in json.loads(key)), fields) for key, fields in found.items()]


def _several(value: str) -> str | list[str | None]:
    """A text, or what a field with several values is stored as."""
    if value.startswith("["):
        with contextlib.suppress(orjson.JSONDecodeError):
            parsed = orjson.loads(value)
            if isinstance(parsed, list) and all(one is None or isinstance(one, str) for one in parsed):
                return parsed
    return value


def _read(case: Case, path: str, uids: Collection[str]) -> pa.Table:
    with guarded(case.path):
        try:
            return pq.read_table(Path(case.root) / path, filters=[("event_uid", "in", list(uids))])
        except pa.ArrowException as error:
            raise CaseError(f"{case.path / path}: {error}") from error


def _iso(time: int | None) -> str | None:
    """Microseconds since 1970 as text; None, too, where it is beyond the years 1 to 9999."""
    if time is None:
        return None
    with contextlib.suppress(OverflowError):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).isoformat(
            timespec="microseconds"
        )
    return None


def _places(case: Case, event_uids: Collection[str], *, projected: bool = False) -> dict[str, dict[str, str]]:
    """Where events are, with `projected` also what they feed: path of the segment to uids, each with its table."""
    paths = {
        f"{case.root}/{row['path']}": row
        for row in case.database.rows(
            'SELECT path, "table" FROM segment WHERE NOT projected OR ? ORDER BY id', [projected]
        )
    }
    if not paths or not event_uids:
        return {}
    files = ", ".join(map(literal, paths))
    wanted = ", ".join(map(literal, event_uids))
    rows = case.database.rows(
        f"""SELECT event_uid, kazami_segment FROM read_parquet([{files}], filename = 'kazami_segment',
        hive_partitioning = false) WHERE event_uid IN ({wanted})"""  # noqa: S608 - quoted
    )
    places: dict[str, dict[str, str]] = {}
    for row in rows:
        segment = paths[row["kazami_segment"]]
        places.setdefault(segment["path"], {})[row["event_uid"]] = segment["table"]
    return places

"""Events: one record in the words of Sigma's taxonomy, plus an envelope.

A batch of events is a ``pyarrow.RecordBatch`` of one `Route`. Its columns are

* the envelope (`ENVELOPE`), always all of it and first, then
* the fields of the log source in Sigma's own words, each ``dictionary<int32, string>``
  or, where a record holds several values for one field, ``list<string>``.

Three states of a field are kept apart, because Sigma keeps them apart: *missing* is a null index, an
explicit *null* is an index that points to a null in the dictionary, *empty* is the empty string. Every
value is text as written in the evidence; numbers and booleans in their JSON spelling.

A record that feeds a second log source (Security 4688 feeds ``process_creation``) appears a second time
in a batch of that log source, with the same ``event_uid``, with ``projected`` set in the route and no ``raw``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

ENVELOPE: pa.Schema = pa.schema(
    [
        pa.field(
            "event_uid", pa.string(), nullable=False
        ),  # 32 hex digits of what the record says, see `uid`
        pa.field("time", pa.timestamp("us", "UTC")),  # null where the record has no readable time
        pa.field("tenant", pa.string(), nullable=False),
        pa.field("host", pa.string()),
        pa.field("user", pa.string()),
        pa.field("logon_id", pa.string()),
        pa.field("process_uid", pa.string()),
        pa.field("parent_uid", pa.string()),
        pa.field("evidence", pa.string(), nullable=False),  # evidence_uid: which file or member it came from
        pa.field(
            "record", pa.int64(), nullable=False
        ),  # EVTX record id, else number of the line or element from 1
        pa.field("raw", pa.string()),  # the original, whole
    ]
)
ENVELOPE_NAMES: frozenset[str] = frozenset(ENVELOPE.names)

_ROUTE_KEY = b"kazami.route"


@dataclass(frozen=True, slots=True)
class LogSource:
    """What a rule addresses: product / category / service, None where it does not say."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    def covers(self, other: LogSource) -> bool:
        """Whether a rule for `self` applies to events of `other` (a rule that does not say applies to all)."""
        return (
            self.product in (None, other.product)
            and self.category in (None, other.category)
            and self.service in (None, other.service)
        )

    def __str__(self) -> str:
        return "/".join(part or "*" for part in (self.product, self.category, self.service))


@dataclass(frozen=True, slots=True)
class Route:
    """Where the events of a batch belong.

    `table` names the folder they are stored in; `sources` are all log sources whose rules apply to them
    (a Sysmon 13 event is ``registry_event`` and ``registry_set``).
    """

    table: str
    sources: tuple[LogSource, ...]
    projected: bool = False

    def to_metadata(self) -> dict[bytes, bytes]:
        """The route as schema metadata of a batch."""
        value = [self.table, [[s.product, s.category, s.service] for s in self.sources], self.projected]
        return {_ROUTE_KEY: json.dumps(value).encode()}

    @classmethod
    def of(cls, batch: pa.RecordBatch | pa.Table | pa.Schema) -> Route:
        """The route of a batch; raises KeyError where it carries none."""
        schema = batch if isinstance(batch, pa.Schema) else batch.schema
        table, sources, projected = json.loads((schema.metadata or {})[_ROUTE_KEY])
        return cls(table, tuple(LogSource(*s) for s in sources), projected)


#: Rejects travel the same way as events, under this route.
REJECTS = Route("reject", ())

REJECT: pa.Schema = pa.schema(
    [
        pa.field("evidence", pa.string(), nullable=False),  # evidence_uid
        pa.field(
            "name", pa.string(), nullable=False
        ),  # path, and member of an archive, as a person would say it
        pa.field("place", pa.string(), nullable=False),  # "record 17", "line 4", "byte 65536", "chunk 3"
        pa.field("reason", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),  # records lost here, as far as that can be known
        pa.field("sample", pa.string()),  # at most 200 characters of what could not be read
    ],
    metadata=REJECTS.to_metadata(),
)


def own_name(name: str) -> str:
    """The column of an event's own field `name`: one that is called like the envelope gets an underscore behind."""
    return f"{name}_" if name in ENVELOPE_NAMES else name


def field_of(column: str) -> str:
    """The field that a column holds: the inverse of `own_name`."""
    return column[:-1] if column[-1:] == "_" and column[:-1] in ENVELOPE_NAMES else column


#: Fields that rules spell in two ways, the taxonomy's and the one before it; columns have the second.
SPELLINGS = {"imphash": "Imphash"}


def field_names(schema: pa.Schema) -> list[str]:
    """The Sigma fields of a batch's schema, without the envelope."""
    return [name for name in schema.names if name not in ENVELOPE_NAMES]


def rejects(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """A batch of rejects from rows in the words of `REJECT`."""
    return pa.RecordBatch.from_pylist(rows, schema=REJECT)

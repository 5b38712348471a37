"""Decoders of EVTX records in JSON: one for the usual form, and one made for each kind of record.

A decoder that knows the names of the fields beforehand gives them without a dictionary, and passes over what is the
same in all records of a kind. Each refuses (`msgspec.DecodeError`) whatever it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

#: Fields for which a decoder of their own is made.
MAX_FIELDS = 100

#: Fields of all decoders that are made, some ten counted for each itself. They are classes, and never given back:
#: about 40 MB where evidence invents kind after kind.
MAX_DECODED = 60_000

Decode = Callable[[str], Any]
_Value = str | int | float | bool | None


class _Provider(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str | None = msgspec.field(name="Name", default=None)
    guid: str | None = msgspec.field(name="Guid", default=None)
    source: msgspec.Raw = msgspec.field(name="EventSourceName", default=msgspec.Raw())


class _Time(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str | None = msgspec.field(name="SystemTime", default=None)


class _Correlation(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    activity: str | None = msgspec.field(name="ActivityID", default=None)
    related: msgspec.Raw = msgspec.field(name="RelatedActivityID", default=msgspec.Raw())


class Execution(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Who wrote the record: ids of its process and thread."""

    process: int | None = msgspec.field(name="ProcessID", default=None)
    thread: int | None = msgspec.field(name="ThreadID", default=None)
    processor: msgspec.Raw = msgspec.field(name="ProcessorID", default=msgspec.Raw())
    session: msgspec.Raw = msgspec.field(name="SessionID", default=msgspec.Raw())
    kernel_time: msgspec.Raw = msgspec.field(name="KernelTime", default=msgspec.Raw())
    user_time: msgspec.Raw = msgspec.field(name="UserTime", default=msgspec.Raw())


class _Security(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    user: str | None = msgspec.field(name="UserID", default=None)


class _ProviderElement(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    attributes: _Provider = msgspec.field(name="#attributes")


class _TimeElement(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    attributes: _Time = msgspec.field(name="#attributes")


class _CorrelationElement(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    attributes: _Correlation = msgspec.field(name="#attributes")


class _ExecutionElement(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    attributes: Execution = msgspec.field(name="#attributes")


class _SecurityElement(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    attributes: _Security = msgspec.field(name="#attributes")


class _Qualified(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    number: int = msgspec.field(name="#text")
    attributes: msgspec.Raw = msgspec.field(name="#attributes", default=msgspec.Raw())


class System(msgspec.Struct, gc=False, forbid_unknown_fields=True, rename="pascal"):
    """The ``System`` element in its usual form."""

    provider: _ProviderElement
    time_created: _TimeElement
    event_id: int | _Qualified = msgspec.field(name="EventID")
    version: int | None = None
    level: int | None = None
    task: int | None = None
    opcode: int | None = None
    keywords: str | None = None
    event_record_id: int | None = msgspec.field(name="EventRecordID", default=None)
    correlation: _CorrelationElement | None = None
    execution: _ExecutionElement | None = None
    channel: str | None = None
    computer: str | None = None
    security: _SecurityElement | None = None


class _Event(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    system: System = msgspec.field(name="System")
    data: dict[str, str | int | float | bool | None] | None = msgspec.field(name="EventData")
    attributes: msgspec.Raw = msgspec.field(name="#attributes", default=msgspec.Raw())


class _Record(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    event: _Event = msgspec.field(name="Event")


#: A record of the usual form.
decode: Decode = msgspec.json.Decoder(_Record).decode


#: What differs between records of one kind.
_BRIEF: list[tuple[str, Any, Any]] = [
    ("time_created", _TimeElement, msgspec.field(name="TimeCreated")),
    ("event_record_id", int | None, msgspec.field(name="EventRecordID", default=None)),
    ("correlation", _CorrelationElement | None, msgspec.field(name="Correlation", default=None)),
    ("execution", _ExecutionElement | None, msgspec.field(name="Execution", default=None)),
    ("channel", str | None, msgspec.field(name="Channel", default=None)),
    ("computer", str | None, msgspec.field(name="Computer", default=None)),
    ("security", _SecurityElement | None, msgspec.field(name="Security", default=None)),
]


class Decoders:
    """Decoders of kinds: by the names of the data fields, and by the elements that their records do not have."""

    def __init__(self) -> None:
        self._made: dict[tuple[tuple[str, ...], frozenset[str]], Decode] = {}
        self._fields = 0

    def get(self, keys: tuple[str, ...], absent: frozenset[str]) -> Decode | None:
        """The decoder for records with these data fields; None where there can be none, or where there are too many.

        Elements of ``System`` that are neither `absent` nor vary are passed over.
        """
        found = self._made.get((keys, absent))
        if found is not None or self._fields >= MAX_DECODED or len(keys) > MAX_FIELDS:
            return found
        try:
            found = self._made[keys, absent] = _made(keys, absent)
        except ValueError:
            return None  # a name with a quotation mark, a backslash or a control character
        self._fields += len(keys) + 10
        return found


def _made(keys: tuple[str, ...], absent: frozenset[str]) -> Decode:
    # An absent element may not be anywhere: no text is ever this one.
    nowhere = [(f"no_{n}", Literal["\0"], msgspec.field(name=n, default="\0")) for n in sorted(absent)]
    system = msgspec.defstruct("System", [*_BRIEF, *nowhere], gc=False)
    fields = [(f"f{i}", _Value, msgspec.field(name=key)) for i, key in enumerate(keys)]
    data = msgspec.defstruct("Data", fields, forbid_unknown_fields=True, gc=False) if keys else None
    parts = [
        ("system", system, msgspec.field(name="System")),
        ("data", data, msgspec.field(name="EventData")),
        ("attributes", msgspec.Raw, msgspec.field(name="#attributes", default=msgspec.Raw())),
    ]
    event = msgspec.defstruct("Event", parts, forbid_unknown_fields=True, gc=False)
    whole = [("event", event, msgspec.field(name="Event"))]
    record = msgspec.defstruct("Record", whole, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(record).decode

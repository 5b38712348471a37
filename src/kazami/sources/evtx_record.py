"""One EVTX record, as the `evtx` package spells it in JSON, into the columns of `windows.plan`.

Three ways, all to the same cells. What a record has in common with others of its kind, up to its time, stands in
equal text at its beginning: by that text the kind is *known*, the values in it are constants, and the rest is decoded
by a decoder made for just its fields. A record of no known kind, but of the usual form (`_Record`), makes its kind
known. Whatever differs goes through `windows_event.flatten`. Tests hold the three together.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import orjson

from kazami.sources import text, windows
from kazami.sources.columns import Columns
from kazami.sources.plan import Plan, fixed
from kazami.sources.windows_event import flatten

#: Kinds of records that are remembered: evidence may invent millions.
MAX_KINDS = 4096

#: Kinds that begin alike: versions of a program that add a field, or the same event of two channels.
MAX_OTHERS = 4

#: Fields for which a decoder of their own is made.
MAX_FIELDS = 100

_TIME = '"TimeCreated":'
_Value = str | int | float | bool | None
_PROVIDER, _TIME_CELL, _CHANNEL = 0, windows.SYSTEM.index("TimeCreated"), windows.SYSTEM.index("Channel")
_EVENT_ID = windows.SYSTEM.index("EventID")
_FIRST = len(windows.SYSTEM)


class _Provider(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str | None = msgspec.field(name="Name", default=None)
    guid: str | None = msgspec.field(name="Guid", default=None)
    source: msgspec.Raw = msgspec.field(name="EventSourceName", default=msgspec.Raw())


class _Time(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str | None = msgspec.field(name="SystemTime", default=None)


class _Correlation(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    activity: str | None = msgspec.field(name="ActivityID", default=None)
    related: msgspec.Raw = msgspec.field(name="RelatedActivityID", default=msgspec.Raw())


class _Execution(msgspec.Struct, gc=False, forbid_unknown_fields=True):
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
    attributes: _Execution = msgspec.field(name="#attributes")


class _SecurityElement(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    attributes: _Security = msgspec.field(name="#attributes")


class _Qualified(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    number: int = msgspec.field(name="#text")
    attributes: msgspec.Raw = msgspec.field(name="#attributes", default=msgspec.Raw())


class _System(msgspec.Struct, gc=False, forbid_unknown_fields=True, rename="pascal"):
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
    system: _System = msgspec.field(name="System")
    data: dict[str, str | int | float | bool | None] | None = msgspec.field(name="EventData")
    attributes: msgspec.Raw = msgspec.field(name="#attributes", default=msgspec.Raw())


class _Record(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    event: _Event = msgspec.field(name="Event")


_decode = msgspec.json.Decoder(_Record).decode
_astuple = msgspec.structs.astuple

#: Names of fields for which msgspec makes no decoder.
_ODD_NAME = re.compile(r'[\\"\x00-\x1f]')
_LONE_BACKSLASH = re.compile(r'\\(?!["\\/bfnrtu])')


class _Brief(msgspec.Struct, gc=False, rename="pascal"):
    """What differs between records of one kind."""

    time_created: _TimeElement
    event_record_id: int | None = msgspec.field(name="EventRecordID", default=None)
    correlation: _CorrelationElement | None = None
    execution: _ExecutionElement | None = None
    channel: str | None = None
    computer: str | None = None
    security: _SecurityElement | None = None


class _Kind:
    """A kind of record: the values that all of its records share, and the decoder of the rest."""

    __slots__ = (
        "_own",
        "_plans",
        "channel",
        "chosen",
        "decode",
        "event_id",
        "keys",
        "other",
        "provider",
        "several",
    )

    def __init__(self, cells: tuple[Any, ...], keys: tuple[str, ...], other: _Kind | None) -> None:
        self.other = other  # of the same beginning, with other fields
        self.several: int = 1 + (other.several if other is not None else 0)
        self._own = {i: cells[i] for i in (*range(_TIME_CELL), _CHANNEL)}
        self.provider, self.event_id, self.channel = cells[_PROVIDER], cells[_EVENT_ID], cells[_CHANNEL]
        self.keys = keys
        chosen = windows.discriminator(self.channel, self.event_id)
        self.chosen = tuple((name, keys.index(name) if name in keys else -1) for name in chosen)
        self.decode = _decoder(keys)
        self._plans: dict[Any, Plan] = {}

    def plan(self, values: tuple[str | None, ...]) -> Plan:
        """The plan of its records whose discriminators have these values, without the cells that are constant."""
        whole = windows.plan(self.channel, self.provider, self.event_id, self.keys, values)
        found = self._plans.get(id(whole))
        if found is None:
            if len(self._plans) > MAX_KINDS:
                self._plans.clear()
            found = self._plans[id(whole)] = fixed(whole, self._own, text.text)
        return found


def _decoder(keys: tuple[str, ...]) -> Any:
    fields = [(f"f{i}", _Value, msgspec.field(name=key)) for i, key in enumerate(keys)]
    data = msgspec.defstruct("Data", fields, forbid_unknown_fields=True, gc=False) if keys else None
    event = msgspec.defstruct(
        "Event",
        [
            ("system", _Brief, msgspec.field(name="System")),
            ("data", data, msgspec.field(name="EventData")),
            ("attributes", msgspec.Raw, msgspec.field(name="#attributes", default=msgspec.Raw())),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    record = msgspec.defstruct("Record", [("event", event, msgspec.field(name="Event"))], gc=False)
    return msgspec.json.Decoder(record).decode


#: By the beginning of a record its kind, or None where records that begin so have no usual form.
_kinds: dict[str, _Kind | None] = {}


def add(raw: str, record: int, columns: Columns) -> None:
    """Add one record; `raw` is its JSON, `record` its id. What is no event is rejected."""
    prefix = raw[: raw.find(_TIME)]
    first = kind = _kinds.get(prefix)
    while kind is not None:
        try:
            event = kind.decode(raw).event
        except msgspec.DecodeError:  # of another form, or no JSON at all
            kind = kind.other
            continue
        system = event.system
        if system.channel != kind.channel:
            kind = kind.other
            continue
        if kind is not first:
            _to_front(prefix, kind)
        _add_known(kind, system, _astuple(event.data) if kind.keys else (), raw, record, columns)
        return
    if (first is None and prefix in _kinds) or (first is not None and first.several > MAX_OTHERS):
        add_odd(raw, record, columns)
    else:
        _learn(prefix, raw, record, columns)


def _to_front(prefix: str, kind: _Kind) -> None:
    """Try `kind` first from now on: what follows in a file is mostly alike."""
    first = _kinds[prefix]
    assert first is not None
    before = first
    while before.other is not kind:
        assert before.other is not None
        before = before.other
    before.other, kind.other, kind.several = kind.other, first, first.several
    _kinds[prefix] = kind


def _add_known(
    kind: _Kind, system: _Brief, data: tuple[Any, ...], raw: str, record: int, columns: Columns
) -> None:
    memory = columns.memory
    if kind.chosen:
        key: Any = (kind, *[data[place] if place >= 0 else None for _, place in kind.chosen])
    else:
        key = kind
    shape = memory.get(key)
    if shape is None:
        values = windows.values_of(
            dict(zip(kind.keys, data, strict=True)), tuple(name for name, _ in kind.chosen)
        )
        shape = memory[key] = columns.shape(kind.plan(values))
    elif shape.owner is not columns.evidence:
        columns.own(shape)
    execution = system.execution.attributes if system.execution is not None else _NOBODY
    shape.cells.append(
        (
            system.time_created.attributes.text,
            system.event_record_id,
            system.correlation.attributes.activity if system.correlation is not None else None,
            execution.process,
            execution.thread,
            system.computer,
            system.security.attributes.user if system.security is not None else None,
            *data,
        )
    )
    shape.raws.append(raw)
    shape.records.append(record)
    columns.rows += 1
    columns.bytes += len(raw)


_NOBODY = _Execution()


def _learn(prefix: str, raw: str, record: int, columns: Columns) -> None:
    """Make the kind of a record known, if it has the usual form, and add it."""
    if len(_kinds) >= MAX_KINDS:
        _kinds.clear()
    try:
        event = _decode(raw).event
    except msgspec.DecodeError:
        _kinds.setdefault(prefix, None)
        add_odd(raw, record, columns)
        return
    data = event.data or {}
    cells = _cells(event.system)
    if len(data) <= MAX_FIELDS and not any(map(_ODD_NAME.search, data)):
        _kinds[prefix] = _Kind(cells, tuple(data), _kinds.get(prefix))
    else:
        _kinds.setdefault(prefix, None)
    _put(cells, data, raw, record, columns)


def _cells(system: _System) -> tuple[Any, ...]:
    """The cells of `windows.SYSTEM`."""
    provider = system.provider.attributes
    execution = system.execution.attributes if system.execution is not None else _NOBODY
    number = system.event_id
    return (
        provider.name,
        provider.guid,
        number if isinstance(number, int) else number.number,
        system.version,
        system.level,
        system.task,
        system.opcode,
        system.keywords,
        system.time_created.attributes.text,
        system.event_record_id,
        system.correlation.attributes.activity if system.correlation is not None else None,
        execution.process,
        execution.thread,
        system.channel,
        system.computer,
        system.security.attributes.user if system.security is not None else None,
    )


def add_odd(raw: str, record: int, columns: Columns) -> None:
    """Add a record of any form."""
    try:
        cells, data = flatten(_loads(raw))
    except (ValueError, RecursionError) as error:
        columns.reject(f"record {record}", f"not an event: {error}", sample=raw[:200])
        return
    _put(cells, data, raw, record, columns)


def _loads(raw: str) -> Any:
    """Raises ValueError. The library does not escape the names of fields; with their backslashes doubled they are JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return json.loads(_LONE_BACKSLASH.sub(r"\\\\", raw), strict=False)


def _put(cells: tuple[Any, ...], data: dict[str, Any], raw: str, record: int, columns: Columns) -> None:
    number = cells[_EVENT_ID]
    event_id = number if isinstance(number, int) else None
    channel = cells[_CHANNEL]
    values = windows.values_of(data, windows.discriminator(channel, event_id))
    plan = windows.plan(channel, cells[_PROVIDER], event_id, tuple(data), values)
    columns.add(plan, (*cells, *data.values()), raw, record)

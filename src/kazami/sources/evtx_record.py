"""One EVTX record, as the `evtx` package spells it in JSON, into the columns of `windows.plan`.

Three ways, all to the same cells. What a record has in common with others of its kind, up to its time, stands in
equal text at its beginning: by that text the kind is *known*, the values in it are constants, and the rest is decoded
by a decoder made for just its fields. A record of no known kind, but of the usual form (`evtx_decoder`), makes its kind
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
from kazami.sources.evtx_decoder import Decode, Decoders, Execution, System, decode
from kazami.sources.plan import Plan, fixed
from kazami.sources.windows_event import flatten

#: Kinds of records that are remembered: evidence may invent millions.
MAX_KINDS = 4096

#: Kinds that begin alike: versions of a program that add a field, or the same event of two channels.
MAX_OTHERS = 4

#: Characters of a record up to its time; a longer beginning is not worth remembering.
MAX_PREFIX = 2048

_TIME = '"TimeCreated":'
_PROVIDER, _TIME_CELL, _CHANNEL = 0, windows.SYSTEM.index("TimeCreated"), windows.SYSTEM.index("Channel")
_EVENT_ID = windows.SYSTEM.index("EventID")

#: What stands before the time of a record, in the words of the record, and where in its cells.
_BEFORE = {"Provider": 0} | {name: windows.SYSTEM.index(name) for name in windows.SYSTEM[2:_TIME_CELL]}

_LONE_BACKSLASH = re.compile(r'\\(?!["\\/bfnrtu])')

_astuple = msgspec.structs.astuple


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

    def __init__(
        self, cells: tuple[Any, ...], keys: tuple[str, ...], decode: Decode, other: _Kind | None
    ) -> None:
        self.other = other  # of the same beginning, with other fields
        self.several: int = 1 + (other.several if other is not None else 0)
        self._own = {i: cells[i] for i in (*range(_TIME_CELL), _CHANNEL)}
        self.provider, self.event_id, self.channel = cells[_PROVIDER], cells[_EVENT_ID], cells[_CHANNEL]
        self.keys = keys
        chosen = windows.discriminator(self.channel, self.event_id)
        self.chosen = tuple((name, keys.index(name) if name in keys else -1) for name in chosen)
        self.decode = decode
        self._plans: dict[Plan, Plan] = {}

    def plan(self, values: tuple[str | None, ...]) -> Plan:
        """The plan of its records whose discriminators have these values, without the cells that are constant."""
        whole = windows.plan(self.channel, self.provider, self.event_id, self.keys, values)
        found = self._plans.get(whole)
        if found is None:
            if len(self._plans) > MAX_KINDS:
                self._plans.clear()
            found = self._plans[whole] = fixed(whole, self._own, text.text)
        return found


#: By the beginning of a record its kind, or None where records that begin so have no usual form.
_kinds: dict[str, _Kind | None] = {}
_decoders = Decoders()


def add(raw: str, record: int, columns: Columns) -> None:
    """Add one record; `raw` is its JSON, `record` its id. What is no event is rejected."""
    end = raw.find(_TIME)
    if not 0 < end <= MAX_PREFIX:
        add_odd(raw, record, columns)
        return
    prefix = raw[:end]
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
    kind: _Kind, system: Any, data: tuple[Any, ...], raw: str, record: int, columns: Columns
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


_NOBODY = Execution()


def _learn(prefix: str, raw: str, record: int, columns: Columns) -> None:
    """Make the kind of a record known, if it has the usual form, and add it."""
    if len(_kinds) >= MAX_KINDS:
        _kinds.clear()
    try:
        event = decode(raw).event
    except msgspec.DecodeError:
        _kinds.setdefault(prefix, None)
        add_odd(raw, record, columns)
        return
    data = event.data or {}
    cells, keys = _cells(event.system), tuple(data)
    known = _decoder(prefix, cells, keys) if _is_plain(raw, cells, data) else None
    if known is None:
        _kinds.setdefault(prefix, None)
        add_odd(raw, record, columns)
        return
    _kinds[prefix] = _Kind(cells, keys, known, _kinds.get(prefix))
    _put(cells, data, raw, record, columns)


def _is_plain(raw: str, cells: tuple[Any, ...], data: dict[str, Any]) -> bool:
    """Whether `flatten` takes the fields of such records as they are, whatever their values."""
    if cells[_PROVIDER] == "PowerShell" and "Data" in data:
        return False  # its text may be taken apart
    found, fields = flatten(orjson.loads(raw))
    return found == cells and list(fields.items()) == list(data.items())


def _decoder(prefix: str, cells: tuple[Any, ...], keys: tuple[str, ...]) -> Decode | None:
    """The decoder for records that begin so; None where the beginning does not hold all that it should."""
    try:
        event = orjson.loads(f"{prefix}{_TIME}null}}}}}}")["Event"]
        before = event["System"].keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    absent = frozenset(_BEFORE.keys() - before)
    if not event.keys() <= {"#attributes", "System"} or any(
        cells[_BEFORE[name]] is not None for name in absent
    ):
        return None
    return _decoders.get(keys, absent)


def _cells(system: System) -> tuple[Any, ...]:
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
        event = _loads(raw)
        if not isinstance(event, dict) or not isinstance(event.get("Event", event), dict):
            raise ValueError("it has no elements")
        cells, data = flatten(event)
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
    number, channel, provider = cells[_EVENT_ID], cells[_CHANNEL], cells[_PROVIDER]
    event_id = number if type(number) is int else None
    channel = channel if isinstance(channel, str) else None
    provider = provider if isinstance(provider, str) else None
    values = windows.values_of(data, windows.discriminator(channel, event_id))
    plan = windows.plan(channel, provider, event_id, tuple(data), values)
    columns.add(plan, (*cells, *data.values()), raw, record)

"""Windows event logs: EVTX files, and EVTX chunks carved from memory or disk.

The `evtx` package decodes; its JSON goes straight into the columns of `windows.plan`. Nearly all records have
the plain form that `_Record` describes and take the short way; whatever differs goes through `windows.flatten`.

Format: [MS-EVEN6] and "Windows XML Event Log (EVTX)" by Joachim Metz: a header of 4,096 bytes, then chunks of
65,536 bytes that can each be read alone.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import orjson
from evtx import PyEvtxParser

from kazami.model.evidence import Evidence
from kazami.sources import windows
from kazami.sources.columns import Columns, Plan, reading

HEADER, CHUNK = 4096, 65536
FILE_MAGIC, CHUNK_MAGIC = b"ElfFile\x00", b"ElfChnk\x00"

#: Records between two signs of progress.
STRIDE = 4096

#: A file that fails more often than this is given up: what follows is noise.
MAX_ERRORS = 10_000


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


class _Groups:
    """Records of a stretch of one file, by shape, on their way to the columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._groups: dict[Any, tuple[Plan, list[Any], list[str], list[int]]] = {}

    def add(self, raw: str, record: int) -> None:
        """Take one record as the package gives it; raises ValueError where it is no event."""
        try:
            event = _decode(raw).event
        except msgspec.ValidationError:
            self._add_odd(raw, record)
            return
        system, data = event.system, event.data or {}
        event_id = system.event_id if isinstance(system.event_id, int) else system.event_id.number
        provider, execution = system.provider.attributes, system.execution
        ids = execution.attributes if execution is not None else None
        correlation, security = system.correlation, system.security
        cells = (
            provider.name,
            provider.guid,
            event_id,
            system.version,
            system.level,
            system.task,
            system.opcode,
            system.keywords,
            system.time_created.attributes.text,
            system.event_record_id,
            correlation.attributes.activity if correlation is not None else None,
            ids.process if ids is not None else None,
            ids.thread if ids is not None else None,
            system.channel,
            system.computer,
            security.attributes.user if security is not None else None,
            *data.values(),
        )
        self._put(system.channel, provider.name, event_id, data, cells, raw, record)

    def _add_odd(self, raw: str, record: int) -> None:
        system, data = windows.flatten(orjson.loads(raw))
        number = system[_EVENT_ID]
        event_id = number if isinstance(number, int) else None
        self._put(system[_CHANNEL], system[0], event_id, data, (*system, *data.values()), raw, record)

    def _put(
        self,
        channel: Any,
        provider: Any,
        event_id: int | None,
        data: dict[str, Any],
        cells: tuple[Any, ...],
        raw: str,
        record: int,
    ) -> None:
        chosen = _discriminator(channel, event_id)
        values = windows.values_of(data, chosen) if chosen else ()
        key = (channel, provider, event_id, values, *data)
        group = self._groups.get(key)
        if group is None:
            plan = windows.plan(channel, provider, event_id, tuple(data), values)
            group = self._groups[key] = (plan, [], [], [])
        group[1].append(cells)
        group[2].append(raw)
        group[3].append(record)

    def flush(self) -> None:
        """Hand everything on."""
        for plan, cells, raws, records in self._groups.values():
            self._columns.extend(plan, cells, raws, records, sum(map(len, raws)))
        self._groups.clear()


_CHANNEL, _EVENT_ID = windows.SYSTEM.index("Channel"), windows.SYSTEM.index("EventID")
_known: dict[tuple[Any, Any], tuple[str, ...]] = {}


def _discriminator(channel: Any, event_id: int | None) -> tuple[str, ...]:
    """`windows.discriminator`, remembered under what is at hand."""
    key = (channel, event_id)
    found = _known.get(key)
    if found is None:
        if len(_known) > 100_000:  # hostile evidence may name any number of channels
            _known.clear()
        found = _known[key] = windows.discriminator(channel, event_id)
    return found


def confidence(name: str, head: bytes) -> float:
    """Certain by the magic of a file; of a bare chunk nearly so."""
    if head.startswith(FILE_MAGIC):
        return 1.0
    return 0.9 if head.startswith(CHUNK_MAGIC) else 0.0


def split(evidence: Evidence, size: int) -> list[tuple[int, int]]:
    """Byte ranges of whole chunks, each of about `size` bytes; the file's header belongs to the first."""
    with evidence.open() as stream:
        start = 0 if stream.read(8) == CHUNK_MAGIC else HEADER
    step = max(1, size // CHUNK) * CHUNK
    return [(first, min(first + step, evidence.size)) for first in range(start, evidence.size, step)]


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every record of `evidence`; yields the bytes read since the last time."""
    size = (evidence.size if evidence.stop is None else evidence.stop) - evidence.start
    try:
        parser = _parser(evidence)
    except (RuntimeError, OSError, ValueError) as error:
        columns.reject("file header", f"not readable as EVTX: {error}", sample="")
        yield size
        return
    groups = _Groups(columns)
    for read, (record, raw) in enumerate(_records(parser, columns), 1):
        try:
            groups.add(raw, record)
        except (ValueError, RecursionError) as error:
            columns.reject(f"record {record}", f"not an event: {error}", sample=raw[:200])
        if not read % STRIDE:
            groups.flush()
            yield 0
    groups.flush()
    yield size


read = reading(feed)


def _records(parser: PyEvtxParser, columns: Columns) -> Iterator[tuple[int, str]]:
    """Record id and JSON text of each record; what cannot be decoded is rejected, and the next one tried."""
    records: Iterator[dict[str, Any]] = iter(parser.records_json())  # type: ignore[arg-type]
    last = errors = 0
    while True:
        try:
            for item in records:
                last = item["event_record_id"]
                yield last, item["data"]
            return
        except RuntimeError as error:
            errors += 1
            columns.reject(f"after record {last}", str(error))
            if errors >= MAX_ERRORS:
                columns.reject(f"after record {last}", f"given up after {errors} errors")
                return
        except BaseException as error:
            if (
                type(error).__name__ != "PanicException"
            ):  # a panic of the Rust library derives from BaseException
                raise
            columns.reject(f"after record {last}", f"the decoder gave up: {error}")
            return


def _parser(evidence: Evidence) -> PyEvtxParser:
    if evidence.path is not None and evidence.start == 0 and evidence.stop is None:
        with evidence.open() as stream:
            whole = stream.read(8) == FILE_MAGIC
        if whole:
            return PyEvtxParser(str(evidence.path), number_of_threads=1)
    with evidence.open() as stream:
        return PyEvtxParser(_window(stream, evidence.start, evidence.stop), number_of_threads=1)


def _window(stream: BinaryIO, start: int, stop: int | None) -> BinaryIO:
    """The chunks from `start` to `stop` as a file of their own, under a header that counts just them."""
    if start == 0 and stream.read(8) == FILE_MAGIC and stop is None:
        stream.seek(0)
        return io.BytesIO(stream.read())
    stream.seek(start)
    chunks = stream.read(-1 if stop is None else stop - start)
    return io.BytesIO(_header(-(-len(chunks) // CHUNK)) + chunks)


def _header(chunks: int) -> bytes:
    """A file header for `chunks` chunks."""
    fields = struct.pack(
        "<8sQQQIHHHH", FILE_MAGIC, 0, max(0, chunks - 1), 1, 128, 1, 3, HEADER, min(chunks, 0xFFFF)
    )
    head = fields.ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(HEADER, b"\0")

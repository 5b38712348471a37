"""Windows event logs: EVTX files, and EVTX chunks carved from memory or disk.

The `evtx` package decodes; its JSON goes into columns by `evtx_record`.

Format: [MS-EVEN6] and "Windows XML Event Log (EVTX)" by Joachim Metz: a header of 4,096 bytes, then chunks of
65,536 bytes that can each be read alone.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from evtx import PyEvtxParser

from kazami.model.evidence import Evidence
from kazami.sources import evtx_record
from kazami.sources.columns import Columns, reading

HEADER, CHUNK = 4096, 65536
FILE_MAGIC, CHUNK_MAGIC = b"ElfFile\x00", b"ElfChnk\x00"

#: Records between two signs of progress.
STRIDE = 4096

#: A file that fails more often than this is given up: what follows is noise.
MAX_ERRORS = 10_000


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
    for _ in _add_all(parser, columns):
        yield 0
    yield size


read = reading(feed)


def _add_all(parser: PyEvtxParser, columns: Columns) -> Iterator[None]:
    """Add all records; what cannot be decoded is rejected, and the next one tried."""
    records: Iterator[dict[str, Any]] = iter(parser.records_json())  # type: ignore[arg-type]
    last = errors = 0
    while True:
        try:
            added = 0
            for item in islice(records, STRIDE):
                last = item["event_record_id"]
                evtx_record.add(item["data"], last, columns)
                added += 1
            if added < STRIDE:
                return
            yield
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
        try:
            return PyEvtxParser(str(evidence.path), number_of_threads=1)
        except RuntimeError:
            pass  # no header that the library accepts: chunks may be there all the same
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

"""Windows event logs: EVTX files, and EVTX chunks carved from memory or disk.

The `evtx` package decodes; its JSON goes into columns by `evtx_record`.

Format: [MS-EVEN6] and "Windows XML Event Log (EVTX)" by Joachim Metz: a header of 4,096 bytes, then chunks of
65,536 bytes that can each be read alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from evtx import PyEvtxParser

from kazami.model.evidence import Evidence
from kazami.sources import evtx_record
from kazami.sources.columns import Columns, reading
from kazami.sources.evtx_chain import CHUNK, endless
from kazami.sources.evtx_window import CHUNK_MAGIC, FILE_MAGIC, HEADER, Window

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
    with ExitStack() as opened:
        try:
            parser = _parser(evidence, columns, opened)
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


def _parser(evidence: Evidence, columns: Columns, opened: ExitStack) -> PyEvtxParser:
    """The library's parser; over the path where that will do, since it is a little quicker."""
    whole = evidence.start == 0 and evidence.stop is None
    if whole and evidence.path is not None and _is_sound(evidence.path):
        try:
            return PyEvtxParser(str(evidence.path), number_of_threads=1)
        except RuntimeError:
            pass  # no header that the library accepts: chunks may be there all the same
    window = Window(opened.enter_context(evidence.open()), evidence.start, evidence.stop)
    if window.damage is not None:
        columns.reject(*window.damage)
    return PyEvtxParser(window, number_of_threads=1)


def _is_sound(path: Path) -> bool:
    """Whether the library may have a file as it is: all of it is there, and none of its chains is without end."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - for each of tens of thousands of files
        chunks, rest = divmod(os.fstat(file.fileno()).st_size - HEADER, CHUNK)
        if chunks < 0 or rest:
            return False
        with mmap(file.fileno(), 0, access=ACCESS_READ) as whole:  # of a chunk only its tables are looked at
            announced = int.from_bytes(whole[42:44], "little")  # chunks, modulo 65,536
            if announced > chunks:
                return False
            with memoryview(whole) as view:
                starts = range(HEADER, HEADER + chunks * CHUNK, CHUNK)
                return not any(endless(view[start : start + CHUNK]) for start in starts)

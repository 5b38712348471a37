"""Each log of each machine as a sequence: the ids of its records, and their times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kazami.store.case import Case
from kazami.store.names import identifier, literal
from kazami.store.seen import Table, tables

Numbers = npt.NDArray[np.int64]
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Stream:
    """A log of a machine, in the order in which it was written.

    `record` are record ids where `numbered`, else numbers of lines, each once; `time` microseconds since 1970, `NO_TIME`
    where a record has none; `part` a number for the piece of evidence of each record. `log` is the channel, or the log
    source where there are no channels.
    """

    tenant: str
    host: str
    log: str
    numbered: bool
    record: Numbers
    time: Numbers
    part: Numbers


def streams(case: Case) -> Iterator[Stream]:
    """All logs of all machines, a machine's after each other. Takes 24 bytes an event."""
    kept: dict[tuple[str, ...], list[tuple[Numbers, ...]]] = {}
    numbers: dict[str, int] = {}
    for table in tables(case):
        for batch in _batches(case, table) if not table.fed else ():
            for (*key, evidence), record, time in _split(batch):
                number = numbers.setdefault(evidence, len(numbers))
                text = "" if key[3] else evidence
                kept.setdefault((*key, text), []).append((record, time, np.full_like(record, number)))
    for found in sorted(kept):
        record, time, part = (np.concatenate(each) for each in zip(*kept.pop(found), strict=True))
        # a record may be in several files
        order = np.unique(record, return_index=True)[1]
        yield Stream(found[0], found[1], found[2], bool(found[3]), record[order], time[order], part[order])


def _batches(case: Case, table: Table) -> Iterator[pa.RecordBatch]:
    """Rows with what they belong to: tenant, host, log, whether records have ids (``n``), evidence."""
    record, ids = "record", "evidence in (select uid from evidence where format = 'evtx')"
    if "EventRecordID" in table.columns:
        record = "coalesce(try_cast(EventRecordID as bigint), record)"
        ids = f"(try_cast(EventRecordID as bigint) is not null or {ids})"
    log = literal(table.name)
    if "Channel" in table.columns:
        log, ids = f"coalesce(Channel, {log})", f"(Channel is not null and {ids})"
    else:
        ids = "false"
    sql = f"""select concat_ws(chr(1), tenant, host, {log}, case when {ids} then 'n' else '' end, evidence) as key,
        {record} as record, time from {identifier(table.view)} where host is not null"""  # noqa: S608 - names are quoted
    _, batches = case.sql(sql)
    return batches


def _split(batch: pa.RecordBatch) -> Iterator[tuple[list[str], Numbers, Numbers]]:
    """The rows of a batch by what they belong to."""
    keys = batch.column("key").dictionary_encode()
    codes = keys.indices.to_numpy(zero_copy_only=False)
    record = batch.column("record").to_numpy(zero_copy_only=False)
    time = batch.column("time").cast(pa.int64()).fill_null(int(NO_TIME)).to_numpy(zero_copy_only=False)
    for code, key in enumerate(keys.dictionary.to_pylist()):
        rows = codes == code
        named = key.split("\x01")
        if len(named) == 5:  # a name with that character in it belongs nowhere
            yield named, record[rows], time[rows]


def by_host(found: Iterator[Stream]) -> Iterator[Mapping[str, list[Stream]]]:
    """The streams of one machine after the other, as lists by log (lines of several files are several streams)."""
    current: dict[str, list[Stream]] = {}
    machine: tuple[str, str] | None = None
    for one in found:
        if machine is not None and machine != (one.tenant, one.host):
            yield current
            current = {}
        machine = one.tenant, one.host
        current.setdefault(one.log, []).append(one)
    if current:
        yield current

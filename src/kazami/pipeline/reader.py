"""The worker of a scan: evidence in, events to Parquet, matches to findings.

Columns outlive the files they come from, so that a thousand small files make one batch; a flush covers every
part that was read to its end before it. Between flushes the log sources of which most waits are matched and stored
already (`Reader._relieve`): what is rare waits for the flush, since a batch of ten events costs as much as one of a
thousand. What was stored is told of with the flush, so that all of a part is known to the case, or nothing.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from kazami import archive
from kazami.detect.sigma.assertion import MATCH, findings, fuel
from kazami.detect.sigma.match import Matcher
from kazami.detect.sigma.rule import Rule
from kazami.engine import memory
from kazami.errors import KazamiError
from kazami.model.event import REJECT, REJECTS, Route, rejects
from kazami.model.evidence import Evidence
from kazami.model.finding import FINDING
from kazami.model.result import EvidenceRow
from kazami.pipeline import wire_rules
from kazami.pipeline.detectors import detect
from kazami.pipeline.keeper import Keeper
from kazami.pipeline.task import Part, Task, Unit, packed
from kazami.plugins import SOURCES, Extension, discover
from kazami.sources import walk
from kazami.sources.columns import MAX_WAITING, Columns
from kazami.sources.identify import identify
from kazami.store import segment

#: Events that wait: large batches make rules and Parquet cheap, memory sets the bound.
FLUSH = 32_000

#: Events that wait in a worker that holds so many bytes more than at its birth: what it knows, and the holes between,
#: take their share, and with ten times the evidence it holds no more than with the first batch.
TIGHT, ROOM = 16_000, 90 << 20

#: Events between two flushes.
WHOLE = 60_000

#: Events that are enough between two tasks, bytes of their text, and bytes of evidence that are enough for a flush. A
#: flush in the middle of a task ties it to what was flushed with it, and what hangs together is read again when a scan
#: dies in it.
SETTLE, SETTLE_TEXT, SETTLE_READ = FLUSH * 5 // 6, MAX_WAITING * 3 // 4, 256 << 20

#: Bytes from the start of a file by which it is recognized; a magic number needs but the first.
HEAD, FIRST = 1 << 16, 1 << 10

#: Where what rules found in captures lies.
MATCHES = "rule_match"

#: Flushes between two looks for cyclic garbage.
SWEEP = 32


@dataclass(frozen=True, slots=True)
class Orders:
    """What all workers of a scan need to know. `since` and `until` are microseconds in UTC."""

    case: Path
    rules: tuple[Rule, ...]
    needed: Mapping[str, frozenset[str]]
    passwords: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    wire: tuple[wire_rules.Key, tuple[tuple[str, str], ...]] = ((), ())


@cache
def sources() -> list[Extension]:
    """The registered sources; found before workers are forked, so that these need not look again."""
    return discover(SOURCES)


def _member_uid(part: Part, name: str) -> str:
    """As for files: a copy is other evidence, whose records are told to be the same by what they say."""
    return sha256(f"{part.uid}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


#: Of a member that could be read: uid, name of the source, size.
_Given = tuple[str, str, int]


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


class Reader:
    """Reads, matches and stores; one in each worker process."""

    def __init__(self, orders: Orders) -> None:
        gc.disable()  # millions of short-lived dictionaries, no cycles among them; see `_flush`
        gc.freeze()
        pa.set_cpu_count(1)
        memory.share()
        self._orders = orders
        self._matcher = Matcher(orders.rules)
        self._columns = Columns(limit=FLUSH)
        self._columns.tap = partial(wire_rules.tap, *orders.wire)
        self._columns.keep = Keeper(orders.case)
        self._evidence: list[EvidenceRow] = []
        self._batches: list[pa.RecordBatch] = []
        self._rejects: list[pa.RecordBatch] = []
        self._touched: list[Part] = []
        self._failed: list[Part] = []
        self._given = 0  # events, since the beginning
        self._flushed = 0  # of these, when all that waited was flushed
        self._held = Unit()  # what was made since then
        self._read_bytes = 0  # of evidence, since the last flush
        self._store = True
        self._timeouts: Counter[str] = Counter()
        self._undated: Counter[str] = Counter()
        self._last: Extension | None = None
        self._flushes = 0
        self._born = memory.resident()

    def handle(self, task: Task) -> Iterator[Unit]:
        """Read the parts of a task; a unit whenever enough has come together."""
        self._touched.clear()
        for part in task:
            if part.store != self._store:
                yield self._flush()
                self._store = part.store
            self._touched.append(part)
            yield from self._part(part)
            self._read_bytes += part.bytes

    def settle(self) -> Iterator[Unit]:
        """Give what waits while no part is half done: what is stored then stays stored, whatever happens next."""
        if self._is_due(SETTLE) or self._read_bytes >= SETTLE_READ:
            self._touched.clear()
            yield self._flush()
        elif self._is_much():
            self._relieve()

    def _is_much(self) -> bool:
        waiting = self._waiting()
        if waiting >= SETTLE or self._columns.bytes >= SETTLE_TEXT:
            return True
        return waiting * FLUSH >= SETTLE * TIGHT and memory.resident() - self._born >= ROOM

    def finish(self) -> Iterator[Unit]:
        """What is left."""
        self._touched.clear()
        yield self._flush()

    def _part(self, part: Part) -> Iterator[Unit]:
        """Read a plain file right away; what may be a container is unpacked by `walk`."""
        try:
            with open(part.path, "rb", buffering=0) as stream:  # noqa: PTH123 - one of tens of thousands
                head = stream.read(FIRST)
                if not (self._last is not None and self._last.object.confidence(part.path, head) == 1.0):
                    head += stream.read(HEAD - len(head))
        except (OSError, ValueError):
            head = b""
        if head and not archive.kind(head):
            path = Path(part.path)
            name, open_ = walk.named(part.path), partial(_open, path)
            evidence = Evidence(name, part.uid, part.tenant, part.size, open_, path, part.start, part.stop)
            yield from self._read(evidence, head)
            return
        file = walk.File(part.path, part.size, part.tenant)
        given: dict[str, _Given] = {}
        faults = []
        for found in walk.expand(file, passwords=self._orders.passwords):
            if isinstance(found, Evidence):
                found = replace(found, uid=_member_uid(part, found.name))
                with found.open() as member:
                    head = member.read(HEAD)
                source = yield from self._read(found, head)
                given[found.name] = (found.uid, source, found.size)
            else:
                faults.append(found)
        for fault in faults:
            self._faulty(part, fault, given)

    def _faulty(self, part: Part, found: dict[str, Any], given: dict[str, _Given]) -> None:
        """A file, or a member of a container, that cannot be read, or not to its end; `given` is what could be."""
        name, reason = found["name"], found["reason"]
        member = given.get(name)
        some = member is not None or (bool(given) and name == walk.named(part.path))
        state = "skipped" if not found["count"] else "partial" if some else "unreadable"
        if not given and state == "unreadable":
            self._failed.append(part)
        uid, source, size = (part.uid, "", part.size) if member is None else member
        found["evidence"] = uid  # that of the part is found again when it is read once more
        self._rejects.append(rejects([found]))
        if member is None or state != "skipped":
            self._note(uid, name, part.tenant, source, size, state, reason)

    def _note(self, uid: str, name: str, tenant: str, source: str, size: int, state: str, note: str) -> None:
        self._evidence.append(EvidenceRow(uid, name, tenant, source, size, 0, 0, 0, state, note))

    def _read(self, evidence: Evidence, head: bytes) -> Generator[Unit, None, str]:
        """Read one piece of evidence; gives the name of the source that did, "" where none could."""
        extension, note = self._recognize(evidence.name, head)
        name, state = ("", "skipped") if extension is None else (extension.name, "done")
        self._note(evidence.uid, evidence.name, evidence.tenant, name, evidence.size, state, note)
        if extension is None:
            return ""
        self._columns.begin(evidence)
        before = self._given + self._waiting()
        try:
            yield from self._feed(extension.object, evidence)
        except KazamiError:
            raise
        except Exception as error:  # noqa: BLE001 - a source that raises has a bug; what it gave before is kept
            self._columns.reject("", f"the source {name} failed: {type(error).__name__}: {error}")
        whole = evidence.start == 0 and evidence.stop is None
        if whole and self._columns.reasons and self._given + self._waiting() == before:
            note = self._columns.reasons[0]
            self._note(evidence.uid, evidence.name, evidence.tenant, name, evidence.size, "unreadable", note)
        return name

    def _recognize(self, name: str, head: bytes) -> tuple[Extension | None, str]:
        """The source for a piece of evidence. Files of a folder are mostly alike: the last one is asked first."""
        last = self._last
        if last is not None and last.object.confidence(name, head) == 1.0:
            return last, ""
        found, note = identify(name, head, sources())
        self._last = next((extension for extension in sources() if extension.name == found), None)
        return self._last, note

    def _feed(self, source: Any, evidence: Evidence) -> Iterator[Unit]:
        if hasattr(source, "feed"):
            for _ in source.feed(evidence, self._columns):
                if self._columns.is_full and not self._is_due(FLUSH):
                    self._relieve()
                if self._columns.is_full:
                    yield self._flush()
            return
        for batch in source.read(evidence):
            self._take(batch)
            if self._waiting() >= FLUSH:
                yield self._flush()

    def _waiting(self) -> int:
        """Events that wait for a flush."""
        taken: int = sum(batch.num_rows for batch in self._batches)
        return self._columns.rows + taken

    def _take(self, batch: pa.RecordBatch) -> None:
        (self._rejects if Route.of(batch) == REJECTS else self._batches).append(batch)

    def _is_due(self, soon: int) -> bool:
        """Whether a flush is, where `soon` events more would make it so."""
        return self._given + self._waiting() - self._flushed > WHOLE - soon

    def _flush(self) -> Unit:
        """All that waits, and what was made since the last flush."""
        self._work(self._ready(self._columns.rest()))
        unit, self._held = self._held, Unit()
        unit.rejects = packed(pa.Table.from_batches(self._rejects, REJECT))
        unit.evidence, unit.touched = self._evidence, list(self._touched)
        unit.failed = self._failed
        unit.timeouts = self._new_timeouts()
        unit.undated, self._undated = dict(self._undated), Counter()
        self._rejects, self._evidence, self._failed, self._read_bytes = [], [], [], 0
        self._flushed = self._given
        self._tidy()
        return unit

    def _relieve(self) -> None:
        """Work on the most of what waits; the case is told of it with the next flush."""
        self._work(self._ready(self._columns.most()))
        self._tidy()

    def _tidy(self) -> None:
        self._flushes += 1
        memory.give_back()
        if not self._flushes % SWEEP:
            gc.collect()
        gc.freeze()  # what lives on (compiled rules) is not looked at again

    def _ready(self, waiting: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
        """What waits, in lists of what may be stored together; each is done with before the next is made."""
        taken, self._batches = self._batches, []
        if taken:
            yield self._counted(taken)
        for batch in waiting:
            if Route.of(batch) == REJECTS:
                self._rejects.append(batch)
            else:
                yield self._counted([batch])

    def _counted(self, batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
        """Those events that are wanted."""
        for batch in batches:
            self._given += batch.num_rows
            time = batch.column("time")
            if time.null_count and not Route.of(batch).projected:
                self._undated.update(batch.column("evidence").filter(time.is_null()).to_pylist())
        return [kept for batch in batches if (kept := self._wanted(batch)).num_rows]

    def _wanted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The events from `since` to before `until`; those without a time are kept."""
        mask = None
        for bound, compare in ((self._orders.since, pc.greater_equal), (self._orders.until, pc.less)):
            if bound is not None:
                limit = pa.scalar(bound, pa.timestamp("us", "UTC"))
                inside = compare(batch.column("time"), limit).fill_null(True)
                mask = inside if mask is None else pc.and_(mask, inside)
        return batch if mask is None else batch.filter(mask)

    def _work(self, ready: Iterable[list[pa.RecordBatch]]) -> None:
        """Match and store; what came of it is held until the next flush."""
        found, fed, held = [FINDING.empty_table()], [MATCH.empty_table()], self._held
        for batches in ready:
            for batch in batches:
                matches = list(self._matcher.match(batch))
                found.append(findings(batch, matches))
                fed.append(fuel(batch, matches, self._orders.needed))
                tables, faults = detect(batch)
                found += tables
                self._rejects += faults
                held.events += 0 if Route.of(batch).projected else batch.num_rows
            if (
                self._store or Route.of(batches[0]).table == MATCHES
            ):  # what only these rules have found is new
                held.segments += segment.write(self._orders.case, batches)
        table = pa.concat_tables(found)
        held.found += table.num_rows
        held.findings += packed(table)
        held.fuel += packed(pa.concat_tables(fed))

    def _new_timeouts(self) -> dict[str, int]:
        total = self._matcher.timeouts()
        new, self._timeouts = total - self._timeouts, total
        return dict(new)

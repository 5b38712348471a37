"""The case, measured: ``python -m benchmarks.store [--data DIR]``.

Events are those of the EVTX attack samples, repeated as other events until a flush is full; CPU time, the best of some
runs. Times of the case are wall time, and of a disk that this machine shares.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.figures import Figure, at_most, publish, told
from kazami.model.event import REJECTS, Route
from kazami.model.evidence import Evidence
from kazami.model.finding import FINDING
from kazami.sources import evtx
from kazami.sources.columns import Columns
from kazami.store import read, segment
from kazami.store.case import Case, Part

RESULT = Path(__file__).parent / "results" / "store.json"
FLUSH = 64_000


def main() -> int:
    """Measure in a temporary folder, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    chosen = parser.parse_args()
    pa.set_cpu_count(1)
    batches = list(_events(chosen.data / "evtx-attack-samples"))
    with tempfile.TemporaryDirectory(prefix="kazami-bench-") as folder:
        return publish([*_writing(batches, Path(folder)), *_case(Path(folder) / "case")], RESULT)


def _events(folder: Path) -> Iterator[pa.RecordBatch]:
    """Batches of a flush, as a worker has them: one a route."""
    columns = Columns(limit=1 << 30)
    for path in sorted(folder.rglob("*.evtx")):
        uid = blake2b(path.name.encode(), digest_size=8).hexdigest()
        evidence = Evidence(path.name, uid, "default", path.stat().st_size, lambda p=path: p.open("rb"), path)
        columns.begin(evidence)
        for _ in evtx.feed(evidence, columns):
            pass
    batches = [batch for batch in columns.rest() if Route.of(batch) != REJECTS]
    events = sum(batch.num_rows for batch in batches if not Route.of(batch).projected)
    if not events:
        sys.exit(f"{folder}: no events")
    for batch in batches:
        yield _repeated(batch, max(1, FLUSH // events))


def _repeated(batch: pa.RecordBatch, times: int) -> pa.RecordBatch:
    """The same events as other events, so many times: the first digits of their uids changed."""
    rows = np.tile(np.arange(batch.num_rows), times)
    uids = [
        f"{at // batch.num_rows:08x}{uid[8:]}"
        for at, uid in enumerate(batch.column(0).take(rows).to_pylist())
    ]
    return batch.take(pa.array(rows)).set_column(0, batch.schema.field(0), pa.array(uids))


def _writing(batches: list[pa.RecordBatch], folder: Path) -> list[Figure]:
    (folder / segment.STAGING).mkdir()
    events = sum(batch.num_rows for batch in batches if not Route.of(batch).projected)
    cells = sum(batch.num_rows * batch.num_columns for batch in batches)
    raw = sum(batch.column("raw").nbytes for batch in batches)
    written: list[segment.Segment] = []

    def write() -> None:
        written[:] = segment.write(folder, batches)

    cpu = _best(write, time.process_time, 5)
    return [
        told("events of the flush", events),
        told("columns an event, projected ones among them", cells / events),
        told("original text an event, bytes", raw / events),
        at_most("segment.write, CPU microseconds an event", cpu / events * 1e6, 3.0),
        told("files of the flush", len(written)),
        told("stored, bytes an event", sum(one.size for one in written) / events),
    ]


def _best(work: Callable[[], Any], clock: Callable[[], float], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def _case(folder: Path) -> list[Figure]:
    imported = _best(lambda: importlib.import_module("duckdb"), time.perf_counter, 1)
    made = min(_opened(folder.with_name(f"empty-{number}"), create=True) for number in range(5))
    case = Case.open(folder, create=True)
    small = [_commit(case, number, 0) for number in range(5)]
    large = min(_commit(case, 1000 * number, 100_000) for number in (1, 2))
    found = case.write(_million())
    run = case.begin(version="benchmark")
    run.commit(segments=found)
    finish = _best(run.finish, time.perf_counter, 1)
    figures = _best(lambda: read.summary(case), time.perf_counter, 2)
    listed = _best(lambda: sum(1 for _ in read.findings(case)), time.process_time, 2)
    case.close()
    opened = min(_opened(folder, create=False) for _ in range(5))
    return [
        told("import of DuckDB, once a process, milliseconds", imported * 1e3),
        at_most("a case is made, milliseconds", made * 1e3, 80),
        at_most("a case is opened, milliseconds", opened * 1e3, 80),
        at_most("a commit without findings, milliseconds", min(small) * 1e3, 20),
        at_most("a commit of 100,000 findings, microseconds each", (large - min(small)) * 10, 1.0),
        at_most("duplicates among 1,000,000 events, seconds", finish, 1.0),
        told("summary of 200,000 findings, seconds", figures),
        told("findings as rows, CPU microseconds each", listed * 5),
    ]


def _opened(folder: Path, *, create: bool) -> float:
    """Seconds until a case is open for writing."""
    start = time.perf_counter()
    case = Case.open(folder, create=create)
    seconds = time.perf_counter() - start
    case.close()
    return seconds


def _commit(case: Case, number: int, findings: int) -> float:
    """Seconds of one commit, as a scan does them."""
    run = case.begin(version="benchmark")
    table = _findings(number, findings)
    batch = segment.write(case.path, [_plain(200, number)])
    start = time.perf_counter()
    run.commit(parts=[Part(f"{number:016x}", 0, None, "default")], segments=batch, findings=table)
    return time.perf_counter() - start


def _uids(count: int, seed: int) -> list[str]:
    text = np.random.default_rng(seed).bytes(16 * count).hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def _plain(rows: int, seed: int) -> pa.Table:
    """Events that are nothing but envelope."""
    values: dict[str, Any] = dict.fromkeys(
        ("host", "user", "logon_id", "process_uid", "parent_uid", "raw"), "x"
    )
    values |= {"tenant": "default", "evidence": f"{seed:016x}"}
    columns = {name: pa.repeat(pa.scalar(value), rows) for name, value in values.items()}
    columns["event_uid"] = pa.array(_uids(rows, seed))
    columns["time"] = pa.array(np.arange(rows), pa.timestamp("us", "UTC"))
    columns["record"] = pa.array(np.arange(rows))
    return pa.table(columns).replace_schema_metadata(Route("plain", ()).to_metadata())


def _million() -> list[pa.Table]:
    return [_plain(50_000, seed % 19) for seed in range(100, 120)]


def _findings(number: int, rows: int) -> pa.Table:
    values = {"rule_version": "v", "tenant": "default", "user": "u", "logon_id": "0x3e7", "table": "plain"}
    columns: dict[str, Any] = {
        **{name: pa.repeat(pa.scalar(value), rows) for name, value in values.items()},
        **{name: pa.array(_uids(rows, number + at)) for at, name in enumerate(("process_uid", "parent_uid"))},
        "finding_uid": _uids(rows, number),
        "rule_id": [f"rule {at % 300}" for at in range(rows)],
        "time": pa.array(np.arange(rows), pa.timestamp("us", "UTC")),
        "host": [f"host{at % 50}" for at in range(rows)],
        "event_uids": [[uid] for uid in _uids(rows, number + 9)],
        "evidence": pa.repeat(pa.scalar(f"{number:016x}"), rows),
        "record": np.arange(rows),
        "matched": [[("Image", "C:\\x.exe"), ("CommandLine", f"x.exe -enc {at:064x}")] for at in range(rows)],
    }
    return pa.Table.from_pydict(columns, schema=FINDING)


if __name__ == "__main__":
    sys.exit(main())

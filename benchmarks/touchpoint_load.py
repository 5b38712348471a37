"""Logons by the ten thousand: how time and memory of touchpoints grow. ``python -m benchmarks.touchpoint_load [COUNT]``.

Synthetic: fifty tenants and their provider over thirty days; people of the tenants on their own machines, the provider's technicians from
its jump host in office hours, a few of them where they do not belong. Nothing about quality is read from it; that is `benchmarks.provider`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.figures import Figure, at_most, publish, told
from kazami.detect.touchpoint import QUESTIONS, judge
from kazami.model.tenant import Directory
from kazami.tenants import parse

SEED, TENANTS, DAYS, STAFF = 20261129, 50, 30, 40
SIZES = (10_000, 100_000, 1_000_000)
BATCH = 65_536
BEGIN = 1_790_000_000


def directory() -> Directory:
    """The tenants, and who of the provider works where."""
    lines = ["[provider]", 'tenant = "msp"', "accounts = ['MSP\\*']", 'sources = ["10.99.0.0/24"]']
    lines += ["[provider.technicians]"]
    lines += [
        f"'MSP\\tech{n}' = [{', '.join(repr(f't{(n + k) % TENANTS}') for k in range(6))}]"
        for n in range(STAFF)
    ]
    for number in range(TENANTS):
        lines += [
            f"[tenants.t{number}]",
            f"networks = ['10.{number}.0.0/16']",
            "tiers = {0 = ['DC*'], 1 = ['SRV*']}",
        ]
    return parse("\n".join(lines))


def logons(count: int) -> Iterator[pa.RecordBatch]:
    """So many logons, as the store answers the question for them."""
    question = next(one for one in QUESTIONS if one.table == "security")
    schema = question.schema()
    dice = np.random.default_rng(SEED)
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        yield _batch(schema, dice, start, size, count)


def _batch(schema: pa.Schema, dice: np.random.Generator, start: int, size: int, count: int) -> pa.RecordBatch:
    ours = dice.random(size) < 0.1
    tenant = dice.integers(0, TENANTS, size)
    tech = (
        np.where(
            dice.random(size) < 0.98,
            (tenant - dice.integers(0, 6, size)) % TENANTS,
            dice.integers(0, STAFF, size),
        )
        % STAFF
    )
    user = dice.integers(0, 400, size)
    host = dice.integers(0, 200, size)
    seconds = np.sort(
        dice.integers(start * DAYS * 86400 // count, (start + size) * DAYS * 86400 // count + 1, size)
    )
    names = np.where(ours, np.char.add("tech", tech.astype(str)), np.char.add("user", user.astype(str)))
    inside = np.char.add(np.char.add(np.char.add("10.", tenant.astype(str)), ".0."), (user % 250).astype(str))
    made = {
        "event_uid": pc.utf8_lpad(pa.array(np.arange(start, start + size)).cast(pa.string()), 32, "0"),
        "time": pa.array((BEGIN + seconds) * 1_000_000).cast(pa.timestamp("us", "UTC")),
        "tenant": pa.array(np.char.add("t", tenant.astype(str))),
        "host": pa.array(np.char.add(np.where(host < 4, "SRV", "PC"), host.astype(str))),
        "EventID": pa.repeat("4624", size),
        "target_name": pa.array(names),
        "target_domain": pa.array(np.where(ours, "MSP", "CUST")),
        "address": pa.array(np.where(ours, "10.99.0.5", inside)),
        "logon_type": pa.array(np.where(ours, "10", "3")),
        "evidence": pa.repeat("e", size),
        "record": pa.array(np.arange(start, start + size)),
    }
    columns = [
        made[field.name].cast(field.type) if field.name in made else pa.nulls(size, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def measure(count: int) -> dict[str, float]:
    """Seconds of judging, of the processor too, peak of memory of this process in MB, and findings."""
    known = directory()
    list(logons(1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun, busy = time.perf_counter(), time.process_time()
    found, _ = judge(logons(count), known)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": time.perf_counter() - begun,
        "processor": time.process_time() - busy,
        "memory": after,
        "grown": after - before,
        "findings": found.num_rows,
    }


def figures() -> list[Figure]:
    """Each size in a process of its own."""
    results: dict[int, dict[str, float]] = {}
    for count in SIZES:
        command = [sys.executable, "-m", "benchmarks.touchpoint_load", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
        results[count] = json.loads(done.stdout)
        print(f"{count:>9,} logons of {TENANTS} tenants: {results[count]}")
    small, large = (results[size] for size in SIZES[1:])
    return [
        told(f"touchpoints: processor seconds for {SIZES[1]:,} logons", small["processor"]),
        at_most(f"touchpoints: processor seconds for {SIZES[2]:,} logons", large["processor"], 60),
        at_most(f"touchpoints: memory for {SIZES[2]:,} logons, MB", large["memory"], 2048),
        at_most(
            "touchpoints: ten times the logons take so many times as long",
            large["processor"] / small["processor"],
            15,
        ),
    ]


def main() -> int:
    """Measure one size, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--data", help="not needed: everything is made")
    asked = parser.parse_args()
    if asked.count:
        print(json.dumps(measure(asked.count)))
        return 0
    return publish(figures())


if __name__ == "__main__":
    raise SystemExit(main())

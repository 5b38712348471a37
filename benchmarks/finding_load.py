"""Made findings by the ten thousand: how time and memory of correlation grow. ``python -m benchmarks.finding_load COUNT``.

Synthetic: a tenant of COUNT / 250 hosts over ninety days; rules by a power law, as rules are; sessions, process trees, accounts, addresses and
hashes with the reuse of a real network. Nothing about quality is read from it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from benchmarks.figures import Figure, at_most, told
from kazami.correlate.run import FIELDS, correlate
from kazami.model.finding import FINDING, LEVELS
from kazami.model.rule import RuleInfo

SEED, RULES, DAYS = 20261129, 800, 90
SIZES = (10_000, 100_000, 1_000_000)


def findings(count: int, one: bool = False) -> tuple[pa.Table, pa.Table]:
    """So many findings, and fields of the events of a third of them; with `one`, all of one process, account and address on one host."""
    dice = np.random.default_rng(SEED)
    hosts = max(20, count // 250)
    host = dice.integers(0, hosts, count)
    session, process = (
        dice.integers(0, max(1, count // 8), count),
        dice.integers(0, max(1, count // 3), count),
    )
    if one:
        host, session, process = (np.zeros(count, np.int64) for _ in range(3))
    seconds = dice.integers(0, DAYS * 86400, count)
    none = pa.array(np.zeros(count + 1, np.int32))
    columns = {
        **{name: pa.repeat("made", count) for name in ("tenant", "table", "evidence", "rule_version")},
        "finding_uid": _named("f", dice.permutation(count)),
        "rule_id": _named("r", np.minimum(dice.zipf(1.3, count) - 1, RULES - 1)),
        "time": pa.array((seconds + 1_770_000_000) * 1_000_000).cast(pa.timestamp("us", "UTC")),
        "host": _named("h", host),
        "user": _named("u", host if one else (host * 7 + dice.integers(0, 4, count)) % (hosts * 2)),
        "logon_id": _named("0x", session),
        "process_uid": _named("p", process),
        "parent_uid": _named("p", np.maximum(0, process - dice.integers(1, 50, count))),
        "event_uids": pa.ListArray.from_arrays(none, pa.array([], pa.string())),
        "record": pa.array(np.arange(count)),
        "matched": pa.MapArray.from_arrays(none, pa.array([], pa.string()), pa.array([], pa.string())),
    }
    some = count // 3
    address = [
        f"10.{a}.{b}.{c}" for a, b, c in dice.integers(0, 250, (1 if one else min(some, 20_000), 3)).tolist()
    ]
    fields = {
        "finding_uid": columns["finding_uid"].slice(0, some),
        "field": pa.repeat("SourceIp", some),
        "value": pa.array(address).take(pa.array(dice.integers(0, len(address), some))),
    }
    return pa.table(columns, schema=FINDING), pa.table(fields, schema=FIELDS)


def _named(letter: str, numbers: np.ndarray) -> pa.Array:
    return pa.compute.binary_join_element_wise(letter, pa.array(numbers).cast(pa.string()), "")


def rules() -> dict[str, RuleInfo]:
    """The words of the rules: the rarer, the graver."""
    tactics = ("discovery", "execution", "credential-access", "lateral-movement", "command-and-control")
    return {
        f"r{n}": RuleInfo(
            f"r{n}", "1", f"Rule {n}", LEVELS[min(4, n // 200)], tags=(f"attack.{tactics[n % 5]}",)
        )
        for n in range(RULES)
    }


def measure(count: int, one: bool = False) -> dict[str, float]:
    """Seconds, peak of memory of this process in MB, and incidents."""
    table, fields = findings(count, one)
    begun, busy = time.perf_counter(), time.process_time()
    found = correlate(table, rules(), datetime.now(UTC), fields=fields)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    busy = time.process_time() - busy
    return {"seconds": seconds, "processor": busy, "memory": memory, "incidents": len(found.incidents)}


def _apart(count: int, *how: str) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.finding_load", str(count), *how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def figures() -> list[Figure]:
    """Each size in a process of its own."""
    results = {}
    for count in SIZES:
        results[count] = _apart(count)
        print(f"{count:>9,} findings: {results[count]}")
    hot = _apart(SIZES[2], "one")
    print(f"{SIZES[2]:>9,} findings of one process, account and address: {hot}")
    small, large = results[SIZES[1]]["processor"], results[SIZES[2]]["processor"]
    return [
        *(
            told(f"scale: processor seconds for {count:,}", results[count]["processor"])
            for count in SIZES[:2]
        ),
        told(f"scale: seconds for {SIZES[2]:,}", results[SIZES[2]]["seconds"]),
        at_most(f"scale: processor seconds for {SIZES[2]:,}", large, 60),
        at_most(f"scale: memory for {SIZES[2]:,}, MB", results[SIZES[2]]["memory"], 2048),
        at_most(f"scale: processor seconds for {SIZES[2]:,} of one entity", hot["processor"], 60),
        told("scale: incidents of them (its ceaseless channels are others)", hot["incidents"]),
        at_most("scale: ten times the findings take so many times as long", large / small, 15),
    ]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), "one" in sys.argv)))

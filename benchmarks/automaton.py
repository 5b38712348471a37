"""Which multi-pattern matcher: ``python -m benchmarks.automaton [--data DIR]``.

The literals of all process-creation rules over the distinct command lines and paths of the attack samples, as the
matcher asks them: ahocorasick_rs against hyperscan (where that is installed), building and searching.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, publish, told
from kazami.detect.sigma.automaton import EDGE, Automaton, encoded
from kazami.detect.sigma.field_index import FieldIndex
from kazami.detect.sigma.load import load
from kazami.detect.sigma.match import Matcher
from kazami.model.event import LogSource
from kazami.pipeline.look import batches

FIELDS = ("CommandLine", "Image", "ParentImage", "ParentCommandLine")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    rules = load([data / "sigma" / "rules"]).rules
    program = Matcher(rules).program((LogSource("windows", "process_creation", "sysmon"),))
    figures: list[Figure] = []
    for field in FIELDS:
        index = program.index(field)
        assert index is not None
        figures += _field(field, index, _values(data, field))
    return publish(figures)


def _values(data: Path, field: str) -> list[str]:
    found: dict[str, None] = {}
    for batch in batches([data / "evtx-attack-samples" / "Execution"]):
        if (
            field in batch.schema.names
            and b"process_creation" in (batch.schema.metadata or {})[b"kazami.route"]
        ):
            found.update(
                dict.fromkeys(value for value in batch.column(field).dictionary.to_pylist() if value)
            )
    return [value.casefold() for value in found]


def _field(field: str, index: FieldIndex, values: list[str]) -> list[Figure]:
    literals = index.literals
    figures = [told(f"{field}: literals", len(literals)), told(f"{field}: distinct values", len(values))]
    built, automaton = _best(lambda: Automaton(literals))
    searched, _ = _best(lambda: list(automaton.search(values)))
    figures += _told(field, "ahocorasick_rs", built, searched, len(values))
    try:
        hyperscan = importlib.import_module("hyperscan")
    except ImportError:
        return figures
    built, database = _best(lambda: _database(hyperscan, literals), 1)
    searched, _ = _best(lambda: _scan(database, values))
    return figures + _told(field, "hyperscan", built, searched, len(values))


def _told(field: str, name: str, built: float, searched: float, values: int) -> list[Figure]:
    return [
        told(f"{field}: {name}, build, ms", built * 1e3),
        told(f"{field}: {name}, search, microseconds a value", searched / max(1, values) * 1e6),
    ]


def _database(hyperscan: Any, literals: dict[bytes, list[int]]) -> Any:
    database = hyperscan.Database()
    patterns = [_without_nul(literal) for literal in literals]
    database.compile(
        expressions=patterns,
        ids=list(range(len(patterns))),
        elements=len(patterns),
        literal=True,
        flags=[0] * len(patterns),
    )
    return database


def _without_nul(text: bytes) -> bytes:
    """Hyperscan takes no NUL in a literal."""
    return text.replace(b"\0", b"\x01")


def _scan(database: Any, values: list[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    blob = _without_nul(EDGE + EDGE.join(map(encoded, values)) + EDGE)
    database.scan(
        blob, match_event_handler=lambda number, start, end, flags, context: found.append((number, end))
    )
    return found


def _best(work: Callable[[], Any], times: int = 5) -> tuple[float, Any]:
    best, made = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        made = work()
        best = min(best, time.perf_counter() - start)
    return best, made


if __name__ == "__main__":
    raise SystemExit(main())

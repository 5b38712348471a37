"""Reputation at size: ``python -m benchmarks.reputation [--hashes 10000000]``.

Random hashes are put on a shelf; told are the time and the memory of building, bytes a hash, and exact look-ups a second in one
process, hits and misses, one by one.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import at_least, publish, told
from kazami.intel.reputation import book
from kazami.intel.reputation.book import Book, Records

SEED, PART = 20261129, 1_000_000
BAR = 800_000


def parts(count: int, keep: list[bytes]) -> Iterator[Records]:
    """So many random records; some of them are kept to be asked for."""
    dice = np.random.default_rng(SEED)
    for first in range(0, count, PART):
        number = min(PART, count - first)
        raw = dice.integers(0, 256, (number, book.RECORD), dtype=np.uint8)
        raw[:, book.KEY :] = 0
        keep += [row[: book.KEY].tobytes() for row in raw[:: max(number // 20_000, 1)]]
        yield raw.ravel().view(book.KIND)


def main() -> int:
    """Build, ask, tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", help="not needed; all is made")
    options.add_argument("--hashes", type=int, default=10_000_000)
    count = options.parse_args().hashes
    with tempfile.TemporaryDirectory(prefix="kazami-reputation-") as folder:
        file, keep = Path(folder) / "x.book", list[bytes]()
        started = time.perf_counter()
        book.write(file, parts(count, keep))
        built = time.perf_counter() - started
        size = file.stat().st_size
        random.Random(SEED).shuffle(keep)
        with Book(file) as opened:
            hits = _asked(opened, keep[:200_000])
            misses = _asked(opened, [k[8:] + k[:8] for k in keep[:200_000]])
            batches = [_many(opened, keep[:200_000], size) for size in (10_000, 200_000)]
            found = sum(bool(opened.labels(key)) for key in keep[:50_000])
    return publish(
        [
            told("hashes", count),
            told("built, seconds", built),
            told("peak memory, MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            told("bytes a hash", size / count),
            at_least("hits a second", hits, BAR),
            at_least("misses a second", misses, BAR),
            at_least("hits a second, 10,000 at a time", batches[0], BAR),
            at_least("hits a second, 200,000 at a time", batches[1], BAR),
            at_least("share of the hashes that are found", found / min(len(keep), 50_000), 1),
        ]
    )


def _asked(opened: Book, keys: list[bytes]) -> float:
    """Look-ups a second of this process's time, which others on the machine do not lengthen."""
    labels = opened.labels
    for key in keys[:1000]:
        labels(key)
    started = time.process_time()
    for key in keys:
        labels(key)
    return len(keys) / (time.process_time() - started)


def _many(opened: Book, keys: list[bytes], size: int) -> float:
    """Look-ups a second of this process's time, `size` at a time; each must be found."""
    raw = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, book.KEY)
    started = time.process_time()
    found = sum(
        len(set(opened.many(raw[first : first + size])[0].tolist())) for first in range(0, len(raw), size)
    )
    spent = time.process_time() - started
    assert found == len(keys), "what is in the book is found"
    return len(keys) / spent


if __name__ == "__main__":
    raise SystemExit(main())

"""Compiling many rule files in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import msgspec

from kazami.detect.sigma.entry import entries
from kazami.detect.sigma.placeholder import Placeholders
from kazami.detect.sigma.stored import Entry, File

_BATCH = 64  # files a task


def compile_all(
    missing: Mapping[str, bytes], placeholders: Placeholders, workers: int
) -> dict[str, list[Entry]]:
    """The entries of each file, by digest. Processes are spawned, not forked: the caller may have threads."""
    items = list(missing.items())
    batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
    named = {name: list(values) for name, values in placeholders.items()}
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        made = pool.map(partial(_compile, placeholders=named), batches)
        return {file.digest: file.entries for part in made for file in _decode(part)}


def _compile(batch: Sequence[tuple[str, bytes]], placeholders: Placeholders) -> bytes:
    return msgspec.json.encode([File(digest, entries(data, placeholders)) for digest, data in batch])


def _decode(data: bytes) -> list[File]:
    return msgspec.json.decode(data, type=list[File])

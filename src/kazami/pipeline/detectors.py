"""The registered detectors in a scan: each sees the batches of its tables, in the worker that read them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from hashlib import sha256

import pyarrow as pa

from kazami.detect.alert import findings as alerts
from kazami.detect.sigma.rule import RuleSet
from kazami.model.event import Route, rejects
from kazami.model.rule import RuleInfo
from kazami.plugins import DETECTORS, Extension, discover


@cache
def detectors() -> list[Extension]:
    """The detectors that load; found before workers are forked."""
    return [found for found in discover(DETECTORS) if found.object is not None]


def rules() -> list[RuleInfo]:
    """What they can find, in the words that reports print."""
    return [info for found in detectors() for info in getattr(found.object, "RULES", {}).values()]


def joined(found: RuleSet) -> RuleSet:
    """The rule set with the detectors' versions in its own: what was judged by older ones is judged again.

    Detectors over a whole case judge it in every scan anyhow.
    """
    infos = [
        info
        for one in detectors()
        if hasattr(one.object, "detect")
        for info in getattr(one.object, "RULES", {}).values()
    ]
    if not infos:
        return found
    said = "\0".join(sorted(f"{info.id} {info.version}" for info in infos))
    version = sha256(f"{found.version}\0{said}".encode()).hexdigest()
    return replace(found, version=version[: len(found.version) or 16])


def detect(batch: pa.RecordBatch) -> tuple[list[pa.Table], list[pa.RecordBatch]]:
    """Findings in one batch, and rejects that name the detectors that failed on it."""
    table = Route.of(batch).table
    foreign = alerts.findings(batch)  # whatever table they are in, told by their columns
    tables: list[pa.Table] = [foreign] if foreign.num_rows else []
    faults: list[pa.RecordBatch] = []
    for found in detectors():
        if table not in found.object.tables:
            continue
        try:
            tables += found.object.detect(iter([batch]))
        except Exception as error:  # noqa: BLE001 - a broken detector must not hide what the others find
            faults.append(_fault(batch, f"the detector {found.name} failed: {type(error).__name__}: {error}"))
    return tables, faults


def _fault(batch: pa.RecordBatch, reason: str) -> pa.RecordBatch:
    row = {"evidence": batch.column("evidence")[0].as_py(), "name": "", "place": "", "reason": reason[:1000],
           "count": 0, "sample": ""}  # fmt: skip
    return rejects([row])

"""The four extension points, as entry-point groups; the built-ins register the same way.

`discover` never raises for a broken extension: it is reported by name, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from kazami.model.block import Block
from kazami.model.content import Analysis, Meaning, Scope
from kazami.model.evidence import Evidence
from kazami.model.question import Question
from kazami.model.rule import RuleInfo
from kazami.model.tenant import Directory

SOURCES, DETECTORS, ANALYZERS, SINKS = (
    "kazami.sources",
    "kazami.detectors",
    "kazami.analyzers",
    "kazami.sinks",
)


@runtime_checkable
class Source(Protocol):
    """A reader of one format: a module with these two functions is enough.

    A source may also have ``split(evidence, size) -> list[tuple[int, int]]``: byte ranges of about `size`
    bytes that can be read apart from each other, as `Evidence.start` and `Evidence.stop`.
    """

    def confidence(self, name: str, head: bytes) -> float:
        """How sure, 0.0 to 1.0, that `head` (up to 64 KiB from the start) is of this format. Never raises."""
        ...

    def read(self, evidence: Evidence) -> Iterator[pa.RecordBatch]:
        """Batches of events and of rejects (`model.event`). Garbage becomes rejects, never an exception."""
        ...


@runtime_checkable
class Overall(Protocol):
    """A detector over all events of a case, for what a rule cannot say: a module with these names is enough.

    The values of `RULES` are the words of what it finds, `tables` what it asks the case for (`model.question.Question`).
    It may also have ``idle(tenants, directory) -> str``: why it can find nothing in evidence of these tenants, so that
    the case need not be asked; empty where it can.
    """

    RULES: Mapping[str, RuleInfo]
    tables: Sequence[Question]

    def judge(
        self, batches: Iterator[pa.RecordBatch], directory: Directory
    ) -> tuple[pa.Table, Sequence[str]]:
        """Findings in the words of `model.finding.FINDING`, all there are of `RULES`; and notes for people.

        `batches` are the answers, table after table, in any order of time. Pure: no files, no printing.
        """
        ...


@runtime_checkable
class Analyzer(Protocol):
    """Looks inside one file: a module with these names is enough.

    `MEANINGS` says what each of its features means. It may also have: `COST`, "fast" (the default), "deep" or "emulated" for what runs only
    when asked (``--deep``, ``--emulate``) and has `Limits.slow_seconds`; `NEEDS`, packages or programs it cannot do without (one of ``a|b`` is enough), each
    with what is not seen where that is missing; `BY_NAME`, True where a new name is worth another look at the same bytes;
    `version(settings)`, text that changes when its rules do, asked once before workers are made; `by_folder(settings)`, whether they ask where
    a file lies; `FIRST`, True for who knows files by their hash, and `IF_KNOWN`, True for who looks at known good bytes as well;
    `state()`, what ``kazami doctor`` says of it besides; `prepare()`, imports that must not be interrupted, before the time of an analysis begins.
    """

    MEANINGS: Mapping[str, Meaning]

    def confidence(self, head: bytes, name: str) -> float:
        """How sure, 0.0 to 1.0, that this analyzer has something to say. It runs from 0.5. Never raises.

        `head` is up to 64 KiB from the start, `name` the last part of the name. Several analyzers may look at one file.
        """
        ...

    def analyze(self, data: bytes, scope: Scope) -> Analysis:
        """Features, children and gaps. Pure: a function of its arguments, which writes and fetches nothing.

        Bytes that cannot be parsed become a `Gap`. Whatever is raised becomes one too, but then nothing else is kept.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Where blocks of one tenant go, whole each time: a module with these four functions is enough.

    ``apply`` with some blocks and ``undo`` with none leave `place` exactly as it was before. A failure is a UsageError that
    says what failed; then nothing was changed.
    """

    def takes(self, block: Block) -> bool:
        """Whether the sink can carry out such a block."""
        ...

    def plan(self, tenant: str, blocks: Sequence[Block], now: datetime) -> Mapping[str, str]:
        """Names and texts of what `apply` would put there. No side effect."""
        ...

    def apply(self, tenant: str, blocks: Sequence[Block], place: Path, now: datetime) -> str:
        """Make `blocks`, all that are to be in force, so; what the log keeps."""
        ...

    def undo(self, tenant: str, blocks: Sequence[Block], place: Path, now: datetime) -> str:
        """Take away all but `blocks`, which stay in force; what the log keeps."""
        ...


@dataclass(frozen=True, slots=True)
class Extension:
    """One registered extension: its object, or why it cannot be used."""

    group: str
    name: str
    target: str
    object: Any = None
    error: str = ""


def discover(group: str) -> list[Extension]:
    """All extensions of `group`, sorted by name; each loaded, or with the reason why not."""
    found = []
    for entry in sorted(entry_points(group=group), key=lambda e: (e.name, e.value)):
        try:
            found.append(Extension(group, entry.name, entry.value, entry.load()))
        except Exception as error:  # noqa: BLE001 - whatever a third party's import raises is reported by name
            found.append(Extension(group, entry.name, entry.value, error=f"{type(error).__name__}: {error}"))
    return found

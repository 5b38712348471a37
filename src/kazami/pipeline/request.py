"""What a scan is asked for, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kazami.config import Settings
from kazami.detect.sigma.rule import RuleSet
from kazami.model.tenant import Directory


@dataclass(frozen=True, slots=True)
class Request:
    """What to scan, with what, into which case. `since` and `until` are microseconds in UTC."""

    evidence: Sequence[Path]
    case: Path
    rules: Sequence[Path] = ()
    packs: Sequence[str] | None = None
    tenant: str = "default"
    tenant_from_folder: bool = False  # the folders right inside a folder of evidence name the tenants
    since: int | None = None
    until: int | None = None
    workers: int = 1
    command: str = ""
    settings: Settings = field(default_factory=Settings)
    directory: Directory = field(default_factory=Directory)  # who the tenants are
    ours: Sequence[
        Path
    ] = ()  # files and folders that are no evidence although they lie among it, beside the case
    yara: Sequence[Path] = ()  # files and folders of YARA rules, beside those of packs and settings


@dataclass(slots=True)
class Result:
    """How a scan ended; everything else is in the case."""

    case: Path
    rules: RuleSet
    names: frozenset[str] = frozenset()  # of the files that were asked for, and of what was not found
    parts: int = 0
    skipped: int = 0  # parts that an earlier scan had done
    events: int = 0
    found: int = 0
    incidents: int = 0  # of the case
    lost: list[tuple[str, str]] = field(default_factory=list)  # what killed its worker, and how
    timeouts: Counter[str] = field(default_factory=Counter)  # values by rule
    undated: Counter[str] = field(default_factory=Counter)  # events without a time, by evidence
    notes: list[str] = field(default_factory=list)
    stopped: bool = False


class Observer(Protocol):
    """Who wants to see a scan go on."""

    def begin(self, files: int, size: int) -> None:
        """So many files and bytes are to be read."""
        ...

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """So many bytes more are done, the last of them in the file `name`."""
        ...

    def tick(self) -> None:
        """Some time has passed."""
        ...

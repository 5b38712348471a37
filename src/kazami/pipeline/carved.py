"""Files that passed in captures: kept whole by whoever reads the capture, looked inside when all is read, told with their flows.

What is kept is what the reader of captures had in its hands anyway: bodies of HTTP that lie whole in the first bytes of a flow. They
wait in the case's folder under their hash, never under a name, until they were looked at; then they are gone from there.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kazami.model.question import Question
from kazami.pipeline.inspect import Submission
from kazami.pipeline.keeper import FOLDER, LEFT
from kazami.store.case import Case
from kazami.store.gather import gather

#: Flows that are told of one file.
FLOWS = 5

_FILES = Question(
    "files",
    {name: (name,) for name in ("sha256", "filename", "source", "tx_hosts", "rx_hosts", "conn_uids")},
)


@dataclass(frozen=True, slots=True)
class Passing:
    """One time that a file passed: the event of it, who sent it to whom, in which flow."""

    tenant: str
    evidence: str
    host: str | None
    time: Any
    sha256: str
    name: str
    source: str
    sender: str
    receiver: str
    flow: str

    @property
    def place(self) -> str:
        """For people, and as the name of what is looked at."""
        return (
            f"{self.source} {self.sender} to {self.receiver} in {self.flow}/{self.name or self.sha256[:16]}"
        )


def passings(case: Case) -> list[Passing]:
    """When each of the files that wait passed; of one file to a tenant the first `FLOWS`."""
    folder = Path(case.root) / FOLDER
    waiting = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    found: dict[tuple[str, str], list[Passing]] = {}
    if not waiting:
        return []
    for batch in gather(case, _FILES):
        for row in batch.to_pylist():
            if row["sha256"] in waiting:
                listed = found.setdefault((row["tenant"], row["sha256"]), [])
                if len(listed) < FLOWS:
                    listed.append(_passing(row))
    return [one for listed in found.values() for one in listed]


def _passing(row: dict[str, Any]) -> Passing:
    return Passing(
        row["tenant"],
        row["evidence"],
        row["host"],
        row["time"],
        row["sha256"],
        (row["filename"] or "").replace("\0", "_"),
        row["source"] or "",
        *(_first(row[name]) for name in ("tx_hosts", "rx_hosts", "conn_uids")),
    )


def _first(listed: str | None) -> str:
    """The first of a list in JSON; Zeek's own logs may hold something else."""
    with contextlib.suppress(orjson.JSONDecodeError, TypeError):
        found = orjson.loads(listed or "[]")
        return str(found[0]) if isinstance(found, list) and found else ""
    return listed or ""


def submissions(case: Case, passed: list[Passing]) -> Iterator[Submission]:
    """Each file once a tenant, under the first place where it passed."""
    folder = Path(case.root) / FOLDER
    seen = set()
    for one in passed:
        if (one.tenant, one.sha256) not in seen:
            seen.add((one.tenant, one.sha256))
            path = folder / one.sha256
            yield Submission(f"{one.tenant}\0{one.place}", path, size=path.stat().st_size)


def forget(case: Case) -> list[str]:
    """Take away what was looked at; says how many files were too many to be kept."""
    folder = Path(case.root) / FOLDER
    left = sum(int(path.read_text("ascii")) for path in folder.glob(f"{LEFT}*")) if folder.is_dir() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return [f"at least {left:,} files in captures were not looked into: too many passed"] if left else []

"""The folder that one investigation lives in: opened, locked, checked; and what an interrupted scan has done.

    case.duckdb   findings, rules, evidence, rejects, runs, and the registry of the segments
    events/       segments: <log source>/<tenant>/<days>-<unique>.parquet
    staging/      what is being written; nothing in it counts
    lock          who writes

A segment counts when the registry names it; what is there without being named was left by a scan that died, and
goes at the next opening for writing. All paths in the registry are relative, so a case can be moved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kazami.errors import CaseError
from kazami.model.rule import Rejected, RuleInfo
from kazami.store import opening, segment, sql, tidy
from kazami.store.database import NAME, Database
from kazami.store.lock import WriterLock
from kazami.store.sql import NO_FILL, Fill, Limits

if TYPE_CHECKING:
    from kazami.store.run import Run

DEFAULT = Path("kazami-case")
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A piece of evidence that is read at a time: what a scan that was interrupted has done, or has not."""

    evidence: str  # evidence_uid
    start: int
    stop: int | None
    tenant: str


class Case:
    """An open case; a context manager. Made by `open`."""

    def __init__(self, path: Path, database: Database, close: Callable[[], None], lock: WriterLock | None):
        self.path = path
        self.database = database
        self._close = close
        self.lock = lock
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path | str = DEFAULT,
        *,
        create: bool = False,
        read_only: bool = False,
        command: str = "kazami",
    ) -> Case:
        """Open the case in the folder `path`.

        With `create` it is made where there is none (in a new or empty folder). Any number may read, one may
        write; who reads while another writes sees the case as of the last commit. `command` is told to others
        who want to write. Raises CaseError: there is no case, it is of a newer schema, another writes it, the
        folder or the disk does not take it.
        """
        folder = Path(path)
        if read_only:
            database, close = opening.reader(folder)
            return cls(folder, database, close, None)
        database, lock = opening.writer(folder, create=create, command=command)
        case = cls(folder, database, database.close, lock)
        try:
            tidy.tidy(case)
        except BaseException:
            case.close()
            raise
        return case

    def close(self) -> None:
        """Close the case; what was committed stays. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self.lock is None:
            self._close()
            return
        try:
            with self.lock.changing():
                self._close()
        finally:
            self.lock.release()

    def __enter__(self) -> Case:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except CaseError:
            if error is None:  # else what went wrong first says more
                raise

    def write(self, batches: Iterable[pa.RecordBatch | pa.Table]) -> list[segment.Segment]:
        """`segment.write` into this case."""
        return segment.write(self.path, batches)

    def begin(
        self,
        *,
        version: str,
        command: str = "",
        ruleset: str = "",
        rules: Sequence[RuleInfo] = (),
        rejected: Sequence[Rejected] = (),
        started: datetime | None = None,
    ) -> Run:
        """A new run of this case.

        `version` is the program's, `ruleset` the hash over all `rules` (correlations among them). From now on a
        rule's findings are shown if they were made by the version of the rule given here.
        """
        from kazami.store.run import Run

        return Run.begin(
            self,
            version=version,
            command=command,
            ruleset=ruleset,
            rules=rules,
            rejected=rejected,
            started=started or datetime.now(UTC),
        )

    def done_parts(self, ruleset: str) -> set[Part]:
        """Parts whose events are stored and were matched with the rules `ruleset`: nothing is left to do."""
        return self._parts("done AND ruleset = ?", [ruleset])

    def stored_parts(self, rulesets: Callable[[str], bool] = lambda _: True) -> set[Part]:
        """Parts whose events are stored, whatever rules were run over them: only findings are to be made.

        With `rulesets` only those that were matched with a rule set of which it is true.
        """
        known = [row["ruleset"] for row in self.database.rows("SELECT DISTINCT ruleset FROM part WHERE done")]
        return self._parts("done AND list_contains(?, ruleset)", [[name for name in known if rulesets(name)]])

    def restart(self, todo: Mapping[Part, str], given: Collection[str], again: Collection[str] = ()) -> None:
        """Before `todo` is read: forget halves of parts, and failures, that will be read again; see `tidy.restart`."""
        tidy.restart(self, todo, given, again)

    def _parts(self, condition: str, parameters: list[Any]) -> set[Part]:
        rows = self.database.rows(
            f"SELECT DISTINCT evidence, start, stop, tenant FROM part WHERE {condition}",  # noqa: S608 - ours
            parameters,
        )
        return {Part(**row) for row in rows}

    def matches(self, versions: Mapping[str, str], size: int = 8192) -> pa.RecordBatchReader:
        """What correlations build on: matches of the rules `versions` (rule id to rule version), in order of time.

        Columns as in `schema.MATCH`, at most `size` rows a batch. Matches without a time come last. To be asked when
        no workers run: it may take 200 MB.
        """
        wanted = pa.table(
            {
                "id": pa.array(versions.keys(), pa.string()),
                "version": pa.array(versions.values(), pa.string()),
            }
        )
        self.database.widen()
        return self.database.stream(
            "SELECT m.* FROM kase.match m JOIN wanted w ON m.rule_id = w.id AND m.rule_version = w.version "
            "ORDER BY m.time NULLS LAST, m.event_uid",
            size=size,
            wanted=wanted,
        )

    def sql(
        self, query: str, limits: Limits = DEFAULT_LIMITS, fill: Fill = NO_FILL
    ) -> tuple[list[str], Iterator[pa.RecordBatch]]:
        """Ask the case a question: the names of the columns, and the rows as they come.

        `query` is one SELECT over the views of `views`. Raises UsageError with DuckDB's words where it cannot
        be asked, or took too long. A case that is open for writing is asked as of its last commit. Log sources and
        columns of `fill` can be asked for even where this case has none: then there are no rows, or nulls.
        """
        if self.lock is None:
            return sql.ask(self.database, self.root, query, limits, fill)
        snapshot = Case.open(self.path, read_only=True)
        try:
            names, batches = snapshot.sql(query, limits, fill)
        except BaseException:
            snapshot.close()
            raise
        return names, _closing(snapshot, batches)

    @property
    def root(self) -> str:
        """The absolute path of the folder as SQL says it; a segment is ``<root>/<path in the registry>``."""
        return self.path.absolute().as_posix()

    def require_writer(self) -> WriterLock:
        """The lock of a case that is open for writing; CaseError where it is open for reading."""
        if self.lock is None:
            raise CaseError(f"{self.path}: is open for reading only")
        return self.lock


def _closing(case: Case, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with case:
        yield from batches


def is_case(path: Path) -> bool:
    """Whether there is a case in the folder `path`."""
    return (path / NAME).is_file()

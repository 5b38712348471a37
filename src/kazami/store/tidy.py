"""What a scan that died left behind: files at the next opening for writing, halves of parts when they are read again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kazami.store import segment
from kazami.store.database import guarded
from kazami.store.opening import SPILL

if TYPE_CHECKING:
    from kazami.store.case import Case, Part


def tidy(case: Case) -> None:
    """Forget commits whose files are gone, and the parts in them; delete files that nobody knows."""
    registered = {row["path"]: row for row in case.database.rows('SELECT path, bytes, "commit" FROM segment')}
    on_disk = {
        file.relative_to(case.path).as_posix(): file
        for file in (case.path / segment.EVENTS).rglob("*.parquet")
    }
    with guarded(case.path):
        lost = {
            row["commit"]
            for path, row in registered.items()
            if path not in on_disk or on_disk[path].stat().st_size != row["bytes"]
        }
    forgotten = _closure(_parts(case), lost)
    _forget(case, forgotten)
    with guarded(case.path):
        for path, file in on_disk.items():
            if path not in registered or registered[path]["commit"] in forgotten:
                file.unlink(missing_ok=True)
        for entry in [*(case.path / segment.STAGING).iterdir(), *_old_spills(case.path)]:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _old_spills(folder: Path) -> list[Path]:
    """Folders that DuckDB spilled to and could not take away; readers of today may still use theirs."""
    return [entry for entry in folder.glob(f"{SPILL}*") if time.time() - entry.stat().st_mtime > 86400]


def restart(
    case: Case, todo: Mapping[Part, str], given: Collection[str], again: Collection[str] = ()
) -> None:
    """Forget what was stored of parts in `todo` that nothing finished: they are read once more from the start.

    `todo` tells the name of each part's file. `given` are the names of what is looked through for files: failures
    to do so are forgotten, too. `again` are evidence uids of parts that are read once more although they were
    finished. What shares a commit with a part is forgotten with it, if all of it is in `todo`; else it stays,
    because nothing may be lost, and what is then read twice counts as duplicates.
    """
    keys = {(part.evidence, part.start, part.stop, part.tenant): name for part, name in todo.items()}
    parts = _parts(case)
    done = {_key(row) for row in parts if row["done"] and row["evidence"] not in again}
    seen: set[int] = set()
    for row in parts:
        if _key(row) in keys and _key(row) not in done and row["commit"] not in seen:
            bad = _closure(parts, {row["commit"]})
            seen |= bad
            if all(_key(other) in keys for other in parts if other["commit"] in bad):
                _forget(case, bad)
    failed = {key[0]: name for key, name in keys.items() if key not in done}
    _forget_failures(case, failed, given)


def _parts(case: Case) -> list[dict[str, Any]]:
    return case.database.rows('SELECT evidence, start, stop, tenant, done, "commit" FROM part')


def _forget(case: Case, bad: set[int]) -> None:
    """Remove the commits `bad`."""
    if not bad:
        return
    database = case.database
    files = database.rows('SELECT path, "commit" FROM segment')
    with case.require_writer().changing(), database.transaction():
        database.insert(
            """CREATE TEMP TABLE bad AS SELECT "commit" FROM new""", pa.table({"commit": sorted(bad)})
        )
        for name in ("segment", "part", "reject"):
            database.run(f'DELETE FROM {name} WHERE "commit" IN (SELECT "commit" FROM bad)')  # noqa: S608 - ours
        database.run("DELETE FROM duplicate")  # a copy that was left out may be the only one now
        database.run("DELETE FROM meta WHERE key = 'deduplicated'")
        database.run("DROP TABLE bad")
    with guarded(case.path):
        for row in files:
            if row["commit"] in bad:
                (case.path / row["path"]).unlink(missing_ok=True)


def _forget_failures(case: Case, failed: Mapping[str, str], given: Collection[str]) -> None:
    """What is read again may be readable now, or another file under the same name: it speaks anew."""
    database = case.database
    names = [(name, True) for name in {*failed.values()}] + [(name, False) for name in {*given}]
    uid_table = pa.table({"uid": pa.array(failed, pa.string())})
    name_table = pa.table(
        {
            "name": pa.array([name.replace("\\", "/") for name, _ in names], pa.string()),
            "file": pa.array([is_file for _, is_file in names], pa.bool_()),
        }
    )
    with case.require_writer().changing(), database.transaction():
        database.insert(
            """CREATE TEMP TABLE failed AS SELECT uid, name FROM evidence
            WHERE state IN ('unreadable', 'partial') AND uid IN (SELECT uid FROM new);
            DELETE FROM reject WHERE evidence IN (SELECT uid FROM new)""",
            uid_table,
        )
        database.insert(
            """INSERT INTO failed SELECT uid, name FROM (
                SELECT uid, name, replace(name, '\\', '/') AS path FROM evidence WHERE state = 'unreadable'
            ) e WHERE EXISTS (SELECT 1 FROM new WHERE
                (new.file AND (e.path = new.name OR starts_with(e.path, new.name || '!')))
                OR (e.uid = '' AND (e.path = new.name OR starts_with(e.path, new.name || '/'))));
            DELETE FROM reject WHERE (evidence, name) IN (FROM failed);
            DELETE FROM evidence WHERE (uid, name) IN (FROM failed);
            DROP TABLE failed""",
            name_table,
        )


def _closure(parts: list[dict[str, Any]], bad: set[int]) -> set[int]:
    """`bad`, and the commits of all parts that have a commit among them, and so on."""
    commits: dict[tuple[Any, ...], set[int]] = {}
    for row in parts:
        commits.setdefault(_key(row), set()).add(row["commit"])
    while True:
        more = {c for group in commits.values() if group & bad for c in group} - bad
        if not more:
            return bad
        bad = bad | more


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["evidence"], row["start"], row["stop"], row["tenant"]

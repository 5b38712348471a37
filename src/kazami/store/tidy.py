"""What a scan that died left behind: files at the next opening for writing, halves of parts when they are read again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
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


def restart(case: Case, todo: Collection[Part], names: Collection[str], again: Collection[str] = ()) -> None:
    """Forget what was stored of parts in `todo` that nothing finished: they are read once more from the start.

    `names` are those of the evidence they are of, and of whatever else is looked for once more; `again` are evidence
    uids of parts that are read once more although they were finished. What shares a commit with such a part is
    forgotten, too, if all of it is in `todo`; else it stays, because nothing may be lost, and what is then
    read twice counts as duplicates.
    """
    keys = {(part.evidence, part.start, part.stop, part.tenant) for part in todo}
    parts = _parts(case)
    done = {_key(row) for row in parts if row["done"] and row["evidence"] not in again}
    seen: set[int] = set()
    for row in parts:
        if _key(row) in keys - done and row["commit"] not in seen:
            bad = _closure(parts, {row["commit"]})
            seen |= bad
            if {_key(other) for other in parts if other["commit"] in bad} <= keys:
                _forget(case, bad)
    _forget_failures(case, {key[0] for key in keys - done}, names)


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


def _forget_failures(case: Case, uids: Collection[str], names: Collection[str]) -> None:
    """What is read again may be readable now, or another file under the same name: it speaks anew."""
    database = case.database
    with case.require_writer().changing(), database.transaction():
        uid_table = pa.table({"uid": pa.array(sorted(uids), pa.string())})
        name_table = pa.table({"name": pa.array(sorted(names), pa.string())})
        database.insert(
            """CREATE TEMP TABLE failed AS SELECT uid, name FROM evidence
            WHERE state IN ('unreadable', 'partial') AND uid IN (SELECT uid FROM new);
            DELETE FROM reject WHERE evidence IN (SELECT uid FROM new)""",
            uid_table,
        )
        database.insert(
            """INSERT INTO failed SELECT e.uid, e.name FROM evidence e WHERE e.state = 'unreadable' AND EXISTS (
                SELECT 1 FROM new WHERE e.name = new.name OR starts_with(e.name, new.name || '!')
                OR (e.uid = '' AND starts_with(replace(e.name, '\\', '/'), new.name || '/')));
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

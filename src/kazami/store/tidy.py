"""What a scan that died left behind, put right at the next opening for writing."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kazami.store import segment
from kazami.store.database import guarded
from kazami.store.opening import SPILL

if TYPE_CHECKING:
    from kazami.store.case import Case


def tidy(case: Case) -> None:
    """Forget commits of parts that were not finished or whose files are gone; delete files that nobody knows."""
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
    forgotten = _forget(case, lost)
    with guarded(case.path):
        for path, file in on_disk.items():
            if path not in registered or registered[path]["commit"] in forgotten:
                file.unlink()
        for entry in [*(case.path / segment.STAGING).iterdir(), *_old_spills(case.path)]:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _old_spills(folder: Path) -> list[Path]:
    """Folders that DuckDB spilled to and could not take away; readers of today may still use theirs."""
    return [entry for entry in folder.glob(f"{SPILL}*") if time.time() - entry.stat().st_mtime > 86400]


def _forget(case: Case, lost: set[int]) -> set[int]:
    """Remove the commits `lost`, those of unfinished parts, and those that share a part with them."""
    parts = case.database.rows('SELECT evidence, start, stop, tenant, done, "commit" FROM part')
    done = {_key(row) for row in parts if row["done"]}
    bad = _closure(parts, lost | {row["commit"] for row in parts if _key(row) not in done})
    if not bad:
        return bad
    database = case.database
    with case.require_writer().changing(), database.transaction():
        database.insert(
            """CREATE TEMP TABLE bad AS SELECT "commit" FROM new""", pa.table({"commit": sorted(bad)})
        )
        for name in ("segment", "part", "reject"):
            database.run(f'DELETE FROM {name} WHERE "commit" IN (SELECT "commit" FROM bad)')  # noqa: S608 - ours
        database.run("DELETE FROM duplicate")  # a copy that was left out may be the only one now
        database.run("DELETE FROM meta WHERE key = 'deduplicated'")
        database.run("DROP TABLE bad")
    return bad


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

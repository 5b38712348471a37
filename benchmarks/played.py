"""Assessments of attacks that were only played: sets of real logs that people made by emulating techniques."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from kazami.attribute.assess import Assessment, assess
from kazami.attribute.evidence import Hit, gather
from kazami.attribute.profile import profiles
from kazami.config import Settings
from kazami.intel.actor import recognizes
from kazami.intel.shelf import shipped
from kazami.pipeline import Request, scan
from kazami.pipeline.attribution import attributed
from kazami.store.case import Case


class _Silence:
    """Nobody watches the scan."""

    def begin(self, files: int, size: int) -> None:
        """Nothing is said."""

    def advance(self, size: int, events: int, findings: int, name: str) -> None:
        """Nothing is said."""

    def tick(self) -> None:
        """Nothing is said."""


def assessments(folder: Path) -> Iterator[Assessment]:
    """Of all of `folder` together, at medium and at any level, and of each piece of evidence by itself."""
    if not folder.is_dir():
        return
    with TemporaryDirectory() as place:
        case_path = Path(place) / "case"
        scan(Request([folder], case_path, settings=Settings()), _Silence())
        with Case.open(case_path, read_only=True) as case:
            for level in ("medium", "informational"):
                yield from attributed(case, level=level).values()
            yield from _pieces(case)


def _pieces(case: Case) -> Iterator[Assessment]:
    world, known = profiles(shipped()), recognizes()
    _, batches = case.sql(
        """SELECT evidence, rule_id, any_value(title), any_value(techniques), any_value(tags), count(*)
        FROM finding GROUP BY evidence, rule_id ORDER BY evidence, rule_id"""
    )
    found: defaultdict[str, list[Hit]] = defaultdict(list)
    for batch in batches:
        for evidence, rule, title, techniques, tags, count in zip(
            *(column.to_pylist() for column in batch.columns), strict=True
        ):
            found[evidence].append(Hit(rule, title, tuple(techniques or ()), tuple(tags or ()), count))
    for hits in found.values():
        yield assess(gather(hits, world.table, known), world)

"""Hashes against what is known of files (`kazami.intel.reputation`): known bad convicts, known good ends the looking.

The shelf is the user's, or that in ``[content.reputation] shelf = ["/srv/shelf"]``; where there is none, nothing is said and nothing is missing.
A hash that can be forged (MD5, SHA-1) convicts and never acquits; the shelf sees to that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from kazami.detect.content.meaning import meanings
from kazami.errors import CaseError
from kazami.intel.reputation.label import Known
from kazami.intel.reputation.shelf import Shelf, default
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = meanings(__file__)
#: Before all others: what is known good is not looked into.
FIRST = True

_SAID = 4  # statements that a proof shows

Settings = Mapping[str, Sequence[str]]


def confidence(head: bytes, name: str) -> float:
    """Everything has a hash."""
    return 1.0 if head else 0.0


def version(settings: Settings) -> str:
    """Changes when the shelf does. Opens it, so that workers which are forked share its maps; they may not have so much memory."""
    folder = _folder(settings)
    stamp = _stamp(folder)
    with contextlib.suppress(CaseError):  # each file says so: a gap
        _opened(folder, stamp)
    return repr(stamp)


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What the shelf says of the file's hashes, by the gravest of its statements."""
    folder = _folder(scope.settings)
    try:
        shelf = _opened(folder, _stamp(folder))
        found = [known for text in scope.hashes if shelf is not None and (known := shelf.look(text))]
    except CaseError as error:
        return Analysis(gaps=(Gap("error", f"reputation: {error}"),))
    if not found:
        return Analysis()
    gravest = max(found, key=lambda known: (known.rank, known.trusted))
    return Analysis((_feature(gravest),), known=gravest.standing == "good")


def _feature(known: Known) -> Feature:
    shown = ["; ".join(filter(None, (label.source, label.standing, label.date and f"since {label.date}", label.product))) for label in known.labels[:_SAID]]  # fmt: skip
    more = f" (+{len(known.labels) - _SAID})" if len(known.labels) > _SAID else ""
    return Feature(
        f"reputation.{known.standing}",
        value=f"{known.hash}: {' | '.join(shown)}{more}",
        rule=f"reputation.{known.standing}",
        author=known.labels[0].source,
    )


def _folder(settings: Settings) -> Path:
    named = settings.get("reputation.shelf", ())
    return Path(named[0]) if named else default()


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of all files of a shelf."""
    if not folder.is_dir():
        return ()
    states = ((file.name, file.stat()) for file in sorted(folder.iterdir()) if file.is_file())
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)


@lru_cache(2)
def _opened(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Shelf | None:
    return Shelf(folder) if stamp else None

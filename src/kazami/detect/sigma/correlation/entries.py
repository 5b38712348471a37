"""The members of all sources of a correlation, sorted into groups and by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from kazami.detect.sigma.correlation.kinds import NUMERIC
from kazami.detect.sigma.correlation.matches import MISSING, Ints, Matches
from kazami.detect.sigma.correlation.number import scaled
from kazami.detect.sigma.correlation.source import Source
from kazami.detect.sigma.rule import Correlation

if TYPE_CHECKING:
    import numpy.typing as npt

Objects: TypeAlias = "npt.NDArray[np.object_]"


@dataclass(frozen=True, slots=True)
class Entries:
    """Columns of equal length, in the order of group, time and step.

    `group` numbers tenant and group-by values; `step` is the position in the correlation's rules; `member`, `row`,
    `occurrence` and `giver` are those of the source; `shown` are the group-by values as positions in the
    matches' texts; equal `value` means an equal counted value, or for numeric types is a position in `numbers`,
    which are whole numbers in units of 1 / `number.SCALE`, in order of size.
    """

    group: Ints
    time: Ints
    step: Ints
    member: Ints
    row: Ints
    occurrence: Ints
    giver: Ints
    shown: tuple[Ints, ...]
    value: Ints
    numbers: Objects

    def __len__(self) -> int:
        return len(self.group)


def entries(
    correlation: Correlation, sources: Sequence[Source], matches: Matches
) -> tuple[Entries, dict[str, int]]:
    """What takes part in the correlation; and what matches that do not take part lack, with their number."""
    sizes = [len(source.row) for source in sources]
    lacking = {"readable time": sum(source.untimed for source in sources)}
    shown = {name: _texts(correlation, sources, name) for name in correlation.group_by}
    counted = {name: _texts(correlation, sources, name) for name in correlation.fields}
    missing = {f"value of {name}": column == MISSING for name, column in (shown | counted).items()}
    numbers = np.empty(0, dtype=object)
    if correlation.type in NUMERIC:
        (name, column), *_ = counted.items()
        counted[name], numbers = _ranked(column, matches.texts)
        missing[f"number in {name}"] = counted[name] == MISSING
    kept = _complete(sum(sizes), missing, lacking)

    chosen = np.flatnonzero(kept)
    row = _joined(sources, "row")[chosen]
    time = _joined(sources, "time")[chosen]
    step = np.repeat(np.arange(len(sources), dtype=np.int64), sizes)[chosen]
    group = _numbered([matches.tenant[row], *(matches.folded[c[chosen]] for c in shown.values())])
    values = [c[chosen] if len(numbers) else matches.folded[c[chosen]] for c in counted.values()]
    order = np.lexsort((time, group))  # stable, and members come step by step
    chosen = chosen[order]
    found = Entries(
        group=group[order],
        time=time[order],
        step=step[order],
        member=np.concatenate([np.arange(size, dtype=np.int64) for size in sizes])[chosen],
        row=row[order],
        occurrence=_joined(sources, "occurrence")[chosen],
        giver=_joined(sources, "giver")[chosen],
        shown=tuple(column[chosen] for column in shown.values()),
        value=(values[0] if len(numbers) else _numbered(values))[order] if values else np.zeros_like(chosen),
        numbers=numbers,
    )
    return found, {what: count for what, count in lacking.items() if count}


def _joined(sources: Sequence[Source], column: str) -> Ints:
    return np.concatenate([getattr(source, column) for source in sources])


def _texts(correlation: Correlation, sources: Sequence[Source], name: str) -> Ints:
    alias = correlation.aliases.get(name, {})
    return np.concatenate([source.texts(name, alias) for source in sources])


def _complete(
    size: int, missing: dict[str, npt.NDArray[np.bool_]], lacking: dict[str, int]
) -> npt.NDArray[np.bool_]:
    """Which of `size` members lack nothing; each other one is counted once, by the first thing that it lacks."""
    kept = np.ones(size, dtype=bool)
    for what, absent in missing.items():
        lacking[what] = lacking.get(what, 0) + int(np.count_nonzero(kept & absent))
        kept &= ~absent
    return kept


def _ranked(column: Ints, texts: Sequence[str]) -> tuple[Ints, Objects]:
    """The numbers among the texts of a column: each text's position among them, by size; and the numbers."""
    used = np.unique(column[column != MISSING])
    found = {code: number for code in used.tolist() if (number := scaled(texts[code])) is not None}
    numbers = sorted(set(found.values()))
    position = {number: rank for rank, number in enumerate(numbers)}
    ranks = np.full(len(texts) + 1, MISSING, dtype=np.int64)  # the last is that of MISSING itself
    for code, number in found.items():
        ranks[code] = position[number]
    return ranks[column], _objects(numbers)


def _objects(numbers: Sequence[int]) -> Objects:
    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return array


def _numbered(columns: Sequence[Ints]) -> Ints:
    """One number a row, equal where all columns are equal."""
    code = np.unique(columns[0], return_inverse=True)[1]
    for column in columns[1:]:
        wide = int(column.max(initial=0)) + 1
        code = np.unique(code * wide + column, return_inverse=True)[1]
    return code

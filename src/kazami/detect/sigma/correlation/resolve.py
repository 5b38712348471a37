"""References between correlations and rules: names to ids, the order of evaluation, and who reports.

A rule that a correlation builds on is fuel: it gives no findings of its own, unless one of the correlations over
it says ``generate: true``. Any number of correlations may still use it. The same holds for a correlation
under another. A correlation that cannot be evaluated does not silence the rules that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from kazami.detect.sigma.correlation import logic
from kazami.detect.sigma.rule import Correlation, Rule
from kazami.model.finding import level_rank
from kazami.model.rule import Rejected, RuleInfo

#: How many correlations may stand one upon the other.
MAX_CHAIN = 32


class Resolved(NamedTuple):
    """Correlations in the order of evaluation, rules as given but for `report`, and what had to be left out."""

    correlations: tuple[Correlation, ...]
    rules: tuple[Rule, ...]
    rejected: tuple[Rejected, ...]


def resolve(correlations: Iterable[Correlation], rules: Sequence[Rule]) -> Resolved:
    """Tie `correlations`, as `load` gives them, to `rules` and to each other; see the module for who reports."""
    mine, rejected = _distinct(correlations, rules)
    book = _Book([r.info for r in rules] + [c.info for c in mine])
    tied: dict[str, Correlation] = {}
    for correlation in mine:
        try:
            tied[correlation.info.id] = _tied(correlation, book)
        except ValueError as error:
            rejected.append(_rejected(correlation, str(error)))
    ordered, looping = _ordered(tied, {r.info.id for r in rules})
    levels = {r.info.id: r.info.level for r in rules}
    ordered = [_leveled(c, levels) for c in ordered]
    silent = _silent(ordered)
    return Resolved(
        tuple(replace(c, report=c.info.id not in silent) for c in ordered),
        tuple(replace(r, report=False) if r.info.id in silent else r for r in rules),
        tuple(rejected + looping),
    )


def _distinct(
    correlations: Iterable[Correlation], rules: Sequence[Rule]
) -> tuple[list[Correlation], list[Rejected]]:
    seen = {r.info.id: r.info.path for r in rules}
    kept, rejected = [], []
    for correlation in correlations:
        info = correlation.info
        if info.id in seen:
            rejected.append(_rejected(correlation, f"the id {info.id} is already that of {seen[info.id]}"))
        else:
            seen[info.id] = info.path
            kept.append(correlation)
    return kept, rejected


class _Book:
    """Which ids a reference may mean."""

    def __init__(self, infos: Iterable[RuleInfo]) -> None:
        self._ids: dict[str, str] = {}
        self._names: dict[str, list[str]] = {}
        for info in infos:
            self._ids[_canonical(info.id)] = info.id
            if info.name:
                self._names.setdefault(info.name, []).append(info.id)

    def id(self, reference: str) -> str:
        """The id that is meant; raises ValueError where there is none, or more than one."""
        if _canonical(reference) in self._ids:
            return self._ids[_canonical(reference)]
        ids = self._names.get(reference, [])
        if len(ids) > 1:
            raise ValueError(f"{reference!r} is the name of several rules: {', '.join(ids)}")
        if not ids:
            raise ValueError(f"{reference!r} is neither the id nor the name of a loaded rule")
        return ids[0]


def _canonical(id_: str) -> str:
    try:
        return str(UUID(id_))
    except ValueError:
        return id_


def _tied(correlation: Correlation, book: _Book) -> Correlation:
    rules = tuple(book.id(r) for r in correlation.rules)
    if len(set(rules)) < len(rules):
        raise ValueError("rules names one rule twice")
    aliases = {
        alias: {book.id(rule): field for rule, field in fields.items()}
        for alias, fields in correlation.aliases.items()
    }
    expression = correlation.expression
    if expression is not None:
        names = {r: book.id(r) for r in logic.references(expression)}
        expression = logic.renamed(expression, names)
        if set(names.values()) != set(rules):
            raise ValueError("rules and condition do not name the same rules")
    return replace(correlation, rules=rules, aliases=aliases, expression=expression)


def _ordered(tied: Mapping[str, Correlation], plain: set[str]) -> tuple[list[Correlation], list[Rejected]]:
    """Each correlation after those it builds on; those that would wait for ever are rejected with the reason."""
    waiting = dict(tied)
    done: list[Correlation] = []
    known = set(plain)
    for _ in range(MAX_CHAIN):
        ready = [c for c in waiting.values() if known.issuperset(c.rules)]
        for correlation in ready:
            del waiting[correlation.info.id]
        done += ready
        known.update(c.info.id for c in ready)
    return done, [_rejected(c, _why(c, waiting, known)) for c in waiting.values()]


def _why(correlation: Correlation, waiting: Mapping[str, Correlation], known: set[str]) -> str:
    """Follow what cannot be had, down to a rejected correlation or round to where the way has been."""
    way = [correlation.info.id]
    while len(way) <= MAX_CHAIN:
        missing = [r for r in waiting[way[-1]].rules if r not in known]
        lost = [r for r in missing if r not in waiting]
        if lost:
            return f"it builds on the correlation {lost[0]}, which is rejected itself"
        looping = [r for r in missing if r in way]
        if looping:
            return f"it builds on itself: {' > '.join([*way[way.index(looping[0]) :], looping[0]])}"
        if not missing:
            break
        way.append(missing[0])
    return f"it builds on a chain of {MAX_CHAIN} correlations or more"


def _leveled(correlation: Correlation, levels: dict[str, str]) -> Correlation:
    """Without a level of its own, a correlation has the highest of those it builds on ("adjustment")."""
    info = correlation.info
    level = info.level or max((levels[r] for r in correlation.rules), key=level_rank)
    levels[info.id] = level
    return replace(correlation, info=replace(info, level=level))


def _silent(correlations: Iterable[Correlation]) -> set[str]:
    """Ids of rules and correlations that only feed others."""
    speaking: dict[str, bool] = {}
    for correlation in correlations:
        for rule in correlation.rules:
            speaking[rule] = speaking.get(rule, False) or correlation.generate
    return {rule for rule, speaks in speaking.items() if not speaks}


def _rejected(correlation: Correlation, reason: str) -> Rejected:
    return Rejected(correlation.info.path, reason, correlation.info.id, correlation.info.title)

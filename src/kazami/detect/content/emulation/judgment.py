"""Sigma rules over what a program did here: the same compiled rules that judge real processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from kazami import packs
from kazami.detect.content.emulation.record import Act, Record
from kazami.detect.sigma.batch import batch
from kazami.detect.sigma.load import load
from kazami.detect.sigma.match import Match, Matcher
from kazami.detect.sigma.rule import RuleSet
from kazami.model.content import Feature
from kazami.model.event import LogSource, Route

#: What rules of a broader category apply to as well.
_BROADER = {
    "registry_set": "registry_event",
    "registry_add": "registry_event",
    "registry_delete": "registry_event",
}
_VALUE = 300


def rules(settings: Mapping[str, Sequence[str]]) -> RuleSet:
    """``sigma.rules`` in `settings` (all that comes with Kazami where they say nothing); ``sigma.cache`` keeps them compiled."""
    return _rules(tuple(settings.get("sigma.rules", ())), tuple(settings.get("sigma.cache", ())))


@cache
def _rules(paths: tuple[str, ...], folder: tuple[str, ...]) -> RuleSet:
    found = list(map(Path, paths)) or packs.choose(None).rules
    return load(found, cache=Path(folder[0]) if folder else None)


def features(record: Record, found: RuleSet) -> Iterator[Feature]:
    """A feature for each rule that is true of anything that was done."""
    matcher = Matcher(rule for rule in found.rules if rule.report)
    by_category: dict[str, list[Act]] = {}
    for act in record.acts:
        by_category.setdefault(act.category, []).append(act)
    for category, acts in by_category.items():
        sources = [record.source(acts[0])]
        if category in _BROADER:
            sources.append(LogSource(record.product, _BROADER[category], None))
        asked = batch([act.fields | {"Emulated": "true"} for act in acts], Route(category, tuple(sources)))
        for match in matcher.match(asked):
            yield _feature(match, category)


def _feature(match: Match, category: str) -> Feature:
    """One rule; nothing that only happened here decides alone, so that critical counts as high, and what is less has a cap."""
    info = match.rule.info
    strong = info.level in ("high", "critical")
    fields = [(name, next((v for v in values if v), "")) for name, values in match.fields()]
    value = ", ".join(f"{name}={text}" for name, text in fields if text)
    return Feature(
        "behavior.sigma_rule" if strong else "behavior.sigma_hint",
        value=value[:_VALUE],
        place=category,
        title=f"Emulated: {info.title}",
        rule=info.id,
        level="high" if strong else info.level,
        techniques=tuple(info.techniques),
        author=info.author,
    )

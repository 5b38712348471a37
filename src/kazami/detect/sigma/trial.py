"""Running case files: every event through the plain evaluator and through the columnar matcher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kazami.detect.sigma import case, plain
from kazami.detect.sigma.batch import batch
from kazami.detect.sigma.case import Case, Sample
from kazami.detect.sigma.match import Matcher
from kazami.detect.sigma.rule import Rule
from kazami.model.event import LogSource, Route


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question and its answer. `engine` is plain or matcher, or load: is the rule rejected, for that reason?"""

    path: str
    case: str
    event: str
    rule: str
    engine: str
    expected: bool
    found: bool
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is as expected."""
        return self.expected is self.found


def run(path: Path) -> list[Outcome]:
    """The outcomes of all cases of a file, in its order. Raises `UsageError` where it is no case file."""
    return [outcome for each in case.read(path) for outcome in _outcomes(str(path), each)]


def _outcomes(path: str, each: Case) -> Iterator[Outcome]:
    if each.rejected is None:
        for sample in each.samples:
            for rule in each.rules.rules:
                yield from _asked(path, each.about, sample, rule)
        return
    for rule in each.rules.rules:
        yield Outcome(path, each.about, "", rule.info.title, "load", True, False, "it loads")
    for gone in each.rules.rejected:
        found = each.rejected in gone.reason
        yield Outcome(path, each.about, "", gone.title, "load", True, found, gone.reason)


def _asked(path: str, about: str, sample: Sample, rule: Rule) -> Iterator[Outcome]:
    source = sample.source or rule.info.logsource
    expected = rule.info.id in sample.wanted
    for engine, ask in (("plain", _plainly), ("matcher", _in_columns)):
        try:
            found, note = ask(rule, sample, source), ""
        except TimeoutError:
            found, note = not expected, "a regular expression ran out of time"
        yield Outcome(path, about, sample.about, rule.info.title, engine, expected, found, note)


def _plainly(rule: Rule, sample: Sample, source: LogSource) -> bool:
    return rule.info.logsource.covers(source) and plain.evaluate(rule.condition, sample.event)


def _in_columns(rule: Rule, sample: Sample, source: LogSource) -> bool:
    matches = Matcher([rule]).match(batch([sample.event], Route("case", (source,))))
    return any(True for _ in matches)

"""Case files: events on which rules have to be true, and events on which they must not be.

A case is a YAML map; a file holds one, or several between ``---``:

    about: what it is to show
    facts: threats 1.4 row ntdsutil   # where what the rules say was published: a section and its row
    rules:                       # files or folders beside the case file, or whole rules written here
      - ../rules/copy.yml
    placeholders: {Servers: ['srv*']}
    logsource: {product: windows, category: process_creation}   # of the events; else that of each rule
    events:
      - about: the tool itself
        event: {Image: 'C:\\Temp\\copy.exe', IntegrityLevel: null}
        match: true              # all rules are true on it; false: none; or a list of ids, names or titles
      - about: another tool
        event: {Image: 'C:\\Temp\\other.exe'}
        match: false
        kind: near-miss          # what is meant, but for one thing; look-alike: ordinary work of that look
    rejected: the placeholder    # instead of events: no rule loads, and every reason holds this text

``detection`` may stand in the place of ``rules``, where nothing else of a rule matters. A value may be a list (a field
with several values); numbers and booleans are taken in their JSON spelling, a map in an event as ``outer.inner``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kazami.detect.sigma import files
from kazami.detect.sigma.entry import compiled, entries
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.gather import Gathered
from kazami.detect.sigma.rule import Rule, RuleSet
from kazami.detect.sigma.yaml12 import Written, documents
from kazami.errors import UsageError
from kazami.model.event import LogSource

_KEYS = frozenset({"about", "facts", "rules", "detection", "placeholders", "logsource", "events", "rejected"})
_EVENT_KEYS = frozenset({"about", "event", "match", "kind", "logsource"})
_KINDS = frozenset({"near-miss", "look-alike"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One event of a case: its fields, and the ids of the rules that are to be true on it.

    `kind` says why none is: near-miss, look-alike, or empty where the case does not tell.
    """

    about: str
    event: dict[str, Any]
    wanted: frozenset[str]
    source: LogSource | None
    kind: str


@dataclass(frozen=True, slots=True)
class Case:
    """One case. Where `rejected` is not None, no rule is to load, and each reason is to hold it."""

    about: str
    facts: str
    rules: RuleSet
    samples: tuple[Sample, ...]
    rejected: str | None


def read(path: Path) -> list[Case]:
    """The cases of a file. Raises `UsageError`, naming file and case, for what is none."""
    found: list[Case] = []
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    for number, content in enumerate(documents(data), start=1):
        if content is None:
            continue
        about = f"case {number}"
        try:
            if isinstance(content, dict):
                about = str(content.get("about") or about)
                _known(content, _KEYS)
                found.append(_case(content, about, path))
            else:
                raise content if isinstance(content, Fault) else Fault("not a map")
        except Fault as fault:
            raise UsageError(f"{path}: {about}: {fault}") from fault
    if not found:
        raise UsageError(f"{path}: no case in it")
    return found


def _known(content: Mapping[Any, Any], keys: frozenset[str]) -> None:
    for key in content:
        if key not in keys:
            raise Fault(f"'{key}' is no part of a case")


def _case(content: Mapping[Any, Any], about: str, path: Path) -> Case:
    rules = _rules(content, about, path)
    facts = str(content.get("facts") or "")
    if "rejected" in content and (rules.rules or rules.rejected):
        return Case(about, facts, rules, (), str(content["rejected"]))
    for gone in rules.rejected:
        raise Fault(f"the rule '{gone.title or gone.path}' does not load: {gone.reason}")
    events = content.get("events")
    if not rules.rules or not isinstance(events, list) or not events:
        raise Fault("needs rules and events")
    source = _source(content)
    samples = (_sample(each, f"event {number}", rules, source) for number, each in enumerate(events, start=1))
    return Case(about, facts, rules, tuple(samples), None)


def _rules(content: Mapping[Any, Any], about: str, path: Path) -> RuleSet:
    placeholders = content.get("placeholders") or {}
    written = content.get("rules", [])
    if "detection" in content:
        written = [{"title": about[:256], "logsource": {"product": "any"}, "detection": content["detection"]}]
    gathered = Gathered()
    for each in written if isinstance(written, list) else [written]:
        if isinstance(each, dict):
            gathered.add(str(path), [compiled(each, placeholders)])
            continue
        for name in files.find([path.parent / str(each)]):
            gathered.add(name, entries(Path(name).read_bytes(), placeholders))
    return gathered.finish()


def _sample(content: Any, about: str, rules: RuleSet, source: LogSource | None) -> Sample:
    if not isinstance(content, dict) or not isinstance(content.get("event"), dict):
        raise Fault(f"{about}: needs a map 'event'")
    _known(content, _EVENT_KEYS)
    about = str(content.get("about") or about)
    wanted = frozenset(_wanted(rules.rules, content.get("match"), about))
    kind = _kind(content, wanted, about)
    return Sample(about, dict(_flat(content["event"])), wanted, _source(content) or source, kind)


def _kind(content: Mapping[Any, Any], wanted: frozenset[str], about: str) -> str:
    """Why no rule is true of the event, where the case says so."""
    kind = str(content.get("kind") or "")
    if kind and (wanted or kind not in _KINDS):
        raise Fault(f"{about}: 'kind' is near-miss or look-alike, where 'match' is false")
    return kind


def _wanted(rules: tuple[Rule, ...], match: Any, about: str) -> Iterator[str]:
    """Ids of the rules that are to be true."""
    if isinstance(match, bool):
        yield from (rule.info.id for rule in rules if match)
        return
    if not isinstance(match, list):
        raise Fault(f"{about}: needs 'match': true, false, or a list of rules")
    names = {name: rule.info.id for rule in rules for name in (rule.info.id, rule.info.name, rule.info.title)}
    for each in match:
        if str(each) not in names:
            raise Fault(f"{about}: no rule of the case is called '{each}'")
        yield names[str(each)]


def _source(content: Mapping[Any, Any]) -> LogSource | None:
    written = content.get("logsource")
    if written is None:
        return None
    if not isinstance(written, dict) or not set(written) <= {"product", "category", "service"}:
        raise Fault("logsource: a map of product, category, service")
    return LogSource(**written)


def _flat(event: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in event.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}", [_text(each) for each in value]
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Written) else str(value)

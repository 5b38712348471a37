"""One correlation document to its compiled form.

Format: Sigma Correlation Rules Specification 2.1 with the extended conditions of 2.2. pySigma reads the words of
the rule, its time span, grouping and `generate`; types, references, aliases and conditions are read here, because
pySigma knows neither ranges nor fractions of a percentile, nor ids or upper-case operators in extended conditions.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from kazami.detect.sigma.correlation import condition, logic
from kazami.detect.sigma.correlation.kinds import NUMERIC, TEMPORAL, TYPES
from kazami.detect.sigma.rule import Correlation
from kazami.errors import RuleError
from kazami.model.rule import RuleInfo

MAX_RULES = 1_000
MAX_TIMESPAN = (
    10_000 * 31_556_952
)  # ten thousand years, in seconds: what still adds to a time in microseconds
MAX_TEXT = 65_535  # characters of a description, after the specification

_KEYS = frozenset(("type", "rules", "aliases", "group-by", "timespan", "condition", "generate"))


def load(document: dict[str, Any], path: str) -> Correlation:
    """The correlation of a YAML document that has a ``correlation`` section.

    References in `rules`, `aliases` and `expression` stay as written, ids or names, and a missing level stays
    empty, until `resolve`. Raises `RuleError`, with `path` and a reason, for whatever cannot be evaluated as meant.
    """
    try:
        return _load(document, path)
    except ValueError as error:
        raise RuleError(path, str(error)) from error
    except RecursionError as error:
        raise RuleError(path, "the document is nested too deeply") from error


def _load(document: dict[str, Any], path: str) -> Correlation:
    _guard(document)
    section = document.get("correlation")
    if not isinstance(section, dict):
        raise ValueError("the correlation section is not a mapping")
    unknown = sorted(str(key) for key in section if key not in _KEYS)
    if unknown:
        raise ValueError(f"the correlation section has unknown items: {', '.join(unknown)[:200]}")
    kind = section.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(f"the correlation type {str(kind)[:100]!r} is unknown")
    parsed = _pysigma(document, section)
    plain = Correlation(
        info=_info(document, parsed, path),
        type=kind,
        rules=_references(section.get("rules")),
        group_by=tuple(dict.fromkeys(parsed.group_by or ())),
        timespan=_timespan(parsed.timespan.seconds),
        aliases=_aliases(section.get("aliases")),
        generate=_generate(document, section),
    )
    return _with_condition(plain, section.get("condition"))


def _guard(document: dict[str, Any]) -> None:
    """Refuse documents whose YAML aliases make them endless, or many times larger than their text."""
    from sigma.exceptions import SigmaError  # slow to import, and needless with a warm rule cache
    from sigma.rule.base import check_alias_expansion

    try:
        check_alias_expansion(document)
    except SigmaError as error:
        raise ValueError(str(error)) from error


def _pysigma(document: dict[str, Any], section: dict[str, Any]) -> Any:
    """What pySigma makes of everything but type, references, aliases and condition."""
    from sigma.correlations import SigmaCorrelationRule
    from sigma.exceptions import SigmaError

    stand_in = {"type": "event_count", "rules": ["any"], "condition": {"gte": 1}}
    kept = {key: section[key] for key in ("timespan", "group-by") if key in section}
    known = {key: value for key, value in document.items() if key != "id"}
    try:
        return SigmaCorrelationRule.from_dict(known | {"correlation": stand_in | kept})
    except SigmaError as error:
        raise ValueError(str(error)) from error
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"a field of the rule has a value of the wrong kind ({error})") from error


def _info(document: dict[str, Any], parsed: Any, path: str) -> RuleInfo:
    content = json.dumps(document, sort_keys=False, default=str, skipkeys=True)
    version = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return RuleInfo(
        id=_id(document.get("id")) or version,
        version=version,
        title=parsed.title,
        level=parsed.level.name.lower() if parsed.level else "",
        kind="correlation",
        status=parsed.status.name.lower() if parsed.status else "",
        description=str(parsed.description or "")[:MAX_TEXT],
        author=str(parsed.author or "")[:MAX_TEXT],
        date=str(parsed.date or ""),
        tags=tuple(str(tag) for tag in parsed.tags),
        references=tuple(str(reference) for reference in parsed.references),
        falsepositives=tuple(str(text) for text in parsed.falsepositives),
        fields=tuple(str(name) for name in parsed.fields),
        license=str(parsed.license or ""),
        path=path,
        name=parsed.name or "",
    )


def _id(given: object) -> str:
    """A rule's id: UUIDs in their usual form, any other text as it is (UUIDs are "not mandatory")."""
    if given is None:
        return ""
    if not isinstance(given, str) or not given.strip():
        raise ValueError("the id is not a text")
    try:
        return str(UUID(given))
    except ValueError:
        return given.strip()


def _timespan(seconds: int) -> float:
    if seconds > MAX_TIMESPAN:
        raise ValueError("the timespan is longer than ten thousand years")
    return float(seconds)


def _references(given: object) -> tuple[str, ...]:
    rules = [given] if isinstance(given, str) else given
    if rules is None:
        return ()
    if not isinstance(rules, list) or not all(isinstance(r, str) and r.strip() for r in rules):
        raise ValueError("rules is neither a reference nor a list of references")
    if len(rules) > MAX_RULES:
        raise ValueError(f"the correlation names more than {MAX_RULES} rules")
    return tuple(r.strip() for r in rules)


def _aliases(given: object) -> dict[str, dict[str, str]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError("aliases is not a mapping")
    for alias, mapping in given.items():
        whole = isinstance(alias, str) and isinstance(mapping, dict) and mapping
        if not whole or not all(isinstance(text, str) for pair in mapping.items() for text in pair):
            raise ValueError(f"the alias {str(alias)[:100]!r} does not map rules to fields")
    return {alias: dict(mapping) for alias, mapping in given.items()}


def _generate(document: dict[str, Any], section: dict[str, Any]) -> bool:
    """`generate`: the text of the specification and pySigma have it in the section, its schema beside it."""
    given = [holder["generate"] for holder in (document, section) if holder.get("generate") is not None]
    if not all(isinstance(value, bool) for value in given):
        raise ValueError("generate is neither true nor false")
    if len(set(given)) > 1:
        raise ValueError("generate is both true and false")
    return True in given


def _with_condition(plain: Correlation, given: object) -> Correlation:
    if isinstance(given, str) and plain.type in TEMPORAL:
        return _extended(plain, given)
    if not plain.rules:
        raise ValueError("the correlation names no rules")
    if given is None and plain.type in TEMPORAL:
        return replace(plain, condition=(("gte", len(plain.rules)),))
    if not isinstance(given, dict):
        words = "missing" if given is None else "not a mapping of comparisons"
        raise ValueError(f"the condition of {plain.type} is {words}")
    return _counted(replace(plain, condition=condition.comparisons(given)), given)


def _extended(plain: Correlation, text: str) -> Correlation:
    expression = logic.parse(text)
    named = logic.references(expression)
    if logic.value(expression, dict.fromkeys(named, False)):
        raise ValueError("the condition is true where nothing happened, which no event can show")
    ways = logic.alternatives(expression) if plain.type == "temporal_ordered" else ()
    if plain.type == "temporal_ordered" and not ways:
        raise ValueError("the condition can never be true")
    return replace(plain, rules=plain.rules or tuple(named), expression=expression)


def _counted(plain: Correlation, given: dict[Any, Any]) -> Correlation:
    valued = plain.type in NUMERIC or plain.type == "value_count"
    if not valued and "field" in given:
        raise ValueError(f"the condition names a field, which {plain.type} does not look at")
    if plain.type != "value_percentile" and "percentile" in given:
        raise ValueError(f"the condition names a percentile, which {plain.type} does not have")
    fields = condition.fields(given) if valued else ()
    if plain.type in NUMERIC and len(fields) > 1:
        raise ValueError(f"{plain.type} takes one field")
    return replace(plain, fields=fields, percentile=condition.percentile(given))

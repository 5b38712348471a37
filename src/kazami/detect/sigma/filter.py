"""Sigma filters: what an organisation takes out of many rules at once.

The specification's example means "suppress what the condition describes" (``condition: selection``); pySigma joins
the condition to the rule as it stands, so that the same intention is written ``condition: not selection``. Both are
read by what they can only have been meant for: a condition without any ``not`` describes what to suppress, one in
which every selection is negated describes what to keep. A condition that mixes both has two readings, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from kazami.detect.sigma import condition, information
from kazami.detect.sigma.detection import selection
from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.placeholder import Placeholders, Used
from kazami.errors import RuleError
from kazami.model.rule import RuleInfo

_AS_EXAMPLE = (
    "read as in the specification: events that meet its condition are suppressed; "
    "write 'not ...' to be understood so by every tool"
)


class Filter(NamedTuple):
    """A filter, compiled: `keep` is what an event has to satisfy besides the rule's own condition.

    `rules` are ids or names; None stands for every rule of the log source.
    """

    info: RuleInfo
    rules: tuple[str, ...] | None
    keep: Expression


def compile_filter(
    content: Mapping[Any, Any], path: str, placeholders: Placeholders | None = None
) -> tuple[Filter, list[str]]:
    """A ``filter`` document and what a person should look at. Raises `RuleError`."""
    try:
        info, warnings = information.inform(content, path, "filter")
        source = information.log_source(content)
        section = content.get("filter")
        if not isinstance(section, Mapping):
            raise Fault("filter: not a map")
        rules = _rules(section.get("rules"))
        used = Used(placeholders or {})
        keep, positive = _keep(section, used)
        info = replace(info, logsource=source, version=used.version(info.version))
    except Fault as fault:
        raise RuleError(path, str(fault)) from fault
    if positive:
        warnings.append(_AS_EXAMPLE)
    return Filter(info, rules, keep), warnings


def _rules(written: Any) -> tuple[str, ...] | None:
    if isinstance(written, str):
        return None if written.lower() == "any" else (written,)
    if not isinstance(written, list) or not written or not all(isinstance(each, str) for each in written):
        raise Fault("filter: rules: name the rules it is for, by id or name, or write 'any'")
    return tuple(written)


def _keep(section: Mapping[Any, Any], placeholders: Placeholders) -> tuple[Expression, bool]:
    """What has to hold, and whether the condition was one of what to suppress."""
    written = section.get("condition")
    if not isinstance(written, str):
        raise Fault("filter: needs one condition, as text")
    selections: dict[str, Expression] = {}
    for name, definition in section.items():
        if name not in ("condition", "rules"):
            try:
                selections[str(name)] = selection(definition, placeholders)
            except Fault as fault:
                raise Fault(f"filter: {name}: {fault}") from fault
    expression = condition.parse(written, selections)
    signs = set(_signs(condition.parse(written, {name: ("is", name) for name in selections})))
    if len(signs) > 1:
        raise Fault(
            f"filter: the condition '{written[:200]}' suppresses events for some tools and keeps them for others: "
            "write it with every selection negated"
        )
    positive = True in signs
    return (("not", expression) if positive else expression), positive


def _signs(expression: Expression, sign: bool = True) -> Iterator[bool]:
    """For each selection of a condition, whether it stands there without negation."""
    kind, body = expression
    if kind == "is":
        yield sign
    elif kind == "not":
        yield from _signs(body, not sign)
    else:
        for part in body:
            yield from _signs(part, sign)

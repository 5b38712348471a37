"""From a rule's document to its compiled form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kazami.detect.sigma import condition, information
from kazami.detect.sigma.detection import selection
from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.placeholder import Placeholders, Used
from kazami.errors import RuleError
from kazami.model.rule import RuleInfo

_TIMEFRAME = re.compile(r"\d+[smhdwMy]")


def compile_rule(
    content: Mapping[Any, Any], path: str, placeholders: Placeholders | None = None
) -> tuple[RuleInfo, Expression, list[str]]:
    """The words of a rule, its condition, and what a person should look at. Raises `RuleError`."""
    try:
        info, warnings = information.inform(content, path)
        info = replace(info, logsource=information.log_source(content))
        _check_taxonomy(content)
        section = content.get("detection")
        if not isinstance(section, Mapping):
            raise Fault("no detection" if section is None else "detection: not a map")
        used = Used(placeholders or {})
        expression = compile_detection(section, used)
        return replace(info, version=used.version(info.version)), expression, warnings
    except Fault as fault:
        raise RuleError(path, str(fault)) from fault


def compile_detection(section: Mapping[Any, Any], placeholders: Placeholders) -> Expression:
    """The expression of a ``detection`` section; several conditions are joined by or. Raises `Fault`."""
    return joined(section, selections(section, placeholders))


def joined(section: Mapping[Any, Any], named: Mapping[str, Expression]) -> Expression:
    """What the ``condition`` of a section makes of its selections. Raises `Fault`."""
    written = section.get("condition")
    if written is None or written == []:
        raise Fault("detection: no condition")
    parsed = [_condition(each, named) for each in (written if isinstance(written, list) else [written])]
    return parsed[0] if len(parsed) == 1 else ("or", tuple(parsed))


def selections(section: Mapping[Any, Any], placeholders: Placeholders) -> dict[str, Expression]:
    """The selections of a ``detection`` section by name. Raises `Fault`."""
    found = {
        str(name): _named(str(name), definition, placeholders)
        for name, definition in section.items()
        if name != "condition" and not _is_timeframe(name, definition)
    }
    if not found:
        raise Fault("detection: no selection")
    return found


def _named(name: str, definition: Any, placeholders: Placeholders) -> Expression:
    try:
        return selection(definition, placeholders)
    except Fault as fault:
        raise Fault(f"{name}: {fault}") from fault


def _condition(written: Any, named: Mapping[str, Expression]) -> Expression:
    if not isinstance(written, (str, int)) or isinstance(written, bool):
        raise Fault("condition: not text")
    return condition.parse(str(written), named)


def _is_timeframe(name: Any, definition: Any) -> bool:
    """A leftover of Sigma 1, where it belonged to an aggregation; it selects nothing."""
    return name == "timeframe" and isinstance(definition, str) and bool(_TIMEFRAME.fullmatch(definition))


def _check_taxonomy(content: Mapping[Any, Any]) -> None:
    taxonomy = content.get("taxonomy", "sigma")
    if taxonomy not in (None, "sigma"):
        raise Fault(f"its taxonomy is '{taxonomy}': only Sigma's own is known, its fields would not be found")

"""A compiled condition with the names that its selections have in the rule's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kazami.detect.sigma import document, information
from kazami.detect.sigma.compile import joined, selections
from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.rule import Rule


def naming(rule: Rule, path: Path) -> Expression | None:
    """The rule's condition with ``("named", (name, expression))`` around each selection; None where that fails.

    It fails where the file is gone or changed, and where placeholders took part.
    """
    try:
        documents = document.read(path.read_bytes())
    except OSError:
        return None
    for each in documents:
        try:
            found = _of(each.content, rule)
        except Fault:
            continue
        if found is not None:
            return found
    return None


def _of(content: dict[Any, Any], rule: Rule) -> Expression | None:
    section = content.get("detection")
    if not isinstance(section, dict) or information.inform(content, "")[0].title != rule.info.title:
        return None
    made = {name: ("named", (name, expression)) for name, expression in selections(section, {}).items()}
    whole = joined(section, made)
    if _bare(whole) == rule.condition:
        return whole
    kind, body = rule.condition
    if kind == "and" and _bare(whole) == body[0]:  # filters have been joined to it
        return (
            "and",
            (whole, *(("named", (f"filter {n}", each)) for n, each in enumerate(body[1:], start=1))),
        )
    return None


def _bare(expression: Expression) -> Expression:
    kind, body = expression
    if kind == "named":
        return body[1]  # type: ignore[no-any-return]
    if kind == "not":
        return ("not", _bare(body))
    return (kind, tuple(_bare(part) for part in body)) if kind in ("and", "or") else expression

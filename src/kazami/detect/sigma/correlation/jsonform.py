"""Correlations as JSON: what the rule cache keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from kazami.detect.sigma.expression import Expression
from kazami.detect.sigma.rule import Correlation


def to_json(correlation: Correlation) -> Any:
    """The correlation as dicts, lists, texts, numbers and booleans."""
    return msgspec.to_builtins(correlation)


def from_json(value: Any) -> Correlation:
    """The inverse of `to_json`; raises msgspec.ValidationError, a ValueError, for anything else."""
    correlation = msgspec.convert(value, Correlation)
    if correlation.expression is None:
        return correlation
    return replace(correlation, expression=_expression(correlation.expression))


def _expression(value: Any) -> Expression:
    """Tuples again, where JSON has lists."""
    kind, body = value
    if kind == "is":
        return (kind, body)
    if kind == "not":
        return (kind, _expression(body))
    return (kind, tuple(_expression(part) for part in body))

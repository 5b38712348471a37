"""Nested JSON as one level: ``{"a": {"b": 1}}`` is ``a.b``, as Sigma rules name fields."""

from __future__ import annotations

import json
from typing import Any

import orjson

#: Nesting that is followed; what lies deeper becomes one field of JSON text.
MAX_DEPTH = 24

#: Fields of one record; what is beyond is only in its `raw`.
MAX_FIELDS = 5000

#: Values of one field.
MAX_VALUES = 10_000


def flatten(record: dict[str, Any], texts: frozenset[str] = frozenset()) -> tuple[dict[str, Any], int]:
    """The leaves of `record` by their dotted names, and how many fields were too many.

    Objects within a list give fields of several values: ``{"a": [{"b": 1}, {"b": 2}]}`` is ``a.b`` = 1, 2. An
    empty object or list is an empty text. Names in `texts` are also given whole, as JSON text.
    """
    leaves: dict[str, Any] = {}
    surplus = _object(record, "", leaves, texts, 0)
    return leaves, surplus


def _object(
    value: dict[str, Any], prefix: str, leaves: dict[str, Any], texts: frozenset[str], depth: int
) -> int:
    surplus = 0
    for key, item in value.items():
        name = prefix + key
        if item.__class__ is dict or item.__class__ is list:
            surplus += _nested(item, name, leaves, texts, depth)
        else:
            surplus += _leaf(item, name, leaves)
    return surplus


def _nested(item: Any, name: str, leaves: dict[str, Any], texts: frozenset[str], depth: int) -> int:
    surplus = 0
    if name in texts:
        leaves[name] = json_text(item)
    if not item:
        return 0 if name in texts else _leaf("", name, leaves)
    if depth >= MAX_DEPTH:
        return _leaf(json_text(item), name, leaves)
    if isinstance(item, dict):
        return _object(item, f"{name}.", leaves, texts, depth + 1)
    plain = []
    for element in item[:MAX_VALUES]:
        if isinstance(element, dict):
            surplus += _object(element, f"{name}.", leaves, texts, depth + 1)
        else:
            plain.append(json_text(element) if isinstance(element, list) else element)
    return surplus + (_leaf(plain, name, leaves) if plain and name not in texts else 0)


def _leaf(value: Any, name: str, leaves: dict[str, Any]) -> int:
    if name not in leaves:
        if len(leaves) >= MAX_FIELDS:
            return 1
        leaves[name] = value
        return 0
    present = leaves[name]
    several = present if isinstance(present, list) else [present]
    if len(several) < MAX_VALUES:
        leaves[name] = [*several, *(value if isinstance(value, list) else [value])]
    return 0


def json_text(value: Any) -> str:
    """`value` as compact JSON, also with numbers of more than 64 bits and half surrogate pairs."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"))

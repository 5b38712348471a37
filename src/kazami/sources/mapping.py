"""Mappings: the YAML beside a source that brings its words to Sigma's taxonomy.

What a field is made of is written as one of

* ``Name``: the cell of that name as it is,
* ``{transform: Name}`` or ``{transform: [Name, Other]}``: a function of `transform` over cells; it can be built as
  soon as one of the cells is there, the others are then None,
* ``{value: text}``: a constant,
* a list of these: the first that can be built from the cells at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from kazami.model.event import ENVELOPE_NAMES
from kazami.sources.columns import Column
from kazami.sources.number import number
from kazami.sources.transform import TRANSFORMS


@cache
def load(name: str) -> Any:
    """The mapping ``name`` (a path below this package, with its suffix), as YAML says it."""
    text = files("kazami.sources").joinpath(name).read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, ours or its twin in C


def as_they_are(cells: Mapping[str, int]) -> dict[str, Column]:
    """A column for each cell as it is, but for those with a leading #, which only mappings see.

    A field that has the name of a column of the envelope gets a trailing underscore: ``host`` is ``host_``.
    """
    return {
        own_name(name): Column(own_name(name), (index,)) for name, index in cells.items() if name[:1] != "#"
    }


def own_name(name: str) -> str:
    """The column of an event's own field `name`."""
    return f"{name}_" if name in ENVELOPE_NAMES else name


def column(name: str, spec: Any, cells: Mapping[str, int]) -> Column | None:
    """The column `name` as `spec` makes it from `cells` (name to index); None where the cells are not there."""
    if isinstance(spec, str):
        return Column(name, (cells[spec],)) if spec in cells else None
    if isinstance(spec, list):
        made = (column(name, choice, cells) for choice in spec)
        return next((found for found in made if found is not None), None)
    ((transform, arguments),) = spec.items()
    if transform == "value":
        return constant(name, str(arguments))
    return _transformed(name, TRANSFORMS[transform], arguments, cells)


def _transformed(
    name: str, function: Callable[..., str | None], arguments: Any, cells: Mapping[str, int]
) -> Column | None:
    wanted = [arguments] if isinstance(arguments, str) else arguments
    present = [place for place, argument in enumerate(wanted) if argument in cells]
    if not present:
        return None
    indices = tuple(cells[wanted[place]] for place in present)
    if len(present) < len(wanted):
        function = _with_gaps(function, present, len(wanted))
    return Column(name, indices, function)


def _with_gaps(
    function: Callable[..., str | None], present: list[int], size: int
) -> Callable[..., str | None]:
    def spread(*texts: str | None) -> str | None:
        arguments: list[str | None] = [None] * size
        for place, value in zip(present, texts, strict=True):
            arguments[place] = value
        return function(*arguments)

    return spread


def constant(name: str, value: str) -> Column:
    """A column that holds one text in every row."""
    return Column(name, (), lambda: value)


#: Whether a value (as text, None where absent) is meant.
Test = Callable[[str | None], bool]


def condition(spec: Any) -> Test:
    """What ``when`` says of one field: a text or a list of texts (case does not matter), or one of

    ``{bits: mask}`` a number with any of these bits, ``{bits: mask, without: mask}`` and none of those,
    ``{ends: text}``, ``{not_ends: text}``. ``any``: there is a value.
    """
    if spec == "any":
        return lambda value: value is not None
    if not isinstance(spec, dict):
        wanted = frozenset(str(value).lower() for value in (spec if isinstance(spec, list) else [spec]))
        return lambda value: value is not None and value.lower() in wanted
    if "bits" in spec:
        bits, without = spec["bits"], spec.get("without", 0)
        return lambda value: bool((found := number(value) or 0) & bits) and not found & without
    if "ends" in spec:
        return lambda value: value is not None and value.lower().endswith(spec["ends"].lower())
    return lambda value: value is not None and not value.lower().endswith(spec["not_ends"].lower())

"""Which layer a feature belongs to, and what would be said of a file with some layers only.

A file is looked at once; features and gaps of layers that are left out are taken away, and what is left is judged anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami.detect.content.verdict import judge
from kazami.model.content import Feature, Gap, Inspection, Verdict
from kazami.pipeline.inspect import analyzers, meanings
from kazami.pipeline.rarity import MEANINGS

#: Where an analyzer belongs whose module no layer names.
REST = "structure"


@cache
def layers() -> dict[str, dict[str, Any]]:
    """The layers in their order, from ``layers.yml``."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8"))
    return found


@cache
def _by_analyzer() -> Mapping[str, str]:
    """The layer of each analyzer, by the module it lies in."""
    modules = [(module, layer) for layer, row in layers().items() for module in row["modules"]]
    return {
        one.name: next(
            (layer for module, layer in modules if f"{one.target}.".startswith(f"{module}.")), REST
        )
        for one in analyzers()
    }


@cache
def _by_group() -> Mapping[str, str]:
    return {group: layer for layer, row in layers().items() for group in row["groups"]}


@cache
def _by_feature() -> Mapping[str, str]:
    """The layer of each feature that an analyzer registers."""
    found: dict[str, str] = {}
    order = list(layers())
    for extension in analyzers():
        layer = _by_analyzer()[extension.name]
        for name in getattr(extension.object, "MEANINGS", {}):
            found[name] = min(found.get(name, layer), layer, key=order.index)
    named = {**meanings(), **MEANINGS}
    return found | {name: _by_group()[one.group] for name, one in named.items() if one.group in _by_group()}


def layer_of(feature: Feature) -> str:
    """The layer that a feature belongs to."""
    return _by_group().get(feature.group) or _by_feature().get(feature.name, REST)


def judged(one: Inspection, kept: Collection[str]) -> Verdict:
    """What would be said of a file if there were these layers only."""
    looked = [
        replace(
            each,
            features=tuple(feature for feature in each.features if layer_of(feature) in kept),
            gaps=tuple(gap for gap in each.gaps if _gap_of(gap) in kept),
        )
        for each in one.looked
    ]
    whole = [gap for gap in one.verdict.gaps if not any(gap in each.gaps for each in one.looked)]
    return judge(looked, {**meanings(), **MEANINGS}, whole)


def _gap_of(gap: Gap) -> str:
    return _by_analyzer().get(gap.analyzer, REST)


def sums() -> list[tuple[str, tuple[str, ...]]]:
    """Layers added up one by one, with the name of the last: signatures, + structure, ..."""
    names: Sequence[str] = list(layers())
    return [(name, tuple(names[: at + 1])) for at, name in enumerate(names)]


def without() -> list[tuple[str, tuple[str, ...]]]:
    """All layers but one, with its name."""
    return [(name, tuple(other for other in layers() if other != name)) for name in layers()]

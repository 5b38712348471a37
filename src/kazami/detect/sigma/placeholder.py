"""Placeholders: ``%Servers%`` in a value under ``expand`` stands for what the configuration says.

Specification 2.1, "Placeholders": only with ``expand``; ``\\\\%`` is a plain percent sign; a rule whose placeholder has
no values is rejected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.versions import digest

Placeholders = Mapping[str, Sequence[str]]

#: An escaped character, or a placeholder: a name without spaces at its ends, percent signs or backslashes.
_TOKEN = re.compile(r"\\(?P<escaped>.)|%(?P<name>[^%\\\s](?:[^%\\]*[^%\\\s])?)%", re.DOTALL)
_MOST = 10_000  # values that one value may expand to


class Used(dict[str, Sequence[str]]):
    """Placeholders, and in `names` those that were asked for: a rule's version depends on these."""

    def __init__(self, placeholders: Placeholders) -> None:
        super().__init__(placeholders)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = ()) -> Any:
        """The values of a placeholder."""
        self.names.add(name)
        return super().get(name, default)

    def version(self, version: str) -> str:
        """The version of a rule, with the values that it took from here."""
        if not self.names:
            return version
        values = {name: list(self[name]) for name in sorted(self.names)}
        return digest(version.encode(), json.dumps(values).encode())


def expand(text: str, placeholders: Placeholders, spell: Callable[[str], str] = str) -> list[str]:
    """All values that `text` stands for, those of placeholders spelled by `spell`.

    Raises `Fault` where a placeholder has none.
    """
    pieces: list[Sequence[str]] = []
    end = 0
    for found in _TOKEN.finditer(text):
        pieces.append([text[end : found.start()]])
        name = found["name"]
        pieces.append([_unescaped(found)] if name is None else [*map(spell, _values(name, placeholders))])
        end = found.end()
    pieces.append([text[end:]])
    count = 1
    for piece in pieces:
        count *= len(piece)
    if count > _MOST:
        raise Fault(f"its placeholders expand to {count} values; at most {_MOST} are read")
    return ["".join(choice) for choice in product(*pieces)]


def _unescaped(found: re.Match[str]) -> str:
    return "%" if found["escaped"] == "%" else found[0]


def _values(name: str, placeholders: Placeholders) -> Sequence[str]:
    values = placeholders.get(name, ())
    if not values:
        raise Fault(f"the placeholder %{name}% has no values: name them in the configuration")
    return values

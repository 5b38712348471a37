"""What features mean together: a rule file a subject beside this module, all of them loaded.

    chain.macro_fetches_and_runs:
      all: [macro.autoexec, script.download]
      any: [script.run, execution.process]
      within: artifact
      title: Macro that fetches and runs
      level: critical
      group: macro
      reason: ...

`all` must be seen and one of `any`, if it has names; a name may end in ``*``. `within` is "artifact", or "chain": an artifact
with everything that it came out of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami.detect.content.meaning import meaning
from kazami.errors import RuleError
from kazami.model.content import Meaning

_WITHIN = ("artifact", "chain")


@dataclass(frozen=True, slots=True)
class Combination:
    """A rule over names of features."""

    meaning: Meaning
    needed: tuple[str, ...]
    one_of: tuple[str, ...]
    within: str

    def holds(self, names: Collection[str]) -> bool:
        """Whether `names` have all that is needed."""
        return all(_seen(name, names) for name in self.needed) and (
            not self.one_of or any(_seen(name, names) for name in self.one_of)
        )


def _seen(pattern: str, names: Iterable[str]) -> bool:
    if pattern.endswith("*"):
        return any(fnmatchcase(name, pattern) for name in names)
    return pattern in names


@cache
def combinations() -> tuple[Combination, ...]:
    """All rules of all files. Raises RuleError where one cannot be meant."""
    return tuple(rule for file in files() for rule in _load(file))


def files() -> list[Path]:
    """The rule files, by name."""
    return sorted(Path(__file__).parent.glob("*.yml"))


def _load(file: Path) -> Iterator[Combination]:
    content: Mapping[str, Mapping[str, Any]] = yaml.safe_load(file.read_text("utf-8")) or {}
    for name, row in content.items():
        words = {key: value for key, value in row.items() if key not in ("all", "any", "within")}
        needed, one_of = tuple(row.get("all", ())), tuple(row.get("any", ()))
        within = row.get("within", "artifact")
        if not needed + one_of or within not in _WITHIN:
            raise RuleError(str(file), f"{name}: needs names in all or any, and within as one of {_WITHIN}")
        yield Combination(meaning(str(file), name, words), needed, one_of, within)

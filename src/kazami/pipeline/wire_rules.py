"""Rules of Suricata's language in a scan: which files hold them, loaded once, and the tap that evaluates them in a worker."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from kazami.config import Settings
from kazami.detect.sigma.rule import RuleSet
from kazami.model.rule import Rejected, RuleInfo

if TYPE_CHECKING:  # the language is loaded where there are such rules
    from kazami.detect.network.suricata.compile import Rules
    from kazami.detect.network.suricata.plan import Plan
    from kazami.detect.network.suricata.tap import RuleTap

#: How files of such rules end.
SUFFIX = ".rules"

#: Files of rules in one folder that are taken.
MAX_FILES = 10_000

#: A file: where it is, and how large and old, so that a changed one is loaded anew.
Key = tuple[tuple[str, int, int], ...]


def divide(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """What Sigma's loader is to read, and the files of Suricata's rules; of a folder, both kinds are taken."""
    sigma: list[Path] = []
    wire: list[Path] = []
    for path in paths:
        if path.suffix.lower() == SUFFIX and not path.is_dir():
            wire.append(path)
            continue
        sigma.append(path)
        if path.is_dir():
            wire += [found for found in sorted(path.rglob(f"*{SUFFIX}"))[:MAX_FILES] if found.is_file()]
    return sigma, wire


def of(paths: Iterable[Path], settings: Settings) -> tuple[Key, tuple[tuple[str, str], ...]]:
    """What names a set of rules: its files as they are now, and the variables."""
    keys = []
    for path in divide(paths)[1]:
        try:
            state = os.stat(path)  # noqa: PTH116 - both numbers of one look
        except OSError:
            keys.append((str(path), -1, 0))
        else:
            keys.append((str(path), state.st_size, state.st_mtime_ns))
    return tuple(keys), tuple(sorted(settings.variables.items()))


@lru_cache(4)
def load(files: Key, variables: tuple[tuple[str, str], ...]) -> Rules:
    """The rules of these files; kept, so that workers that are forked have them."""
    from kazami.detect.network.suricata import compile as compiling
    from kazami.detect.network.suricata.header import VARIABLES

    known: Mapping[str, str] = {**VARIABLES, **dict(variables)}
    return compiling.load([Path(name) for name, _, _ in files], known)


@lru_cache(4)
def plan(files: Key, variables: tuple[tuple[str, str], ...]) -> Plan:
    """The same, arranged."""
    from kazami.detect.network.suricata.plan import Plan

    return Plan(load(files, variables).running)


def tap(files: Key, variables: tuple[tuple[str, str], ...]) -> RuleTap | None:
    """Who looks on while one capture is read; None where there are no rules."""
    if not files or not (arranged := plan(files, variables)).rules:
        return None
    from kazami.detect.network.suricata.tap import RuleTap

    return RuleTap(arranged.rules, plan=arranged)


def prepare(files: Key, variables: tuple[tuple[str, str], ...]) -> list[RuleInfo]:
    """Load and arrange the rules, so that workers have them once they are forked; the words of all that run."""
    if not files:
        return []
    from kazami.detect.network.suricata.words import info

    plan(files, variables)
    return [info(rule) for rule in load(files, variables).running]


def joined(sigma: RuleSet, files: Key, variables: tuple[tuple[str, str], ...]) -> RuleSet:
    """Sigma's rules with what became of the others: their rejects are named too, and both make the version."""
    if not files:
        return sigma
    rules = load(files, variables)
    texts = "\0".join(rule.raw for rule in rules.running)
    version = sha256(f"{sigma.version}\0{texts}".encode("utf-8", "surrogatepass")).hexdigest()[
        : len(sigma.version) or 16
    ]
    gone = tuple(
        Rejected(f"{left.path}:{left.line}", f"{left.keyword}: {left.reason}".strip(": ") if left.keyword else left.reason,
                 f"suricata-rule:1:{left.sid}", left.message)
        for left in rules.left
    )  # fmt: skip
    return replace(sigma, version=version, rejected=(*sigma.rejected, *gone))

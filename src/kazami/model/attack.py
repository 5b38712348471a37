"""ATT&CK as rules name it: tags such as ``attack.t1059.001`` and ``attack.defense-evasion``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)$")

#: Tactics in the order of the Enterprise matrix, as Sigma tags spell them. Version 19 of ATT&CK divided
#: defense evasion into stealth and defense impairment; rules use the old word and the new ones.
TACTICS: tuple[str, ...] = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "stealth",
    "defense-impairment",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)


def techniques(tags: Iterable[str]) -> list[str]:
    """Technique ids named by `tags`, in ATT&CK's spelling (``T1059.001``), in order, each once."""
    found = (m.group(1).upper() for t in tags if (m := _TECHNIQUE.match(t.lower())))
    return list(dict.fromkeys(found))


def tactics(tags: Iterable[str]) -> list[str]:
    """Tactics named by `tags`, each once, in the order of the matrix."""
    return list(_tactics(tuple(tags)))


@lru_cache(4096)  # thousands of findings are asked of some hundred rules
def _tactics(tags: tuple[str, ...]) -> tuple[str, ...]:
    named = {
        t.lower().removeprefix("attack.").replace("_", "-") for t in tags if t.lower().startswith("attack.")
    }
    return tuple(t for t in TACTICS if t in named)

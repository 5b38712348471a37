"""What a detector of traffic says when it finds something: the words of a rule, and its id."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo, detector

#: Raised where a detector decides otherwise than before.
REVISION = 1

_SPACE = uuid.UUID("3d7a0a52-6b0c-5d7e-9a55-0d1f6c1f5b21")


def rules(table: str, said: Mapping[str, tuple[str, str, str, str, str]]) -> dict[str, RuleInfo]:
    """Rules by key. Each is told as title, level, what it means, ATT&CK (techniques and tactics, by blanks), what is harmless and looks like it."""
    return {key: _info(key, table, *words) for key, words in said.items()}


def _info(key: str, table: str, title: str, level: str, about: str, attack: str, false: str) -> RuleInfo:
    identity = str(uuid.uuid5(_SPACE, key))
    return detector(
        identity,
        (identity, REVISION, title, level, about, attack, false),
        title=title,
        level=level,
        description=about,
        logsource=LogSource("zeek", None, {"flow": "conn", "tls": "ssl"}.get(table, table)),
        tags=tuple(f"attack.{one}" for one in attack.split()),
        falsepositives=(false,) if false else (),
        name=f"network_{key.replace('-', '_')}",
    )

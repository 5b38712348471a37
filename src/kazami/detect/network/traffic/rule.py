"""What a detector of traffic says when it finds something: the words of a rule, and its id."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping

from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo

#: Raised where a detector decides otherwise than before.
REVISION = 1

_SPACE = uuid.UUID("3d7a0a52-6b0c-5d7e-9a55-0d1f6c1f5b21")


def rules(table: str, said: Mapping[str, tuple[str, str, str, str, str]]) -> dict[str, RuleInfo]:
    """Rules by key. Each is told as title, level, what it means, ATT&CK (techniques and tactics, by blanks), what is harmless and looks like it."""
    return {key: _info(key, table, *words) for key, words in said.items()}


def _info(key: str, table: str, title: str, level: str, about: str, attack: str, false: str) -> RuleInfo:
    identity = str(uuid.uuid5(_SPACE, key))
    text = repr((identity, REVISION, title, level, about, attack, false))
    return RuleInfo(
        id=identity,
        version=hashlib.sha256(text.encode()).hexdigest()[:16],
        title=title,
        level=level,
        kind="detector",
        status="experimental",
        description=about,
        author="The Kazami authors",
        date="2026-11-29",
        logsource=LogSource("zeek", None, {"flow": "conn", "tls": "ssl"}.get(table, table)),
        tags=tuple(f"attack.{one}" for one in attack.split()),
        falsepositives=(false,) if false else (),
        license="Apache-2.0",
        name=f"network_{key.replace('-', '_')}",
    )

"""The log of what people did: only ever added to, each line bound to the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kazami.web.state.state import State


@dataclass(frozen=True, slots=True)
class Line:
    """Who did what, where and when."""

    seq: int
    time: str
    who: str
    act: str
    place: str
    tenant: str | None
    what: dict[str, Any]


def note(memory: State, who: str, act: str, place: str, tenant: str | None = None, /, **what: Any) -> None:
    """Add a line."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = json.dumps(what, ensure_ascii=False, sort_keys=True, default=str)
    with memory.transaction():
        last = memory.rows("SELECT chain FROM audit ORDER BY seq DESC LIMIT 1")
        chain = _chained(last[0][0] if last else "", now, who, act, place, tenant, said)
        memory.run(
            "INSERT INTO audit (time, who, act, place, tenant, what, chain) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [now, who, act, place, tenant, said, chain],
        )


def lines(state: State, *, place: str = "", before: int | None = None, limit: int = 100) -> list[Line]:
    """The log, the newest first; of one `place` where it is given."""
    rows = state.rows(
        "SELECT seq, time, who, act, place, tenant, what FROM audit WHERE (? = '' OR place = ?) AND seq < ? "
        "ORDER BY seq DESC LIMIT ?",
        [place, place, before if before is not None else 1 << 62, limit],
    )
    return [
        Line(seq, when, who, act, at, whose, json.loads(what))
        for seq, when, who, act, at, whose, what in rows
    ]


def broken(state: State) -> int | None:
    """The first line that does not follow from the one before; None where all do."""
    before = ""
    for seq, *rest, chain in state.rows("SELECT * FROM audit ORDER BY seq"):
        if _chained(before, *rest) != chain:
            return int(seq)
        before = chain
    return None


def _chained(before: str, *parts: str | None) -> str:
    return hashlib.sha256(json.dumps([before, *parts], ensure_ascii=False).encode()).hexdigest()

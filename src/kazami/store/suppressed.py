"""Suppressions of a case: a log beside its database that only grows, and the SQL that marks what is silenced.

Marking happens whenever findings are read, so nothing is written into them, a removed or expired suppression counts
again at once, and a case of an older version has none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazami.errors import CaseError
from kazami.model.suppression import Entry, Suppression
from kazami.store.names import literal
from kazami.store.views import FIXED

if TYPE_CHECKING:
    from kazami.store.case import Case

FILE = "suppress.jsonl"

#: Bytes of the log that are read, suppressions that hold at a time.
LARGEST, MOST = 16 << 20, 500

_DECODER = msgspec.json.Decoder(Entry)
_ENCODER = msgspec.json.Encoder()


def entries(folder: Path) -> list[Entry]:
    """The log of the case in `folder`, oldest first. Raises CaseError that names the line which cannot be read."""
    path = folder / FILE
    try:
        if path.stat().st_size > LARGEST:
            raise CaseError(f"{path}: is larger than {LARGEST:,} bytes")
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CaseError(f"{path}: cannot be read: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CaseError(f"{path}, line {number}: is no entry of the log: {error}") from error
    return found


def standing(folder: Path) -> list[Suppression]:
    """Suppressions that were added and not removed, expired ones among them, oldest first."""
    found: dict[str, Suppression] = {}
    for entry in entries(folder):
        if entry.action == "removed":
            found.pop(entry.suppression.uid, None)
        else:
            found[entry.suppression.uid] = entry.suppression
    return list(found.values())


def active(folder: Path, now: datetime | None = None) -> list[Suppression]:
    """Suppressions that hold at `now`, oldest first."""
    now = now or datetime.now(UTC)
    return [one for one in standing(folder) if one.narrow and now < one.expires][:MOST]


def log(case: Case, entry: Entry) -> None:
    """Add a line to the log of a case that is open for writing; it is on the disk when this returns."""
    case.require_writer()
    path = case.path / FILE
    try:
        with path.open("ab") as file:
            file.write(_ENCODER.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CaseError(f"{path}: cannot be written: {error.strerror}") from error


def marked(folder: Path, also: Iterable[Suppression] = ()) -> str:
    """SQL: the view of findings with a column ``suppressed``, the id of what silences them; `also` is only thought of."""
    held = [*active(folder), *also]
    cases = " ".join(f"WHEN {condition(one)} THEN {literal(one.uid)}" for one in held)
    mark = f"CASE {cases} END" if cases else "NULL::VARCHAR"
    return f"SELECT s.*, {mark} AS suppressed FROM ({FIXED['finding']}) s"  # noqa: S608 - quoted where it is made


def counted(folder: Path, also: Sequence[Suppression] = ()) -> str:
    """SQL: the findings that count."""
    if not also and not active(folder):
        return FIXED["finding"]
    return f"SELECT * EXCLUDE (suppressed) FROM ({marked(folder, also)}) WHERE suppressed IS NULL"  # noqa: S608 - as above


def condition(one: Suppression) -> str:
    """SQL over a finding ``s``: whether it is meant. What people wrote is quoted."""
    parts = [f"s.tenant = {literal(one.tenant)}"]
    if one.rule:
        parts.append(f"s.rule_id = {literal(one.rule)}")
    if one.host:
        parts.append(_either(one.host, "lower(s.host)", "split_part(lower(s.host), '.', 1)"))
    if one.account:
        parts.append(_either(one.account, 'lower(s."user")', "string_split(lower(s.\"user\"), '\\')[-1]"))
    if one.entity:
        values = '[lower(v) FOR v IN map_values(s.matched)] || [lower(s.host), lower(s."user")]'
        parts.append(f"list_contains({values}, {literal(one.entity.lower())})")
    for field, value in one.where:
        held = f"[lower(e.value) FOR e IN map_entries(s.matched) IF e.key = {literal(field)}][1]"
        parts.append(_like(held, value))
    return f"coalesce({' AND '.join(parts)}, false)"


def _either(pattern: str, *values: str) -> str:
    return f"({' OR '.join(_like(value, pattern) for value in values)})"


def _like(value: str, pattern: str) -> str:
    """Whether `value` is what `pattern` says, where ``*`` is anything and all else is itself."""
    text = pattern.lower()
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"{value} LIKE {literal(text.replace('*', '%'))} ESCAPE '\\'"


def counts(case: Case) -> dict[str, int]:
    """How many findings each suppression silences; what several mean is counted with the first."""
    if not active(case.path):
        return {}
    rows = case.database.rows(
        f"""SELECT suppressed, count(*) AS n FROM ({marked(case.path)})
        WHERE suppressed IS NOT NULL GROUP BY suppressed"""  # noqa: S608 - quoted where it is made
    )
    return {row["suppressed"]: int(row["n"]) for row in rows}

"""What `check` says about a rule."""

from __future__ import annotations

from dataclasses import dataclass

#: Weightiest first. error: does not load; warning: loads, but may not do what it is for; note: could be better.
SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark; `code` names its kind for those who want to filter."""

    severity: str
    code: str
    text: str
    path: str
    id: str = ""
    title: str = ""

"""What a step was for, in eight kinds: sixteen tactics are more shapes and colors than anybody tells apart.

Each kind has a shape of its own besides its color, so that the picture can be read without colors.
"""

from __future__ import annotations

#: The tactics of ATT&CK by kind, in the order of an intrusion.
KINDS: dict[str, tuple[str, ...]] = {
    "enter": ("reconnaissance", "resource-development", "initial-access"),
    "run": ("execution", "persistence", "privilege-escalation"),
    "hide": ("defense-evasion", "stealth", "defense-impairment"),
    "credential": ("credential-access",),
    "look": ("discovery",),
    "move": ("lateral-movement",),
    "control": ("command-and-control",),
    "take": ("collection", "exfiltration", "impact"),
    "other": ("",),
}

_OF = {tactic: kind for kind, tactics in KINDS.items() for tactic in tactics}

#: The shapes as SVG paths around 0, 0, some 6 units to each side.
SHAPES: dict[str, str] = {
    "enter": "M-5-6L6 0L-5 6Z",
    "run": "M-5.5 0A5.5 5.5 0 1 0 5.500 0A5.5 5.5 0 1 0-5.500 0Z",
    "hide": "M-5.500-2.500A5.5 5.5 0 0 1 5.500-2.500V0H-5.500ZM-5.500 2H5.500V4.500H-5.500Z",
    "credential": "M0-7L7 0L0 7L-7 0Z",
    "look": "M-6 0A6 6 0 1 0 6 0A6 6 0 1 0-6 0ZM-3 0A3 3 0 1 1 3 0A3 3 0 1 1-3 0Z",
    "move": "M-6-6H-2L3 0L-2 6H-6L-1 0ZM1-6H3L8 0L3 6H1L6 0Z",
    "control": "M-6-3.500L0-7L6-3.500V3.500L0 7L-6 3.500Z",
    "take": "M-6.500-5H6.500L0 6.500Z",
    "other": "M-3.500-3.500H3.500V3.500H-3.500Z",
}


def kind_of(tactic: str) -> str:
    """The kind of a tactic; ``other`` where the rule names none."""
    return _OF.get(tactic, "other")

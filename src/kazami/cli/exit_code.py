"""Exit codes; what they mean stands at the head of `kazami.cli`."""

from __future__ import annotations

DONE, FINDINGS, USAGE, UNREADABLE, INTERNAL, STOPPED = 0, 1, 2, 3, 4, 130

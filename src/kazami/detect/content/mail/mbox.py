"""Mailboxes (mbox, RFC 4155): each mail a child, so that a password in one is tried on the archive in another."""

from __future__ import annotations

import re

from kazami.detect.content.identify import kind
from kazami.model.content import Analysis, Child, Gap, Meaning, Scope

MEANINGS: dict[str, Meaning] = {}

_FROM = re.compile(rb"(?:\A|\n)From \S+[^\n]{0,100}\d\d:\d\d[^\n]*\n")


def confidence(head: bytes, name: str) -> float:
    """Begins with a separator line and headers behind it."""
    return 1.0 if head.startswith(b"From ") and kind(head, name) == "mbox" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All mails, as far as the budget of a submission goes."""
    starts = [match.end() for match in _FROM.finditer(data)]
    ends = [*[match.start() for match in _FROM.finditer(data)][1:], len(data)]
    most = scope.limits.children
    gaps = [Gap("limit", f"only {most:,} of {len(starts):,} mails looked at")] if len(starts) > most else []
    mails = zip(starts[:most], ends[:most], strict=True)
    children = (
        Child(f"{n}.eml", data[a:b].replace(b"\n>From ", b"\nFrom "), relation="attachment")
        for n, (a, b) in enumerate(mails, 1)
    )
    return Analysis((), tuple(children), tuple(gaps))

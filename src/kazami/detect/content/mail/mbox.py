"""Mailboxes (mbox, RFC 4155): each mail a child, so that a password in one is tried on the archive in another.

A mailbox that is handed over comes in parts (`pipeline.mailbox`), each under a budget of its own; what is told of its mails comes with
it then. One inside something else is looked at as far as the budget of that goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazami.detect.content.identify import kind
from kazami.detect.content.mail.correspondence import Correspondence
from kazami.model.content import Analysis, Child, Gap, Meaning, Scope

MEANINGS: dict[str, Meaning] = {}

#: The line before each mail.
FROM = re.compile(rb"From \S+[^\n]{0,100}\d\d:\d\d[^\n]*\n")

_FROM = re.compile(rb"(?:\A|\n)" + FROM.pattern)


def confidence(head: bytes, name: str) -> float:
    """Begins with a separator line and headers behind it."""
    return 1.0 if head.startswith(b"From ") and kind(head, name) == "mbox" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """All mails, as far as the budget of a submission goes."""
    mails = list(_mails(data))
    most = scope.limits.children
    gaps = [Gap("limit", f"only {most:,} of {len(mails):,} mails looked at")] if len(mails) > most else []
    first = int(next(iter(scope.settings.get("mail.number", ("1",)))))
    told = scope.settings.get("mail.told")
    if told is None:
        heard = Correspondence(scope.settings.get("mail.seen", ()))
        told = tuple(line for mail in mails[:most] for line in heard.hear(mail))
    children = tuple(
        Child(f"{n}.eml", mail, relation="attachment") for n, mail in enumerate(mails[:most], first)
    )
    return Analysis((), children, tuple(gaps), settings={"mail.told": told})


def _mails(data: bytes) -> Iterator[bytes]:
    found = list(_FROM.finditer(data))
    ends = [
        *(match.start() for match in found[1:]),
        len(data) - data.endswith(b"\n"),
    ]  # the line end is the box's
    for match, end in zip(found, ends, strict=True):
        yield plain(data[match.end() : end])


def plain(mail: bytes) -> bytes:
    """A mail as it was before it lay in a mailbox: lines that began with "From " had a sign put before them."""
    return mail.replace(b"\n>From ", b"\nFrom ")

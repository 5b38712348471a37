"""Mails: EML, MSG, winmail.dat, mailboxes. Whom they pose as, what they carry, which passwords they name.

`message` takes a mail apart, `outlook` and `tnef` do the same for Microsoft's formats, `sender` and `lure` say what is seen, `domain` which
domains look alike, `signature` verifies DKIM offline. Children are attachments, nested mails and pages; passwords found in the text are
tried on everything in the submission, the next mail's archive too.
"""

from __future__ import annotations

from kazami.detect.content.identify import kind
from kazami.detect.content.mail import lure, sender, signature
from kazami.detect.content.mail.domain import of
from kazami.detect.content.mail.message import Mail, read
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = meanings(__file__)
LEARNED = "mail.sender"
NEEDS = {"tldextract": "whom a mail poses as"}


def confidence(head: bytes, name: str) -> float:
    """Begins with the headers of a mail."""
    return (
        1.0
        if kind(head, name) == "eml"
        else 0.6
        if name.lower().endswith(".eml") and b":" in head[:200]
        else 0.0
    )


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What a mail says of itself, and all that hangs on it."""
    try:
        mail = read(data, scope.limits)
    except RecursionError:
        deep = Gap("error", "parts nested deeper than its parser can follow")
        return Analysis((Feature("mail.unreadable_structure", "nesting"),), gaps=(deep,))
    gaps = list(mail.gaps)
    signed = list(signature.features(data, scope, gaps))
    return told(mail, scope, gaps, *signed)


def told(mail: Mail, scope: Scope, gaps: list[Gap], *more: Feature) -> Analysis:
    """An analysis of a mail, whichever format it came in."""
    children = lure.attachments(mail)
    odd = [Feature("mail.unreadable_structure", gap.reason) for gap in mail.gaps if gap.kind == "limit"]
    if mail.ambiguous:
        odd.append(Feature("mail.unreadable_structure", "two headers say how it is parted"))
    return Analysis(
        (*sender.features(mail, scope), *lure.features(mail, children), *odd, *more),
        tuple(children),
        tuple(gaps),
        tuple(lure.passwords(lure.spoken(mail))),
        learned=tuple(f"{LEARNED} {domain}" for domain in [of(mail.sender[1])] if domain),
        about=mail.about,
    )

"""Large mailboxes, in parts: some hundred mails each, under a budget of their own; one inspection of the whole in the end.

Here a mailbox is only cut at its separator lines, and headers are read by patterns (`detect.content.mail.correspondence`), so that each part
knows who wrote before. Parsing is for the caged workers.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from kazami.detect.content.identify import HEAD, kind
from kazami.detect.content.mail.correspondence import Correspondence
from kazami.detect.content.mail.mbox import FROM, plain
from kazami.model.content import WORDS, Inspection, Looked, Verdict

#: Mails and bytes of one part.
MAILS, BYTES = 400, 24 << 20

_LINE = 1 << 20  # bytes of a line that are looked at as one
_ARTIFACTS = 20_000  # of one mailbox that are told, and all that something was seen in
_PROOFS = 200


@dataclass(slots=True)
class Span:
    """A part: of which mailbox, bytes from `start` to `stop`, the first mail's number, what is told of its mails (``mail.told``)."""

    box: int
    start: int
    stop: int
    number: int
    told: tuple[str, ...] = ()


@dataclass(slots=True)
class Parts:
    """All parts of a mailbox; `number` names it in a run, `sha256` and `size` are of the whole."""

    number: int
    spans: list[Span]
    sha256: str
    size: int
    done: list[Inspection] = field(default_factory=list)


def is_mailbox(head: bytes, name: str) -> bool:
    """Whether a file that begins so is a mailbox."""
    return head.startswith(b"From ") and kind(head[:HEAD], name) == "mbox"


def cut(stream: BinaryIO, box: int, known: Sequence[str] = ()) -> Parts:
    """The parts of a mailbox. `known` are domains that the tenant's mails came from before. Raises OSError."""
    heard, digest = Correspondence(known), hashlib.sha256()
    spans = [Span(box, 0, 0, 1)]
    at, number, mails = 0, 0, 0
    told: list[str] = []
    mail = io.BytesIO()

    def end() -> None:
        if number and mail.tell() <= BYTES:
            told.extend(heard.hear(plain(mail.getvalue().removesuffix(b"\n"))))
        mail.seek(0)
        mail.truncate()

    fresh = True  # whether a line begins here
    while line := stream.readline(_LINE):
        digest.update(line)
        if fresh and FROM.fullmatch(line):
            end()
            number += 1
            if mails >= MAILS or at - spans[-1].start >= BYTES:
                spans[-1].stop, spans[-1].told = at, tuple(told)
                spans.append(Span(box, at, 0, number))
                mails, told = 0, []
            mails += 1
        elif mail.tell() <= BYTES:
            mail.write(line)
        fresh = line.endswith(b"\n")
        at += len(line)
    end()
    spans[-1].stop, spans[-1].told = at, tuple(told)
    return Parts(box, spans, digest.hexdigest(), at)


def whole(parts: Parts) -> Inspection:
    """One inspection of all parts: the worst verdict, all proofs and gaps there is room for."""
    worst = max(parts.done, key=lambda one: (WORDS.index(one.verdict.word), one.verdict.score))
    proofs = sorted(
        (p for one in parts.done for p in one.verdict.proofs), key=lambda p: (not p.counts, -p.weight)
    )
    gaps = tuple(dict.fromkeys(gap for one in parts.done for gap in one.verdict.gaps))
    seen = [one for done in parts.done for one in done.looked]
    telling = {proof.sha256 for proof in proofs if proof.counts}
    kept = _kept(seen, lambda one: one.sha256 in telling)
    word = worst.verdict.word
    return Inspection(
        name=worst.name,
        sha256=parts.sha256,
        size=parts.size,
        kind="mbox",
        verdict=Verdict(word, worst.verdict.score, tuple(proofs[:_PROOFS]), gaps),
        looked=tuple(kept),
        rules=worst.rules,
        seconds=round(sum(one.seconds for one in parts.done), 4),
        error=next((one.error for one in parts.done if one.error), ""),
    )


def _kept(seen: list[Looked], telling: Callable[[Looked], bool]) -> list[Looked]:
    """The first artifacts, and all that something was seen in."""
    return seen if len(seen) <= _ARTIFACTS else [*seen[:_ARTIFACTS], *filter(telling, seen[_ARTIFACTS:])]

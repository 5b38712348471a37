"""Small-office relays: addresses through which somebody else comes. Signals of several kinds, two at least before it is more than low.

signal    what one event says of one address
question  what a case is asked for
listed, face, stack, distance, consumer   a kind of signal each, with its source
gather    answers of a case to signals
score     signals to findings

No signal alone carries it: a list names nodes that live for days, a router's page is what any visitor of a small office has, a stack or a distance that does
not fit is what any proxy makes, and administrators work from home. What no public evidence was at hand for: captures of real relays of this kind.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from kazami.detect.network.relay_host.gather import Gathered
from kazami.detect.network.relay_host.question import LISTED, QUESTIONS
from kazami.detect.network.relay_host.score import RULES, findings
from kazami.intel import networks, relays
from kazami.model.question import Question
from kazami.model.tenant import Directory

__all__ = ["QUESTIONS", "RULES", "judge"]


def __getattr__(name: str) -> tuple[Question, ...]:
    """``tables``: what is asked for depends on what the user installed: without lists, ten million flows need not be read for nothing."""
    if name == "tables":
        return QUESTIONS if relays.installed() is None else (*QUESTIONS, LISTED)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def judge(batches: Iterable[pa.RecordBatch], directory: Directory) -> tuple[pa.Table, list[str]]:
    """Findings (`model.finding.FINDING`) of addresses with two kinds of signals, or one that says it all; and notes on what was blind."""
    owners, lists = networks.installed(), relays.installed()
    gathered = Gathered(directory, owners, lists)
    for batch in batches:
        gathered.add(batch)
    signals = gathered.signals()
    notes = []
    if gathered.outside and owners is None:
        notes.append(
            "relays: whose networks addresses are in is not known (kazami intel add FILE): "
            "an administrator's first session from a consumer's network was not judged"
        )
    if gathered.outside and lists is None:
        notes.append("relays: no list of relays is installed (kazami intel add FILE)")
    if gathered.dropped:
        notes.append(f"relays: {gathered.dropped:,} signals beyond the first were not judged")
    return findings(signals, owners), notes

"""Touchpoints: identities, hosts and tools that act in a tenant that they do not belong to.

The patterns J1 to J13 over the logons, files and findings of many tenants at once. Without a description of tenants
(`tenants.toml`) J4, J5 and J13 are judged, which need none; the rest is said not to be. A finding of a tenant is made of
that tenant's own acts; what only several tenants together show is a finding of the provider's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

import pyarrow as pa

from kazami.detect.touchpoint import account, carry, path, place
from kazami.detect.touchpoint.act import MOST, QUESTIONS, Acts, acts
from kazami.detect.touchpoint.hit import Hit, findings
from kazami.detect.touchpoint.rule import RULES
from kazami.model.tenant import Directory

__all__ = ["ALWAYS", "INFORMED", "QUESTIONS", "RULES", "idle", "judge", "tables"]

Judge = Callable[[Acts, Directory], Iterator[Hit]]

#: Judged from evidence alone, and those that need to know whose accounts are whose.
ALWAYS: dict[str, Judge] = {"J4": carry.tool, "J5": carry.staged, "J13": carry.control}
INFORMED: dict[str, Judge] = {
    "J1": account.stolen,
    "J2": account.unapproved,
    "J3": path.reversed_,
    "J6": carry.copied,
    "J7": place.started,
    "J8": path.upward,
    "J9": account.untimely,
    "J10": place.managed_from_afar,
    "J11": account.ruling,
    "J12": account.failing,
}

tables = QUESTIONS


def idle(tenants: Collection[str], directory: Directory) -> str:
    """Why nothing can be found in evidence of these `tenants`; empty where something can.

    What needs no description (`ALWAYS`) needs two tenants: reading millions of acts of one would find nothing.
    """
    if directory.known or len(tenants) != 1:
        return ""
    return "touchpoints were not judged: all events are of one tenant, and tenants are not described (tenants.toml)"


def judge(batches: Iterable[pa.RecordBatch], directory: Directory) -> tuple[pa.Table, list[str]]:
    """Findings (`model.finding.FINDING`) of all touchpoints, and notes on what could not be judged."""
    found = acts(batches)
    judges = ALWAYS | (INFORMED if directory.known else {})
    hits = [hit for one in judges.values() for hit in one(found, directory)]
    notes = []
    if not directory.known and len(found.since) > 1:
        left = ", ".join(INFORMED)
        notes.append(f"tenants are not described (tenants.toml): touchpoints {left} were not judged")
    if found.dropped:
        notes.append(f"touchpoints: {found.dropped:,} acts beyond the first {MOST:,} were not judged")
    return findings(hits, RULES), notes

"""Rare and first-seen destinations, against the case's own history.

New destinations are everyday things for people who surf; they are not for a server that talks to the same few. So a machine is judged by its own
past: seven days of it, in which it went to few destinations (`QUIET`), or to none. A new one counts if nobody else goes there and it is
more than a try. Idea: "new to the host, rare in the network" (Yen et al., "Beehive", ACSAC 2013).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, Numbers
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import HOUSEKEEPING, Traffic

ABOUT = "rare and first-seen destinations"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "rare-new": (
            "A Quiet Machine Goes Somewhere New",
            "low",
            "A machine that talks to few destinations on the internet went to a new one, where nobody else goes.",
            "command-and-control t1071 t1041",
            "New software, moved services",
        ),
        "rare-inside": (
            "A Quiet Machine Administers Another One for the First Time",
            "low",
            "A machine that administered none, or few, reached another one on a port of remote administration for the first time.",
            "lateral-movement t1021",
            "New administrators, new servers",
        ),
    },
)

#: History before what is called new; destinations of a quiet machine in it; bytes or connections of more than a try.
KNOWN, QUIET, BYTES, TIMES = 7 * DAY, 12, 20_000, 3

#: Ports of remote administration: SSH, RPC, SMB, LDAP not among them, RDP, WinRM, VNC.
ADMINISTRATION = (22, 23, 135, 445, 3389, 5900, 5985, 5986)


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Machine by machine."""
    rows = traffic.flow
    quiet = traffic.talks & ~traffic.failed & ~np.isin(rows.known("port"), list(HOUSEKEEPING))
    yield from _new(traffic, quiet & traffic.outward, "rare-new")
    administered = np.isin(rows.known("port"), ADMINISTRATION)
    yield from _new(traffic, quiet & traffic.within & administered, "rare-inside")


def _new(traffic: Traffic, among: Numbers, rule: str) -> Iterator[Hit]:
    rows = traffic.flow
    targets = rows.texts["target"].codes
    sources = rows.texts["source"].codes
    since = dict(zip(*(one.tolist() for one in np.unique(sources, return_index=True)), strict=True))
    for places in rows.groups("source", among=among):
        begun = rows.time[since[int(sources[places[0]])]]
        later = rows.time[places] - begun >= KNOWN
        known = np.unique(targets[places[~later]])
        if len(known) > QUIET or not later.any():
            continue
        new = places[later & ~np.isin(targets[places], known)]
        for target in np.unique(targets[new]).tolist():
            found = new[targets[new] == target]
            size = float((rows.known("sent") + rows.known("received"))[found].sum())
            alone = traffic.visitors[target] == 1 or rule == "rare-inside"
            if alone and (size >= BYTES or len(found) >= TIMES):
                said = {"destinations before": number(len(known)), "bytes": number(size)}
                yield Hit(
                    rule,
                    rows,
                    found,
                    said,
                    (rows.texts["source"][int(found[0])], rows.texts["target"].values[target]),
                )

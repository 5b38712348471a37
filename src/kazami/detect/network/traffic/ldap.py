"""A directory that is read out: far more of it in an hour than logons and look-ups need.

T1087.002, T1069.002, T1482 (BloodHound, PowerView, ldapdomaindump). Judged by what a machine gets from the ports of directories (RFC 4511, MS-ADTS 3.1.1.3); what
it asked is encrypted as a rule. What others get is the measure: the modified z-score of the logarithm (Iglewicz and Hoaglin, 1993), where there are enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import HOUR, Numbers, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "directories that are read out"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "ldap-bulk": (
            "The Directory Read Out",
            "low",
            "A machine got far more from a directory within an hour than logons need, and more than others do.",
            "discovery t1087.002 t1069.002",
            "Synchronization, mail servers, address books",
        ),
    },
)

#: Bytes that are much in any case, the least z-score, how many others it takes to have one, and ports of directories.
BYTES, SCORE, ENOUGH, PORTS = 250_000, 3.5, 8, (389, 636, 3268, 3269)


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Machine by machine, hour by hour of work."""
    rows = traffic.flow
    received = rows.known("received")
    asked = np.isin(rows.known("port"), PORTS) & traffic.talks & ~traffic.failed
    some = [
        places
        for pair in rows.groups("source", "target", among=asked)
        for places in bursts(rows.time, pair, HOUR)
    ]
    sizes = np.array([float(received[places].sum()) for places in some])
    scores = scored(sizes)
    for places, size, score in zip(some, sizes.tolist(), scores.tolist(), strict=True):
        if size >= BYTES and score >= SCORE:
            said = {"received bytes": number(size), "connections": number(len(places))}
            said["usual bytes"] = number(float(np.median(sizes))) if len(sizes) >= ENOUGH else ""
            yield Hit("ldap-bulk", rows, places, said)


def scored(sizes: Numbers) -> Numbers:
    """Modified z-scores of the logarithms of sizes; beyond any bound where there are too few to compare."""
    if len(sizes) < ENOUGH:
        return np.full(len(sizes), np.inf)
    logs = np.log(np.maximum(sizes, 1.0))
    middle = np.median(logs)
    spread = max(0.1, float(np.median(np.abs(logs - middle))))
    found: Numbers = 0.6745 * (logs - middle) / spread
    return found

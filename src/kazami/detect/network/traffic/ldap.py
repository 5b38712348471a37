"""A directory that is read out: far more of it in an hour than logons and look-ups need.

T1087.002, T1069.002, T1482 (BloodHound, PowerView, ldapdomaindump). Judged by what a machine gets from the ports of directories (RFC 4511, MS-ADTS 3.1.1.3); what
it asked is encrypted as a rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import HOUR, bursts
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

#: Bytes that are much, times the median of what machines get from a directory in an hour, and ports of directories.
BYTES, TIMES, PORTS = 250_000, 5.0, (389, 636, 3268, 3269)


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
    usual = float(np.median(sizes)) if len(sizes) >= 5 else 0.0
    for places, size in zip(some, sizes.tolist(), strict=True):
        if size >= BYTES and size >= TIMES * usual:
            said = {
                "received bytes": number(size),
                "usual bytes": number(usual),
                "connections": number(len(places)),
            }
            yield Hit("ldap-bulk", rows, places, said)

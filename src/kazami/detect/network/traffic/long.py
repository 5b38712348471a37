"""Long connections: a session that is open for hours is a tunnel, a desktop, a call, or a shell.

T1572. RITA (Active Countermeasures) judges the total time of a pair; here it is the longest single connection, since many short ones are
no long one, and the level follows who else goes there. Time is that of the flow, whatever evidence told it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import HOUSEKEEPING, Traffic

ABOUT = "long connections"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "long": (
            "Connection to the Internet for Many Hours",
            "medium",
            "A connection to the internet stayed open for twelve hours or more, to a destination that nobody else has.",
            "command-and-control t1572 t1071",
            "Calls, private networks, messengers",
        ),
        "long-hours": (
            "Connection to the Internet for Hours",
            "low",
            "A connection to the internet stayed open for four hours or more.",
            "command-and-control t1572",
            "Messengers, mail, updates",
        ),
        "long-inside": (
            "Connection Inside for a Day",
            "informational",
            "A connection between machines inside stayed open for a day or more.",
            "command-and-control t1090.001",
            "Databases, file servers, monitoring",
        ),
    },
)

#: Seconds.
LONG, HOURS, DAY = 12 * 3600, 4 * 3600, 24 * 3600
#: Machines of which a destination is rare.
FEW = 2


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Pair by pair, the longest connection of each."""
    rows = traffic.flow
    lasting = rows.known("duration")
    quiet = traffic.talks & ~traffic.failed & ~np.isin(rows.known("port"), list(HOUSEKEEPING))
    quiet &= ~rows.texts["proto"].among(("icmp", "icmp6", "ipv6-icmp"))
    for places in rows.groups("source", "target", "port", among=quiet & (lasting >= HOURS)):
        first = int(places[0])
        longest = float(lasting[places].max())
        others = int(traffic.visitors[rows.texts["target"].codes[first]])
        if traffic.outward[first]:
            rule = "long" if longest >= LONG and others <= FEW else "long-hours"
        elif longest >= DAY and traffic.within[first]:
            rule = "long-inside"
        else:
            continue
        said = {
            "seconds": number(longest),
            "sent bytes": number(float(rows.known("sent")[places].sum())),
            "received bytes": number(float(rows.known("received")[places].sum())),
            "machines that go there": number(others),
        }
        yield Hit(rule, rows, places, said, (rows.texts["source"][first], rows.texts["target"][first]))

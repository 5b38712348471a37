"""Strobes: a machine that calls another one so often that no rhythm can be told.

RITA (Active Countermeasures) calls a pair with 86,400 connections within a day a strobe: one a second. The same bound is used here.
"""

from __future__ import annotations

from collections.abc import Iterator

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "strobes"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "strobe": (
            "One Connection a Second for a Day",
            "medium",
            "A machine called another one as often as once a second, for a day.",
            "command-and-control t1071 t1499",
            "Monitoring, load balancers, broken software",
        ),
    },
)

#: Connections within a day.
LEAST = 86_400


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Pair by pair."""
    rows = traffic.flow
    for places in rows.groups("source", "target", least=LEAST, among=traffic.talks):
        found = window(rows.time, places, DAY, LEAST)
        if len(found):
            ends = rows.texts["source"][int(found[0])], rows.texts["target"][int(found[0])]
            yield Hit("strobe", rows, found, {"connections": number(len(found))}, ends)

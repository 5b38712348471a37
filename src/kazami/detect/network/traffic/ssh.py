"""Passwords guessed over SSH: many short connections that end where a logon fails.

T1110. Zeek tells whether a logon worked; where it does not, a connection of the same few kilobytes again and again is one that
never came to a session (Hofstede et al., "SSH Compromise Detection using NetFlow/IPFIX", ACM CCR 2014: flat sizes).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import MINUTE, Numbers, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "guessing over SSH"
NEEDS = ("flow", "ssh")

RULES = rules(
    "ssh",
    {
        "ssh-guess": (
            "Passwords Guessed Over SSH",
            "medium",
            "A machine opened connections of SSH to another one again and again, none of which became a session.",
            "credential-access t1110.001",
            "Scripts that connect often",
        ),
        "ssh-guess-outside": (
            "Passwords Guessed Over SSH From the Internet",
            "low",
            "A machine on the internet opened connections of SSH again and again, none of which became a session.",
            "credential-access t1110.001",
            "The usual noise of the internet where SSH is offered to it",
        ),
        "ssh-guessed": (
            "SSH Session After Many Failed Logons",
            "high",
            "After many connections that failed, one of SSH from the same machine became a session.",
            "credential-access initial-access t1110.001 t1021.004",
            "Somebody who mistyped often, or scripts",
        ),
    },
)

#: Connections within a time, and the bytes below which a connection became no session.
LEAST, WIDTH, SMALL, SESSION = 20, 15 * MINUTE, 8_000, 16_000


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Pair by pair."""
    rows = traffic.flow
    named = rows.texts["service"].where(lambda text: "ssh" in text.lower().split(","))
    port = np.isin(rows.known("port"), (22, 2222)) & (rows.texts["service"].codes < 0)
    spoken = (named | port) & ~traffic.failed
    size = rows.known("sent") + rows.known("received")
    for places in rows.groups("source", "target", least=LEAST, among=spoken):
        small = places[size[places] < SMALL]
        found = window(rows.time, small, WIDTH, LEAST)
        if not len(found):
            continue
        later = places[(size[places] >= SESSION) & (rows.time[places] >= rows.time[found[LEAST - 1]])]
        inside = traffic.is_inside(rows.texts["source"][int(found[0])])
        yield _hit(traffic, found, "ssh-guess" if inside else "ssh-guess-outside")
        if len(later):
            yield _hit(traffic, np.concatenate((later[:1], found)), "ssh-guessed")


def _hit(traffic: Traffic, places: Numbers, rule: str) -> Hit:
    rows = traffic.flow
    size = rows.known("sent")[places] + rows.known("received")[places]
    first = int(places[0])
    said = {"connections": number(len(places)), "bytes of each": number(float(np.median(size)))}
    return Hit(rule, rows, places, said, (rows.texts["source"][first], rows.texts["target"][first]))

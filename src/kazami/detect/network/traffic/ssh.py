"""Passwords guessed over SSH: many short connections that end where a logon fails; and servers of SSH that call their client.

T1110. Zeek tells whether a logon worked; where it does not, a connection of the same few kilobytes again and again is one that
never came to a session (Hofstede et al., "SSH Compromise Detection using NetFlow/IPFIX", ACM CCR 2014: flat sizes).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import HOUR, MINUTE, Numbers, Rows, bursts, recorded, window
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "guessing over SSH, and SSH backwards"
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
        "ssh-reverse": (
            "SSH Server That Calls Its Client",
            "high",
            "A machine opened a connection and served SSH on it: whoever answered may log on to it, past any firewall.",
            "command-and-control t1572 t1021.004",
            "Devices that call their management (NETCONF Call Home)",
        ),
    },
)

#: Ports at which devices call their management (RFC 8071, 4).
_CALL_HOME = (4334, 4335, 4336)

#: Connections within a time, and the bytes below which a connection became no session.
LEAST, WIDTH, SMALL, SESSION = 20, 15 * MINUTE, 8_000, 16_000


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Guessing pair by pair, then connections in which the roles are turned around."""
    yield from _guesses(traffic)
    yield from _reversed(traffic["ssh"])


def _reversed(rows: Rows) -> Iterator[Hit]:
    turned = rows.texts["reversed"].among(("true", "True", "T"))
    for pair in rows.groups(
        "source", "target", "port", among=turned & ~np.isin(rows.known("port"), _CALL_HOME)
    ):
        for places in bursts(rows.time, pair, HOUR):
            said = {name: rows.texts[name][int(places[0])] for name in ("client", "server")}
            yield Hit("ssh-reverse", rows, places, said)


def _guesses(traffic: Traffic) -> Iterator[Hit]:
    rows = traffic.flow
    named = rows.texts["service"].where(lambda text: "ssh" in text.lower().split(","))
    port = np.isin(rows.known("port"), (22, 2222)) & (rows.texts["service"].codes < 0)
    spoken = (named | port) & ~traffic.failed
    size = rows.known("sent") + rows.known("received")
    told = traffic["ssh"]  # a sensor may say that a logon worked, whatever the size
    worked = recorded(rows, told.where(told.texts["success"].among(("T", "true", "True"))))
    for places in rows.groups("source", "target", least=LEAST, among=spoken):
        small = places[(size[places] < SMALL) & ~worked[places]]
        found = window(rows.time, small, WIDTH, LEAST)
        if not len(found):
            continue
        later = places[
            ((size[places] >= SESSION) | worked[places]) & (rows.time[places] >= rows.time[found[LEAST - 1]])
        ]
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

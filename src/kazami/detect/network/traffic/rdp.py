"""Remote desktops in odd places: over the border, on odd ports, between machines that never did it, with odd clients.

T1021.001, T1133, T1572. A session is told from a knock by what was said: a negotiation is some 2 KB, a desktop hundreds. A session of
less than two minutes is what a program does, not a person (SharpRDP starts one command and leaves).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import DAY, HOUR, Numbers, Rows, bursts, recorded
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "remote desktops"
NEEDS = ("flow", "rdp")

RULES = rules(
    "rdp",
    {
        "rdp-from-internet": (
            "Remote Desktop From the Internet",
            "high",
            "A machine on the internet had a session on a remote desktop here.",
            "initial-access t1133 t1021.001",
            "A desktop that is offered to the internet on purpose",
        ),
        "rdp-knock": (
            "Remote Desktop Tried From the Internet",
            "low",
            "A machine on the internet reached the remote desktop of a machine here.",
            "initial-access t1133 t1110",
            "The usual noise of the internet where a desktop is offered to it",
        ),
        "rdp-to-internet": (
            "Remote Desktop to the Internet",
            "medium",
            "A machine here used a remote desktop on the internet.",
            "command-and-control t1021.001 t1219",
            "Rented servers, work for others",
        ),
        "rdp-port": (
            "Remote Desktop on an Odd Port",
            "medium",
            "A remote desktop was used on a port that is not its own, as through a tunnel or a port proxy.",
            "command-and-control lateral-movement t1571 t1572 t1021.001",
            "Desktops that were moved to another port on purpose",
        ),
        "rdp-new": (
            "Remote Desktop Between Machines for the First Time",
            "low",
            "A machine used the remote desktop of another one, after a week of evidence in which it never did.",
            "lateral-movement t1021.001",
            "New administrators, new servers",
        ),
        "rdp-short": (
            "Remote Desktop for Less Than Two Minutes",
            "low",
            "A session on a remote desktop inside was opened and left at once, as programs do.",
            "lateral-movement execution t1021.001",
            "A look at a server",
        ),
        "rdp-client": (
            "Remote Desktop From an Odd Client",
            "medium",
            "The client of a remote desktop gave the name of a tool or of a system that attackers use.",
            "lateral-movement t1021.001",
            "Penetration tests",
        ),
        "rdp-inside": (
            "Remote Desktop Between Machines",
            "informational",
            "A machine used the remote desktop of another one inside.",
            "lateral-movement t1021.001",
            "Administration",
        ),
    },
)

#: Bytes of a session, how long a short one lasts (seconds), and how much evidence must lie before what is called new.
SESSION, SHORT, KNOWN = 20_000, 120, 7 * DAY

PORT = 3389
_ODD = re.compile(
    r"^(?:kali|parrot|blackarch|commando|hacker|pentest|rdesktop|freerdp|nmap|ncrack|hydra|crowbar)", re.I
)


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Flows first; what a sensor read of RDP itself, then."""
    rows, ours = _sessions(traffic)
    size = rows.known("sent") + rows.known("received")
    session = ours & (size >= SESSION)
    odd = ours & (rows.known("port") != PORT)
    yield from _hits(rows, session & traffic.inward, "rdp-from-internet")
    yield from _hits(rows, ours & ~session & traffic.inward & ~traffic.failed, "rdp-knock")
    yield from _hits(rows, ours & traffic.outward & ~traffic.failed, "rdp-to-internet")
    yield from _hits(rows, odd & ~traffic.failed, "rdp-port")
    short = session & (rows.known("duration") < SHORT) & (rows.known("duration") > 0)
    yield from _hits(rows, short & traffic.within, "rdp-short")
    yield from _hits(rows, ours & traffic.within & ~traffic.failed, "rdp-inside")
    yield from _new(rows, session & traffic.within)
    told = traffic["rdp"]
    name = told.texts["name"].where(lambda text: bool(_ODD.match(text)))
    cookie = told.texts["cookie"].where(lambda text: bool(_ODD.match(text)))
    yield from _hits(told, name | cookie, "rdp-client")


def _sessions(traffic: Traffic) -> tuple[Rows, Numbers]:
    """Flows that are RDP: told so, on its port, or with records of it."""
    rows = traffic.flow
    service = rows.texts["service"].where(lambda text: "rdp" in text.lower().replace(",", " ").split())
    known = (
        (rows.known("port") == PORT)
        & (rows.texts["service"].codes < 0)
        & rows.texts["proto"].among(("tcp", "udp"))
    )
    return rows, service | known | recorded(rows, traffic["rdp"])


def _hits(rows: Rows, among: Numbers, rule: str) -> Iterator[Hit]:
    for pair in rows.groups("source", "target", "port", among=among):
        for places in bursts(rows.time, pair, HOUR):
            yield _hit(rows, places, rule)


def _hit(rows: Rows, places: Numbers, rule: str) -> Hit:
    said = {}
    if "sent" in rows.numbers:
        said = {
            "sent bytes": number(float(rows.known("sent")[places].sum())),
            "received bytes": number(float(rows.known("received")[places].sum())),
            "seconds": number(float(rows.known("duration")[places].sum())),
        }
    for column in ("cookie", "name"):
        if column in rows.texts:
            said[column] = ", ".join(rows.texts[column].distinct(places)[:5])
    return Hit(rule, rows, places, said)


def _new(rows: Rows, among: Numbers) -> Iterator[Hit]:
    begun = {
        int(rows.texts["source"].codes[places[0]]): rows.time[places[0]] for places in rows.groups("source")
    }
    for places in rows.groups("source", "target", among=among):
        if rows.time[places[0]] - begun[int(rows.texts["source"].codes[places[0]])] >= KNOWN:
            yield _hit(rows, places, "rdp-new")

"""Remote shells by Windows Remote Management: PowerShell remoting, winrs, and tools that speak it.

T1021.006. Told by the path of its service (MS-WSMV, ``/wsman``), by its client's name, or by its ports where flows are all there is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import HOUR, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "remote shells by WinRM"
NEEDS = ("flow", "http")

RULES = rules(
    "http",
    {
        "winrm": (
            "Remote Shell by WinRM",
            "low",
            "A machine used Windows Remote Management of another one.",
            "lateral-movement execution t1021.006 t1059.001",
            "Administration by PowerShell",
        ),
        "winrm-border": (
            "Remote Shell by WinRM Over the Border",
            "high",
            "Windows Remote Management was used between a machine here and one on the internet.",
            "lateral-movement command-and-control t1021.006 t1133",
            "Hardly any",
        ),
    },
)

PORTS = (5985, 5986)

#: Bytes of a session: what only finds the door is less.
SESSION = 2_000


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Requests, then flows of which no request is known."""
    rows = traffic["http"]
    asked = rows.texts["uri"].where(lambda uri: uri.lower().startswith("/wsman"))
    asked |= rows.texts["agent"].where(lambda agent: "winrm" in agent.lower())
    told = yield from _hits(traffic, rows, asked)
    flow = traffic.flow
    size = flow.known("sent") + flow.known("received")
    open_ = np.isin(flow.known("port"), PORTS) & ~traffic.failed & (size >= SESSION)
    pairs = flow.texts["source"].codes.astype(np.int64) << 32 | flow.texts["target"].codes.astype(np.int64)
    yield from _hits(traffic, flow, open_ & ~np.isin(pairs, told) & traffic.talks)


def _hits(traffic: Traffic, rows: Rows, among: Numbers) -> Generator[Hit, None, list[int]]:
    """One for each pair and hour of quiet; returns the pairs that were told."""
    told = []
    for pair in rows.groups("source", "target", among=among):
        source, target = (int(rows.texts[name].codes[pair[0]]) for name in ("source", "target"))
        told.append(source << 32 | target)
        border = traffic.is_inside(rows.texts["source"][int(pair[0])]) != traffic.is_inside(
            rows.texts["target"][int(pair[0])]
        )
        for places in bursts(rows.time, pair, HOUR):
            said = {"bytes": number(float((rows.known("sent") + rows.known("received"))[places].sum()))}
            if "agent" in rows.texts:
                said["agent"] = ", ".join(rows.texts["agent"].distinct(places)[:5])
            yield Hit("winrm-border" if border else "winrm", rows, places, said)
    return told

"""Tunnels in echo requests: what goes there is not what comes back, or is more than anybody asks with.

T1095. An answer repeats its request byte for byte (RFC 792), so bytes and packets of both directions are equal; a tunnel's are not. A
ping says 32, 56 or at most 64 bytes as a rule; loads of varying size are data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kazami.detect.network.traffic.hit import Hit, number
from kazami.detect.network.traffic.rows import Numbers, Rows
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic

ABOUT = "tunnels in ICMP"
NEEDS = ("flow",)

RULES = rules(
    "flow",
    {
        "icmp-tunnel": (
            "Tunnel in Echo Requests",
            "high",
            "Echo requests of varying size carry data: what came back is not what was sent.",
            "command-and-control t1095 t1572",
            "Hardly any",
        ),
        "icmp-load": (
            "Much Data in Echo Requests",
            "medium",
            "Echo requests carry far more than anybody asks with.",
            "command-and-control exfiltration t1095 t1048",
            "Tests of large packets, some monitoring",
        ),
    },
)

#: Packets and bytes that are a tunnel's at least; bytes of one that a ping does not have; the share by
#: which both directions differ, or different sizes.
PACKETS, BYTES, LOAD, DIFFERENCE, KINDS = 20, 2_000, 128, 0.02, 5

#: Packets that are enough where both directions differ in size *and* more answers come than were asked for, of some sizes: a tunnel's need no request.
FEW, SOME = 8, 3


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Pair by pair, all echo requests together."""
    rows = traffic.flow
    echo = rows.texts["proto"].among(("icmp", "icmp6", "ipv6-icmp")) & np.isin(
        rows.known("source_port"), (0, 8, 128)
    )
    for places in rows.groups("source", "target", among=echo & traffic.talks):
        sent, received = (float(rows.known(name)[places].sum()) for name in ("sent", "received"))
        there, back = (float(rows.known(name)[places].sum()) for name in ("sent_packets", "received_packets"))
        if there < FEW or sent < BYTES or not back:
            continue
        kinds = _sizes(rows, places)
        # Answers that were lost are no difference: bytes of a packet are compared.
        load, answer = sent / there, received / back
        said = {"packets": number(there), "bytes of a request": number(load), "bytes of an answer": number(answer),
                "sent bytes": number(sent), "received bytes": number(received), "sizes": ", ".join(sorted(kinds)[:12])}  # fmt: skip
        about = (rows.texts["source"][int(places[0])], rows.texts["target"][int(places[0])])
        differs, varies = abs(load - answer) > DIFFERENCE * max(load, answer), len(kinds) >= KINDS
        unasked = back > there * (1 + DIFFERENCE) and len(kinds) >= SOME
        if (differs or varies) if there >= PACKETS else (differs and unasked):
            yield Hit("icmp-tunnel", rows, places, said, about)
        elif there >= PACKETS and load > LOAD and sent > 50_000:
            yield Hit("icmp-load", rows, places, said, about)


def _sizes(rows: Rows, places: Numbers) -> set[str]:
    """Different sizes of the first packets, where a capture told them."""
    columns = (rows.texts["first_sizes"], rows.texts["first_answers"])
    return {
        size for place in places[:50].tolist() for text in columns for size in text[place].split(",") if size
    }

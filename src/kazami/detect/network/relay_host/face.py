"""An address that shows a router's or camera's face: its certificate, its page's server or realm, its SSH.

Source: CISA AA24-038A and Lumen (December 2023) on the devices of KV-botnet: Cisco RV320 and RV325, NETGEAR ProSAFE, DrayTek Vigor, Axis cameras; of Raptor Train (September 2024): ASUS,
TP-LINK, Zyxel, MikroTik, Hikvision. ``jdyfj`` is the subject that a cluster of KV-botnet itself gave out.
"""

from __future__ import annotations

import re

#: Vendors and programs of such devices, as one pattern in RE2's words; what it means, with its weight.
_FACES: tuple[tuple[str, str, float], ...] = (
    (r"\bjdyfj\b", "a certificate of KV-botnet's own", 0.7),
    (r"cisco.{0,30}\brv\d{2,3}|\brv(?:0\d\d|1[1-8]0|2\d0|3[24][05])w?\b", "a Cisco RV router", 0.4),
    (r"netgear|prosafe", "a NETGEAR device", 0.4),
    (r"draytek|vigor ?(?:router|\d{4})|vigorswitch", "a DrayTek router", 0.4),
    (r"asuswrt|router\.asus\.com|\brt-(?:ac|ax|n)\d+", "an ASUS router", 0.4),
    (r"zyxel|zywall|usg[ -]?(?:flex|\d{2})", "a Zyxel router", 0.4),
    (r"mikrotik|routeros", "a MikroTik router", 0.4),
    (r"tp-?link|\btl-(?:wr|wa|mr)\d+", "a TP-LINK router", 0.4),
    (r"d-?link\b|\bdir-\d{3}", "a D-Link router", 0.4),
    (r"linksys|ubiquiti|\bubnt\b|edgeos|airos", "a Linksys or Ubiquiti router", 0.35),
    (r"axis communications|hikvision|dahua|\bnvr\b|ipcam|webcam", "a camera or recorder", 0.35),
    (r"forti(?:gate|net)|pfsense", "a small firewall", 0.25),
    (r"mini_httpd|micro_httpd|goahead|rompager|\bboa/|thttpd|uc-httpd|httpd-?rt", "a server of embedded devices", 0.25),
    (r"dropbear", "an SSH of embedded devices", 0.25),
)  # fmt: skip

PATTERN = "|".join(f"(?:{pattern})" for pattern, _, _ in _FACES)

_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), words, weight) for pattern, words, weight in _FACES)


def seen(text: str) -> tuple[float, str] | None:
    """How much a certificate's name, a server, a realm or a banner says, and what it is; None where it is no such face."""
    found = [(weight, words) for pattern, words, weight in _COMPILED if pattern.search(text[:512])]
    return max(found) if found else None

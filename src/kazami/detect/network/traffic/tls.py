"""Oddities of TLS to the internet: certificates of tools, certificates that nobody vouches for, no name, fingerprints of malware.

T1573.002. Certificates are by default what the documentation of the tools says that they make; fingerprints (JA3) are those that Salesforce published
with the method. Many programs share a fingerprint: it is never more than low.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from kazami.detect.network.traffic.domain import is_random, registered
from kazami.detect.network.traffic.hit import Hit
from kazami.detect.network.traffic.rows import DAY, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import Traffic, is_machine

ABOUT = "oddities of TLS"
NEEDS = ("tls",)

RULES = rules(
    "tls",
    {
        "tls-tool": (
            "Certificate of a Tool of Command and Control",
            "high",
            "A server showed a certificate that a tool of command and control makes by default.",
            "command-and-control t1573.002 t1071.001",
            "Hardly any",
        ),
        "tls-self-signed": (
            "Certificate That Nobody Vouches for, on an Odd Port",
            "medium",
            "A server on the internet showed a certificate that it signed itself, on a port that is not the web's.",
            "command-and-control t1573.002 t1571",
            "Devices, servers of administrators",
        ),
        "tls-self-signed-web": (
            "Certificate That Nobody Vouches for",
            "low",
            "A server on the internet showed a certificate that it signed itself.",
            "command-and-control t1573.002",
            "Devices, servers of administrators",
        ),
        "tls-nameless": (
            "TLS to a Bare Address",
            "low",
            "A machine spoke TLS with an address on the internet without saying whom it wants.",
            "command-and-control t1573.002",
            "Calls, private networks, software with addresses built in",
        ),
        "tls-fingerprint": (
            "Fingerprint of TLS That Malware Had",
            "low",
            "The way in which a client begins TLS is one that was published for malware or for Tor.",
            "command-and-control t1573.002",
            "Honest programs with the same library",
        ),
        "tls-onion": (
            "Tor",
            "medium",
            "A machine spoke TLS as Tor does to its relays: with names made up in Base32, or certificates between two such names.",
            "command-and-control t1090.003",
            "People who use Tor, where that is allowed",
        ),
        "tls-generated": (
            "TLS With a Name That Looks Made Up",
            "low",
            "A machine spoke TLS with a domain that looks like one that a program made.",
            "command-and-control t1568.002",
            "Delivery networks",
        ),
    },
)

_TOOLS = re.compile(
    r"Major Cobalt Strike|CN=Quasar Server CA|CN=AsyncRAT Server|CN=DcRat|CN=VenomRAT|CN=Orcus Server|P18055077|OU=cobaltstrike|O=cobaltstrike|"
    r"CN=BitRAT|CN=Pupy|O=Brute Ratel|CN=Mythic\b|CN=Covenant\b|CN=multiplayer\b|O=operators\b.*CN=multiplayer|CN=Remcos|CN=njRAT",
    re.I,
)
_FINGERPRINTS = {
    "6734f37431670b3ab4292b8f60f29984": "Trickbot",
    "4d7a28d6f2263ed61de88ca66eb011e3": "Emotet",
    "e7d705a3286e19ea42f587b344ee6865": "Tor",
}
#: Names that Tor makes up for its connections: crypto_random_hostname in its tor-tls (4 to 25 letters of Base32 between www. and .com for the client; certificates from one
#: of 8 to 20 ending in .com to one ending in .net).
_ONION_NAME = re.compile(r"www\.([a-z2-7]{8,25})\.com")
_ONION_SUBJECT, _ONION_ISSUER = (
    re.compile(r"CN=www\.[a-z2-7]{8,20}\.net"),
    re.compile(r"CN=www\.[a-z2-7]{8,20}\.com"),
)
_WEB = (443, 8443, 993, 995, 465, 587, 25, 636, 853, 5223, 5228)


def judge(traffic: Traffic) -> Iterator[Hit]:
    """Certificates, names, fingerprints."""
    rows = traffic["tls"]
    text = rows.texts
    outward = traffic.inside("tls", "source") & traffic.outside("tls", "target")
    tool = text["subject"].where(_is_tool) | text["issuer"].where(_is_tool)
    yield from _hits(rows, tool, "tls-tool")
    same = (text["subject"].codes >= 0) & _equal(rows)
    alone = same | text["status"].where(
        lambda status: "self signed" in status.lower() or "self-signed" in status.lower()
    )
    web = np.isin(rows.known("port"), _WEB)
    yield from _hits(rows, alone & ~tool & outward & ~web, "tls-self-signed")
    yield from _hits(rows, alone & ~tool & outward & web, "tls-self-signed-web")
    made = set(filter(_is_onion, text["name"].values)).difference(traffic["dns"].texts["query"].values)
    onion = text["name"].among(made)
    onion |= text["subject"].where(_fits(_ONION_SUBJECT)) & text["issuer"].where(_fits(_ONION_ISSUER))
    yield from _hits(rows, outward & onion, "tls-onion")
    # An address is no name of a host (RFC 6066, 3), whoever sends it as one.
    nameless = (text["name"].codes < 0) | text["name"].where(is_machine)
    yield from _hits(rows, outward & nameless, "tls-nameless")
    yield from _hits(rows, text["ja3"].among(_FINGERPRINTS), "tls-fingerprint")
    yield from _hits(
        rows,
        outward & ~onion & text["name"].where(lambda name: is_random(registered(name).partition(".")[0])),
        "tls-generated",
    )


def _fits(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _is_onion(name: str) -> bool:
    """Whether a name is one that Tor makes up: digits among letters of Base32, at random."""
    found = _ONION_NAME.fullmatch(name)
    return found is not None and is_random(found[1]) and any(letter in "234567" for letter in found[1])


def _is_tool(text: str) -> bool:
    return bool(_TOOLS.search(text))


def _equal(rows: Rows) -> Numbers:
    """Where issuer and subject are the same."""
    subjects, issuers = rows.texts["subject"], rows.texts["issuer"]
    number = {value: code for code, value in enumerate(subjects.values)}
    table = np.array([number.get(value, -2) for value in issuers.values] + [-3])
    found: Numbers = table[issuers.codes] == subjects.codes
    return found


def _hits(rows: Rows, among: Numbers, rule: str) -> Iterator[Hit]:
    for pair in rows.groups("source", "target", "port", among=among):
        for places in bursts(rows.time, pair, DAY):
            first = int(places[0])
            said = {name: rows.texts[name][first] for name in ("name", "subject", "issuer", "status", "ja3")}
            if rule == "tls-fingerprint":
                said["published for"] = _FINGERPRINTS[said["ja3"]]
            yield Hit(rule, rows, places, said)

"""Tunnels that show in first bytes, names and ports: SOCKS, services of tunnels, DNS over HTTPS, what is encrypted and says nothing.

T1572, T1090, T1573. *Opaque*: first bytes that look like noise, after the rules with which the Great Firewall tells fully encrypted traffic (Wu et
al., "How the Great Firewall of China Detects and Blocks Fully Encrypted Traffic", USENIX Security 2023): between 3.4 and 4.6 bits of a byte are
set, less than half is printable, no run of 20 printable ones, no protocol that is known. SOCKS after RFC 1928.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

import numpy as np

from kazami.detect.network.rat.proof import is_dense, is_known_protocol
from kazami.detect.network.traffic.hit import Hit, ends
from kazami.detect.network.traffic.rows import HOUR, Numbers, Rows, bursts
from kazami.detect.network.traffic.rule import rules
from kazami.detect.network.traffic.traffic import HOUSEKEEPING, Traffic

ABOUT = "tunnels by first bytes and names"
NEEDS = ("flow", "dns", "http", "tls")

RULES = rules(
    "flow",
    {
        "tunnel-socks": (
            "Proxy by SOCKS",
            "medium",
            "A connection began with SOCKS, and the other side agreed: it is a proxy.",
            "command-and-control t1090.001 t1572",
            "Proxies that are known",
        ),
        "tunnel-opaque": (
            "Encrypted Without Any Protocol",
            "medium",
            "First bytes of both sides look like noise, and are of no protocol that is known.",
            "command-and-control t1573 t1095 t1572",
            "Games, file sharing, calls, protocols of their own making",
        ),
        "tunnel-service": (
            "Service for Tunnels or Private Networks",
            "medium",
            "A machine here asked for a service that makes it reachable from elsewhere, or joins it to a foreign network.",
            "command-and-control t1572 t1090.003 t1219",
            "Software that is agreed on",
        ),
        "tunnel-websocket": (
            "SSH Inside a WebSocket",
            "medium",
            "What looks like a page on the web became SSH, as Chisel and its kin do to carry any connection.",
            "command-and-control t1572 t1090.001 t1071.001",
            "Terminals of servers in a browser, developers' tunnels",
        ),
        "tunnel-vpn": (
            "Private Network to the Internet",
            "low",
            "A machine here opened a private network (OpenVPN, WireGuard) to an address on the internet.",
            "command-and-control t1572 t1133",
            "Remote work that is agreed on",
        ),
        "tunnel-remote": (
            "Remote Help",
            "low",
            "A machine here asked for a service by which others see and use its desktop.",
            "command-and-control t1219",
            "Support that is agreed on",
        ),
        "tunnel-names": (
            "Names Resolved Over HTTPS or TLS",
            "low",
            "A machine here asked a public resolver for names in a way that nobody can read.",
            "command-and-control t1071.004 t1572",
            "Browsers that do it by default",
        ),
        "tunnel-port": (
            "Protocol on a Port That Is Not Its Own",
            "low",
            "A connection to the internet spoke a protocol on a port where it is not expected.",
            "command-and-control t1571",
            "Servers that were moved to another port on purpose",
        ),
        "tunnel-no-tls": (
            "No TLS on the Port for It",
            "medium",
            "A connection to the internet on port 443 spoke something else than TLS.",
            "command-and-control t1571 t1095",
            "Calls and private networks that use this port",
        ),
    },
)

#: Names of services for tunnels and private networks, the ends of names.
_SERVICES = re.compile(
    r"(?:^|\.)(?:ngrok(?:-free)?\.(?:io|com|app|dev)|tunnel\.(?:us|eu|ap|au|sa|jp|in)\.ngrok\.com|argotunnel\.com|trycloudflare\.com|cftunnel\.com|"
    r"localtunnel\.me|loca\.lt|serveo\.net|localhost\.run|pinggy\.(?:io|link)|playit\.gg|bore\.pub|portmap\.(?:io|host)|packetriot\.net|telebit\.cloud|"
    r"devtunnels\.ms|tunnels\.api\.visualstudio\.com|tailscale\.com|zerotier\.com|softether(?:-network)?\.(?:net|org|com)|vpngate\.net|hamachi\.cc|"
    r"remote\.it|netbird\.io|twingate\.com|onion\.(?:to|ws|ly|pet)|tor2web\.[a-z]+|nps\.ehang\.io|natapp\.cc|sunlogin\.com|oray\.net)\.?$",
    re.I,
)
#: Services of remote help, after LOLRMM's list; the large ones.
_REMOTE = re.compile(
    r"(?:^|\.)(?:anydesk\.com|teamviewer\.com|screenconnect\.com|splashtop\.(?:com|eu)|logmein\.com|gotoassist\.com|rustdesk\.com|dwservice\.net|meshcentral\.com|"
    r"supremocontrol\.com|ammyy\.com|aeroadmin\.com|remoteutilities\.com|ultraviewer\.net|getscreen\.me|zohoassist\.com|atera\.com|simple-help\.com)\.?$",
    re.I,
)
#: Who vouches for servers of remote help, in their certificates.
_VOUCHED = re.compile(
    r"philandro Software|CN=AnyNet |CN=AnyDesk|O=TeamViewer|O=RustDesk|CN=DWService|O=Splashtop", re.I
)
_RESOLVERS = re.compile(
    r"(?:^|\.)(?:dns\.google|dns\.google\.com|cloudflare-dns\.com|one\.one\.one\.one|dns\.quad9\.net|dns\d*\.quad9\.net|doh\.opendns\.com|dns\.adguard(?:-dns)?\.com|"
    r"doh\.cleanbrowsing\.org|dns\.nextdns\.io|doh\.li|dns\.alidns\.com|doh\.pub|dnsforge\.de|doh\.dns\.sb|mozilla\.cloudflare-dns\.com)\.?$",
    re.I,
)
_PUBLIC = frozenset(("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220", "94.140.14.14",
                     "94.140.15.15", "223.5.5.5", "223.6.6.6", "2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe"))  # fmt: skip

#: Ports where a protocol is expected; others are odd for it.
_USUAL = {
    "ssh": (22, 2222),
    "http": (80, 81, 591, 3128, 5985, 8000, 8008, 8080, 8081, 8088, 8888),
    "ssl": (
        443,
        465,
        563,
        587,
        636,
        853,
        989,
        990,
        992,
        993,
        995,
        3269,
        5061,
        5223,
        5228,
        5986,
        8443,
        8883,
        9443,
        25,
        110,
        143,
        21,
        389,
        3389,
        1433,
    ),
    "smb": (139, 445),
    "ftp": (21, 2121),
    "dns": (53, 853, 5353, 5355, 137),
    "socks": (1080,),
}


def judge(traffic: Traffic) -> Iterator[Hit]:
    """First bytes, then names, then ports."""
    rows = traffic.flow
    if rows.texts["first_sent"].values:
        yield from _first_bytes(traffic, rows)
    for table, column in (("dns", "query"), ("http", "name"), ("tls", "name")):
        some = traffic[table]
        ours = traffic.inside(table, "source")
        called = some.texts[column].where(lambda text: bool(_SERVICES.search(text.partition(":")[0])))
        yield from _named(some, called & ours, column, "tunnel-service")
        called = some.texts[column].where(lambda text: bool(_REMOTE.search(text.partition(":")[0])))
        yield from _named(some, called & ours, column, "tunnel-remote")
        called = some.texts[column].where(lambda text: bool(_RESOLVERS.search(text.partition(":")[0])))
        if table != "dns":
            yield from _named(some, called & ours, column, "tunnel-names")
    tls = traffic["tls"]
    vouched = tls.texts["subject"].where(_is_vouched) | tls.texts["issuer"].where(_is_vouched)
    unnamed = vouched & (tls.texts["name"].codes < 0) & traffic.inside("tls", "source")
    yield from _named(tls, unnamed, "subject", "tunnel-remote")
    secret = np.isin(rows.known("port"), (443, 853)) & rows.texts["target"].among(_PUBLIC) & ~traffic.failed
    yield from _hits(rows, secret & traffic.outward, "tunnel-names", {})
    yield from _ports(traffic, rows)


def _first_bytes(traffic: Traffic, rows: Rows) -> Iterator[Hit]:
    sent, received = rows.texts["first_sent"], rows.texts["first_received"]
    socks = sent.where(lambda text: is_socks(decoded(text))) & received.where(
        lambda text: agrees(decoded(text))
    )
    yield from _hits(rows, socks, "tunnel-socks", {})
    remote = sent.where(lambda text: is_teamviewer(decoded(text)))
    yield from _hits(
        rows, remote & traffic.outward & ~traffic.failed, "tunnel-remote", {"name": "TeamViewer"}
    )
    socket = received.where(lambda text: is_ssh_in_websocket(decoded(text)))
    yield from _hits(rows, socket, "tunnel-websocket", {})
    vpn = sent.where(lambda text: is_vpn(decoded(text)))
    yield from _hits(rows, vpn & traffic.outward & ~traffic.failed, "tunnel-vpn", {})
    noise = sent.where(lambda text: is_opaque(decoded(text))) & received.where(
        lambda text: is_opaque(decoded(text))
    )
    quiet = ~np.isin(rows.known("port"), list(HOUSEKEEPING)) & (rows.texts["service"].codes < 0)
    size = rows.known("sent") + rows.known("received")
    yield from _hits(
        rows, noise & quiet & (size >= 1000) & rows.texts["proto"].among(("tcp",)), "tunnel-opaque", {}
    )
    plain = sent.where(
        lambda text: bool(text) and decoded(text)[:1] not in (b"\x14", b"\x15", b"\x16", b"\x17", b"\x80")
    )
    odd = plain & (rows.known("port") == 443) & rows.texts["proto"].among(("tcp",)) & traffic.outward & ~noise
    named = rows.texts["service"].where(lambda text: "ssl" in text or "http" in text)
    yield from _hits(rows, odd & ~named & (rows.known("received") > 0), "tunnel-no-tls", {})


def _ports(traffic: Traffic, rows: Rows) -> Iterator[Hit]:
    for protocol, ports in _USUAL.items():
        spoken = rows.texts["service"].among((protocol, protocol.upper()))
        odd = spoken & ~np.isin(rows.known("port"), ports) & traffic.outward & ~traffic.failed
        yield from _hits(rows, odd, "tunnel-port", {"protocol": protocol})


def _named(rows: Rows, among: Numbers, column: str, rule: str) -> Iterator[Hit]:
    for places in rows.groups("source", column, among=among):
        first = int(places[0])
        name = rows.texts[column][first]
        yield Hit(rule, rows, places, {"name": name}, (rows.texts["source"][first], name))


def _hits(rows: Rows, among: Numbers, rule: str, said: dict[str, str]) -> Iterator[Hit]:
    for pair in rows.groups("source", "target", "port", among=among):
        for places in bursts(rows.time, pair, HOUR):
            more = {"first bytes": decoded(rows.texts["first_sent"][int(places[0])])[:16].hex()}
            yield Hit(
                rule,
                rows,
                places,
                said | more,
                (*ends(rows, int(places[0])).values(), str(int(rows.time[places[0]]))),
            )


def decoded(text: str) -> bytes:
    """First bytes as the capture had them: the whole groups of Base64 in what is kept of the text."""
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def is_socks(data: bytes) -> bool:
    """Whether a client begins with SOCKS 5 or 4 (RFC 1928): as many ways to prove oneself as it says, or a request."""
    if len(data) >= 3 and data[0] == 5 and 1 <= data[1] <= 8:
        ways = data[2 : 2 + data[1]]
        return len(ways) == data[1] and all(way in (0, 1, 2, 3, 5, 6, 7, 8, 9) for way in ways)
    return len(data) >= 9 and data[0] == 4 and data[1] in (1, 2) and data[8:].find(b"\0") >= 0


def is_vpn(data: bytes) -> bool:
    """Whether a client opens WireGuard (a message of type 1, 148 bytes: its white paper, 5.4.2) or OpenVPN; what it says later may follow."""
    if len(data) >= 148 and data[:4] == b"\1\0\0\0":
        return data[116:132] != bytes(16) and is_dense(data[8:116])
    return is_openvpn(data[2:] if 14 <= int.from_bytes(data[:2]) <= 1500 else data)


#: Bytes of what may stand between a session of OpenVPN and the number of the packet: nothing (tls-crypt), or a digest from MD5 to SHA-512 (tls-auth).
_DIGESTS = (0, 16, 20, 28, 32, 48, 64)


def is_openvpn(data: bytes) -> bool:
    """Whether a client of OpenVPN resets its session (opcode 7, or 10 with a key of its own; key 0), as the first of its packets.

    A session of eight bytes, then nothing that is acknowledged and packet 0, or a number 1 against replay (doc_protocol_overview.h of OpenVPN; openvpn-wire-protocol of
    the OpenVPN RFC drafts, 4.2 and 4.3). Opcode 10 is a P, as in POST: eight bytes of chance are no text.
    """
    session = data[1:9]
    if len(data) < 14 or data[0] not in (0x38, 0x50) or session == bytes(8):
        return False
    if all(0x20 <= byte <= 0x7E or byte in (9, 10, 13) for byte in session):
        return False
    return data[9:14] == bytes(5) or any(data[9 + size : 13 + size] == b"\0\0\0\1" for size in _DIGESTS)


def is_teamviewer(data: bytes) -> bool:
    """Whether a client speaks TeamViewer's own protocol: its marks of version 1 and 2 on TCP, the first behind a counter on UDP."""
    return data[:2] in (b"\x17\x24", b"\x11\x30") or (data[:1] == b"\0" and data[11:13] == b"\x17\x24")


def is_ssh_in_websocket(data: bytes) -> bool:
    """Whether a server agrees to a WebSocket (RFC 6455, 4.2.2), and the first frame that it sends, which no mask covers, begins with the banner of SSH."""
    head, end, frames = data.partition(b"\r\n\r\n")
    if not end or b" 101 " not in head[:16] or b"websocket" not in head.lower():
        return False
    start = {126: 4, 127: 10}.get(frames[1] & 0x7F, 2) if len(frames) > 1 else 2
    return frames[start : start + 4] == b"SSH-"


def _is_vouched(text: str) -> bool:
    return bool(_VOUCHED.search(text))


def agrees(data: bytes) -> bool:
    """Whether a server answers as one of SOCKS does."""
    return data[:2] in (b"\x05\x00", b"\x05\x01", b"\x05\x02", b"\x00\x5a")


def is_opaque(data: bytes) -> bool:
    """Whether first bytes are of fully encrypted traffic, by the published rules; at least 64 of them."""
    if len(data) < 64 or is_known_protocol(data):
        return False
    data = data[:256]
    bits = sum(byte.bit_count() for byte in data) / len(data)
    printable = bytes(1 if 0x20 <= byte <= 0x7E else 0 for byte in data)
    return (
        3.4 < bits < 4.6
        and not all(printable[:6])
        and sum(printable) <= len(data) / 2
        and b"\1" * 20 not in printable
        and b"\0\0\0" not in data
    )

"""What ``words.yml`` calls by name. Texts in, one text out; None says that there is no such fact."""

from __future__ import annotations

import re
from collections.abc import Callable

from kazami.model.address import is_inside
from kazami.sources.network.rpc import interfaces, operations
from kazami.sources.number import Text
from kazami.sources.transform import TRANSFORMS

#: Zeek's states of connections in which both sides spoke, so that nothing between them forbade it.
_SPOKEN = frozenset(("SF", "S1", "S2", "S3", "RSTO", "RSTR"))

#: IANA's protocol numbers in Zeek's words.
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmp", "47": "gre", "50": "esp", "132": "sctp"}

_ACCEPTED = frozenset(
    ("allow", "allowed", "accept", "accepted", "permit", "permitted", "pass", "passed", "forward", "close", "start", "end", "built", "teardown", "create", "est-allowed", "trust", "fastpath")
)  # fmt: skip

_MAX_URI = 1 << 16

_LENGTHS = re.compile(r"\(\d{1,2}\)")


def let_through(state: Text) -> Text:
    """``accept`` where both sides spoke; of other connections nothing is known."""
    return "accept" if state in _SPOKEN else None


def ours(*addresses: Text) -> Text:
    """The first address that is inside a network, else the first: the machine whose event it is."""
    there = [address for address in addresses if address]
    return next((address for address in there if is_inside(address)), there[0] if there else None)


def principal(client: Text, request: Text) -> Text:
    """The account of a Kerberos principal: ``anna`` of ``anna/EXAMPLE.COM``; other protocols have clients, too."""
    return client.partition("/")[0] or None if client and request else None


def lower(value: Text) -> Text:
    """In lower case."""
    return None if value is None else value.lower()


def less(total: Text, part: Text) -> Text:
    """A number less another."""
    if not (total and part and total.isdecimal() and part.isdecimal() and len(total) < 20):
        return None
    return str(max(0, int(total) - int(part)))


def protocol_name(value: Text) -> Text:
    """Zeek's name of a transport protocol, from its number or any spelling."""
    return None if value is None else _PROTOCOLS.get(value, value.lower())


#: Names that Argus gives to ports unless it is told not to.
_PORTS = {
    "ftp-data": "20", "ftp": "21", "ssh": "22", "telnet": "23", "smtp": "25", "domain": "53", "bootps": "67", "bootpc": "68", "tftp": "69", "http": "80",
    "kerberos": "88", "pop3": "110", "sunrpc": "111", "ntp": "123", "epmap": "135", "loc-srv": "135", "netbios-ns": "137", "netbios-dgm": "138",
    "netbios-ssn": "139", "imap2": "143", "snmp": "161", "snmp-trap": "162", "ldap": "389", "https": "443", "microsoft-ds": "445", "syslog": "514",
    "submission": "587", "ldaps": "636", "imaps": "993", "pop3s": "995", "ms-sql-s": "1433", "mysql": "3306", "ms-wbt-server": "3389",
}  # fmt: skip


def port_number(value: Text) -> Text:
    """A port as a number, from hexadecimal or its name."""
    if value and value[:2] == "0x" and len(value) < 10:
        try:
            return str(int(value, 16))
        except ValueError:
            return value
    return None if value is None else _PORTS.get(value, value)


def firewall_action(value: Text) -> Text:
    """``accept`` where a firewall let something pass, in whatever words; others stay."""
    return "accept" if value is not None and value.strip().lower() in _ACCEPTED else value


#: What gateways of private networks call a session that began, did not, or ended.
_SESSIONS = {
    "tunnel-up": "accepted", "ssl-login-fail": "failed", "tunnel-down": "closed", "gateway-connected": "accepted", "gateway-logout": "closed",
    "gateway-auth": "accepted", "portal-auth": "accepted",
}  # fmt: skip


def vpn_action(action: Text, event: Text, status: Text) -> Text:
    """``accepted``, ``failed`` or ``closed``; what is none of these stays as it is."""
    word = (action or event or "").lower()
    if (status or "").lower().startswith("fail") or (status or "").lower() == "negotiate_error":
        return "failed"
    return _SESSIONS.get(word, word) or None


#: What Suricata calls protocols, in Zeek's words.
_SERVICES = {
    "tls": "ssl",
    "krb5": "krb",
    "dcerpc": "dce_rpc",
    "http2": "http",
    "failed": None,
    "unknown": None,
}


def service_name(value: Text) -> Text:
    """The protocol of a connection in Zeek's words; None where it was not recognized."""
    return None if value is None else _SERVICES.get(value, value)


def cookie_user(value: Text) -> Text:
    """``anna`` of ``mstshash=anna``."""
    return None if value is None else value.removeprefix("Cookie: ").removeprefix("mstshash=")


def eve_action(action: Text, state: Text) -> Text:
    """What Suricata's flow says of being let through."""
    if action:
        return firewall_action(action)
    return "accept" if state in ("established", "closed") else None


def argus_action(protocol: Text, state: Text) -> Text:
    """``accept`` where both sides acknowledged: flags of both stand around the underscore; or where the state says that they spoke."""
    first, bar, second = (state or "").partition("_")
    if not bar:
        return "accept" if state in ("CON", "FIN", "CLO") else None
    spoken = bool(bar) and "A" in first and "A" in second and "R" not in second
    return "accept" if (protocol or "").lower() == "tcp" and spoken else None


def argus_refused(protocol: Text, state: Text) -> Text:
    """Zeek's ``REJ`` where one side asked and the other refused (``S_RA``); what else became of it is in `argus_action`."""
    first, bar, second = (state or "").partition("_")
    refused = first == "S" and bar and second in ("R", "RA")
    return "REJ" if refused and (protocol or "").lower() == "tcp" else None


def eve_refused(asked: Text, answered: Text) -> Text:
    """Zeek's ``REJ`` where Suricata saw a SYN one way and a reset the other (flags in hexadecimal)."""
    return "REJ" if asked == "02" and answered in ("04", "14") else None


def url(host: Text, uri: Text, port: Text) -> Text:
    """The URL of a request, as a proxy writes it."""
    if uri is None:
        return None
    if not uri.startswith("/") or not host:
        return uri
    named = host if port in (None, "80") or ":" in host else f"{host}:{port}"
    return f"http://{named}{uri}"


def _split(url: str) -> tuple[str, str] | None:
    """Host with its port, and the rest, of a URL with its scheme or without; None where it names no host."""
    scheme, found, rest = url.partition("://")
    if not found or "/" in scheme:
        rest = url
    place, _, path = rest.partition("/")
    return (place, "/" + path) if "." in place or found or ":" in place else None


def path_of(value: Text) -> Text:
    """Path and query of a URL; what is none stays, and so does what CONNECT asks for."""
    there = None if value is None else _split(value)
    return value if there is None or value == there[0] else there[1]


_REQUEST = re.compile(r"([A-Za-z_-]{1,32}) (\S.*?)(?: HTTP/\d(?:\.\d)?)?\Z")


def method_of(line: Text) -> Text:
    """``GET`` of ``GET /a HTTP/1.1``."""
    found = None if line is None else _REQUEST.match(line[:_MAX_URI])
    return found and found[1]


def uri_of(line: Text) -> Text:
    """``/a`` of ``GET /a HTTP/1.1``; what is no such line stays."""
    found = None if line is None else _REQUEST.match(line[:_MAX_URI])
    return found[2] if found else line


def host_of(value: Text) -> Text:
    """The host of a URL, without its port; what CONNECT asks for, too."""
    there = None if value is None else _split(value)
    if there is None:
        return None
    place = there[0].rpartition("@")[2]
    return place[1:].partition("]")[0] if place[:1] == "[" else place.partition(":")[0] or None


def joined(*parts: Text) -> Text:
    """A path (of several, the first that is there) with its query, the last of `parts`: W3C logs hold them apart."""
    path, query = next((part for part in parts[:-1] if part is not None), None), parts[-1]
    if path is None:
        return None
    return path if query in (None, "", "-") else f"{path}?{query.removeprefix('?')}"


def spaced(value: Text) -> Text:
    """With the blanks that IIS writes as plus signs, and CloudFront in hexadecimal."""
    return None if value is None else value.replace("+", " ").replace("%20", " ")


def nanoseconds(value: Text) -> Text:
    """As seconds."""
    return f"{int(value) / 1e9:.6f}" if value and value.isdecimal() and len(value) < 20 else None


def uri_stem(uri: Text) -> Text:
    """A URI without its query."""
    return None if uri is None else uri.partition("?")[0]


def uri_query(uri: Text) -> Text:
    """What stands behind the question mark."""
    return None if uri is None or "?" not in uri else uri.partition("?")[2]


def uri_extension(uri: Text) -> Text:
    """``exe`` of ``/a/b.exe?c``."""
    _, slash, name = (uri or "")[:_MAX_URI].partition("?")[0].rpartition("/")
    if not slash:
        return None  # an authority, as CONNECT asks for
    return name.rpartition(".")[2] if "." in name else None


def interface(uuid: Text) -> Text:
    """The name of a DCE/RPC interface, in Zeek's words."""
    return None if uuid is None else interfaces().get(uuid.lower(), uuid.lower())


def operation(uuid: Text, number: Text) -> Text:
    """The name of an operation of a DCE/RPC interface, in Zeek's words; ``unknown-7`` where it has none here."""
    if uuid is None or number is None or not number.isdecimal() or len(number) > 5:
        return None
    return operations().get((uuid.lower(), int(number)), f"unknown-{int(number)}")


def operation_of(*texts: Text) -> Text:
    """The same of the first of four interfaces and the first of the numbers behind them."""
    present = [next((text for text in some if text), None) for some in (texts[:4], texts[4:])]
    return operation(*present)


def z_bits(flags: Text) -> Text:
    """The three bits of a DNS header that must be zero, from its flags in hexadecimal."""
    try:
        return str(int(flags or "0", 16) >> 4 & 7)
    except ValueError:
        return "0"


def dns_name(value: Text) -> Text:
    """A name without its last dot; ``a.example`` of ``(1)a(7)example(0)``, as Windows' server of names writes it."""
    if value and value[0] == "(":
        value = _LENGTHS.sub(".", value)[1:]
    return value if value is None or value == "." else value.rstrip(".")


def kerberos_request(message: Text, failed: Text) -> Text:
    """``AS`` or ``TGS``."""
    for text in (failed, message):
        if text and "TGS" in text:
            return "TGS"
        if text and "AS_" in text:
            return "AS"
    return None


_NAMED: tuple[Callable[..., Text], ...] = (
    argus_action, argus_refused, cookie_user, dns_name, eve_action, eve_refused, firewall_action, host_of, interface, joined, kerberos_request, less, let_through, lower, method_of, nanoseconds, operation, operation_of,
    ours, path_of, port_number, principal, protocol_name, service_name, spaced, uri_extension, uri_of, uri_query, uri_stem, url, vpn_action,
    z_bits,
)  # fmt: skip

#: All transforms that network mappings may use, by name.
NETWORK: dict[str, Callable[..., Text]] = {
    **TRANSFORMS,
    **{function.__name__: function for function in _NAMED},
}

"""Protocols by the names that rules have for them."""

from __future__ import annotations

TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132

#: Protocols above IP; the empty set is all of them.
TRANSPORTS: dict[str, frozenset[int]] = {
    "ip": frozenset(), "pkthdr": frozenset(), "ip4": frozenset(), "ipv4": frozenset(), "ip6": frozenset(), "ipv6": frozenset(),
    "tcp": frozenset((TCP,)), "udp": frozenset((UDP,)), "sctp": frozenset((SCTP,)),
    "icmp": frozenset((ICMP, ICMP6)), "icmpv4": frozenset((ICMP,)), "icmpv6": frozenset((ICMP6,)), "ipv6-icmp": frozenset((ICMP6,)),
}  # fmt: skip

_TCP, _UDP, _BOTH = frozenset((TCP,)), frozenset((UDP,)), frozenset((TCP, UDP))

#: What a flow speaks whose both sides began with nothing that is told apart here.
FAILED = "failed"

#: Application protocols that are told apart: own name and transports.
APPLICATIONS: dict[str, tuple[str, frozenset[int]]] = {
    "http": ("http", _TCP), "http1": ("http", _TCP), "tls": ("tls", _TCP), "ssl": ("tls", _TCP), "ssh": ("ssh", _TCP),
    "dns": ("dns", _BOTH), "smb": ("smb", _TCP), "dcerpc": ("dcerpc", _BOTH), "smtp": ("smtp", _TCP), "ftp": ("ftp", _TCP),
    "ftp-data": ("ftp-data", _TCP), "krb5": ("krb5", _BOTH),
}  # fmt: skip

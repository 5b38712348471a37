"""The header of a rule: protocol, addresses and ports, with variables, lists and negation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network

from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.protocol import APPLICATIONS, TRANSPORTS

#: Lists within lists, and variables within variables.
MAX_DEPTH = 12

#: Suricata's own defaults (suricata.yaml), for rules that name them; and those of Snort that Suricata does not have.
VARIABLES: Mapping[str, str] = {
    "HOME_NET": "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]", "EXTERNAL_NET": "!$HOME_NET",
    **dict.fromkeys(("HTTP_SERVERS", "SMTP_SERVERS", "SQL_SERVERS", "DNS_SERVERS", "TELNET_SERVERS", "DC_SERVERS",
                     "DNP3_SERVER", "DNP3_CLIENT", "MODBUS_CLIENT", "MODBUS_SERVER", "ENIP_CLIENT", "ENIP_SERVER",
                     "FTP_SERVERS", "SIP_SERVERS", "SNMP_SERVERS", "SSH_SERVERS"), "$HOME_NET"),
    "AIM_SERVERS": "$EXTERNAL_NET", "HTTP_PORTS": "80", "SHELLCODE_PORTS": "!80", "ORACLE_PORTS": "1521", "SSH_PORTS": "22",
    "DNP3_PORTS": "20000", "MODBUS_PORTS": "502", "FILE_DATA_PORTS": "[$HTTP_PORTS,110,143]", "FTP_PORTS": "21",
    "GENEVE_PORTS": "6081", "VXLAN_PORTS": "4789", "TEREDO_PORTS": "3544", "SIP_PORTS": "[5060,5061]", "GTP_PORTS": "[2123,2152,3386]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Set:
    """Numbers: those of `within` (ranges, sets; everything where it is empty) that are not in `without`."""

    within: tuple[tuple[int, int] | Set, ...] = ()
    without: tuple[tuple[int, int] | Set, ...] = ()
    is_any: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_any", not self.within and not self.without)

    @property
    def excludes(self) -> bool:
        """Whether anything is taken out of it."""
        return bool(self.without) or any(isinstance(part, Set) and part.excludes for part in self.within)

    def holds(self, number: int) -> bool:
        """Whether a number is in it."""
        return (not self.within or _in(number, self.within)) and not _in(number, self.without)


def _in(number: int, parts: tuple[tuple[int, int] | Set, ...]) -> bool:
    return any(
        part.holds(number) if isinstance(part, Set) else part[0] <= number <= part[1] for part in parts
    )


ANY = Set()

#: Addresses of version 4 are counted behind those of version 6.
FOURTH = 1 << 128


@dataclass(frozen=True, slots=True)
class Header:
    """Whom a rule is about. `transports` are IP protocol numbers, empty for all; `application` is a name or empty."""

    transports: frozenset[int]
    application: str
    source: Set
    source_port: Set
    target: Set
    target_port: Set
    both_ways: bool = False
    packet_only: bool = False
    stream_only: bool = False
    version: int = 0

    @property
    def negates(self) -> bool:
        """Whether any address is excluded."""
        return self.source.excludes or self.target.excludes

    def one_way(self, source: bytes, target: bytes, source_port: int, target_port: int) -> bool:
        """Whether a packet from here to there is meant, by addresses and ports alone."""
        return (
            (self.target_port.is_any or self.target_port.holds(target_port))
            and (self.source_port.is_any or self.source_port.holds(source_port))
            and (self.target.is_any or self.target.holds(number(target)))
            and (self.source.is_any or self.source.holds(number(source)))
        )

    def meets(self, source: bytes, target: bytes, source_port: int, target_port: int) -> bool:
        """The same, with the direction of the rule."""
        if self.version and len(source) != (4 if self.version == 4 else 16):
            return False
        return self.one_way(source, target, source_port, target_port) or (
            self.both_ways and self.one_way(target, source, target_port, source_port)
        )


@lru_cache(1 << 14)
def number(address: bytes) -> int:
    """An address as a number; those of version 4 do not meet those of version 6."""
    value = int.from_bytes(address)
    return value + FOURTH if len(address) == 4 else value


def header(
    protocol: str,
    ends: tuple[str, str, str, str],
    direction: str,
    variables: Mapping[str, str] = VARIABLES,
) -> Header:
    """The header of a rule; `ends` are source, its port, target, its port.

    Raises:
        RuleError: It breaks the language.
        UnsupportedError: It names a protocol that is not told apart here.
    """
    if direction == "=>":
        raise UnsupportedError("=>", "rules over a whole transaction are not evaluated")
    name, _, kind = protocol.partition("-")
    if kind not in ("", "pkt", "stream") or (kind and name != "tcp"):
        name, kind = protocol, ""
    application = ""
    version = {"ip4": 4, "ipv4": 4, "ip6": 6, "ipv6": 6, "icmpv4": 4, "icmpv6": 6, "ipv6-icmp": 6}.get(
        name, 0
    )
    if name in TRANSPORTS:
        transports = TRANSPORTS[name]
    elif name in APPLICATIONS:
        application, transports = APPLICATIONS[name]
    else:
        raise UnsupportedError(f"protocol {protocol}", "is not told apart")
    source, source_port, target, target_port = ends
    return Header(
        transports, application,
        _addresses(source, variables), _ports(source_port, variables),
        _addresses(target, variables), _ports(target_port, variables),
        direction == "<>", kind == "pkt", kind == "stream", version,
    )  # fmt: skip


Leaf = Callable[[str], "tuple[int, int] | None"]


def _addresses(text: str, variables: Mapping[str, str]) -> Set:
    return _kept(text, tuple(sorted(variables.items())), True)


def _ports(text: str, variables: Mapping[str, str]) -> Set:
    return _kept(text, tuple(sorted(variables.items())), False)


@lru_cache(4096)
def _kept(text: str, variables: tuple[tuple[str, str], ...], address: bool) -> Set:
    return _set(text, dict(variables), _address if address else _port, 0)


def _set(text: str, variables: Mapping[str, str], leaf: Leaf, depth: int) -> Set:
    if depth > MAX_DEPTH:
        raise RuleError("lists or variables within each other without end")
    text = text.strip()
    if len(_parts(text)) > 1:  # a list whose brackets were left out
        return _list(text, variables, leaf, depth)
    if text.startswith("!"):
        inner = _set(text[1:], variables, leaf, depth + 1)
        if inner.is_any:
            raise RuleError("everything is excluded")
        return Set(without=(inner,))
    if text.startswith("$"):
        name = text[1:]
        if name not in variables:
            raise RuleError(f"the variable ${name} is not set ([network] in kazami.toml)")
        return _set(variables[name], variables, leaf, depth + 1)
    if text.startswith("["):
        if not text.endswith("]"):
            raise RuleError(f"{text[:60]!r} is no list")
        return _list(text[1:-1], variables, leaf, depth)
    found = leaf(text)
    return ANY if found is None else Set((found,))


def _list(text: str, variables: Mapping[str, str], leaf: Leaf, depth: int) -> Set:
    within: list[tuple[int, int] | Set] = []
    without: list[tuple[int, int] | Set] = []
    everything = False
    for part in _parts(text):
        negated = part.startswith("!")
        inner = _set(part[1:] if negated else part, variables, leaf, depth + 1)
        if negated:
            without.append(inner)
        elif inner.is_any:
            everything = True
        elif not inner.within:
            without += inner.without
        else:
            within.append(inner if inner.without or len(inner.within) > 1 else inner.within[0])
    return Set(() if everything else tuple(within), tuple(without))


def _parts(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    parts.append(text[start:].strip())
    if depth:
        raise RuleError("brackets that do not close")
    return [part for part in parts if part]


def _address(text: str) -> tuple[int, int] | None:
    if text == "any":
        return None
    try:
        first, dash, last = text.partition("-")
        if dash:
            low, high = ip_address(first.strip()), ip_address(last.strip())
            base = FOURTH if low.version == 4 else 0
            return int(low) + base, int(high) + base
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise RuleError(f"{text[:60]!r} is no address") from error
    base = FOURTH if network.version == 4 else 0
    return int(network.network_address) + base, int(network.broadcast_address) + base


def _port(text: str) -> tuple[int, int] | None:
    if text == "any":
        return None
    first, colon, last = text.partition(":")
    if not colon:
        first, colon, last = text.partition("-")
    low, high = first.strip() or "0", (last.strip() or "65535") if colon else first.strip()
    if not (low.isdecimal() and high.isdecimal()) or not int(low) <= int(high) <= 65535:
        raise RuleError(f"{text[:60]!r} is no port")
    return int(low), int(high)

"""Templates of NetFlow 9 and IPFIX, and the information elements of IANA's registry that are known by name here."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

#: Templates of one file, and fields of one template.
MAX_TEMPLATES, MAX_FIELDS = 10_000, 500

_ADDRESS4, _ADDRESS6, _MAC, _TEXT = "4", "6", "m", "t"

#: Name and form of information elements by number; numbers are the usual form.
ELEMENTS: dict[int, tuple[str, str]] = {
    number: (name, form)
    for form, named in {
        "": {1: "octetDeltaCount", 2: "packetDeltaCount", 4: "protocolIdentifier", 5: "ipClassOfService", 6: "tcpControlBits",
             7: "sourceTransportPort", 9: "sourceIPv4PrefixLength", 10: "ingressInterface", 11: "destinationTransportPort",
             13: "destinationIPv4PrefixLength", 14: "egressInterface", 16: "bgpSourceAsNumber", 17: "bgpDestinationAsNumber",
             21: "flowEndSysUpTime", 22: "flowStartSysUpTime", 23: "postOctetDeltaCount", 24: "postPacketDeltaCount",
             32: "icmpTypeCodeIPv4", 58: "vlanId", 59: "postVlanId", 61: "flowDirection", 85: "octetTotalCount",
             86: "packetTotalCount", 89: "forwardingStatus", 136: "flowEndReason", 148: "flowId", 150: "flowStartSeconds",
             151: "flowEndSeconds", 152: "flowStartMilliseconds", 153: "flowEndMilliseconds", 154: "flowStartMicroseconds",
             155: "flowEndMicroseconds", 156: "flowStartNanoseconds", 157: "flowEndNanoseconds", 160: "systemInitTimeMilliseconds",
             34: "samplingInterval", 50: "samplerRandomInterval", 231: "initiatorOctets", 232: "responderOctets", 298: "initiatorPackets", 299: "responderPackets",
             305: "samplingPacketInterval", 306: "samplingPacketSpace", 323: "observationTimeMilliseconds", 225: "postNATSourceIPv4Address", 233: "firewallEvent"},
        _ADDRESS4: {8: "sourceIPv4Address", 12: "destinationIPv4Address", 15: "ipNextHopIPv4Address", 18: "bgpNextHopIPv4Address"},
        _ADDRESS6: {27: "sourceIPv6Address", 28: "destinationIPv6Address", 62: "ipNextHopIPv6Address"},
        _MAC: {56: "sourceMacAddress", 57: "postDestinationMacAddress", 80: "destinationMacAddress", 81: "postSourceMacAddress"},
        _TEXT: {82: "interfaceName", 83: "interfaceDescription", 94: "applicationDescription", 96: "applicationName"},
    }.items()
    for number, name in named.items()
}  # fmt: skip

_VARIABLE, _REVERSE = 0xFFFF, 29305
_START = (
    "flowStartMilliseconds",
    "flowStartMicroseconds",
    "flowStartNanoseconds",
    "flowStartSeconds",
    "flowStartSysUpTime",
    "observationTimeMilliseconds",
)
_NTP = 2_208_988_800  # seconds from 1900, where NTP begins, to 1970


@dataclass(frozen=True, slots=True)
class Template:
    """Fields of the records of one kind: name, form, length. `least` is the shortest record; `options` are no flows."""

    fields: tuple[tuple[str, str, int], ...]
    least: int
    options: bool = False


class Templates:
    """The templates that a file has shown, by observation domain and number."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Template] = {}

    def get(self, domain: int, number: int) -> Template | None:
        """The latest template of that number."""
        return self._known.get((domain, number))

    def learn(self, kind: int, body: bytes, version: int, domain: int) -> str:
        """Take a set of templates (of options where `kind` is 1 or 3); gives what is wrong with it, or ""."""
        options = kind in (1, 3)
        at = 0
        while at + 4 <= len(body):
            number, count = struct.unpack_from("!HH", body, at)
            if number < 256:
                return "" if not any(body[at:]) else "a template whose number is none"
            at += 4
            if options:
                if at + 2 > len(body):
                    return "a template that is cut"
                size = struct.unpack_from("!H", body, at)[0]
                count = count if version == 10 else (count + size) // 4
                at += 2
            if count > MAX_FIELDS or len(self._known) >= MAX_TEMPLATES:
                return "a template with too many fields, or one too many"
            fields, at = _fields(body, at, count, version)
            if len(fields) < count:
                return "a template that is cut"
            least = sum(1 if size == _VARIABLE else size for _, _, size in fields)
            self._known[domain, number] = Template(tuple(fields), max(1, least), options)
        return ""


def _fields(body: bytes, at: int, count: int, version: int) -> tuple[list[tuple[str, str, int]], int]:
    fields: list[tuple[str, str, int]] = []
    while len(fields) < count and at + 4 <= len(body):
        element, size = struct.unpack_from("!HH", body, at)
        at += 4
        if version == 10 and element & 0x8000:
            if at + 4 > len(body):
                break
            fields.append((*_of_enterprise(struct.unpack_from("!I", body, at)[0], element & 0x7FFF), size))
            at += 4
        else:
            fields.append((*ELEMENTS.get(element, (f"element{element}", "x")), size))
    return fields, at


def _of_enterprise(number: int, element: int) -> tuple[str, str]:
    """Name and form; those of the other direction are IANA's own (RFC 5103)."""
    if number == _REVERSE and element in ELEMENTS:
        name, form = ELEMENTS[element]
        return f"reverse{name[0].upper()}{name[1:]}", form
    return f"enterprise{number}.{element}", "x"


def decoded(body: bytes, at: int, template: Template) -> tuple[dict[str, Any], int]:
    """The record at `at`, and its length; 0 where it is cut."""
    start = at
    found: dict[str, Any] = {}
    for name, form, size in template.fields:
        if size == _VARIABLE:
            if at >= len(body):
                return found, 0
            size, at = body[at], at + 1
            if size == 255 and at + 2 <= len(body):
                size, at = int.from_bytes(body[at : at + 2]), at + 2
        if at + size > len(body):
            return found, 0
        found[name] = _value(body[at : at + size], form)
        at += size
    return found, at - start


def _value(data: bytes, form: str) -> str | int:
    if form == "" and len(data) <= 8:
        return int.from_bytes(data)
    if form == _ADDRESS4 and len(data) == 4:
        return ".".join(map(str, data))
    if form == _ADDRESS6 and len(data) == 16:
        return str(IPv6Address(data))
    if form == _MAC and len(data) == 6:
        return data.hex(":")
    return data.rstrip(b"\0").decode("utf-8", "replace") if form == _TEXT else data.hex()


def times(fields: dict[str, Any], exported: int, base: int | None) -> tuple[int, int | None]:
    """When a flow began, and how long it was, both in microseconds; the export's second where it does not say."""
    for name in _START:
        start = _micros(fields, name, base)
        if start is not None:
            end = _micros(fields, name.replace("Start", "End"), base)
            return start, None if end is None or end < start else end - start
    return exported * 1_000_000, None


def _micros(fields: dict[str, Any], name: str, base: int | None) -> int | None:
    value = fields.get(name)
    if not isinstance(value, int):
        return None
    if name.endswith("SysUpTime"):
        start = base if base is not None else _millis(fields.get("systemInitTimeMilliseconds"))
        return None if start is None else start + value * 1000
    if name.endswith("Milliseconds"):
        return value * 1000
    if (
        name.endswith("onds") and "Seconds" not in name
    ):  # micro- and nanoseconds are times of NTP: 32 bits of seconds and a fraction
        return ((value >> 32) - _NTP) * 1_000_000 + ((value & 0xFFFFFFFF) * 1_000_000 >> 32)
    return value * 1_000_000


def _millis(value: Any) -> int | None:
    return value * 1000 if isinstance(value, int) else None

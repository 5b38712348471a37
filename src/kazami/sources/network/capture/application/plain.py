"""Protocols that are told by their first bytes and not read: their names, in Zeek's words where it has one."""

from __future__ import annotations

import re

_TCP: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple((name, re.compile(pattern, re.DOTALL)) for name, pattern in (
    ("mqtt", rb"\x10[\x0a-\xff](?:[\x80-\xff]{0,2}[\x00-\x7f])?\x00(?:\x04MQTT|\x06MQIsdp)"),
    ("sip", rb"[A-Z]{3,10} sips?:[^\r\n]{1,400} SIP/2\.0\r\n"),
    ("iec104", rb"\x68\x04[\x07\x13\x43]\x00\x00\x00"),
    ("s7comm", rb"\x03\x00\x00..\xe0.{5}[\xc0\xc1\xc2]"),
    ("enip", rb"[\x04\x63-\x66\x6f]\x00.{2}.{4}\x00\x00\x00\x00.{8}\x00\x00\x00\x00"),
    ("ldap_tcp", rb"\x30(?:[\x0c-\x7f]|\x81.|\x82..|\x84....)\x02[\x01-\x04].{1,4}[\x60\x63]"),
    ("postgresql", rb"\x00\x00..\x00\x03\x00\x00[a-z]|\x00\x00\x00\x08\x04\xd2\x16\x2f"),
    ("redis", rb"\*\d{1,4}\r\n\$\d{1,6}\r\n"),
    ("rfb", rb"RFB \d{3}\.\d{3}\n"),
    ("bittorrent", rb"\x13BitTorrent protocol"),
))  # fmt: skip
_GREETED: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("rfb", re.compile(rb"RFB \d{3}\.\d{3}\n")),
    ("mysql", re.compile(rb".{2}\x00\x00\x0a[\d.]{3,16}[^\x00]{0,60}\x00", re.DOTALL)),
    ("imap", re.compile(rb"\* OK ")),
    ("pop3", re.compile(rb"\+OK ")),
)
_UDP: tuple[tuple[str, int, re.Pattern[bytes]], ...] = tuple((name, port, re.compile(pattern, re.DOTALL)) for name, port, pattern in (
    ("sip", 0, rb"(?:[A-Z]{3,10} sips?:[^\r\n]{1,400} SIP/2\.0|SIP/2\.0 \d{3} )"),
    ("dhcp", 0, rb"[\x01\x02]\x01\x06.{233}\x63\x82\x53\x63"),
    ("snmp", 0, rb"\x30(?:[\x10-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01\x03](?:\x04|\x30)"),
    ("stun", 0, rb"[\x00\x01].{3}\x21\x12\xa4\x42"),
    ("ntp", 123, rb"[\x0b\x13\x1b\x1c\x23\x24\xd9\xdb\xe3].{47}"),
    ("syslog", 514, rb"<\d{1,3}>"),
    ("tftp", 69, rb"\x00[\x01\x02][ -~]{1,200}\x00(?:octet|netascii|OCTET|NETASCII)"),
    ("bacnet", 47808, rb"\x81[\x00-\x0c]"),
    ("radius", 1812, rb"[\x01-\x05\x0b].[\x00-\x0f]."),
    ("ike", 500, rb".{16}.[\x10\x20]"),
))  # fmt: skip

#: Bytes of a side that are looked at.
_LOOK = 512


def stream(client: bytes, server: bytes) -> str:
    """The protocol of a connection of TCP; "" where it is none of these."""
    client, server = client[:_LOOK], server[:_LOOK]
    for name, pattern in _TCP:
        if pattern.match(client):
            return name
    return next((name for name, pattern in _GREETED if pattern.match(server)), "")


def datagrams(client: bytes, port: int) -> str:
    """The protocol of datagrams; "" where it is none of these."""
    client = client[:_LOOK]
    return next((name for name, own, pattern in _UDP if own in (0, port) and pattern.match(client)), "")

"""Certificates: whose they are, who says so, since when. Fields of Zeek's ``x509``; after RFC 5280."""

from __future__ import annotations

import hashlib
from calendar import timegm
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from kazami.wire import der
from kazami.wire.cursor import Short

#: Certificates of one side, and names in one, that are looked at.
MAX_CERTIFICATES, MAX_NAMES = 10, 100

_NAMES = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
    "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "1.2.840.113549.1.9.1": "emailAddress",
    "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}  # fmt: skip
_ALGORITHMS = {
    "1.2.840.113549.1.1.1": "rsaEncryption", "1.2.840.113549.1.1.4": "md5WithRSAEncryption", "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss", "1.2.840.113549.1.1.11": "sha256WithRSAEncryption", "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption", "1.2.840.10040.4.1": "dsaEncryption", "1.2.840.10045.2.1": "id-ecPublicKey",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256", "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512", "1.3.101.112": "ED25519", "1.3.14.3.2.29": "sha1WithRSA",
}  # fmt: skip
_KEYS = {"rsaEncryption": "rsa", "id-ecPublicKey": "ecdsa", "dsaEncryption": "dsa"}
_CURVES = {
    "1.2.840.10045.3.1.7": ("prime256v1", 256),
    "1.3.132.0.34": ("secp384r1", 384),
    "1.3.132.0.35": ("secp521r1", 521),
}
_SAN, _CONSTRAINTS = "2.5.29.17", "2.5.29.19"
_ESCAPED = {"\\": "\\\\", ",": "\\,", "+": "\\+", "\n": "\\0A"}


def certificates(message: bytes) -> list[bytes]:
    """The certificates of a handshake message of TLS up to 1.2, the holder's first; a cut one is left out."""
    found: list[bytes] = []
    at = 3
    while at + 3 <= len(message) and len(found) < MAX_CERTIFICATES:
        size = int.from_bytes(message[at : at + 3])
        if at + 3 + size > len(message):
            break
        found.append(message[at + 3 : at + 3 + size])
        at += 3 + size
    return found


@lru_cache(2048)
def parse(certificate: bytes) -> dict[str, Any]:
    """Fields of ``x509`` as far as the certificate can be read; to be copied, not changed."""
    fields: dict[str, Any] = {"fingerprint": hashlib.sha256(certificate).hexdigest()}
    try:
        _signed(der.value(der.value(certificate, 0x30), 0x30), fields)
    except (Short, ValueError):
        return fields  # what was read stays
    return fields


def _signed(body: bytes, fields: dict[str, Any]) -> None:
    parts = list(der.elements(body))
    version = 1
    if parts and parts[0][0] == 0xA0:
        version = int.from_bytes(der.value(parts.pop(0)[1], 2)) + 1
    if len(parts) < 6:
        raise Short
    (_, serial), (_, signed), (_, issuer), (_, dates), (_, subject), (_, key), *rest = parts
    fields |= {
        "certificate.version": version, "certificate.serial": serial.hex().upper().removeprefix("00") or "00",
        "certificate.subject": name(subject), "certificate.issuer": name(issuer),
    }  # fmt: skip
    times = [_time(tag, text) for tag, text in der.elements(dates)]
    if len(times) == 2:
        fields["certificate.not_valid_before"], fields["certificate.not_valid_after"] = times
    algorithm = der.oid(der.value(signed, 6))
    fields["certificate.sig_alg"] = _ALGORITHMS.get(algorithm, algorithm)
    _key(key, fields)
    for tag, inner in rest:
        if tag == 0xA3:
            _extensions(der.value(inner, 0x30), fields)


def name(sequence: bytes) -> str:
    """A distinguished name as RFC 2253 writes it, the last part first."""
    parts: list[str] = []
    for _, group in der.elements(sequence):
        for _, pair in der.elements(group):
            (_, kind), (tag, text), *_ = [*der.elements(pair), (0, b""), (0, b"")]
            label = der.oid(kind)
            plain = text.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")[:500]
            parts.append(f"{_NAMES.get(label, label)}={''.join(_ESCAPED.get(c, c) for c in plain)}")
            if len(parts) >= MAX_NAMES:
                break
    return ",".join(reversed(parts))


def _time(tag: int, text: bytes) -> str:
    """Seconds since 1970 as Zeek writes them."""
    plain = text.decode("ascii", "replace")
    if tag == 0x17:
        plain = ("19" if plain[:2] >= "50" else "20") + plain
    if not plain[:14].isdecimal():
        raise ValueError(plain)
    numbers = [int(plain[:4]), *(int(plain[at : at + 2]) for at in range(4, 14, 2))]
    return f"{timegm((*numbers, 0, 0, 0)):.6f}"


def _key(key: bytes, fields: dict[str, Any]) -> None:
    (_, algorithm), (_, bits), *_ = [*der.elements(key), (0, b""), (0, b"")]
    parts = list(der.elements(algorithm))
    if not parts:
        return
    kind = _ALGORITHMS.get(der.oid(parts[0][1]), der.oid(parts[0][1]))
    fields["certificate.key_alg"] = kind
    if kind in _KEYS:
        fields["certificate.key_type"] = _KEYS[kind]
    if kind == "rsaEncryption" and bits:
        (_, modulus), (_, exponent), *_ = [*der.elements(der.value(bits[1:], 0x30)), (2, b""), (2, b"")]
        fields["certificate.key_length"] = int.from_bytes(modulus).bit_length()
        fields["certificate.exponent"] = str(int.from_bytes(exponent[:64]))
    elif kind == "id-ecPublicKey" and len(parts) > 1:
        curve, size = _CURVES.get(der.oid(parts[1][1]), (der.oid(parts[1][1]), 0))
        fields["certificate.curve"] = curve
        if size:
            fields["certificate.key_length"] = size


def _extensions(sequence: bytes, fields: dict[str, Any]) -> None:
    for _, extension in der.elements(sequence):
        parts = list(der.elements(extension))
        if len(parts) < 2:
            continue
        kind, (_, body) = der.oid(parts[0][1]), parts[-1]
        if kind == _SAN:
            _alternatives(der.value(body, 0x30), fields)
        elif kind == _CONSTRAINTS:
            inner = list(der.elements(der.value(body, 0x30)))
            fields["basic_constraints.ca"] = any(tag == 1 and text != b"\0" for tag, text in inner)
            lengths = [int.from_bytes(text[:8]) for tag, text in inner if tag == 2]
            if lengths:
                fields["basic_constraints.path_len"] = lengths[0]


def _alternatives(sequence: bytes, fields: dict[str, Any]) -> None:
    kinds = {0x82: "san.dns", 0x86: "san.uri", 0x81: "san.email", 0x87: "san.ip"}
    for tag, text in list(der.elements(sequence))[:MAX_NAMES]:
        if tag == 0x87 and len(text) in (4, 16):
            fields.setdefault("san.ip", []).append(str(ip_address(text)))
        elif tag in kinds and tag != 0x87:
            fields.setdefault(kinds[tag], []).append(text.decode("utf-8", "replace")[:500])

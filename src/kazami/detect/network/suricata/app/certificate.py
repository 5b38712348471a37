"""X.509: what rules ask of a certificate, in the words that Suricata has for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kazami.wire import der

_NAMES = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
    "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "1.2.840.113549.1.9.1": "emailAddress",
    "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}  # fmt: skip
_ALTERNATIVE = "2.5.29.17"


def read(data: bytes) -> dict[str, Sequence[bytes]]:
    """Values of the buffers about a certificate; what cannot be read is not there."""
    found: dict[str, Sequence[bytes]] = {
        "tls.cert_fingerprint": (_colons(hashlib.sha1(data, usedforsecurity=False).digest()).lower(),)
    }
    parts = list(der.elements(der.inside(der.inside(data))))
    if parts and parts[0][0] == 0xA0:
        del parts[0]
    if len(parts) < 6:
        return found
    found["tls.cert_serial"] = (_colons(parts[0][1]),)
    found["tls.cert_issuer"] = (_name(parts[2][1]),)
    found["tls.cert_subject"] = (_name(parts[4][1]),)
    others = _alternatives(parts[6:])
    if others:
        found["tls.subjectaltname"] = others
    return found


def _colons(data: bytes) -> bytes:
    return data.hex(":").upper().encode()


def _name(data: bytes) -> bytes:
    parts = []
    for _, group in der.elements(data):
        for _, pair in der.elements(group):
            items = list(der.elements(pair))
            if len(items) == 2:
                key = der.oid(items[0][1])
                parts.append(_NAMES.get(key, key).encode() + b"=" + _text(*items[1]))
    return b", ".join(parts)


def _text(tag: int, data: bytes) -> bytes:
    if tag == 0x1E:  # BMPString
        return data.decode("utf-16-be", "replace").encode()
    return data


def _alternatives(parts: Sequence[tuple[int, bytes]]) -> list[bytes]:
    for tag, content in parts:
        if tag != 0xA3:
            continue
        for _, extensions in der.elements(content):
            for _, extension in der.elements(extensions):
                items = list(der.elements(extension))
                if items and der.oid(items[0][1]) == _ALTERNATIVE:
                    return [name for kind, name in der.elements(der.inside(items[-1][1])) if kind == 0x82]
    return []

"""Kerberos: who asked for which ticket, and what the answer was. Fields of Zeek's ``kerberos``; after RFC 4120."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from kazami.wire import der
from kazami.wire.cursor import Short

#: Messages of one side that are looked at.
MAX_MESSAGES = 64

AS_REQUEST, AS_REPLY, TGS_REQUEST, TGS_REPLY, ERROR = 0x6A, 0x6B, 0x6C, 0x6D, 0x7E
_REQUESTS = {AS_REQUEST: "AS", TGS_REQUEST: "TGS"}

#: Encryption types (IANA), and errors (RFC 4120, 7.5.9), in Zeek's words.
CIPHERS = {
    1: "des-cbc-crc", 2: "des-cbc-md4", 3: "des-cbc-md5", 5: "des3-cbc-md5", 7: "des3-cbc-sha1", 16: "des3-cbc-sha1-kd",
    17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96", 19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192",
    23: "rc4-hmac", 24: "rc4-hmac-exp", 25: "camellia128-cts-cmac", 26: "camellia256-cts-cmac", -128: "rc4-plain", -133: "rc4-hmac-old",
    -135: "rc4-hmac-old-exp",
}  # fmt: skip
ERRORS = {
    1: "KDC_ERR_NAME_EXP", 2: "KDC_ERR_SERVICE_EXP", 3: "KDC_ERR_BAD_PVNO", 6: "KDC_ERR_C_PRINCIPAL_UNKNOWN", 7: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    8: "KDC_ERR_PRINCIPAL_NOT_UNIQUE", 9: "KDC_ERR_NULL_KEY", 10: "KDC_ERR_CANNOT_POSTDATE", 11: "KDC_ERR_NEVER_VALID", 12: "KDC_ERR_POLICY",
    13: "KDC_ERR_BADOPTION", 14: "KDC_ERR_ETYPE_NOSUPP", 15: "KDC_ERR_SUMTYPE_NOSUPP", 16: "KDC_ERR_PADATA_TYPE_NOSUPP",
    18: "KDC_ERR_CLIENT_REVOKED", 19: "KDC_ERR_SERVICE_REVOKED", 20: "KDC_ERR_TGT_REVOKED", 21: "KDC_ERR_CLIENT_NOTYET",
    22: "KDC_ERR_SERVICE_NOTYET", 23: "KDC_ERR_KEY_EXPIRED", 24: "KDC_ERR_PREAUTH_FAILED", 25: "KDC_ERR_PREAUTH_REQUIRED",
    26: "KDC_ERR_SERVER_NOMATCH", 27: "KDC_ERR_MUST_USE_USER2USER", 28: "KDC_ERR_PATH_NOT_ACCEPTED", 29: "KDC_ERR_SVC_UNAVAILABLE",
    31: "KRB_AP_ERR_BAD_INTEGRITY", 32: "KRB_AP_ERR_TKT_EXPIRED", 33: "KRB_AP_ERR_TKT_NYV", 34: "KRB_AP_ERR_REPEAT", 35: "KRB_AP_ERR_NOT_US",
    36: "KRB_AP_ERR_BADMATCH", 37: "KRB_AP_ERR_SKEW", 41: "KRB_AP_ERR_MODIFIED", 52: "KRB_ERR_RESPONSE_TOO_BIG", 60: "KRB_ERR_GENERIC",
    68: "KDC_ERR_WRONG_REALM",
}  # fmt: skip


def is_kerberos(client: bytes) -> bool:
    """Whether a client on TCP begins with a request behind its length."""
    return (
        client[:1] == b"\0"
        and client[4:5] in (b"\x6a", b"\x6c")
        and len(client) > 20
        and client[1:2] < b"\x10"
    )


def is_datagram(client: bytes) -> bool:
    """Whether a client on UDP begins with a request."""
    return client[:1] in (b"\x6a", b"\x6c") and b"\xa1\x03\x02\x01\x05" in client[:20]


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Messages on TCP, each behind its length, and where they begin."""
    at = 0
    for _ in range(MAX_MESSAGES):
        if at + 4 >= len(data):
            return
        size = int.from_bytes(data[at : at + 4])
        yield at, data[at + 4 : at + 4 + size]
        at += 4 + size


def datagrams(data: bytes, sizes: list[int]) -> Iterator[tuple[int, bytes]]:
    """Messages on UDP, of these sizes, and where they begin."""
    at = 0
    for size in sizes[:MAX_MESSAGES]:
        if at >= len(data):
            return
        yield at, data[at : at + size]
        at += size


def parse(client: Iterator[tuple[int, bytes]], server: Iterator[tuple[int, bytes]]) -> list[dict[str, Any]]:
    """Fields of ``kerberos`` for every request with its answer, both taken in their order."""
    records = []
    for (at, asked), (_, answered) in zip_longest(client, server, fillvalue=(0, b"")):
        fields: dict[str, Any] = {"#at": at}
        for read, message in ((_request, asked), (_reply, answered)):
            try:
                read(message, fields)
            except (Short, ValueError):
                continue  # what was read stays
        if "request_type" in fields:
            records.append(fields)
    return records


def _request(message: bytes, fields: dict[str, Any]) -> None:
    tag, start, stop = der.element(message)
    if tag not in _REQUESTS:
        return
    parts = der.tagged(der.value(message[start:stop], 0x30))
    body = der.tagged(der.value(parts[4], 0x30)) if 4 in parts else {}
    fields["request_type"] = _REQUESTS[tag]
    realm = _text(body.get(2, b""))
    if client := _principal(body.get(1, b"")):
        fields["client"] = f"{client}/{realm}"
    if service := _principal(body.get(3, b"")):
        fields["service"] = service
    if till := _text(body.get(5, b"")):
        fields["till"] = till
    options = body.get(0, b"")[3:7]
    if options:
        fields["forwardable"], fields["renewable"] = bool(options[0] & 0x40), bool(options[1:2] >= b"\x80")
    ciphers = [_signed(number) for _, number in der.elements(der.value(body[8], 0x30))] if 8 in body else []
    if ciphers:
        fields["request_ciphers"] = [CIPHERS.get(number, f"unknown-{number}") for number in ciphers[:30]]
    given = [der.tagged(inner) for _, inner in der.elements(der.value(parts[3], 0x30))] if 3 in parts else []
    fields["padata"] = [str(_signed(der.value(one[1], 2))) for one in given[:30] if 1 in one]


def _reply(message: bytes, fields: dict[str, Any]) -> None:
    tag, start, stop = der.element(message)
    parts = der.tagged(der.value(message[start:stop], 0x30))
    if tag == ERROR:
        code = _signed(der.value(parts[6], 2)) if 6 in parts else 0
        fields |= {"success": False, "error_code": code, "error_msg": ERRORS.get(code, f"unknown-{code}")}
        return
    if tag not in (AS_REPLY, TGS_REPLY):
        return
    fields.setdefault("request_type", "AS" if tag == AS_REPLY else "TGS")
    fields["success"] = True
    if client := _principal(parts.get(4, b"")):
        fields["client"] = f"{client}/{_text(parts.get(3, b''))}"
    ticket = der.tagged(der.value(der.value(parts[5], 0x61), 0x30)) if 5 in parts else {}
    if service := _principal(ticket.get(2, b"")):
        fields["service"] = service
    if 3 in ticket:
        fields["cipher"] = _cipher(ticket[3])
    if 6 in parts:
        fields["reply_cipher"] = _cipher(parts[6])


def _cipher(encrypted: bytes) -> str:
    """The name of the encryption type of an ``EncryptedData``."""
    number = _signed(der.value(der.tagged(der.value(encrypted, 0x30)).get(0, b""), 2))
    return CIPHERS.get(number, f"unknown-{number}")


def _principal(element: bytes) -> str:
    if not element:
        return ""
    parts = der.tagged(der.value(element, 0x30))
    names = (
        [text.decode("utf-8", "replace")[:300] for _, text in der.elements(der.value(parts[1], 0x30))]
        if 1 in parts
        else []
    )
    return "/".join(names[:20])


def _text(element: bytes) -> str:
    return element[2:].decode("utf-8", "replace")[:300]


def _signed(number: bytes) -> int:
    return int.from_bytes(number[:8], signed=True)

"""DNS messages: what was asked, and what was answered. After RFC 1035; names may point only backwards."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

from kazami.sources.network.capture.application.cursor import Cursor, Short

#: Answers of one message, and labels of one name.
MAX_ANSWERS, MAX_LABELS = 100, 128

TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV",
         35: "NAPTR", 41: "OPT", 43: "DS", 46: "RRSIG", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 65399: "PRIVATE", 252: "AXFR",
         255: "*"}  # fmt: skip
CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_CLASSES = {1: "C_INTERNET", 3: "C_CHAOS", 255: "C_ANY"}


def parse(data: bytes) -> tuple[dict[str, Any], bool] | None:
    """Fields of ``dns`` from one message, and whether it is an answer; None where it is none."""
    if len(data) < 12:
        return None
    cursor = Cursor(data)
    number, flags, asked, answered = struct.unpack_from("!HHHH", data)
    cursor.take(12)
    if not asked <= 4 or (flags >> 11 & 15) > 6:
        return None
    fields: dict[str, Any] = {"trans_id": number}
    try:
        if asked:
            fields["query"] = name(cursor)
            kind, group = cursor.number(2), cursor.number(2)
            fields |= {"qtype": kind, "qtype_name": TYPES.get(kind, f"query-{kind}"), "qclass": group & 0x7FFF,
                       "qclass_name": _CLASSES.get(group & 0x7FFF, str(group))}  # fmt: skip
            for _ in range(asked - 1):
                name(cursor)
                cursor.take(4)
    except Short:
        return None
    answer = bool(flags & 0x8000)
    fields |= {"AA": bool(flags & 0x400), "TC": bool(flags & 0x200), "RD": bool(flags & 0x100), "RA": bool(flags & 0x80),
               "Z": flags >> 4 & 7}  # fmt: skip
    if answer:
        code = flags & 15
        fields |= {
            "rcode": code,
            "rcode_name": CODES.get(code, f"unknown-{code}"),
            "rejected": code != 0 and not answered,
        }
        _answers(cursor, min(answered, MAX_ANSWERS), fields)
    return fields, answer


def _answers(cursor: Cursor, count: int, fields: dict[str, Any]) -> None:
    answers: list[str] = []
    times: list[int] = []
    try:
        for _ in range(count):
            name(cursor)
            kind, _, ttl = cursor.number(2), cursor.number(2), cursor.number(4)
            body = cursor.vector(2)
            answers.append(_value(kind, body))
            times.append(ttl)
    except Short:
        pass  # what was read stays
    if answers:
        fields |= {"answers": answers, "TTLs": times}


def _value(kind: int, body: Cursor) -> str:
    if kind in (1, 28) and body.left in (4, 16):
        return str(ip_address(body.take(body.left)))
    if kind in (2, 5, 12):
        return name(body)
    if kind == 15 and body.left > 2:
        body.take(2)
        return name(body)
    if kind == 16:
        texts = []
        while body.left:
            text = body.vector(1)
            texts.append(text.take(text.left).decode("utf-8", "replace"))
        return "TXT " + " ".join(f"{len(text)} {text}" for text in texts)
    return body.take(body.left).hex()[:2000]


def name(cursor: Cursor) -> str:
    """The name at the cursor, without its last dot; a pointer must point before itself."""
    labels: list[str] = []
    reader, limit = cursor, cursor.at
    while len(labels) <= MAX_LABELS:
        size = reader.number(1)
        if size >= 0xC0:
            place = (size & 0x3F) << 8 | reader.number(1)
            if place >= limit:
                raise Short
            reader, limit = Cursor(cursor.data, place), place
        elif size == 0:
            return ".".join(labels)
        elif size > 63:
            raise Short
        else:
            labels.append(reader.take(size).decode("utf-8", "replace").lower())
    raise Short

"""DNS messages: what was asked, and what was answered. After RFC 1035; names may point only backwards."""

from __future__ import annotations

import struct
from functools import lru_cache
from socket import AF_INET6, inet_ntop
from typing import Any

from kazami.wire.cursor import Short
from kazami.wire.name import labels

#: Bytes of messages that are remembered.
REMEMBERED = 512

#: Answers of one message.
MAX_ANSWERS = 100

TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV",
         35: "NAPTR", 41: "OPT", 43: "DS", 46: "RRSIG", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 65399: "PRIVATE", 252: "AXFR",
         255: "*"}  # fmt: skip
CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_HEADER = struct.Struct("!HHHH").unpack_from
_PAIR = struct.Struct("!HH").unpack_from
_RECORD = struct.Struct("!HHIH").unpack_from
_CLASSES = {1: "C_INTERNET", 3: "C_CHAOS", 255: "C_ANY"}


def parse(data: bytes) -> tuple[dict[str, Any], bool] | None:
    """Fields of ``dns`` from one message, and whether it is an answer; None where it is none."""
    found = message(data)
    if found is None:
        return None
    number, fields, answer = found
    return {"trans_id": number, **fields}, answer


def message(data: bytes) -> tuple[int, dict[str, Any], bool] | None:
    """The same with its number apart; the fields are shared by all equal messages, and are not to be changed."""
    if len(data) < 12:
        return None
    found = _short(data[2:]) if len(data) <= REMEMBERED else _read(data)
    return None if found is None else (data[0] << 8 | data[1], *found)


@lru_cache(8192)
def _short(rest: bytes) -> tuple[dict[str, Any], bool] | None:
    """The same of what follows the number: names are asked for again and again."""
    return _read(b"\0\0" + rest)


def _read(data: bytes) -> tuple[dict[str, Any], bool] | None:
    _, flags, asked, answered = _HEADER(data)
    if asked > 4 or (flags >> 11 & 15) > 6:
        return None
    fields: dict[str, Any] = {}
    at = 12
    try:
        if asked:
            fields["query"], at = name(data, 12)
            kind, group = _PAIR(data, at)
            at += 4
            group &= 0x7FFF
            fields["qtype"], fields["qtype_name"] = kind, TYPES.get(kind) or f"query-{kind}"
            fields["qclass"], fields["qclass_name"] = group, _CLASSES.get(group) or str(group)
            for _ in range(asked - 1):
                at = name(data, at)[1] + 4
    except (Short, IndexError, struct.error):
        return None
    fields["AA"], fields["TC"], fields["RD"], fields["RA"] = (
        bool(flags & 0x400), bool(flags & 0x200), bool(flags & 0x100), bool(flags & 0x80),
    )  # fmt: skip
    fields["Z"] = flags >> 4 & 7
    if not flags & 0x8000:
        return fields, False
    code = flags & 15
    fields["rcode"], fields["rcode_name"] = code, CODES.get(code) or f"unknown-{code}"
    fields["rejected"] = code != 0 and not answered
    if answered:
        _answers(data, at, min(answered, MAX_ANSWERS), fields)
    return fields, True


def _answers(data: bytes, at: int, count: int, fields: dict[str, Any]) -> None:
    answers: list[str] = []
    times: list[int] = []
    try:
        for _ in range(count):
            at = _behind(data, at)
            kind, _, ttl, size = _RECORD(data, at)
            at += 10
            if at + size > len(data):
                break
            answers.append(_value(kind, data, at, size))
            times.append(ttl)
            at += size
    except (Short, IndexError, struct.error):
        pass  # what was read stays
    if answers:
        fields["answers"], fields["TTLs"] = answers, times


def _value(kind: int, data: bytes, at: int, size: int) -> str:
    if kind == 1 and size == 4:
        return ".".join(map(str, data[at : at + 4]))
    if kind == 28 and size == 16:
        return inet_ntop(AF_INET6, data[at : at + 16])
    if kind in (2, 5, 12):
        return name(data, at, at + size)[0]
    if kind == 15 and size > 2:
        return name(data, at + 2, at + size)[0]
    if kind == 16:
        return _texts(data[at : at + size])
    return data[at : at + size].hex()[:2000]


def _texts(body: bytes) -> str:
    texts = []
    at = 0
    while at < len(body):
        size = body[at]
        if at + 1 + size > len(body):
            raise Short
        texts.append(body[at + 1 : at + 1 + size].decode("utf-8", "replace"))
        at += 1 + size
    return "TXT " + " ".join(f"{len(text)} {text}" for text in texts)


def _behind(data: bytes, at: int) -> int:
    """Where a name ends, whatever it says."""
    while (size := data[at]) and size < 0xC0:
        if size > 63:
            raise Short
        at += 1 + size
    return at + 1 if not size else at + 2


def name(data: bytes, at: int, end: int = 1 << 17) -> tuple[str, int]:
    """The name at `at`, in lower case and without its last dot, and where it ends. Raises as `labels`."""
    found, after = labels(data, at, end)
    return _text(found), after


@lru_cache(8192)
def _text(joined: bytes) -> str:
    return joined.decode("utf-8", "replace").lower()

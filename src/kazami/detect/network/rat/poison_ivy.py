"""Poison Ivy: a challenge of 256 bytes each way, then keep-alives of 48 bytes with a block that only the password decides.

After FireEye's report on Poison Ivy (2013) and Emerging Threats' rules 2008380, 2008381 and 2017351 to 2017361, from which the blocks are; the
form with a request for a proxy after rule 2021523 and JPCERT/CC (July 2015).
"""

from __future__ import annotations

import re

from kazami.detect.network.rat.proof import (
    Conversation,
    Proof,
    ends_at,
    header_lines,
    http_body,
    is_dense,
    is_known_protocol,
)

#: Published blocks at offset 16 of keep-alives, and the password that they stand for.
BLOCKS: dict[str, str] = {
    "82ca6feb66ed9e86dc9529f068a25db8": "keaidestone", "d477ebffb694ccd125b6301223d72e24": "suzuki",
    "ad4a6cbba79c303e44bccfa5db773c62": "happyyongzi", "4ec3695510ad3f3431ccd17330ae1664": "xiaoxiaohuli",
    "19071b243b7a9de7771e84f60f603e27": "smallfish", "edd2c6f2b9ca1edf5cbab70c598e9c49": "XGstone",
    "771b1319a2d18da1b5058ffa3faac08a": "fishplay", "35d1501494b224ac9b002ef199a0824d": "th3bug",
}  # fmt: skip

_CHALLENGE, _ALIVE = 256, 48

#: Packets of 48 bytes of which none shares its block: keep-alives do, so they are none.
_DIFFERENT = 2

#: Bytes from which a packet may be a piece of a message.
_SEGMENT = 1200

#: Different bytes among 16 that are encrypted (fewer come once in 100,000): what repeats in clear is no keep-alive.
_NOISE = 11
_COOKIE = re.compile(r"id=[0-9A-F]{12}\Z")


def recognize(conversation: Conversation) -> Proof | None:
    """By the challenge and keep-alives, or by the request that the proxy form begins with."""
    return _challenge(conversation) or _proxy(conversation.client)


def _challenge(conversation: Conversation) -> Proof | None:
    sides = conversation.sides
    if not all(_opens(data, sizes) for _, data, sizes in sides):
        return None
    fields = {
        "challenge": conversation.client[:8].hex() + "...",
        "answer": conversation.server[:8].hex() + "...",
    }
    for side, data, _ in sides:
        for block, password in BLOCKS.items():
            if (at := data.find(bytes.fromhex(block), _CHALLENGE)) >= 0:
                told = {"block": block, "password": password}
                return Proof("Poison Ivy", "TCP", "high", side, at, fields | told)
    for side, data, sizes in sides:
        alive = _keep_alives(data, sizes)
        blocks = [data[at + 16 : at + 32] for at in alive]
        again = next(
            (block for block in blocks if blocks.count(block) > 1 and len(set(block)) >= _NOISE), None
        )
        if again is not None:
            told = {"block": again.hex(), "keep-alives": str(blocks.count(again))}
            return Proof("Poison Ivy", "TCP", "high", side, alive[blocks.index(again)] + 16, fields | told)
        if sum(size == _ALIVE for size in sizes) >= _DIFFERENT:
            return None  # the password's block is the same in all
    first, *later = conversation.client_sizes or (0,)
    if first == _CHALLENGE and any(size % 16 for size in later if size < _SEGMENT):
        return None  # Camellia's blocks are of 16 bytes
    whole = bool(conversation.client_sizes and conversation.server_sizes)
    sure = "medium" if conversation.port == 3460 else "low"
    return (
        Proof("Poison Ivy", "TCP challenge", sure, "client", 0, fields) if whole or sure == "medium" else None
    )


def _opens(data: bytes, sizes: tuple[int, ...]) -> bool:
    """Whether a side begins with 256 encrypted bytes and then waits."""
    if len(data) < _CHALLENGE or not is_dense(data[:_CHALLENGE]) or is_known_protocol(data):
        return False
    return ends_at(data, sizes, _CHALLENGE)


def _keep_alives(data: bytes, sizes: tuple[int, ...]) -> list[int]:
    """Where messages of 48 bytes begin: packets of that size, and what follows the challenge in such steps, however it was cut."""
    starts = set(range(_CHALLENGE, len(data) - _ALIVE + 1, _ALIVE))
    at = 0
    for size in sizes:
        if size == _ALIVE and at >= _CHALLENGE and at + _ALIVE <= len(data):
            starts.add(at)
        at += size
    return sorted(starts)


def _proxy(data: bytes) -> Proof | None:
    found = http_body(data)
    if found is None or b" HTTP://" not in data[:16].upper():
        return None
    headers = {name.lower(): value for name, value in header_lines(found[0])}
    bare = not headers.keys() & {"host", "user-agent", "accept", "referer"}
    if not bare or not _COOKIE.match(headers.get("cookie", "")):
        return None
    return Proof(
        "Poison Ivy", "HTTP proxy", "high", "client", data.find(b"id="), {"cookie": headers["cookie"]}
    )

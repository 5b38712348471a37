"""Poison Ivy: a challenge of 256 bytes each way, then keep-alives of 48 bytes with a block that only the password decides.

After FireEye's report on Poison Ivy (2013) and Emerging Threats' rules 2008380, 2008381 and 2017351 to 2017361, from which the blocks are; the
form with a request for a proxy after rule 2021523 and JPCERT/CC (July 2015).
"""

from __future__ import annotations

import re

from kazami.detect.network.rat.proof import (
    Conversation,
    Proof,
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
_COOKIE = re.compile(r"id=[0-9A-F]{12}\Z")


def recognize(conversation: Conversation) -> Proof | None:
    """By the challenge and keep-alives, or by the request that the proxy form begins with."""
    return _challenge(conversation) or _proxy(conversation.client)


def _challenge(conversation: Conversation) -> Proof | None:
    client, server = conversation.client, conversation.server
    for side, data, sizes in (
        ("client", client, conversation.client_sizes),
        ("server", server, conversation.server_sizes),
    ):
        if sizes and sizes[0] != _CHALLENGE:
            return None
        if len(data) < _CHALLENGE or not is_dense(data[:_CHALLENGE]) or is_known_protocol(data):
            return None
        if not sizes and len(data) != _CHALLENGE and side == "server":
            return None
    fields = {"challenge": client[:8].hex() + "...", "answer": server[:8].hex() + "..."}
    for side, data, sizes in (
        ("client", client, conversation.client_sizes),
        ("server", server, conversation.server_sizes),
    ):
        alive = _keep_alives(data, sizes)
        blocks = {data[at + 16 : at + 32].hex() for at in alive}
        known = next((block for block in blocks if block in BLOCKS), None)
        if known or (len(alive) >= 2 and len(blocks) == 1):
            block = known or blocks.pop()
            told = {"block": block, "keep-alives": str(len(alive))} | (
                {"password": BLOCKS[known]} if known else {}
            )
            return Proof("Poison Ivy", "TCP", "high", side, alive[0] + 16, fields | told)
    whole = bool(conversation.client_sizes and conversation.server_sizes)
    sure = "medium" if conversation.port == 3460 else "low"
    return (
        Proof("Poison Ivy", "TCP challenge", sure, "client", 0, fields) if whole or sure == "medium" else None
    )


def _keep_alives(data: bytes, sizes: tuple[int, ...]) -> list[int]:
    """Where packets of 48 bytes begin, as far as their bytes are here."""
    starts, at = [], 0
    for size in sizes:
        if size == _ALIVE and at >= _CHALLENGE and at + _ALIVE <= len(data):
            starts.append(at)
        at += size
    return starts


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

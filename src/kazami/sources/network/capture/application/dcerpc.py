"""DCE/RPC: which interfaces were bound, and which of their operations called. After C706 and MS-RPCE."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any
from uuid import UUID

from kazami.sources.network.rpc import interfaces, operations

#: Calls of one flow that are told apart.
MAX_CALLS = 200

_BINDS = (11, 14)  # bind and alter context
_REQUEST = 0
_KINDS = frozenset((0, 11, 14, 16))


def is_rpc(data: bytes) -> bool:
    """Whether bytes begin with a message of a client: a bind, or what a capture that began later may begin with."""
    return (
        data[:2] == b"\x05\x00"
        and len(data) >= 24
        and data[2] in _KINDS
        and data[3] < 0x20
        and data[4] in (0, 0x10)
        and data[5:8] == b"\0\0\0"
    )


def parse(data: bytes) -> list[dict[str, Any]]:
    """Fields of ``dce_rpc`` for every operation that the client's messages in `data` call, each once.

    An interface whose bind was not captured is ``unknown``.
    """
    contexts: dict[int, str] = {}
    calls: dict[tuple[str, int], dict[str, Any]] = {}
    at = 0
    while at + 24 <= len(data) and data[at] == 5 and data[at + 1] == 0 and len(calls) < MAX_CALLS:
        order = "<" if data[at + 4] & 0x10 else ">"
        size = struct.unpack_from(f"{order}H", data, at + 8)[0]
        if size < 16:
            break
        kind = data[at + 2]
        if kind in _BINDS:
            contexts |= _contexts(data[at : at + size], order)
        elif kind == _REQUEST:
            number, operation = struct.unpack_from(f"{order}HH", data, at + 20)
            key = (contexts.get(number, ""), operation)
            if key not in calls:
                calls[key] = {**_call(*key), "#at": at}
        at += size
    return list(calls.values())


def _contexts(bind: bytes, order: str) -> dict[int, str]:
    found: dict[int, str] = {}
    at = 28
    for _ in range(bind[24] if len(bind) > 24 else 0):
        if at + 24 > len(bind):
            break
        number = struct.unpack_from(f"{order}H", bind, at)[0]
        found[number] = _uuid(bind[at + 4 : at + 20], order)
        at += 24 + 20 * bind[at + 2]
    return found


@lru_cache(4096)
def _uuid(raw: bytes, order: str) -> str:
    return str(UUID(bytes_le=raw) if order == "<" else UUID(bytes=raw))


@lru_cache(8192)
def _call(uuid: str, operation: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "endpoint": interfaces().get(uuid, uuid) or "unknown",
        "operation": operations().get((uuid, operation), f"unknown-{operation}"),
        "opnum": operation,
    }
    if uuid:
        fields["interface_uuid"] = uuid
    return fields

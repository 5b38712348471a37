"""DCE/RPC: which interfaces were bound, and which of their operations called. After C706 and MS-RPCE."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

from kazami.sources.network.rpc import interfaces, operations

#: Calls of one flow that are told apart.
MAX_CALLS = 200

_BINDS = (11, 14)  # bind and alter context
_REQUEST = 0


def is_rpc(data: bytes) -> bool:
    """Whether bytes begin with a bind."""
    return data[:2] == b"\x05\x00" and len(data) >= 28 and data[2] == 11


def parse(data: bytes) -> list[dict[str, Any]]:
    """Fields of ``dce_rpc`` for every operation that the client's messages in `data` call, each once."""
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
            uuid = contexts.get(number, "")
            if uuid:
                calls.setdefault((uuid, operation), _call(uuid, operation))
        at += size
    return list(calls.values())


def _contexts(bind: bytes, order: str) -> dict[int, str]:
    found: dict[int, str] = {}
    at = 28
    for _ in range(bind[24] if len(bind) > 24 else 0):
        if at + 24 > len(bind):
            break
        number = struct.unpack_from(f"{order}H", bind, at)[0]
        raw = bind[at + 4 : at + 20]
        found[number] = str(UUID(bytes_le=raw) if order == "<" else UUID(bytes=raw))
        at += 24 + 20 * bind[at + 2]
    return found


def _call(uuid: str, operation: int) -> dict[str, Any]:
    return {
        "endpoint": interfaces().get(uuid, uuid),
        "operation": operations().get((uuid, operation), f"unknown-{operation}"),
        "opnum": operation,
    }

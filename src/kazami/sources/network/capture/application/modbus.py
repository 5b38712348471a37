"""Modbus on TCP: each request with the exception that answers it, in Zeek's words (its log has a line for every message).

After "MODBUS Application Protocol Specification" V1.1b3 and "MODBUS Messaging on TCP/IP" V1.0b.
"""

from __future__ import annotations

from typing import Any

PORT = 502

#: Requests of one connection that are told.
MAX_REQUESTS = 500

_FUNCTIONS = {
    1: "READ_COILS", 2: "READ_DISCRETE_INPUTS", 3: "READ_HOLDING_REGISTERS", 4: "READ_INPUT_REGISTERS", 5: "WRITE_SINGLE_COIL", 6: "WRITE_SINGLE_REGISTER",
    7: "READ_EXCEPTION_STATUS", 8: "DIAGNOSTICS", 11: "GET_COMM_EVENT_COUNTER", 12: "GET_COMM_EVENT_LOG", 15: "WRITE_MULTIPLE_COILS",
    16: "WRITE_MULTIPLE_REGISTERS", 17: "REPORT_SLAVE_ID", 20: "READ_FILE_RECORD", 21: "WRITE_FILE_RECORD", 22: "MASK_WRITE_REGISTER",
    23: "READ_WRITE_MULTIPLE_REGISTERS", 24: "READ_FIFO_QUEUE", 43: "ENCAP_INTERFACE_TRANSPORT", 90: "PROGRAM_UNITY",
}  # fmt: skip
_EXCEPTIONS = {
    1: "ILLEGAL_FUNCTION", 2: "ILLEGAL_DATA_ADDRESS", 3: "ILLEGAL_DATA_VALUE", 4: "SLAVE_DEVICE_FAILURE", 5: "ACKNOWLEDGE", 6: "SLAVE_DEVICE_BUSY",
    8: "MEMORY_PARITY_ERROR", 10: "GATEWAY_PATH_UNAVAILABLE", 11: "GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND",
}  # fmt: skip
_WITH_ADDRESS = frozenset((1, 2, 3, 4, 5, 6, 15, 16, 22))

_Message = tuple[int, int, int, int, bytes]


def is_modbus(client: bytes, server: bytes, port: int) -> bool:
    """Whether both sides, or on its own port one, begin with a message; the answer has the request's number and function."""
    asked, answered = _messages(client, 1), _messages(server, 1)
    if not asked or asked[0][3] not in _FUNCTIONS:
        return False
    if answered:
        return asked[0][1:3] == answered[0][1:3] and answered[0][3] & 0x7F == asked[0][3]
    return port == PORT


def parse(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``modbus`` for each request; ``#at`` is where it begins, `address` the first that it is about."""
    refused = {(m[1], m[2], m[3] & 0x7F): m[4] for m in _messages(server, MAX_REQUESTS) if m[3] & 0x80}
    records = []
    for at, number, unit, function, body in _messages(client, MAX_REQUESTS):
        fields: dict[str, Any] = {
            "#at": at,
            "tid": number,
            "unit": unit,
            "func": _FUNCTIONS.get(function, f"unknown-{function}"),
            "pdu_type": "REQ",
        }
        if function in _WITH_ADDRESS and len(body) >= 2:
            fields["address"] = int.from_bytes(body[:2])
        if code := refused.get((number, unit, function)):
            fields["exception"] = _EXCEPTIONS.get(code[0], f"unknown-{code[0]}")
        records.append(fields)
    return records


def _messages(data: bytes, most: int) -> list[_Message]:
    """Place, number, unit, function and body of each message."""
    found: list[_Message] = []
    at = 0
    while at + 8 <= len(data) and len(found) < most:
        size = int.from_bytes(data[at + 4 : at + 6])
        if data[at + 2 : at + 4] != b"\0\0" or not 2 <= size <= 254 or (at == 0 and len(data) < 6 + size):
            break
        found.append(
            (at, int.from_bytes(data[at : at + 2]), data[at + 6], data[at + 7], data[at + 8 : at + 6 + size])
        )
        at += 6 + size
    return found

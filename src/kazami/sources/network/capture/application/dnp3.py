"""DNP3 (IEEE 1815): requests with their answers, in Zeek's words."""

from __future__ import annotations

from typing import Any

_START = b"\x05\x64"

#: Messages of one side that are read.
MAX_MESSAGES = 500

_FUNCTIONS = (
    "CONFIRM", "READ", "WRITE", "SELECT", "OPERATE", "DIRECT_OPERATE", "DIRECT_OPERATE_NR", "IMMED_FREEZE", "IMMED_FREEZE_NR", "FREEZE_CLEAR",
    "FREEZE_CLEAR_NR", "FREEZE_AT_TIME", "FREEZE_AT_TIME_NR", "COLD_RESTART", "WARM_RESTART", "INITIALIZE_DATA", "INITIALIZE_APPL", "START_APPL",
    "STOP_APPL", "SAVE_CONFIG", "ENABLE_UNSOLICITED", "DISABLE_UNSOLICITED", "ASSIGN_CLASS", "DELAY_MEASURE", "RECORD_CURRENT_TIME", "OPEN_FILE",
    "CLOSE_FILE", "DELETE_FILE", "GET_FILE_INFO", "AUTHENTICATE_FILE", "ABORT_FILE", "ACTIVATE_CONFIG", "AUTHENTICATE_REQ", "AUTHENTICATE_ERR",
)  # fmt: skip
_UNASKED = 0x82
_ANSWERS = {0x81: "RESPONSE", _UNASKED: "UNSOLICITED_RESPONSE", 0x83: "AUTHENTICATE_RESP"}

_Message = tuple[int, int, int, int, bytes]


def is_dnp3(data: bytes) -> bool:
    """Whether a side begins with a frame: its start, a possible length, and a length that fits what follows."""
    if data[:2] != _START or len(data) < 10 or data[2] < 5:
        return False
    size = _size(data[2])
    return len(data) <= size or data[size : size + 2] == _START


def parse(client: bytes, server: bytes) -> list[dict[str, Any]]:
    """Fields of ``dnp3`` for each request, and for what a station says unasked; ``#at`` is where a request begins."""
    answers = _messages(server)
    replies: dict[int, list[_Message]] = {}
    for message in answers:
        if message[3] != _UNASKED:
            replies.setdefault(message[2], []).append(message)
    records = []
    for at, link, sequence, function, _ in _messages(client):
        name = _FUNCTIONS[function] if function < len(_FUNCTIONS) else f"unknown-{function}"
        fields: dict[str, Any] = {"#at": at, "fc_request": name, "station": link}
        if function and (waiting := replies.get(sequence)):
            fields |= _reply(waiting.pop(0))
        records.append(fields)
    return records + [
        {"#at": 0, "station": message[1], **_reply(message)} for message in answers if message[3] == _UNASKED
    ]


def _reply(message: _Message) -> dict[str, Any]:
    _, _, _, function, body = message
    found: dict[str, Any] = {"fc_reply": _ANSWERS.get(function, f"unknown-{function}")}
    return found | {"iin": int.from_bytes(body[:2])} if len(body) >= 2 else found


def _messages(data: bytes) -> list[_Message]:
    """Place, station (where it is from for answers, to for requests), sequence, function and what follows, of the first fragment of each message."""
    found: list[_Message] = []
    at = 0
    while data[at : at + 2] == _START and at + 10 <= len(data) and len(found) < MAX_MESSAGES:
        frame = data[at + 10 : at + _size(data[at + 2])]
        user = b"".join(frame[n : n + 16] for n in range(0, len(frame), 18))[: max(0, data[at + 2] - 5)]
        if len(user) >= 3 and user[0] & 0x40:
            from_master = data[at + 3] & 0x80
            station = data[at + 4 : at + 6] if from_master else data[at + 6 : at + 8]
            found.append((at, int.from_bytes(station, "little"), user[1] & 0x0F, user[2], user[3:5]))
        at += _size(data[at + 2])
    return found


def _size(length: int) -> int:
    """Bytes of a frame: its header with its check, then blocks of 16 bytes, each with two of check."""
    user = max(0, length - 5)
    return 10 + user + 2 * -(-user // 16)

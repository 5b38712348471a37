"""NFQUEUE over a netlink socket, in Python alone: packets come, verdicts go.

After the kernel's ``include/uapi/linux/netfilter/nfnetlink_queue.h``. Packets come as large as the card's own (GSO), and are accepted by the kernel itself where
there is no room for them (fail-open). Verdicts of many are sent as one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
from collections.abc import Iterator

from kazami.errors import UsageError

DROP, ACCEPT, REPEAT = 0, 1, 4

_NETFILTER, _SUBSYSTEM, _REQUEST, _ACK, _ERROR = 12, 3 << 8, 1, 4, 2
_PACKET, _VERDICT, _CONFIG, _BATCH = (_SUBSYSTEM | kind for kind in range(4))
_COMMAND, _PARAMETERS, _LENGTH, _MASK, _FLAGS = 1, 2, 3, 4, 5
_HEADER, _VERDICT_HEADER, _MARK, _PAYLOAD = 1, 2, 3, 10
_FAIL_OPEN, _GSO = 1, 4
_SOL_NETLINK, _NO_ENOBUFS, _FORCED_BUFFER = 270, 5, 33

#: Bytes of one packet that come, packets that may wait in the kernel, and bytes of the socket's buffer.
COPIED, WAITING, BUFFER = 0xFFFF, 2048, 32 << 20

#: What is said where somebody else has the queue.
TAKEN = "somebody listens there already"

_ATTRIBUTE = struct.Struct("=HH")
_MESSAGE = struct.Struct("=IHHIIBBH")
_SENT = struct.Struct("!II")


class Queue:
    """Packets of queue `number`. Raises UsageError where somebody else listens, or nobody may.

    `packets` gives each packet as (id, mark, buffer, start, stop); the buffer is the same each time.
    """

    def __init__(self, number: int, copied: int = COPIED) -> None:
        self.number = number
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
        except (OSError, AttributeError) as error:
            raise UsageError(f"queue {number}: this system has no netlink for it: {error}") from error
        try:
            self._open(copied)
        except OSError as error:
            self._socket.close()
            raise UsageError(f"queue {number}: {_refused(error)}") from error
        self._buffer = bytearray(COPIED + 4096)
        self._view = memoryview(self._buffer)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def _open(self, copied: int) -> None:
        self._socket.bind((0, 0))
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _FORCED_BUFFER, BUFFER)
        self._socket.setsockopt(_SOL_NETLINK, _NO_ENOBUFS, 1)
        self._configure(_COMMAND, struct.pack("!BxH", 1, socket.AF_UNSPEC))
        self._configure(_PARAMETERS, struct.pack("!IB", copied, 2))
        self._configure(_LENGTH, struct.pack("!I", WAITING))
        flags = struct.pack("!I", _FAIL_OPEN | _GSO)
        self._configure(_FLAGS, flags, (_MASK, flags))

    def _configure(self, kind: int, value: bytes, *more: tuple[int, bytes]) -> None:
        body = b"".join(_attribute(each, data) for each, data in ((kind, value), *more))
        self._socket.send(self._message(_CONFIG, _REQUEST | _ACK, body))
        answer = self._socket.recv(4096)
        if struct.unpack_from("=H", answer, 4)[0] == _ERROR:
            code = -struct.unpack_from("=i", answer, 16)[0]
            if code:
                raise OSError(code, os.strerror(code))

    def _message(self, kind: int, flags: int, body: bytes) -> bytes:
        return _MESSAGE.pack(20 + len(body), kind, flags, 0, 0, 0, 0, socket.htons(self.number)) + body

    def packets(self, patience: float, most: int = 64) -> Iterator[tuple[int, int, bytearray, int, int]]:
        """What is there now, at most `most`; waits up to `patience` seconds for the first."""
        receive, view = self._socket.recv_into, self._view
        if not self._poll.poll(patience * 1000):
            return
        for _ in range(most):
            try:
                size = receive(view)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # some were accepted unseen: fail-open
                    continue
                raise
            found = self._packet(size)
            if found is not None:
                yield found

    def _packet(self, size: int) -> tuple[int, int, bytearray, int, int] | None:
        buffer = self._buffer
        if size < 32 or buffer[4] | buffer[5] << 8 != _PACKET:
            return None
        number = int.from_bytes(buffer[24:28])  # the header's attribute is always the first
        mark, at = 0, 32
        while at + 4 <= size:
            length, kind = _ATTRIBUTE.unpack_from(buffer, at)
            kind &= 0x3FFF
            if kind == _PAYLOAD:
                return number, mark, buffer, at + 4, at + length
            if kind == _MARK:
                mark = int.from_bytes(buffer[at + 4 : at + 8])
            if length < 4:
                break
            at += (length + 3) & ~3
        return number, mark, buffer, size, size

    def accept_to(self, number: int) -> None:
        """Accept all up to the packet `number` that have no verdict yet."""
        self._socket.send(
            self._message(_BATCH, _REQUEST, _attribute(_VERDICT_HEADER, _SENT.pack(ACCEPT, number)))
        )

    def verdict(self, number: int, verdict: int, mark: int | None = None) -> None:
        """Of one packet: `DROP`, `ACCEPT`, or `REPEAT` with a new mark."""
        body = _attribute(_VERDICT_HEADER, _SENT.pack(verdict, number))
        if mark is not None:
            body += _attribute(_MARK, struct.pack("!I", mark))
        self._socket.send(self._message(_VERDICT, _REQUEST, body))

    def close(self) -> None:
        """Stop listening: the kernel passes what comes from then on."""
        self._socket.close()


def _refused(error: OSError) -> str:
    """Why a queue cannot be had: the kernel says that it is not permitted, too, where somebody else has it."""
    if error.errno == errno.EPERM and getattr(os, "geteuid", lambda: 1)():
        return "needs root"
    if error.errno in (errno.EPERM, errno.EBUSY):
        return TAKEN
    return os.strerror(error.errno or 0)


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)

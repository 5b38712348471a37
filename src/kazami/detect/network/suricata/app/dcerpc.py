"""DCE/RPC (C706, connection-oriented): what is bound, and the operations that are called."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kazami.detect.network.suricata.app.parser import Exchange, Said

#: Bytes of a fragment's arguments that are kept, contexts of one binding.
MAX_STUB, MAX_CONTEXTS = 1 << 18, 128

_REQUEST, _RESPONSE, _BIND, _ALTER = 0, 2, 11, 14


def is_bind(data: bytes) -> bool:
    """Whether a connection begins with a binding."""
    return (
        len(data) >= 24
        and data[0] == 5
        and data[1] <= 1
        and data[2] in (_BIND, _ALTER)
        and data[4] in (0x00, 0x10)
    )


class Calls:
    """The state of one association: feed it fragments, it gives calls."""

    __slots__ = ("_bound", "_buffers", "_pending", "_stubs")

    def __init__(self) -> None:
        self._buffers = [bytearray(), bytearray()]
        self._bound: dict[int, bytes] = {}
        self._pending: dict[int, tuple[bytes, int]] = {}
        self._stubs: dict[tuple[int, int], bytearray] = {}

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes of one side; a call is told when its last fragment is there."""
        buffer = self._buffers[side]
        buffer += data
        made: list[Exchange] = []
        while len(buffer) >= 16 and buffer[0] == 5:
            little = buffer[4] & 0x10
            size = int.from_bytes(buffer[8:10], "little" if little else "big")
            if size < 16 or len(buffer) < size:
                break
            self._fragment(side, bytes(buffer[:size]), "little" if little else "big", made)
            del buffer[:size]
        if buffer and (buffer[0] != 5 or len(buffer) > 1 << 17):
            buffer.clear()
        return made

    def reset(self) -> None:
        """Bytes are missing."""
        for buffer in self._buffers:
            buffer.clear()

    def _fragment(self, side: int, data: bytes, order: str, made: list[Exchange]) -> None:
        kind, flags = data[2], data[3]
        call = _int(data[12:16], order)
        if kind in (_BIND, _ALTER):
            self._bind(data, order)
        elif kind in (_REQUEST, _RESPONSE) and len(data) >= 24:
            context, operation = _int(data[20:22], order), _int(data[22:24], order)
            if kind == _REQUEST:
                if len(self._pending) > 512:
                    self._pending.clear()
                self._pending[call] = self._bound.get(context, b""), operation
                place = 0
            else:
                place = 1
            trailer = _int(data[10:12], order)
            end = len(data) - (trailer + 8 if trailer else 0)
            start = 24 + (16 if kind == _REQUEST and flags & 0x80 else 0)
            self._stub(place, call, flags, data[start:end], made)

    def _stub(self, side: int, call: int, flags: int, data: bytes, made: list[Exchange]) -> None:
        if len(self._stubs) > 64:
            self._stubs.clear()
        stub = self._stubs.setdefault((side, call), bytearray())
        stub += data[: max(0, MAX_STUB - len(stub))]
        if flags & 2:
            del self._stubs[side, call]
            interface, operation = self._pending.get(call, (b"", -1))
            values: dict[str, Sequence[bytes]] = {"dcerpc.stub_data": (bytes(stub),)}
            if interface:
                values["dcerpc.iface"] = (interface,)
            if operation >= 0:
                values["dcerpc.opnum"] = (str(operation).encode(),)
            made.append((Said(values), side))

    def _bind(self, data: bytes, order: str) -> None:
        count, at = (data[24] if len(data) > 24 else 0), 28
        for _ in range(min(count, MAX_CONTEXTS)):
            if at + 24 > len(data):
                return
            context, syntaxes = _int(data[at : at + 2], order), data[at + 2]
            raw = data[at + 4 : at + 20]
            uuid = UUID(bytes_le=raw) if order == "little" else UUID(bytes=raw)
            version = _int(data[at + 20 : at + 22], order)
            self._bound[context] = f"{uuid}/{version}".encode()
            at += 24 + 20 * syntaxes


def _int(data: bytes, order: str) -> int:
    return int.from_bytes(data, "little" if order == "little" else "big")


class Dcerpc:
    """Follows one connection that is DCE/RPC by itself."""

    def __init__(self) -> None:
        self.name = "dcerpc"
        self.over = False
        self._calls = Calls()

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side."""
        return self._calls.feed(side, data)

    def gap(self, side: int) -> list[Exchange]:
        """A fragment is missing."""
        self._calls.reset()
        return []

    def finish(self) -> list[Exchange]:
        """Nothing waits."""
        return []

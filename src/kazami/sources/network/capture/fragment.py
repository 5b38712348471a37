"""IP fragments put together again. Where they overlap the first that came wins, as in Windows; that is stated, not guessed."""

from __future__ import annotations

#: Datagrams that may wait for their rest, bytes of one, and fragments of one.
MAX_WAITING, MAX_SIZE, MAX_PIECES = 1024, 1 << 16, 256


class _Datagram:
    __slots__ = ("pieces", "total")

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.total = -1


class Fragments:
    """Datagrams whose fragments have come in part; the oldest is given up for a new one."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, _Datagram] = {}
        self.lost = 0

    def add(self, key: bytes, offset: int, more: bool, data: bytes) -> bytes | None:
        """Take one fragment; the whole payload once nothing is missing."""
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= MAX_WAITING:
                del self._waiting[next(iter(self._waiting))]
                self.lost += 1
            waiting = self._waiting[key] = _Datagram()
        if offset + len(data) > MAX_SIZE or len(waiting.pieces) >= MAX_PIECES:
            del self._waiting[key]
            self.lost += 1
            return None
        waiting.pieces.append((offset, data))
        if not more:
            waiting.total = offset + len(data)
        whole = _joined(waiting)
        if whole is not None:
            del self._waiting[key]
        return whole


def _joined(datagram: _Datagram) -> bytes | None:
    if datagram.total < 0:
        return None
    whole, known = bytearray(datagram.total), bytearray(datagram.total)
    for offset, data in reversed(datagram.pieces):  # what came first is written last, and so wins
        room = max(0, min(len(data), datagram.total - offset))
        whole[offset : offset + room] = data[:room]
        known[offset : offset + room] = b"\1" * room
    return bytes(whole) if 0 not in known else None

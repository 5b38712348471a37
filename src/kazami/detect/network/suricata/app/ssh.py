"""SSH: the banners of both sides, and HASSH of their first key exchange (Salesforce, 2018)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kazami.detect.network.suricata.app.parser import Exchange, Said

#: Bytes of a side that are kept until its key exchange is whole.
MAX_KEPT = 65_536

#: Bytes of a side behind its first key exchange after which all is encrypted.
HANDSHAKE = 8_192


class Ssh:
    """Follows one connection: a side is told when its key exchange is there, or nothing more comes."""

    def __init__(self) -> None:
        self.name = "ssh"
        self.over = False
        self._buffers = [bytearray(), bytearray()]
        self._told = [False, False]
        self._kept = [0, 0]  # bytes of both sides behind their first key exchange

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side."""
        if self._told[side]:
            self._kept[side] += len(data)
            self.over = min(self._kept) > HANDSHAKE
            return []
        self._buffers[side] += data
        whole = _lists(bytes(self._buffers[side])) is not None
        return self._tell(side) if whole or len(self._buffers[side]) > MAX_KEPT else []

    def gap(self, side: int) -> list[Exchange]:
        """What is there is all."""
        return self._tell(side)

    def finish(self) -> list[Exchange]:
        """What is not whole is told as it is."""
        return [*self._tell(0), *self._tell(1)]

    def _tell(self, side: int) -> list[Exchange]:
        data = bytes(self._buffers[side])
        self._buffers[side].clear()
        line = data[: _banner(data)].strip()
        if self._told[side] or not line:
            return []
        self._told[side] = True
        version, _, software = line[4:].partition(b"-")
        values: dict[str, Sequence[bytes]] = {
            "ssh.proto": (version,),
            "ssh.software": (software.partition(b" ")[0],),
        }
        lists = _lists(data)
        if lists is not None:
            chosen = (0, 2, 4, 6) if side == 0 else (0, 3, 5, 7)
            text = b";".join(lists[at] for at in chosen)
            name = "ssh.hassh.server" if side else "ssh.hassh"
            values[f"{name}.string"] = (text,)
            values[name] = (hashlib.md5(text, usedforsecurity=False).hexdigest().encode(),)
        return [(Said(values), side)]


def _banner(data: bytes) -> int:
    """Where the line of the banner ends; 0 where it is not there."""
    if not data.startswith(b"SSH-"):
        return 0
    return data.find(b"\n") + 1


def _lists(data: bytes) -> list[bytes] | None:
    """The ten lists of the first key exchange; None while it is not whole."""
    at = _banner(data)
    if not at or len(data) < at + 6:
        return None
    size, padding = int.from_bytes(data[at : at + 4]), data[at + 4]
    if data[at + 5] != 20 or len(data) < at + 4 + size:
        return None
    body = data[at + 6 + 16 : at + 4 + size - padding]
    lists = []
    for _ in range(10):
        length = int.from_bytes(body[:4])
        if len(body) < 4 + length:
            return None
        lists.append(body[4 : 4 + length])
        body = body[4 + length :]
    return lists

"""FTP: commands with what stands behind them, and replies."""

from __future__ import annotations

from collections.abc import Sequence

from kazami.detect.network.suricata.app.parser import Exchange, Said

#: Bytes of a line that has no end yet.
MAX_LINE = 8_192

_COMMANDS = (
    b"USER ",
    b"PASS ",
    b"FEAT",
    b"SYST",
    b"AUTH ",
    b"PORT ",
    b"PASV",
    b"EPSV",
    b"CWD ",
    b"QUIT",
    b"RETR ",
    b"STOR ",
)


def is_ftp(ports: tuple[int, int], side: int, data: bytes) -> bool:
    """Whether a side begins as FTP does."""
    if side == 0:
        return data[:6].upper().startswith(_COMMANDS)
    return data[:4] in (b"220 ", b"220-") and (21 in ports or b"FTP" in data[:512].upper())


class Ftp:
    """Follows one control connection: each command, each reply is an exchange."""

    def __init__(self) -> None:
        self.name = "ftp"
        self.over = False
        self._buffers = [bytearray(), bytearray()]

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side."""
        buffer = self._buffers[side]
        buffer += data
        made: list[Exchange] = []
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end]).rstrip(b"\r")
            del buffer[: end + 1]
            if line:
                made.append((Said(_values(side, line)), side))
        if len(buffer) > MAX_LINE:
            buffer.clear()
        return made

    def gap(self, side: int) -> list[Exchange]:
        """A line that is cut says nothing."""
        self._buffers[side].clear()
        return []

    def finish(self) -> list[Exchange]:
        """Nothing waits."""
        return []


def _values(side: int, line: bytes) -> dict[str, Sequence[bytes]]:
    if side:
        return {"ftp.reply": (line[4:],), "ftp.completion_code": (line[:3],)}
    verb, _, rest = line.partition(b" ")
    return {"ftp.command": (verb,), "ftp.command_data": (rest,)} if rest else {"ftp.command": (verb,)}

"""The status file that OpenVPN's server writes (``--status``, versions 1 to 3): who is connected, from where, since when."""

from __future__ import annotations

import re
from typing import Any

_FIRST = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:OpenVPN CLIENT LIST\r?\nUpdated,|TITLE[,\t]OpenVPN )")
_ENDS = ("ROUTING TABLE", "GLOBAL STATS", "END")
_NAMES = {
    "Common Name": "common_name",
    "Username": "User",
    "Real Address": "real",
    "Virtual Address": "TunnelIp",
    "Bytes Received": "BytesReceived",
    "Bytes Sent": "BytesSent",
    "Connected Since": "since",
    "Connected Since (time_t)": "#time",
}


def is_status(head: bytes) -> bool:
    """Whether a file begins as a status file does."""
    return _FIRST.match(head) is not None


class Status:
    """Takes the lines of a file one after another."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._mark = ""  # of a line about a client: the first cell in versions 2 and 3
        self._inside = False

    def take(self, line: str) -> dict[str, Any] | None:
        """The session of one line, {} for other lines of a status file, None where this is none."""
        cells = line.split("\t" if "\t" in line else ",")
        if cells[0] in ("OpenVPN CLIENT LIST", "TITLE"):
            self._inside, self._names, self._mark = True, [], ""
        if not self._inside:
            return None
        if cells[0] == "HEADER" and cells[1:2] == ["CLIENT_LIST"]:
            self._names, self._mark = cells[2:], "CLIENT_LIST"
        elif cells[0] == "Common Name":
            self._names = cells
        elif cells[0] in _ENDS:
            self._names = [] if not self._mark else self._names
        elif self._names and (not self._mark or cells[0] == self._mark):
            return self._session(cells[1:] if self._mark else cells)
        return {}

    def _session(self, cells: list[str]) -> dict[str, Any]:
        known: dict[str, Any] = {
            _NAMES.get(n, n): c for n, c in zip(self._names, cells, strict=False) if c and c != "UNDEF"
        }
        address, colon, port = known.pop("real", "").rpartition(":")
        known |= {"SourceIp": address.strip("[]"), "SourcePort": port} if colon else {"SourceIp": port}
        known.setdefault("User", known.get("common_name"))
        known.setdefault("#time", known.get("since"))
        return known | {"Action": "accepted", "product": "openvpn"}

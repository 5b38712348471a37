"""RDP: the connection request, what the server chose, and what the client says of itself where it says so in clear.

After MS-RDPBCGR 2.2.1.1 to 2.2.1.4; builds, depths and keyboards in Zeek's words.
"""

from __future__ import annotations

import re
import struct
from typing import Any

_COOKIE = re.compile(rb"Cookie: mstshash=([^\r\n]{0,200})\r\n")
_PROTOCOLS = {0: "RDP", 1: "SSL", 2: "HYBRID", 4: "RDSTLS", 8: "HYBRID_EX"}
_FAILURES = {
    1: "SSL_REQUIRED_BY_SERVER", 2: "SSL_NOT_ALLOWED_BY_SERVER", 3: "SSL_CERT_NOT_ON_SERVER", 4: "INCONSISTENT_FLAGS",
    5: "HYBRID_REQUIRED_BY_SERVER", 6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
}  # fmt: skip
_BUILDS = {
    419: "RDP 4.0", 2195: "RDP 5.0", 2221: "RDP 5.0", 2600: "RDP 5.1", 3790: "RDP 5.2", 6000: "RDP 6.0", 6001: "RDP 6.1", 6002: "RDP 6.2",
    7600: "RDP 7.0", 7601: "RDP 7.1", 9200: "RDP 8.0", 9600: "RDP 8.1", 25189: "RDP 8.0 (Mac)", 25282: "RDP 8.0 (Mac)",
}  # fmt: skip
_KEYBOARDS = {
    0x0401: "Arabic - Saudi Arabia", 0x0404: "Chinese - Taiwan", 0x0405: "Czech", 0x0406: "Danish", 0x0407: "German - Germany",
    0x0408: "Greek", 0x0409: "English - United States", 0x040A: "Spanish - Spain (Traditional Sort)", 0x040B: "Finnish",
    0x040C: "French - France", 0x040D: "Hebrew", 0x040E: "Hungarian", 0x0410: "Italian - Italy", 0x0411: "Japanese", 0x0412: "Korean",
    0x0413: "Dutch - Netherlands", 0x0414: "Norwegian (Bokmal)", 0x0415: "Polish", 0x0416: "Portuguese - Brazil", 0x0418: "Romanian",
    0x0419: "Russian", 0x041D: "Swedish", 0x041E: "Thai", 0x041F: "Turkish", 0x0422: "Ukrainian", 0x0429: "Farsi", 0x042A: "Vietnamese",
    0x0804: "Chinese - PRC", 0x0807: "German - Switzerland", 0x0809: "English - United Kingdom", 0x080A: "Spanish - Mexico",
    0x080C: "French - Belgium", 0x0816: "Portuguese - Portugal", 0x0C09: "English - Australia", 0x0C0A: "Spanish - Spain (Modern Sort)",
    0x0C0C: "French - Canada", 0x1009: "English - Canada",
}  # fmt: skip
_CORE, _CHANNELS, _SERVER_SECURITY = 0xC001, 0xC003, 0x0C02
_LEVELS = {0: "None", 1: "Low", 2: "Client compatible", 3: "High", 4: "FIPS"}
_METHODS = {0: "None", 1: "40bit", 2: "128bit", 8: "56bit", 16: "FIPS"}

#: Blocks of one side, and channels, that are looked at.
MAX_BLOCKS, MAX_CHANNELS = 20, 31


_PLANT = (b"\xc0", b"\xc1", b"\xc2")


def is_rdp(client: bytes) -> bool:
    """Whether a client begins with a connection request of X.224 in TPKT; those that name selectors are of controllers of plants (S7)."""
    return (
        client[:2] == b"\x03\x00" and len(client) >= 11 and client[5] == 0xE0 and client[11:12] not in _PLANT
    )


def parse(client: bytes, server: bytes) -> dict[str, Any]:
    """Fields of ``rdp`` from the first bytes of both sides."""
    fields: dict[str, Any] = {}
    if found := _COOKIE.search(client[:300]):
        fields["cookie"] = found[1].decode("utf-8", "replace")
    size = int.from_bytes(client[2:4])
    asked = client[size - 8 : size]
    if asked[:1] == b"\x01" and asked[2:4] == b"\x08\0":
        fields["requested_protocols"] = int.from_bytes(asked[4:8], "little")
    if server[:2] == b"\x03\x00" and server[5:6] == b"\xd0":
        _chosen(server, fields)
    for kind, body in _blocks(client, b"Duca"):
        if kind == _CORE:
            fields |= _core(body)
        elif kind == _CHANNELS:
            fields["client_channels"] = _channels(body)
    for kind, body in _blocks(server, b"McDn"):
        if kind == _SERVER_SECURITY and len(body) >= 8:
            method, level = struct.unpack_from("<II", body)
            fields |= {
                "encryption_level": _LEVELS.get(level, str(level)),
                "encryption_method": _METHODS.get(method, str(method)),
            }
    return fields


def _chosen(server: bytes, fields: dict[str, Any]) -> None:
    answer = server[11:19] if server[3] >= 19 else b""  # older servers choose nothing
    chosen = int.from_bytes(answer[4:], "little")
    if answer[:1] == b"\x03":
        fields["result"] = _FAILURES.get(chosen, "failed")
        return
    fields["security_protocol"] = _PROTOCOLS.get(chosen, str(chosen))
    fields["result"] = "encrypted" if chosen else "Success"


def _blocks(data: bytes, mark: bytes) -> list[tuple[int, bytes]]:
    """Blocks of the conference's data, which stand behind the mark of their side."""
    at = data.find(mark, 0, 2000)
    if at < 0:
        return []
    at += 4
    at += 2 if data[at : at + 1] >= b"\x80" else 1  # the length, in one byte or two
    found: list[tuple[int, bytes]] = []
    while at + 4 <= len(data) and len(found) < MAX_BLOCKS:
        kind, size = struct.unpack_from("<HH", data, at)
        if size < 4:
            break
        found.append((kind, data[at + 4 : at + size]))
        at += size
    return found


def _core(body: bytes) -> dict[str, Any]:
    """What a client says of itself."""
    if len(body) < 52:
        return {}
    width, height, _, _, keyboard, build = struct.unpack_from("<HHHHII", body, 4)
    fields: dict[str, Any] = {
        "desktop_width": width, "desktop_height": height, "keyboard_layout": _KEYBOARDS.get(keyboard & 0xFFFF, f"keyboard-{keyboard}"),
        "client_build": _BUILDS.get(build, f"client_build-{build}"), "client_name": _wide(body[20:52]),
    }  # fmt: skip
    if len(body) >= 140:
        depth = struct.unpack_from("<H", body, 136)[0]
        fields["requested_color_depth"] = {0x10: "16bit", 0x18: "24bit"}.get(depth, f"{depth}bit")
        if len(body) >= 142 and struct.unpack_from("<H", body, 140)[0] & 2:
            fields["requested_color_depth"] = "32bit"
    if len(body) >= 206 and (product := _wide(body[142:206])):
        fields["client_dig_product_id"] = product
    return fields


def _channels(body: bytes) -> list[str]:
    count = min(int.from_bytes(body[:4], "little"), MAX_CHANNELS)
    names = (body[4 + 12 * n : 12 + 12 * n].partition(b"\0")[0] for n in range(count))
    return [name.decode("latin-1") for name in names if name]


def _wide(text: bytes) -> str:
    return text.decode("utf-16-le", "replace").partition("\0")[0]

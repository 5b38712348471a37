"""PlugX: its own messages over TCP, HTTP with four numbered headers, and the UDP form.

The header of a message, its flags and both ciphers are as MITRE's ChopShop module for PlugX describes them; HTTP and UDP after Emerging Threats'
rules 2018169, 2018228, 2018541, 2017714 and 2021791 and CIRCL's reports TR-12 and TR-24. Fifteen groups and more use it: it tells no actor.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

from kazami.detect.network.rat.proof import Conversation, Proof, header_lines, http_body, is_known_protocol

_WORD = 0xFFFFFFFF

#: Commands by number.
COMMANDS: dict[int, str] = {
    0x1001: "machine information", 0x1002: "change level", 0x1003: "start of plug-ins", 0x1005: "install again", 0x1006: "new settings",
    0x1007: "keep settings", 0x1008: "list of plug-ins", 0x2000: "lock", 0x2001: "log off", 0x2002: "restart", 0x2003: "shut down",
    0x2005: "message box", 0x3000: "disks", 0x3001: "search a folder", 0x3002: "search folders", 0x3004: "name of a file to read",
    0x3005: "read a file", 0x3007: "name of a file to write", 0x3008: "write a file", 0x300A: "make a folder", 0x300C: "run a program",
    0x300D: "operation on a file", 0x300E: "environment", 0x4000: "capture the screen", 0x4004: "mouse", 0x4005: "keyboard",
    0x4100: "screen", 0x4101: "picture of the screen", 0x5000: "processes", 0x5001: "modules", 0x5002: "end a process", 0x6000: "services",
    0x6001: "change a service", 0x6002: "start a service", 0x6003: "control a service", 0x6004: "delete a service", 0x7002: "shell",
    0x7003: "in the shell", 0x7100: "telnet", 0x7104: "in telnet", 0x9000: "registry keys", 0x9005: "write the registry", 0xA000: "neighbours",
    0xB000: "forward a port", 0xC002: "SQL", 0xD000: "TCP connections", 0xD001: "UDP", 0xE000: "log of keys",
}  # fmt: skip

_NOT_PACKED, _TOGETHER = 0x1000000, 0x2000000
_NUMBERED = re.compile(r"(.{1,16})[0-4]\Z")
_SESSION = {"x-session", "x-status", "x-size", "x-sn"}
_UDP = bytes.fromhex("0000500002000000000400000010000000000000")
_URI = re.compile(rb"POST (?:http://[^/ ]*)?/(?:update\?(?:id|wd|product)=[0-9a-f]{8}|[0-9A-F]{24}) ")


def recognize(conversation: Conversation) -> Proof | None:
    """By whichever form fits."""
    if conversation.protocol == "udp":
        return _udp(conversation)
    return (
        _http(conversation.client)
        or _tcp("client", conversation.client)
        or _tcp("server", conversation.server)
    )


def _udp(conversation: Conversation) -> Proof | None:
    if conversation.port == 53:
        return None
    for side, data, sizes in conversation.sides:
        at = 0
        for size in sizes or (len(data),):
            one = data[at : at + size]
            if len(one) == 36 and one[:20] == _UDP and one[20:22] != b"\0\0" and not any(one[23:]):
                told = {"header": one[:20].hex(), "session": one[20:23].hex()}
                return Proof("PlugX", "UDP", "high", side, at, told)
            at += size
    return None


def _http(data: bytes) -> Proof | None:
    found = http_body(data)
    if found is None or not data.startswith(b"POST "):
        return None
    headers = header_lines(found[0])
    numbers = {name: value for name, value in headers if value.isdecimal() and len(value) < 12}
    named = {name.lower() for name in numbers} >= _SESSION
    names = [name for name in numbers if name.lower() in _SESSION] if named else _numbered(headers, numbers)
    if not names:
        return None
    sure = named or "61456" in (numbers[name] for name in names) or _URI.match(data) is not None
    plain = re.fullmatch(r"[A-Za-z]+\d", names[0]) and numbers[names[0]] == "0"
    if not sure and (not plain or "referer" in {name.lower() for name, _ in headers}):
        return None  # numbers that any program could send; a session begins with 0
    told = {name: numbers[name] for name in names} | {"uri": data.split(b" ", 2)[1][:200].decode("latin-1")}
    offset = data.find(names[0].encode("latin-1"))
    return Proof("PlugX", "HTTP", "high" if sure else "low", "client", offset, told)


def _numbered(headers: list[tuple[str, str]], numbers: Mapping[str, str]) -> list[str]:
    """Four headers that follow each other, each a number, named alike but for another digit at the end."""
    names = [name for name, _ in headers]
    for at in range(len(names) - 3):
        four = names[at : at + 4]
        found = [match for name in four if name in numbers and (match := _NUMBERED.match(name))]
        if len(found) == 4 and len({match[1] for match in found}) == 1 and len(set(four)) == 4:
            return four
    return []


def _tcp(side: str, data: bytes) -> Proof | None:
    if len(data) < 16 or is_known_protocol(data):
        return None
    for version, cipher in CIPHERS.items():
        flags = int.from_bytes(cipher(data[:8])[4:], "little")
        command = flags & ~(_NOT_PACKED | _TOGETHER)
        if command not in COMMANDS:
            continue
        packed, raw, error = struct.unpack_from("<HHI", cipher(data[:16]), 8)
        if (packed <= raw + 16 or flags & _NOT_PACKED) and (len(data) == 16 + packed or error == 0):
            told = {"key": data[:4].hex(), "command": f"{command:#x} {COMMANDS[command]}", "compressed": str(packed),
                    "length": str(raw), "cipher": version}  # fmt: skip
            return Proof("PlugX", "TCP", "high", side, 0, told)
    return None


def _cipher(step: Callable[[int, int, int, int], tuple[int, int, int, int]]) -> Callable[[bytes], bytes]:
    def decrypt(data: bytes) -> bytes:
        """The bytes under the key that they begin with."""
        keys = (int.from_bytes(data[:4], "little"),) * 4
        out = bytearray()
        for byte in data:
            a, b, c, d = step(*keys)
            keys = (a & _WORD, b & _WORD, c & _WORD, d & _WORD)
            out.append(byte ^ (sum(keys) & 255))
        return bytes(out)

    return decrypt


#: Both stream ciphers by the version of the protocol; encrypting is the same as decrypting, for one key.
CIPHERS: dict[str, Callable[[bytes], bytes]] = {
    "0": _cipher(
        lambda a, b, c, d: (
            a + (a >> 3) - 0x11111111,
            b + (b >> 5) - 0x22222222,
            c + 0x44444444 - (c << 9 & _WORD),
            d + 0x33333333 - (d << 7 & _WORD),
        )
    ),
    "1": _cipher(
        lambda a, b, c, d: (a + (a >> 3) + 3, b + (b >> 5) + 5, 0xFFFFFF81 * c - 7, 0xFFFFFE01 * d - 9)
    ),
}

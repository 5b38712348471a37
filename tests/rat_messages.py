"""Inert messages in the published forms of remote access tools, made for tests: no code, no address, no target."""

from __future__ import annotations

import base64
import hashlib
import random
import struct
import zlib
from urllib.parse import quote

from kazami.detect.network.rat.plugx import CIPHERS
from kazami.detect.network.rat.proof import rc4


def dense(size: int, seed: int = 7) -> bytes:
    """Bytes that look encrypted."""
    return random.Random(seed).randbytes(size)


def redleaves_body(key: bytes = b"Lucky123", text: bytes = b"__msgid=14&clientid=1&OnlineTime=0") -> bytes:
    """The second message: three numbers under the key's beginning, then RC4 of what stands in for compressed text."""
    data = rc4(key, text)
    words = struct.pack("<III", len(text) + 9, len(data), 0xBFD9CBAE)
    return bytes(a ^ b for a, b in zip(words, key[:4] * 3, strict=True)) + data


def redleaves(key: bytes = b"Lucky123", nonce: int = 0x01020304) -> bytes:
    """Both messages, as they follow each other on TCP."""
    body = redleaves_body(key)
    return struct.pack("<III", nonce, 0xDC9B8D7A, len(body)) + body


def redleaves_http(key: bytes = b"babybear") -> bytes:
    body = redleaves_body(key)
    head = f"POST /1/index.php HTTP/1.1\r\nConnection: Keep-Alive\r\nAccept: */*\r\nContent-Length: {len(body)}\r\nHost: 192.0.2.7\r\n\r\n"
    return head.encode() + body


def plugx_tcp(version: str = "1", command: int = 0x1001, key: int = 0x1B2C3D4E, size: int = 40) -> bytes:
    header = struct.pack("<IIHHI", key, command, size, 120, 0)
    stream = CIPHERS[version](header[:4] + bytes(12))
    return header[:4] + bytes(a ^ b for a, b in zip(header[4:], stream[4:], strict=True)) + dense(size)


def plugx_http(
    names: tuple[str, ...] = ("X-Session", "X-Status", "X-Size", "X-Sn"), size: str = "61456"
) -> bytes:
    headers = "".join(
        f"{name}: {value}\r\n" for name, value in zip(names, ("0", "0", size, "1"), strict=True)
    )
    return f"POST /update?id=0a1b2c3d HTTP/1.1\r\nAccept: */*\r\n{headers}User-Agent: Mozilla/4.0\r\nHost: 192.0.2.7\r\n\r\n".encode()


def plugx_udp() -> bytes:
    return bytes.fromhex("0000500002000000000400000010000000000000") + b"\x01\x02\x03" + bytes(13)


def poison_ivy(block: bytes) -> bytes:
    """Challenge and two keep-alives of one side."""
    return dense(256, 3) + b"".join(dense(16, n) + block + dense(16, n + 50) for n in (4, 5))


def chches(names: tuple[str, ...] = ("uHa5", "Kx2")) -> bytes:
    cookies = []
    for name, text in zip(names, ("HOST01*1234", "?3618468394?C:\\Temp?1.4.1"), strict=False):
        key = hashlib.md5(name.encode()).hexdigest()[8:24].encode()
        cookies.append(f"{name}={quote(base64.b64encode(rc4(key, name.encode() + text.encode())), safe='')}")
    return f"GET /X4iBJjp/MtD1xyoJMQ.htm HTTP/1.1\r\nCookie: {';'.join(cookies)}\r\nAccept: */*\r\nHost: x.example\r\n\r\n".encode()


def kv_botnet(order: str = "big") -> bytes:
    size, ids = (b"\0\x2a", b"\0\x20") if order == "big" else (b"\x2a\0", b"\x20\0")
    return b"\x16" + size + b"\x03\x03\0" + ids + b"\x03\x03" + dense(32)


def gh0st(mark: bytes = b"Gh0st", text: bytes = b"f" + bytes(200)) -> bytes:
    packed = zlib.compress(text)
    return mark + struct.pack("<II", len(mark) + 8 + len(packed), len(text)) + packed


def frp() -> bytes:
    text = b'{"version":"0.33.0","hostname":"","os":"linux","arch":"mips","privilege_key":"00","run_id":"","pool_count":1}'
    return b"o" + len(text).to_bytes(8) + text


def earthworm() -> bytes:
    return b"\x01\0\0\0\x01" + bytes(7) + b"\0\0\0\x01\x6b\0\0\0\x01" + bytes(4) + b"agent" + bytes(20)


def quasar(size: int = 96, seed: int = 1) -> bytes:
    return struct.pack("<I", size) + dense(size, seed)


def connect(inner: bytes) -> tuple[bytes, bytes]:
    """What both sides say where a proxy stands between them, until and with `inner`."""
    head = b"CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n\r\n"
    return head + inner, b"HTTP/1.1 200 Connection established\r\n\r\n"


def socks(inner: bytes) -> tuple[bytes, bytes]:
    return b"\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x07\x01\xbb" + inner, b"\x05\0\x05\0\0\x01\0\0\0\0\0\0"


def second(request: bytes) -> tuple[bytes, bytes]:
    """A request behind another one of the same connection."""
    return (
        b"GET / HTTP/1.1\r\nHost: x.example\r\n\r\n" + request,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )


def in_yamux(message: bytes) -> bytes:
    """A stream that is opened (its window grows), and a frame of data."""
    return (
        struct.pack(">BBHII", 0, 1, 1, 1, 6 << 20) + struct.pack(">BBHII", 0, 0, 0, 1, len(message)) + message
    )


def frp_work() -> bytes:
    text = b'{"run_id":"00aa","privilege_key":"00","timestamp":1700000000}'
    return b"w" + len(text).to_bytes(8) + text

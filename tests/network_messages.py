"""Both sides of small conversations, protocol by protocol, made for tests and as seeds for fuzzing."""

from __future__ import annotations

import base64
import struct
from functools import cache
from uuid import UUID

import capture_writer as made

SVCCTL = "367abb81-9844-35f1-ad32-98f038001003"
Pair = tuple[bytes, bytes]


def der(tag: int, *parts: bytes) -> bytes:
    """One element of DER."""
    body = b"".join(parts)
    size = len(body)
    return bytes((tag,)) + (bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2)) + body


def number(value: int) -> bytes:
    return (
        der(2, value.to_bytes(4, signed=True).lstrip(b"\0") or b"\0")
        if value >= 0
        else der(2, value.to_bytes(1, signed=True))
    )


def principal(*names: str) -> bytes:
    return der(
        0x30, der(0xA0, number(1)), der(0xA1, der(0x30, *(der(0x1B, name.encode()) for name in names)))
    )


def kerberos_request(tag: int = 0x6A, ciphers: tuple[int, ...] = (18, 23, -128), early: bool = True) -> bytes:
    body = [der(0xA0, der(3, b"\0\x40\x80\0\0"))]
    if tag == 0x6A:
        body.append(der(0xA1, principal("anna")))
    body += [der(0xA2, der(0x1B, b"X.EXAMPLE")), der(0xA3, principal("krbtgt" if tag == 0x6A else "cifs", "X.EXAMPLE" if tag == 0x6A else "srv")),
             der(0xA5, der(0x18, b"20370913024805Z")), der(0xA8, der(0x30, *(number(one) for one in ciphers)))]  # fmt: skip
    given = der(0xA3, der(0x30, der(0x30, der(0xA1, number(2)), der(0xA2, der(4, b"x"))))) if early else b""
    return der(
        tag, der(0x30, der(0xA1, number(5)), der(0xA2, number(10)), given, der(0xA4, der(0x30, *body)))
    )


def kerberos_reply(tag: int = 0x6D, cipher: int = 23) -> bytes:
    encrypted = der(0x30, der(0xA0, number(cipher)), der(0xA2, der(4, bytes(32))))
    ticket = der(
        0x61,
        der(
            0x30,
            der(0xA0, number(5)),
            der(0xA1, der(0x1B, b"X.EXAMPLE")),
            der(0xA2, principal("cifs", "srv")),
            der(0xA3, encrypted),
        ),
    )
    return der(tag, der(0x30, der(0xA0, number(5)), der(0xA3, der(0x1B, b"X.EXAMPLE")), der(0xA4, principal("anna")), der(0xA5, ticket), der(0xA6, encrypted)))  # fmt: skip


def kerberos_error(code: int = 24) -> bytes:
    return der(0x7E, der(0x30, der(0xA0, number(5)), der(0xA1, number(30)), der(0xA6, number(code))))


def framed(*messages: bytes) -> bytes:
    """Messages of Kerberos on TCP."""
    return b"".join(len(message).to_bytes(4) + message for message in messages)


def kerberos() -> Pair:
    return framed(kerberos_request(), kerberos_request(0x6C)), framed(kerberos_error(), kerberos_reply())


@cache
def certificate() -> bytes:
    """A certificate of a router, signed by itself, made by another's library."""
    from datetime import UTC, datetime
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.derive_private_key(7, ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Routers, Inc."),
            x509.NameAttribute(NameOID.COMMON_NAME, "192.168.1.1"),
        ]
    )
    alternatives = x509.SubjectAlternativeName(
        [x509.DNSName("router.example"), x509.IPAddress(ip_address("192.168.1.1"))]
    )
    made_by = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(0x8A0B)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2060, 1, 1, tzinfo=UTC))
        .add_extension(alternatives, critical=False).add_extension(x509.BasicConstraints(True, 3), critical=True)
    )  # fmt: skip
    return made_by.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def tls() -> Pair:
    one = certificate()
    chain = (len(one) + 3).to_bytes(3) + len(one).to_bytes(3) + one
    message = b"\x0b" + len(chain).to_bytes(3) + chain + b"\x0c\0\0\x04\x03\0\x17\0"
    record = b"\x16\x03\x03" + len(message).to_bytes(2) + message
    done = b"\x14\x03\x03\0\x01\x01"
    return made.hello() + done, made.server_hello() + record + done


def rpc(uuid: str = SVCCTL, *operations: int) -> bytes:
    bind = struct.pack("<HHI", 4280, 4280, 0) + b"\x01\0\0\0"
    bind += struct.pack("<HBB", 0, 1, 0) + UUID(uuid).bytes_le + bytes(4) + bytes(20)
    data = b"\x05\0\x0b\x03\x10\0\0\0" + struct.pack("<HHI", 16 + len(bind), 0, 1) + bind
    for operation in operations:
        call = struct.pack("<IHH", 0, 0, operation)
        data += b"\x05\0\0\x03\x10\0\0\0" + struct.pack("<HHI", 16 + len(call), 0, 2) + call
    return data


def smb2(command: int, body: bytes, number: int, tree: int = 0, status: int = 0) -> bytes:
    head = (
        b"\xfeSMB" + struct.pack("<HHIHHIIQII", 64, 0, status, command, 0, 0, 0, number, 0, tree) + bytes(24)
    )
    return (len(head) + len(body)).to_bytes(4) + head + body


def _connect(share: str, number: int) -> bytes:
    text = share.encode("utf-16-le")
    return smb2(3, struct.pack("<HHHH", 9, 0, 72, len(text)) + text, number)


def _create(name: str, number: int, tree: int, options: int = 0) -> bytes:
    text = name.encode("utf-16-le")
    return smb2(5, bytes(40) + struct.pack("<IHH", options, 120, len(text)) + bytes(8) + text, number, tree)


def _created(number: int, tree: int, file: bytes, size: int = 0) -> bytes:
    tick = 132_000_000_000_000_000
    return smb2(
        5,
        bytes(8) + struct.pack("<QQQQQQ", tick, tick, tick, tick, size, size) + bytes(8) + file + bytes(8),
        number,
        tree,
    )


def _write(data: bytes, number: int, tree: int, file: bytes) -> bytes:
    return smb2(9, struct.pack("<HHI", 49, 112, len(data)) + bytes(8) + file + bytes(16) + data, number, tree)


def _set_info(kind: int, data: bytes, number: int, tree: int, file: bytes) -> bytes:
    return smb2(17, struct.pack("<HBBIH", 33, 1, kind, len(data), 96) + bytes(6) + file + data, number, tree)


def file_over_smb(
    data: bytes, *, read: bool, size: int | None = None, close: bool = True, piece: int = 100
) -> Pair:
    """A file on a share that is read or written in pieces, the last two in the wrong order, and closed."""
    file = b"\7" * 16
    client, server = (
        [_connect(r"\\srv\docs", 1), _create(r"a\b.exe", 2, 5)],
        [smb2(3, b"\x10\0\x01\0" + bytes(12), 1, 5)],
    )
    server.append(_created(2, 5, file, (len(data) if size is None else size) if read else 0))
    places = list(range(0, len(data), piece))
    for number, at in enumerate([*places[:-2], *places[:-3:-1]], 3):
        some = data[at : at + piece]
        if read:
            client.append(smb2(8, struct.pack("<HBBIQ", 49, 0, 0, piece, at) + file + bytes(17), number, 5))
            server.append(smb2(8, struct.pack("<HBBI", 17, 80, 0, len(some)) + bytes(8) + some, number, 5))
        else:
            client.append(
                smb2(9, struct.pack("<HHIQ", 49, 112, len(some), at) + file + bytes(16) + some, number, 5)
            )
    if close:
        client.append(smb2(6, struct.pack("<HHI", 24, 0, 0) + file, 900, 5))
    return b"".join(client), b"".join(server)


def file_over_smb1(data: bytes, *, read: bool) -> Pair:
    """The same in version 1, in two pieces whose messages have the same number."""
    share, name = r"\\srv\docs".encode("utf-16-le") + b"\0\0", r"\b.exe".encode("utf-16-le") + b"\0\0"
    client = _smb1(0x75, b"\xff\0\0\0\0\0\x01\0", b"\0" + share + b"?????\0", 1)
    client += _smb1(0xA2, b"\xff\0\0\0" + bytes(44), b"\0" + name, 2, 5)
    server = _smb1(0x75, b"\xff\0\0\0\0\0", b"A:\0", 1, 5)
    size = len(data).to_bytes(8, "little") if read else bytes(8)
    server += _smb1(
        0xA2, b"\xff\0\0\0\0" + (9).to_bytes(2, "little") + bytes(48) + size + bytes(5), b"", 2, 5
    )
    half = len(data) // 2
    for at, some in ((0, data[:half]), (half, data[half:])):
        if read:
            client += _smb1(0x2E, struct.pack("<BBHHIHHIH", 0xFF, 0, 0, 9, at, len(some), 0, 0, 0), b"", 3, 5)
            server += _smb1(
                0x2E,
                struct.pack("<BBHHHHHH", 0xFF, 0, 0, 0, 0, 0, len(some), 60) + bytes(10),
                b"\0" + some,
                3,
                5,
            )
        else:
            client += _smb1(
                0x2F,
                struct.pack("<BBHHIIHHHHHI", 0xFF, 0, 0, 9, at, 0, 0, 0, 0, len(some), 64, 0),
                b"\0" + some,
                3,
                5,
            )
    return client + _smb1(0x04, struct.pack("<HI", 9, 0), b"", 4, 5), server


def mail(message: bytes) -> Pair:
    """A mail as SMTP carries it."""
    said = (
        message.replace(b"\n.", b"\n..") if message[:1] != b"." else b"." + message.replace(b"\n.", b"\n..")
    )
    client = b"EHLO pc\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n" + said + b"\r\n.\r\n"
    return client, b"220 srv\r\n250 srv\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"


def smb() -> Pair:
    """A file that is written, renamed and deleted on ADMIN$; svcctl and samr on IPC$ at the same time; a share that is refused."""
    one, two, three = (bytes((n,)) * 16 for n in (1, 2, 3))
    new = "new.exe".encode("utf-16-le")
    client = [
        _connect(r"\\srv\ADMIN$", 1), _create("a.exe", 2, 5), _write(b"MZ" + bytes(50), 3, 5, one),
        _set_info(10, bytes(16) + struct.pack("<I", len(new)) + new, 4, 5, one), _set_info(13, b"\x01", 5, 5, one),
        _connect(r"\\srv\IPC$", 6), _create("svcctl", 7, 6), _create("samr", 8, 6),
        _write(rpc(SVCCTL, 12), 9, 6, two), _write(rpc("12345778-1234-abcd-ef00-0123456789ac", 13), 10, 6, three), _write(rpc(SVCCTL, 19), 11, 6, two),
        _connect(r"\\srv\SECRET", 12), _create("gone.txt", 13, 5, 0x1000),
    ]  # fmt: skip
    server = [
        smb2(3, b"\x10\0\x01\0" + bytes(12), 1, 5), _created(2, 5, one, 52), smb2(3, b"\x10\0\x02\0" + bytes(12), 6, 6), _created(7, 6, two),
        _created(8, 6, three), smb2(3, bytes(9), 12, 0, 0xC0000022), _created(13, 5, bytes(16)),
    ]  # fmt: skip
    return b"".join(client), b"".join(server)


def _smb1(command: int, words: bytes, body: bytes, number: int, tree: int = 0) -> bytes:
    head = (
        b"\xffSMB"
        + bytes((command,))
        + bytes(5)
        + b"\x01\x80"
        + bytes(12)
        + struct.pack("<HHHH", tree, 7, 0, number)
    )
    data = head + bytes((len(words) // 2,)) + words + len(body).to_bytes(2, "little") + body
    return len(data).to_bytes(4) + data


def smb1() -> Pair:
    """The same in version 1, a pipe and a file."""
    share, name = r"\\srv\IPC$".encode("utf-16-le") + b"\0\0", r"\svcctl".encode("utf-16-le") + b"\0\0"
    call = rpc(SVCCTL, 12)
    words = struct.pack("<BBHHIIHHHHHI", 0xFF, 0, 0, 9, 0, 0, 0, 0, 0, len(call), 64, 0)
    client = _smb1(0x75, b"\xff\0\0\0\0\0\x01\0", b"\0" + share + b"?????\0", 1)
    client += _smb1(0xA2, b"\xff\0\0\0" + bytes(44), b"\0" + name, 2, 5)
    client += _smb1(0x2F, words, b"\0" + call, 3, 5)
    client += _smb1(0x06, b"\0\0", b"\x04" + r"\old.txt".encode("utf-16-le") + b"\0\0", 4, 5)
    server = _smb1(0x75, b"\xff\0\0\0\0\0", b"IPC\0", 1, 5)
    server += _smb1(0xA2, b"\xff\0\0\0\0" + (9).to_bytes(2, "little") + bytes(61), b"", 2, 5)
    return client, server


def ntlm(user: str = "anna", domain: str = "X", machine: str = "PC") -> Pair:
    """The answer of a client, and the challenge before it."""
    place, fields, data = 88, b"", b""
    for text in (domain, user, machine):
        raw = text.encode("utf-16-le")
        fields += struct.pack("<HHI", len(raw), len(raw), place + len(data))
        data += raw
    answer = b"NTLMSSP\0\x03\0\0\0" + bytes(16) + fields + bytes(8) + struct.pack("<I", 1) + bytes(24) + data
    told = b"".join(struct.pack("<HH", kind, 2 * len(text)) + text.encode("utf-16-le") for kind, text in ((1, "SRV"), (3, "srv.x"), (5, "x"))) + bytes(4)  # fmt: skip
    challenge = (
        b"NTLMSSP\0\x02\0\0\0" + bytes(28) + struct.pack("<HHI", len(told), len(told), 56) + bytes(8) + told
    )
    return answer, challenge


def winrm() -> Pair:
    answer, challenge = (base64.b64encode(one) for one in ntlm())
    asked = (
        b"POST /wsman HTTP/1.1\r\nHost: srv\r\nAuthorization: Negotiate "
        + answer
        + b"\r\nContent-Length: 0\r\n\r\n"
    )
    return (
        asked,
        b"HTTP/1.1 401 \r\nWWW-Authenticate: Negotiate " + challenge + b"\r\nContent-Length: 0\r\n\r\n",
    )


def http() -> Pair:
    """Three requests of one connection: a chunked answer, one without a body to HEAD, and a program with a name."""
    client = b"".join(
        method
        + b" HTTP/1.1\r\nHost: x.example\r\nAuthorization: Basic "
        + base64.b64encode(b"anna:secret")
        + b"\r\n\r\n"
        for method in (b"GET /a", b"HEAD /b", b"GET /c.exe")
    )
    server = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n<html\r\n1\r\n>\r\n0\r\n\r\n"
    server += b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
    server += b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Disposition: attachment; filename="c.exe"\r\n\r\nMZ\0\0'
    return client, server


def rdp() -> Pair:
    """A connection without TLS, whose client says its name, build and keyboard."""
    ask = b"\xe0\0\0\0\0\0Cookie: mstshash=anna\r\n"
    core = struct.pack("<IHHHHII", 0x80004, 1920, 1080, 0xCA01, 0xAA03, 0x411, 9600) + "PC".encode(
        "utf-16-le"
    ).ljust(32, b"\0")
    core = core.ljust(136, b"\0") + struct.pack("<HHH", 16, 7, 2) + "id".encode("utf-16-le").ljust(64, b"\0")
    blocks = struct.pack("<HH", 0xC001, 4 + len(core)) + core + struct.pack("<HHI", 0xC003, 32, 2) + b"rdpdr\0\0\0" + bytes(4) + b"cliprdr\0" + bytes(4)  # fmt: skip
    client = b"\x03\0" + (len(ask) + 5).to_bytes(2) + bytes((len(ask),)) + ask
    client += (
        b"\x03\0"
        + (len(blocks) + 20).to_bytes(2)
        + b"\x02\xf0\x80\x7f\x65"
        + bytes(5)
        + b"Duca"
        + (0x8000 | len(blocks)).to_bytes(2)
        + blocks
    )
    server = (
        bytes.fromhex("0300000b06d00000123400")
        + b"\x03\0\0\x30\x02\xf0\x80"
        + b"McDn"
        + b"\x0c"
        + struct.pack("<HHII", 0x0C02, 12, 2, 2)
    )
    return client, server


def socks5() -> Pair:
    return b"\x05\x01\x02\x01\x04anna\x01x\x05\x01\0\x03\x09x.example\x01\xbb" + made.hello(), b"\x05\x02\x01\0\x05\0\0\x01\xc0\0\x02\x07\x01\xbb" + made.server_hello()  # fmt: skip


def socks4() -> Pair:
    return b"\x04\x01\0\x50\0\0\0\x01anna\0x.example\0", b"\0Z\0\x50\xc0\0\x02\x07"


def ftp() -> Pair:
    return (
        b"USER anna\r\nPASS secret\r\nSTOR a.zip\r\n",
        b"220-hello\r\n220 ready\r\n331 password?\r\n230 in\r\n150 go on\r\n226 done\r\n",
    )


def smtp() -> Pair:
    client = b"EHLO pc\r\nMAIL FROM:<a@x.example> SIZE=9\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA\r\n"
    client += b"From: Anna <a@x.example>\r\nSubject: a\r\n\r\nSubject: b\r\n.\r\nQUIT\r\n"
    return (
        client,
        b"220 srv\r\n250-srv\r\n250 SIZE\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n221 bye\r\n",
    )


def irc() -> Pair:
    return b"NICK bot1\r\nUSER u 0 * :r\r\nJOIN #c\r\nPRIVMSG #c :done now\r\n", b":srv 001 bot1 :hi\r\n"


def names() -> Pair:
    """DNS on TCP."""
    return tuple(len(one).to_bytes(2) + one for one in (made.question(), made.answer()))  # type: ignore[return-value]


def quic(version: int = 1, name: str = "x.example") -> bytes:
    """A datagram with an Initial packet of a client, protected by another's library."""
    import hmac

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    two = version == 0x6B3343CF
    salt = bytes.fromhex(
        "0dede3def700a6db819381be6e269dcbf9bd2ed9" if two else "38762cf7f55934b34d179ae6a4c80cadccbb7f0a"
    )

    def expand(secret: bytes, label: str, size: int) -> bytes:
        text = b"tls13 " + label.encode()
        return hmac.digest(secret, size.to_bytes(2) + bytes((len(text),)) + text + b"\0\x01", "sha256")[:size]

    target = bytes.fromhex("8394c8f03e515708")
    secret = expand(hmac.digest(salt, target, "sha256"), "client in", 32)
    word = "quicv2" if two else "quic"
    key, nonce, mask = (
        expand(secret, f"{word} key", 16),
        expand(secret, f"{word} iv", 12),
        expand(secret, f"{word} hp", 16),
    )
    said = made.hello(name)[5:]
    half = len(said) // 2  # in two frames, the later one first, with a ping between them
    frames = b"\x06" + (0x4000 | half).to_bytes(2) + (0x4000 | len(said) - half).to_bytes(2) + said[half:]
    frames += b"\x01\x06\0" + (0x4000 | half).to_bytes(2) + said[:half]
    frames = frames.ljust(1170, b"\0")
    first = bytearray(b"\xd0" if two else b"\xc0") + version.to_bytes(4) + b"\x08" + target + b"\0\0"
    first += (0x4000 | len(frames) + 17).to_bytes(2) + b"\x03"
    sealed = AESGCM(key).encrypt((int.from_bytes(nonce) ^ 3).to_bytes(12), frames, bytes(first))
    hidden = Cipher(algorithms.AES(mask), modes.ECB()).encryptor().update(sealed[3:19])
    first[0] ^= hidden[0] & 15
    first[-1] ^= hidden[1]
    return bytes(first) + sealed


CONVERSATIONS = {
    made_by.__name__: made_by for made_by in (kerberos, tls, smb, smb1, ntlm, winrm, http, rdp, socks5, socks4, ftp, smtp, irc, names)
}  # fmt: skip

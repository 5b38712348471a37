"""What flows of captures say, protocol by protocol."""

from __future__ import annotations

import struct
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from reads import fields
from test_capture import ASK, SAY, captured, the_flow

import capture_writer as made
from kazami.sources.network.capture.application import dcerpc, dns, http, rdp, smb, ssh, tls
from kazami.wire.hello import digest


def test_ssh() -> None:
    lists = [b"kex", b"key", b"enc-a", b"enc-b", b"mac-a", b"mac-b", b"zip-a", b"zip-b", b"", b""]
    body = b"\x14" + bytes(16) + b"".join(len(names).to_bytes(4) + names for names in lists)
    packet = (len(body) + 1).to_bytes(4) + b"\0" + body
    said = ssh.parse(b"SSH-2.0-x\r\n" + packet, b"SSH-2.0-y\r\n" + packet)
    assert said["hassh"] == digest("kex;enc-a;mac-a;zip-a")
    assert said["hasshServer"] == digest("kex;enc-b;mac-b;zip-b")
    assert ssh.parse(b"SSH-2.0-x\r\n\0\0", b"")["client"] == "SSH-2.0-x"


def test_ssh_whose_server_called() -> None:
    """Who sends the first message of a key exchange is the client, whoever opened the connection."""
    start = (26).to_bytes(4) + b"\0\x14" + bytes(24)
    first, second = (
        b"SSH-2.0-" + name + b"\r\n" + start + (6).to_bytes(4) + b"\0" + kind + bytes(4)
        for name, kind in ((b"called", b"\x1e"), (b"opener", b"\x1f"))
    )
    (turned,) = captured(made.talk(second, first)).of("ssh")
    assert {"client": "SSH-2.0-called", "server": "SSH-2.0-opener", "reversed": "true"}.items() <= fields(
        turned
    ).items()
    assert "reversed" not in ssh.parse(first, second)
    assert "reversed" not in ssh.parse(second, b"SSH-2.0-called\r\n")


def test_rdp() -> None:
    body = b"\xe0\0\0\0\0\0Cookie: mstshash=anna\r\n\x01\0\x08\0\x03\0\0\0"
    client = b"\x03\0" + (len(body) + 5).to_bytes(2) + bytes((len(body),)) + body
    server = bytes.fromhex("030000130ed000001234000200080002000000")
    said = rdp.parse(client, server)
    assert said == {
        "cookie": "anna",
        "requested_protocols": 3,
        "security_protocol": "HYBRID",
        "result": "encrypted",
    }
    assert the_flow(captured(made.talk(client, server, 4444)))["service"] == "rdp"


def rpc(uuid: str, operation: int) -> bytes:
    bind = struct.pack("<HHI", 4280, 4280, 0) + b"\x01\0\0\0"
    bind += struct.pack("<HBB", 0, 1, 0) + UUID(uuid).bytes_le + bytes(4) + bytes(20)
    first = b"\x05\0\x0b\x03\x10\0\0\0" + struct.pack("<HHI", 16 + len(bind), 0, 1) + bind
    call = struct.pack("<IHH", 0, 0, operation)
    return first + b"\x05\0\0\x03\x10\0\0\0" + struct.pack("<HHI", 16 + len(call), 0, 2) + call


SVCCTL = "367abb81-9844-35f1-ad32-98f038001003"


def test_dce_rpc() -> None:
    found = captured(made.talk(rpc(SVCCTL, 12), port=49152))
    (call,) = found.of("dce_rpc")
    assert {"endpoint": "svcctl", "operation": "CreateServiceW", "opnum": "12"}.items() <= fields(
        call
    ).items()
    (unknown,) = dcerpc.parse(rpc("00000000-0000-0000-0000-000000000001", 3))
    assert unknown["operation"] == "unknown-3"


def smb2(command: int, body: bytes, number: int, tree: int = 0) -> bytes:
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQII", 64, 0, 0, command, 0, 0, 0, number, 0, tree) + bytes(24)
    return (len(head) + len(body)).to_bytes(4) + head + body


def test_smb() -> None:
    share, pipe, written = r"\\srv\IPC$".encode("utf-16-le"), "svcctl".encode("utf-16-le"), rpc(SVCCTL, 19)
    client = smb2(3, struct.pack("<HHHH", 9, 0, 72, len(share)) + share, 1)
    client += smb2(5, bytes(44) + struct.pack("<HH", 112, len(pipe)) + bytes(0) + pipe, 2, 5)
    client += smb2(9, struct.pack("<HHI", 49, 112, len(written)) + bytes(40) + written, 3, 5)
    found = captured(made.talk(client, smb2(3, bytes(16), 1, 5), 445))
    (mapping,), (file,), (call,) = found.of("smb_mapping"), found.of("smb_files"), found.of("dce_rpc")
    assert {"path": r"\\srv\IPC$", "share_type": "PIPE"}.items() <= fields(mapping).items()
    assert {"path": r"\\srv\IPC$", "name": "svcctl", "action": "SMB::PIPE_OPEN"}.items() <= fields(
        file
    ).items()
    assert {
        "endpoint": "svcctl",
        "operation": "StartServiceW",
        "named_pipe": r"\pipe\svcctl",
    }.items() <= fields(call).items()


def test_tls_behind_connect() -> None:
    client = b"CONNECT x.example:443 HTTP/1.1\r\nHost: x.example:443\r\n\r\n" + made.hello()
    found = captured(
        made.talk(client, b"HTTP/1.1 200 Connection established\r\n\r\n" + made.server_hello(), 3128)
    )
    assert the_flow(found)["service"] == "http,ssl"
    assert found.of("tls")[0]["server_name"] == "x.example"


def test_ssh_behind_connect() -> None:
    """Whatever a web proxy passes on is read as if it stood alone."""
    heads = b"CONNECT x.example:22 HTTP/1.1\r\n\r\n", b"HTTP/1.0 200 Connection established\r\n\r\n"
    said = captured(made.talk(heads[0] + b"SSH-2.0-x\r\n", heads[1] + b"SSH-2.0-y\r\n", 3128))
    assert the_flow(said)["service"] == "http,ssh"
    (ssh_record,) = said.of("ssh")
    assert {"client": "SSH-2.0-x", "server": "SSH-2.0-y"}.items() <= fields(ssh_record).items()


def test_proxies_behind_proxies_have_an_end() -> None:
    """A thousand requests to proxies in one connection: the first few are told, and nothing fails."""
    near, far = b"\5\1\0\5\1\0\1\xc0\0\2\1\0\x50", b"\5\0\5\0\0\1\xc0\0\2\1\0\x50"
    said = captured(made.talk(near * 1000, far * 1000, 1080, 1400))
    assert 1 < len(said.of("socks")) < 10
    assert not said.rejects
    assert the_flow(said)["service"].startswith("socks")


def test_several_requests_of_one_connection() -> None:
    records = http.parse(
        ASK + ASK.replace(b"/a/b", b"/c"),
        SAY + b"HTTP/1.1 100 Continue\r\n\r\n" + SAY.replace(b"200", b"404"),
    )
    assert [(one["trans_depth"], one["uri"], one["status_code"]) for one in records] == [
        (1, "/a/b.exe?c", 200),
        (2, "/c.exe?c", 404),
    ]


@given(st.binary(max_size=200), st.binary(max_size=200))
@settings(deadline=None)
def test_no_bytes_raise(one: bytes, two: bytes) -> None:
    for client in (
        one,
        b"\x16\x03\x01" + one,
        b"\x05\0\x0b\x03\x10\0\0\0" + one,
        b"\0\0\0\xc8\xfeSMB" + one,
        ASK[:30] + one,
        b"\x03\0\0\x20\x20\xe0" + one,
    ):
        tls.parse(client, two)
        http.parse(client, two)
        ssh.parse(client, two)
        rdp.parse(client, two)
        smb.parse(client, two)
        dcerpc.parse(client)
        dns.parse(client)

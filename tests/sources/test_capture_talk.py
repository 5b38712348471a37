"""What whole conversations say: each protocol from the bytes of both sides, in the fields of Zeek's logs."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reads import fields
from test_capture import DATA, captured, the_flow, values

import capture_writer as made
import network_messages as messages
from kazami.sources.network.capture.application import quic, talk, x509


def said(client: bytes, server: bytes = b"", port: int = 445) -> list[tuple[str, dict[str, Any]]]:
    return talk.stream(talk.Talk(client, server, port))[1]


def of(path: str, pair: messages.Pair, *names: str) -> list[tuple[Any, ...]]:
    """Some fields of all records of one log."""
    return [tuple(found.get(name) for name in names) for log, found in said(*pair) if log == path]


#: Protocol, log, fields, and what they hold.
CASES: list[tuple[str, str, tuple[str, ...], list[tuple[Any, ...]]]] = [
    ("kerberos", "kerberos", ("request_type", "client", "service", "success", "error_msg", "cipher", "#at"),
     [("AS", "anna/X.EXAMPLE", "krbtgt/X.EXAMPLE", False, "KDC_ERR_PREAUTH_FAILED", None, 0),
      ("TGS", "anna/X.EXAMPLE", "cifs/srv", True, None, "rc4-hmac", 147)]),
    ("kerberos", "kerberos", ("request_ciphers", "padata", "forwardable"), [(["aes256-cts-hmac-sha1-96", "rc4-hmac", "rc4-plain"], ["2"], True)] * 2),
    ("tls", "x509", ("certificate.subject", "certificate.serial", "certificate.not_valid_before", "san.dns", "san.ip", "basic_constraints.path_len"),
     [("CN=192.168.1.1,O=Routers\\, Inc.", "8A0B", "1577836800.000000", ["router.example"], ["192.168.1.1"], 3)]),
    ("tls", "x509", ("certificate.key_type", "certificate.curve", "certificate.key_length", "certificate.sig_alg", "host_cert"),
     [("ecdsa", "prime256v1", 256, "ecdsa-with-SHA256", True)]),
    ("tls", "ssl", ("cipher", "curve", "established", "resumed", "issuer"),
     [("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "secp256r1", True, False, "CN=192.168.1.1,O=Routers\\, Inc.")]),
    ("smb", "smb_mapping", ("path", "share_type", "status"),
     [(r"\\srv\ADMIN$", "DISK", None), (r"\\srv\IPC$", "PIPE", None), (r"\\srv\SECRET", "DISK", "ACCESS_DENIED")]),
    ("smb", "smb_files", ("action", "name", "prev_name", "size"),
     [("SMB::FILE_OPEN", "a.exe", None, 52), ("SMB::FILE_WRITE", "a.exe", None, None), ("SMB::FILE_RENAME", "new.exe", "a.exe", None),
      ("SMB::FILE_DELETE", "new.exe", None, None), ("SMB::PIPE_OPEN", "svcctl", None, None), ("SMB::PIPE_OPEN", "samr", None, None),
      ("SMB::FILE_OPEN", "gone.txt", None, 0), ("SMB::FILE_DELETE", "gone.txt", None, None)]),
    ("smb", "dce_rpc", ("named_pipe", "endpoint", "operation"),
     [(r"\pipe\svcctl", "svcctl", "CreateServiceW"), (r"\pipe\svcctl", "svcctl", "StartServiceW"),
      (r"\pipe\samr", "samr", "SamrEnumerateUsersInDomain")]),
    ("smb1", "smb_mapping", ("path", "share_type", "service"), [(r"\\srv\IPC$", "PIPE", "?????")]),
    ("smb1", "smb_files", ("action", "name"), [("SMB::PIPE_OPEN", r"\svcctl"), ("SMB::FILE_DELETE", r"\old.txt")]),
    ("smb1", "dce_rpc", ("named_pipe", "operation"), [(r"\pipe\svcctl", "CreateServiceW")]),
    ("winrm", "ntlm", ("username", "domainname", "hostname", "server_dns_computer_name", "server_tree_name"), [("anna", "X", "PC", "srv.x", "x")]),
    ("http", "http", ("uri", "username", "status_code", "response_body_len", "resp_mime_types"),
     [("/a", "anna", 200, 6, ["text/html"]), ("/b", "anna", 200, 0, None), ("/c.exe", "anna", 200, 4, ["application/x-dosexec"])]),
    ("http", "files", ("mime_type", "filename", "total_bytes", "md5"),
     [("text/html", None, 6, hashlib.md5(b"<html>").hexdigest()), ("application/x-dosexec", "c.exe", 4, hashlib.md5(b"MZ\0\0").hexdigest())]),
    ("rdp", "rdp", ("cookie", "client_name", "client_build", "keyboard_layout", "desktop_width", "requested_color_depth", "client_channels", "result"),
     [("anna", "PC", "RDP 8.1", "Japanese", 1920, "32bit", ["rdpdr", "cliprdr"], "Success")]),
    ("rdp", "rdp", ("encryption_level", "encryption_method", "client_dig_product_id"), [("Client compatible", "128bit", "id")]),
    ("socks5", "socks", ("version", "user", "request.name", "request_p", "status", "bound.host"), [(5, "anna", "x.example", 443, "succeeded", "192.0.2.7")]),
    ("socks5", "ssl", ("server_name",), [("x.example",)]),
    ("socks4", "socks", ("version", "user", "request.name", "request_p", "status"), [(4, "anna", "x.example", 80, "succeeded")]),
    ("ftp", "ftp", ("user", "command", "arg", "password", "reply_code"),
     [("anna", "PASS", None, "<hidden>", 230), ("anna", "STOR", "a.zip", "<hidden>", 226)]),
    ("smtp", "smtp", ("helo", "mailfrom", "rcptto", "from", "subject", "last_reply"),
     [("pc", "a@x.example", ["b@y.example", "c@y.example"], "Anna <a@x.example>", "a", "221 bye")]),
    ("irc", "irc", ("command", "nick", "value"), [("NICK", "bot1", "bot1"), ("USER", "bot1", "u"), ("JOIN", "bot1", "#c"), ("PRIVMSG", "bot1", "#c")]),
    ("names", "dns", ("query", "answers", "rcode_name"), [("www.x.example", ["192.0.2.9"], "NOERROR")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "path", "names", "expected"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_said(name: str, path: str, names: tuple[str, ...], expected: list[tuple[Any, ...]]) -> None:
    assert of(path, messages.CONVERSATIONS[name](), *names) == expected


TABLES = {"kerberos": "kerberos", "tls": "x509", "smb": "ntlm", "http": "files", "socks5": "socks", "ftp": "ftp", "smtp": "smtp", "irc": "irc"}  # fmt: skip


@pytest.mark.parametrize(("name", "table"), TABLES.items())
def test_each_has_its_table(name: str, table: str) -> None:
    client, server = messages.CONVERSATIONS[name]()
    if name == "smb":
        answer, challenge = messages.ntlm()
        client, server = client + messages.smb2(1, answer, 20), server + messages.smb2(1, challenge, 20)
    found = captured(made.talk(client, server, 445, size=1000))
    assert found.rejects == []
    for record in found.of(table):
        assert {"id.orig_h", "id.resp_p", "uid"} <= fields(record).keys()
        assert record["uid"] == the_flow(found)["uid"]
    assert found.of(table) != []


def test_records_of_a_long_flow_have_the_times_of_their_packets() -> None:
    found = captured(made.talk(*messages.smb(), 445, size=100))
    times = [record["time"] for record in found.of("smb_mapping")]
    assert times == sorted(times)
    assert len(set(times)) == 3


def test_a_request_in_version_1_that_is_answered_in_version_2() -> None:
    client, server = messages.smb()
    asked = messages._smb1(0x72, b"", b"\x02SMB 2.002\0", 0)
    records = said(asked + client, server)
    assert ("smb_mapping", r"\\srv\ADMIN$") in {(path, found.get("path")) for path, found in records}


def test_kerberos_on_udp() -> None:
    there = [made.ip(made.udp(messages.kerberos_request(early=False), 40000, 88), 17)]
    back = [made.ip(made.udp(messages.kerberos_error(25), 88, 40000), 17, "192.0.2.7", "10.0.0.1")]
    found = captured(there + back)
    (asked,) = found.of("kerberos")
    assert {
        "request_type": "AS",
        "success": "false",
        "error_msg": "KDC_ERR_PREAUTH_REQUIRED",
    }.items() <= fields(asked).items()
    assert the_flow(found)["service"] == "krb"


def test_a_capture_that_began_in_the_middle() -> None:
    call = messages.rpc(messages.SVCCTL, 3)[72:]
    assert [(one["endpoint"], one["operation"]) for _, one in said(call, b"", 49667)] == [
        ("unknown", "unknown-3")
    ]
    late = captured(
        [
            made.ip(
                made.tcp(b"HTTP/1.1 200 OK\r\n\r\n", 5, source=80, target=40000),
                source="192.0.2.7",
                target="10.0.0.1",
            )
        ]
    )
    assert {"id.orig_h": "10.0.0.1", "id.resp_p": "80"}.items() <= the_flow(late).items()


def test_bytes_in_the_first_packet_of_all() -> None:
    ask = b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
    packets = [
        made.ip(made.tcp(ask[:10], 99, made.SYN, target=80)),
        made.ip(made.tcp(ask[10:], 110, target=80)),
    ]
    assert [one["uri"] for one in captured(packets).of("http")] == ["/fast"]


def test_keys_of_quic_as_published() -> None:
    import hmac

    secret = hmac.digest(bytes.fromhex(quic._SALTS[1]), bytes.fromhex("8394c8f03e515708"), "sha256")
    client = quic._expanded(secret, "client in", 32)
    made_of = [
        quic._expanded(client, f"quic {name}", size).hex()
        for name, size in (("key", 16), ("iv", 12), ("hp", 16))
    ]
    assert made_of == [
        "1f369613dd76d5467730efcbe3b1a22d",
        "fa044b2f42a3fd3b46fb255c",
        "9f50449e04a0e810283a1e9933adedd2",
    ]  # RFC 9001, A.1


@pytest.mark.parametrize(("version", "name"), [(1, "1"), (0x6B3343CF, "quicv2")])
def test_quic(version: int, name: str) -> None:
    found = captured([made.ip(made.udp(messages.quic(version), 40000, 443), 17)])
    (connection,), (hello,) = found.of("quic"), found.of("tls")
    assert {"version": name, "server_name": "x.example", "client_protocol": "h2", "client_initial_dcid": "8394c8f03e515708"}.items() <= fields(connection).items()  # fmt: skip
    assert hello["ja4"].startswith("q13d0206h2_")
    assert the_flow(found)["service"] == "quic"


@pytest.mark.parametrize(
    ("folder", "field", "expected"),
    [
        (
            "ja4-rules",
            "ja4",
            {"t13d1516h2_8daaf6152771_e5627efa2ab1", "q13d0310h3_55b375c5d22e_cd85d2d88918"},
        ),
        ("quic-ietf-ja3", "ja3s", {hashlib.md5(b"771,4866,43-51-41").hexdigest()}),
        (
            "quic-v2-ja3",
            "ja3",
            {hashlib.md5(b"771,4865-4866-4867,5-10-11-13-65281-23-16-18-43-51-57,29-23-24-25,0").hexdigest()},
        ),
        ("quic-alerts", "cyu", {"910a5e3a4d51593bd59a44611544f209"}),
        ("quic-alerts", "server_name", {"clients1.google.com"}),
        ("ssh-hassh", "hassh", {"2dd6531c7e89d3c925db9214711be76a"}),
        ("ssh-hassh", "hasshServer", {"6832f1ce43d4397c2c0a3e2f8c94334e"}),
        ("krb5-kerberoasting", "cipher", {"rc4-hmac"}),
        ("bug-8278-krb5-03", "error_msg", {"KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_S_PRINCIPAL_UNKNOWN"}),
    ],
)
def test_what_suricata_s_tests_expect(folder: str, field: str, expected: set[str]) -> None:
    assert expected <= {event.get(field) for event in values(folder)}


def test_the_tools_of_an_intruder_are_named() -> None:
    path = DATA / "pcap" / "attack" / "pcapattack__LateralMovement__LM_psexec_smb_dcerpc_epm_svcctl.pcapng"
    if not path.exists():
        pytest.skip(f"no {path}")
    from reads import read

    from kazami.sources.network.capture import source

    found = read(source, path.read_bytes())
    assert {"PSEXESVC.exe", "PSEXESVC"} <= {one["name"] for one in found.of("smb_files")}
    assert {"CreateServiceWOW64W", "StartServiceW"} <= {one["operation"] for one in found.of("dce_rpc")}
    assert {"backdoor"} == {one["username"] for one in found.of("ntlm")}


@given(
    st.sampled_from(sorted(messages.CONVERSATIONS)), st.randoms(use_true_random=False), st.integers(0, 4000)
)
@settings(deadline=None, max_examples=300)
def test_no_change_of_bytes_raises(name: str, chance: Any, cut: int) -> None:
    sides = [bytearray(side[: cut or None]) for side in messages.CONVERSATIONS[name]()]
    for side in sides:
        for _ in range(chance.randrange(6)):
            if side:
                side[chance.randrange(len(side))] = chance.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
                )
    service, records = talk.stream(talk.Talk(bytes(sides[0]), bytes(sides[1]), 445))
    assert isinstance(service, str)
    assert all(0 <= found.get("#at", 0) <= len(sides[0]) for path, found in records)


@given(
    st.binary(max_size=1300),
    st.sampled_from([b"", b"\xc0\0\0\0\x01\x08", b"\x6a\x81", b"Q046"]),
    st.integers(0, 1400),
)
@settings(deadline=None, max_examples=100)
def test_no_datagram_raises(body: bytes, start: bytes, size: int) -> None:
    data = (start + body).ljust(size, b"\0")
    talk.datagrams(talk.Talk(data, data[::-1], 443, ([700, len(data)], [len(data)])))


def test_a_certificate_that_is_cut_gives_what_was_read() -> None:
    whole = messages.certificate()
    assert all(
        x509.parse(whole[:size]).keys() <= x509.parse(whole).keys() for size in range(0, len(whole), 9)
    )
    assert x509.parse(whole)["fingerprint"] == hashlib.sha256(whole).hexdigest()


BODY = b"MZ" + bytes(range(256)) * 3
DIGEST = hashlib.sha256(BODY).hexdigest()


def test_what_follows_a_large_file_over_smb() -> None:
    """A service that is created on the connection over which its program was written, as PsExec's is, is told."""
    program, rest = messages.file_over_smb(bytes(400_000), read=False, piece=60_000), messages.smb()
    found = captured(made.talk(program[0] + rest[0], program[1] + rest[1], 445, size=1400))
    assert "CreateServiceW" in {fields(event)["operation"] for event in found.of("dce_rpc")}


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize("made_by", [messages.file_over_smb, messages.file_over_smb1], ids=["2", "1"])
def test_a_file_over_smb(made_by: Any, read: bool) -> None:
    found = captured(made.talk(*made_by(BODY, read=read), 445))
    (file,) = found.of("files")
    assert (file["source"], file["filename"], file["sha256"], file["is_orig"]) == (
        "SMB",
        "b.exe",
        DIGEST,
        str(not read).lower(),
    )
    assert {one["action"] for one in found.of("smb_files")} == {
        "SMB::FILE_OPEN",
        "SMB::FILE_READ" if read else "SMB::FILE_WRITE",
    }


@pytest.mark.parametrize("pair", [
    messages.file_over_smb(BODY, read=False, close=False), messages.file_over_smb(BODY, read=True, size=len(BODY) + 1),
    (messages.file_over_smb(BODY, read=False)[0].replace(struct.pack("<IQ", 100, 100), struct.pack("<IQ", 100, 101)), messages.file_over_smb(BODY, read=False)[1]),
], ids=["never closed", "shorter than it is", "with a gap"])  # fmt: skip
def test_what_is_not_whole_has_no_hash(pair: tuple[bytes, bytes]) -> None:
    (file,) = captured(made.talk(*pair, 445)).of("files")
    assert "sha256" not in file
    assert int(file["seen_bytes"]) <= len(BODY)


def test_a_mail_is_a_file() -> None:
    text = b"Subject: a\r\nFrom: a@x.example\r\n\r\n..two\r\n.one\r\n" + b"long line of a mail\r\n" * 900
    client, server = messages.mail(text)
    again = client[client.index(b"MAIL") :].replace(b"Subject: a", b"Subject: b")
    found = captured(made.talk(client + again + b"QUIT\r\n", server, 25, size=1400))
    first, second = found.of("files")
    assert (first["source"], first["mime_type"], first["sha256"]) == (
        "SMTP",
        "message/rfc822",
        hashlib.sha256(text[:-2] + b"\r\n\r\n").hexdigest(),
    )
    assert (
        second["sha256"]
        == hashlib.sha256(text[:-2].replace(b"Subject: a", b"Subject: b") + b"\r\n\r\n").hexdigest()
    )
    assert [(one["trans_depth"], one["subject"]) for one in found.of("smtp")] == [("1", "a"), ("2", "b")]


def test_a_mail_without_an_end_has_no_hash() -> None:
    client, server = messages.mail(b"Subject: a\r\n\r\nbody")
    (file,) = captured(made.talk(client[:-5], server, 25)).of("files")
    assert "sha256" not in file
    assert file["seen_bytes"] == str(len(b"Subject: a\r\n\r\nbody"))


@pytest.mark.parametrize(
    ("client", "server", "port", "source"), [(b"", BODY, 20, "FTP_DATA"), (BODY, b"", 50001, "TCP")]
)
def test_a_file_alone_on_a_connection(client: bytes, server: bytes, port: int, source: str) -> None:
    packets = made.talk(client, server, port)
    (file,) = captured(packets).of("files")
    assert (file["source"], file["sha256"]) == (source, DIGEST)
    (cut,) = captured(packets[:-2]).of("files")  # nobody says that this is its end
    assert "sha256" not in cut


@pytest.mark.parametrize("data", [b"plain words", b"<html>", b'{"a": 1}', b"\x01\x02\x03"])
def test_what_one_side_says_is_no_file(data: bytes) -> None:
    assert captured(made.talk(b"", data, 20)).of("files") == []

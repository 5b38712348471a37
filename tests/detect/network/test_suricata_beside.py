"""Rules with lists beside them, rules over several lines, and checksums, which the writer of captures leaves out."""

from __future__ import annotations

import struct
from base64 import b64encode
from hashlib import md5
from pathlib import Path

import pytest

import capture_writer as made
from kazami.detect.network.suricata.compile import load, loads
from kazami.detect.network.suricata.inspector import Inspector, Options
from kazami.detect.network.suricata.session import Session

NEAR, FAR = bytes((10, 0, 0, 1)), bytes((192, 0, 2, 7))
NAME = b"www.x.example"


def told(rules: object, protocol: int, port: int, frames: list[bytes]) -> list[int]:
    session = Session(Inspector(rules.running, Options()), protocol, (NEAR, FAR), (40000, port), 0)  # type: ignore[attr-defined]
    for number, packet in enumerate(frames, 1):
        session.take(number, number, int(packet[12:16] != NEAR), packet, 0, 20, len(packet))
    session.finish()
    return sorted(alert.rule.sid for alert in session.alerts)


@pytest.mark.parametrize(
    ("line", "kind", "before", "found"),
    [
        (b64encode(NAME).decode(), "string", "", [1]),
        (b64encode(b"other.example").decode(), "string", "", [2]),
        (md5(NAME, usedforsecurity=False).hexdigest(), "md5", "to_md5; ", [1]),
    ],
)
def test_a_dataset_is_read_from_beside_the_rules(
    tmp_path: Path, line: str, kind: str, before: str, found: list[int]
) -> None:
    (tmp_path / "names.lst").write_text(f"{line}\n", "utf-8")
    body = f"dns.query; {before}dataset:isset,names,type {kind},load names.lst;"
    rules = tmp_path / "a.rules"
    other = body.replace("isset", "isnotset")
    rules.write_text(
        f"alert dns any any -> any any ({body} sid:1;)\nalert dns any any -> any any ({other} sid:2;)\n"
    )
    loaded = load([rules])
    assert not loaded.left
    assert told(loaded, 17, 53, [made.ip(made.udp(made.question()), 17)]) == found


@pytest.mark.parametrize(
    ("option", "keyword", "reason"),
    [
        ("dataset:set,names,type string,load names.lst", "dataset", "not changed"),
        ("dataset:isset,names,type ip,load names.lst", "dataset", "only lists"),
        ("dataset:isset,names,type string,load ../names.lst", "dataset", "outside"),
        ("dataset:isset,names,type string,load none.lst", "", "cannot be read"),
        ("dataset:isset,names,type md5,load names.lst", "", "no md5"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_named(
    tmp_path: Path, option: str, keyword: str, reason: str
) -> None:
    (tmp_path / "names.lst").write_text("d3d3\n", "utf-8")
    (tmp_path / "a.rules").write_text(f"alert dns any any -> any any (dns.query; {option}; sid:1;)\n")
    (left,) = load([tmp_path / "a.rules"]).left
    assert (left.line, left.keyword) == (1, keyword)
    assert reason in left.reason


def test_rules_over_several_lines_with_and_without_backslashes() -> None:
    loaded = loads(
        "alert http any any -> any any (\n"
        '    msg:"b";\n'
        "    # said inside\n"
        '    http.uri; content:"x";\n'
        "    sid:2;\n"
        ")\n"
        "\n"
        'alert tcp any any -> any any (msg:"c"; \\\n'
        "  sid:3;)\n"
        'alert tcp any any -> any any (msg:"not at its end"; sid:4;\n'
        'alert tcp any any -> any any (msg:"e"; sid:5;) # passed over\n'
        "no rule at all\n"
    )
    assert [(rule.sid, rule.line) for rule in loaded.running] == [(2, 1), (3, 8), (5, 11)]
    assert [left.line for left in loaded.left] == [10, 12]


def _sum(data: bytes) -> int:
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0")) for at in range(0, len(data), 2))
    return 0xFFFF - (total % 0xFFFF)


def _checked(packet: bytes, protocol: int, place: int) -> bytes:
    """A packet with the checksums of both its headers."""
    body = bytearray(packet[20:])
    pseudo = packet[12:20] + protocol.to_bytes(2) + len(body).to_bytes(2)
    body[place : place + 2] = _sum(pseudo + bytes(body)).to_bytes(2)
    head = bytearray(packet[:20])
    head[10:12] = _sum(bytes(head)).to_bytes(2)
    return bytes(head + body)


@pytest.mark.parametrize(
    ("packet", "found"),
    [
        (_checked(made.ip(made.udp(b"abc"), 17), 17, 6), [1, 3]),
        (_checked(made.ip(made.udp(b"abc"), 17), 17, 6)[:-1] + b"d", [1, 4]),
        (made.ip(made.udp(b"abc"), 17), [2]),  # UDP without a checksum is neither
        (_checked(made.ip(made.udp(b"abcd" * 9), 17), 17, 6)[:-4], [1]),  # cut
    ],
)
def test_checksums(packet: bytes, found: list[int]) -> None:
    words = ("ipv4-csum:valid", "ipv4-csum:invalid", "udpv4-csum:valid", "udpv4-csum:invalid")
    rules = loads(
        "\n".join(f"alert ip any any -> any any ({word}; sid:{n};)" for n, word in enumerate(words, 1))
    )
    assert told(rules, 17, 53, [packet]) == found


def _account(domain: str, user: str) -> bytes:
    """The message of NTLM in which a client says who it is."""
    names, at = [text.encode("utf-16-le") for text in (domain, user)], 64
    fields = bytearray(52)
    for place, name in zip((16, 24), names, strict=True):
        fields[place : place + 8] = struct.pack("<HHI", len(name), len(name), at)
        at += len(name)
    fields[48:52] = struct.pack("<I", 1)
    return b"NTLMSSP\0\x03\0\0\0" + bytes(fields) + b"".join(names)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ('smb.ntlmssp_user; content:"doe"; bsize:3;', [1]),
        ('smb.ntlmssp_domain; content:"WORK"; bsize:4;', [1]),
        ('smb.ntlmssp_user; content:"WORK";', []),
    ],
)
def test_who_logs_on_over_smb(rule: str, found: list[int]) -> None:
    message = (
        b"\xfeSMB\x40\0" + bytes(6) + b"\x01" + bytes(51) + b"\x19\0" + bytes(22) + _account("WORK", "doe")
    )
    rules = loads(f"alert smb any any -> any any ({rule} sid:1;)")
    assert told(rules, 6, 445, made.talk(struct.pack("!I", len(message)) + message, port=445)) == found


def test_what_one_flow_sets_another_is_asked_for_while_the_first_goes_on() -> None:
    loaded = loads(
        'alert tcp any any -> any 80 (content:"ask"; xbits:set,x,track ip_src,expire 60; noalert; sid:1;)\n'
        'alert tcp any any -> any 81 (content:"later"; xbits:isset,x,track ip_src; sid:2;)'
    )
    inspector = Inspector(loaded.running, Options())
    first, second = (Session(inspector, 6, (NEAR, FAR), (40000, port), 0) for port in (80, 81))
    talks = made.talk(b"ask", b"say", 80)[:-2], made.talk(b"later", b"ok", 81)
    for session, frames in zip((first, second), talks, strict=True):
        for number, packet in enumerate(frames, 1):
            session.take(number, number, int(packet[12:16] != NEAR), packet, 0, 20, len(packet))
    second.finish()
    first.finish()
    assert [alert.rule.sid for alert in second.alerts] == [2]
    assert not first.alerts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_rules_as_editors_write_them(tmp_path: Path, encoding: str) -> None:
    text = '# mine\r\nalert tcp any any -> any any (msg:"n\u00e4chste"; content:"a"; sid:1;)\r\n'
    (tmp_path / "a.rules").write_bytes(text.removeprefix("# mine\r\n").encode(encoding))
    loaded = load([tmp_path / "a.rules"])
    assert not loaded.left
    assert loaded.running[0].sid == 1

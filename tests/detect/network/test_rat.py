"""Recognisers of remote access tools: what they find, what is nearly that, what only looks like it, and nothing."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rat_messages as made
from kazami.detect.network.assertion import asserted
from kazami.detect.network.rat import FAMILIES, Conversation, Proof, detector, recognize
from kazami.detect.network.rat.chches import decrypted
from kazami.detect.network.rat.poison_ivy import BLOCKS
from kazami.model.event import ENVELOPE, LogSource, Route
from kazami.model.finding import FINDING

BLOCK = bytes.fromhex(next(iter(BLOCKS)))
SIZES = (256, 48, 48)

#: Name, conversation, family, confidence, and a field of the proof with its value.
FOUND = [
    ("RedLeaves", Conversation(made.redleaves()), "RedLeaves", "high", ("key bytes", b"Luck".hex())),
    ("RedLeaves, answered", Conversation(made.redleaves(), made.redleaves(b"\x01\x02\x03\x04")), "RedLeaves", "high", ("answer", "repeats the nonce")),
    ("RedLeaves, a published key", Conversation(made.redleaves(b"485621k8\0")), "RedLeaves", "high", ("key", "485621k8")),
    ("RedLeaves, from the server", Conversation(b"", made.redleaves()), "RedLeaves", "high", ("magic", "dc9b8d7a")),
    ("RedLeaves, only announced", Conversation(made.redleaves()[:12]), "RedLeaves", "medium", ("announced", "46")),
    ("RedLeaves on HTTP", Conversation(made.redleaves_http()), "RedLeaves", "high", ("uri", "/1/index.php")),
    ("PlugX", Conversation(made.plugx_tcp()), "PlugX", "high", ("command", "0x1001 machine information")),
    ("PlugX, the older cipher", Conversation(made.plugx_tcp("0", 0x7002)), "PlugX", "high", ("cipher", "0")),
    ("PlugX, from the server", Conversation(b"", made.plugx_tcp()), "PlugX", "high", ("compressed", "40")),
    ("PlugX on HTTP", Conversation(made.plugx_http()), "PlugX", "high", ("X-Size", "61456")),
    ("PlugX on HTTP, renamed", Conversation(made.plugx_http(("HX1", "HX2", "HX3", "HX4"))), "PlugX", "high", ("HX3", "61456")),
    ("PlugX on UDP", Conversation(made.plugx_udp(), protocol="udp", port=8080), "PlugX", "high", ("session", "010203")),
    ("Poison Ivy, a published password", Conversation(made.poison_ivy(BLOCK), made.dense(256), "tcp", 443, SIZES, (256,)), "Poison Ivy", "high", ("password", "keaidestone")),
    ("Poison Ivy, any password", Conversation(made.poison_ivy(made.dense(16, 99)), made.dense(256), "tcp", 80, SIZES, (256,)), "Poison Ivy", "high", ("keep-alives", "2")),
    ("Poison Ivy, a challenge", Conversation(made.dense(256, 1), made.dense(256), "tcp", 3460, (256,), (256,)), "Poison Ivy", "medium", ("challenge", made.dense(8, 1).hex() + "...")),
    ("Poison Ivy through a proxy", Conversation(b"GET HTTP://x.example/a HTTP/1.1\r\nCookie: id=0A1B2C3D4E5F\r\n\r\n"), "Poison Ivy", "high", ("cookie", "id=0A1B2C3D4E5F")),
    ("ChChes", Conversation(made.chches()), "ChChes", "high", ("message", "HOST01*1234?3618468394?C:\\Temp?1.4.1")),
    ("ChChes, one cookie", Conversation(made.chches(("uHa5",))), "ChChes", "high", ("uHa5", "HOST01*1234")),
    ("KV-botnet", Conversation(made.kv_botnet()), "KV-botnet", "high", ("state", "0")),
    ("KV-botnet, the other order", Conversation(made.kv_botnet("little"), client_sizes=(42,)), "KV-botnet", "high", ("length", "42")),
    ("gh0st", Conversation(made.gh0st()), "gh0st", "high", ("mark", "Gh0st")),
    ("gh0st, another mark", Conversation(made.gh0st(b"X6RAT")), "gh0st", "high", ("unpacked", "201")),
    ("gh0st, cut", Conversation(made.gh0st(text=made.dense(900))[:500]), "gh0st", "high", ("unpacked", "900")),
    ("FRP", Conversation(made.frp()), "FRP", "high", ("length", "109")),
    ("FRP behind TLS", Conversation(b"\x17\x16\x03\x01\x02\x00\x01\x00"), "FRP", "medium", ("announcement", "17")),
    ("EarthWorm", Conversation(made.earthworm()), "EarthWorm", "high", ("begins", made.earthworm()[:30].hex())),
    ("Quasar's certificate", Conversation(b"\x16\x03\x01", b"\x16\x03\x03\x01\x00" + bytes(40) + b"Quasar Server CA"), "Quasar", "high", ("certificate", "Quasar Server CA")),
    ("Quasar's messages", Conversation(made.quasar(seed=2), made.quasar(), port=4782), "Quasar", "low", ("client's messages", "96")),
    ("RedLeaves through a proxy", Conversation(*made.connect(made.redleaves())), "RedLeaves", "high", ("behind", "CONNECT")),
    ("RedLeaves through two", Conversation(*(a + b for a, b in zip(made.socks(b""), made.connect(made.redleaves()), strict=True))), "RedLeaves", "high", ("behind", "SOCKS, CONNECT")),
    ("RedLeaves in a second request", Conversation(*made.second(made.redleaves_http())), "RedLeaves", "high", ("request", "2")),
    ("PlugX through SOCKS", Conversation(*made.socks(made.plugx_tcp())), "PlugX", "high", ("behind", "SOCKS")),
    ("PlugX, headers of another name", Conversation(made.plugx_http(("F-Z_0", "F-Z_1", "F-Z_2", "F-Z_3"))), "PlugX", "high", ("F-Z_2", "61456")),
    ("PlugX, its path of 24 digits", Conversation(made.plugx_http(("HX1", "HX2", "HX3", "HX4"), "9").replace(b"update?id=0a1b2c3d", b"4A5B6C7D8E9F0A1B2C3D4E5F")), "PlugX", "high", ("HX3", "9")),
    ("PlugX, another size", Conversation(made.plugx_http(("HX1", "HX2", "HX3", "HX4"), "9").replace(b"update?id=0a1b2c3d", b"a")), "PlugX", "low", ("HX3", "9")),
    ("PlugX in a later datagram", Conversation(b"hello" + made.plugx_udp(), b"", "udp", 8080, (5, 36)), "PlugX", "high", ("session", "010203")),
    ("PlugX on UDP, answered", Conversation(b"hello", made.plugx_udp(), "udp", 8080, (5,), (36,)), "PlugX", "high", ("session", "010203")),
    ("Poison Ivy in small segments", Conversation(made.poison_ivy(made.dense(16, 99)), made.dense(256), "tcp", 443, (200, 56, 30, 18, 30, 18), (100, 156)), "Poison Ivy", "high", ("keep-alives", "2")),
    ("Poison Ivy through a proxy that passes on", Conversation(made.connect(made.poison_ivy(BLOCK))[0], made.connect(b"")[1] + made.dense(256), "tcp", 8080, (55, *SIZES), (39, 256)), "Poison Ivy", "high", ("password", "keaidestone")),
    ("ChChes in a second request", Conversation(*made.second(made.chches())), "ChChes", "high", ("request", "2")),
    ("KV-botnet in pieces", Conversation(made.kv_botnet(), client_sizes=(10, 32)), "KV-botnet", "high", ("state", "0")),
    ("KV-botnet, a device that listens", Conversation(b"", made.kv_botnet(), server_sizes=(42,)), "KV-botnet", "high", ("state", "0")),
    ("KV-botnet and its next message", Conversation(made.kv_botnet() + b"\x17" + made.dense(40), client_sizes=(83,)), "KV-botnet", "high", ("length", "42")),
    ("gh0st's frame without its mark or log-in", Conversation(made.gh0st(b"LURK0", b"x" * 90)), "gh0st", "medium", ("mark", "LURK0")),
    ("FRP in yamux", Conversation(made.in_yamux(made.frp())), "FRP", "high", ("length", "109")),
    ("FRP, a connection for work", Conversation(made.frp_work()), "FRP", "high", ("length", "61")),
    ("FRP on WebSocket", Conversation(b"GET /~!frp HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"), "FRP", "high", ("address", "/~!frp")),
    ("Quasar's messages on another port", Conversation(made.quasar(seed=2) * 2, made.quasar() * 2, port=1604), "Quasar", "low", ("client's messages", "96 96")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "conversation", "family", "confidence", "field"), FOUND, ids=[f[0] for f in FOUND]
)
def test_what_is_found(
    name: str, conversation: Conversation, family: str, confidence: str, field: tuple[str, str]
) -> None:
    (proof,) = recognize(conversation)
    assert (proof.family, proof.confidence) == (family, confidence)
    assert proof.fields[field[0]] == field[1]
    side = conversation.client if proof.side == "client" else conversation.server
    assert 0 <= proof.offset < len(side)


WRONG_LENGTH = struct.pack("<III", 1, 0xDC9B8D7A, 5) + made.redleaves_body()

#: Near misses, look-alikes, and nothing.
QUIET = {
    "nothing": Conversation(b""),
    "another magic": Conversation(b"\0" * 4 + b"\x7b\x8d\x9b\xdc" + made.redleaves()[8:]),
    "a length that cannot be": Conversation(WRONG_LENGTH),
    "a body whose lengths do not fit": Conversation(
        made.redleaves_http().replace(b"Length: 46", b"Length: 47")
    ),
    "a form that a browser posts": Conversation(
        b"POST /index.php HTTP/1.1\r\nHost: x.example\r\nContent-Length: 24\r\n\r\nuser=anna&password=secret"
    ),
    "PlugX with a command that is none": Conversation(made.plugx_tcp(command=0x1F01)),
    "PlugX that is cut": Conversation(made.plugx_tcp()[:15]),
    "three numbered headers": Conversation(b"POST / HTTP/1.1\r\nHX1: 1\r\nHX2: 2\r\nHX3: 61456\r\n\r\n"),
    "numbered headers with a referer": Conversation(
        b"POST / HTTP/1.1\r\nA1: 1\r\nA2: 2\r\nA3: 3\r\nA4: 4\r\nReferer: x\r\n\r\n"
    ),
    "the UDP form to a name server": Conversation(made.plugx_udp(), protocol="udp", port=53),
    "the UDP form with something behind": Conversation(
        made.plugx_udp()[:-1] + b"\x01", protocol="udp", port=80
    ),
    "256 bytes of text": Conversation(b"a" * 256, b"b" * 256, "tcp", 3460, (256,), (256,)),
    "256 bytes of TLS": Conversation(
        b"\x16\x03\x01" + made.dense(253), made.dense(256), "tcp", 3460, (256,), (256,)
    ),
    "255 bytes": Conversation(made.dense(255), made.dense(256), "tcp", 3460, (255,), (256,)),
    "an absolute URI with a host": Conversation(
        b"GET HTTP://x/a HTTP/1.1\r\nHost: x\r\nCookie: id=0A1B2C3D4E5F\r\n\r\n"
    ),
    "ordinary cookies": Conversation(
        b"GET / HTTP/1.1\r\nCookie: session=YWJjZGVmZ2hpams%3D; lang=en\r\n\r\n"
    ),
    "one short cookie is chance": Conversation(made.chches(("aB",))),
    "a hello of TLS": Conversation(b"\x16\x03\x01\x00\x26\x01\x00\x00\x22\x03\x03" + made.dense(32)[:31]),
    "42 bytes and more": Conversation(made.kv_botnet() + b"x"),
    "a mark without zlib": Conversation(b"Gh0st" + struct.pack("<II", 40, 100) + made.dense(27)),
    "zlib of another length": Conversation(made.gh0st()[:9] + struct.pack("<I", 99) + made.gh0st()[13:]),
    "JSON with a length": Conversation(b"o" + (20).to_bytes(8) + b'{"a": "b", "c": "d"}'),
    "TLS without the byte": Conversation(b"\x16\x03\x01\x02\x00\x01"),
    "agent in another place": Conversation(b"\0" + made.earthworm()),
    "lengths of AES on another port": Conversation(made.quasar(), made.quasar(), port=443),
    "lengths of no blocks": Conversation(made.quasar(97), made.quasar(97), port=4782),
    "numbered headers of a sensor": Conversation(
        b"POST / HTTP/1.1\r\nA1: 1\r\nX: 0\r\nA2: 2\r\nA3: 3\r\nA4: 4\r\n\r\n"
    ),
    "42 bytes in a longer packet": Conversation(made.kv_botnet() + b"x", client_sizes=(43,)),
    "256 bytes each, then 48 that differ": Conversation(
        made.dense(352, 1), made.dense(256), "tcp", 3460, SIZES, (256,)
    ),
    "256 bytes each, then no blocks": Conversation(
        made.dense(500, 1), made.dense(256), "tcp", 9100, (256, 93, 151), (256,)
    ),
    "numbered headers of an interface": Conversation(
        made.plugx_http(("X-Point-0", "X-Point-1", "X-Point-2", "X-Point-3"), "3").replace(
            b"update?id=0a1b2c3d", b"v1"
        )
    ),
    "256 bytes each, then zeros": Conversation(
        made.dense(256, 1) + bytes(200), made.dense(300), "tcp", 9100, (456,), (300,)
    ),
    "a mark that is no text": Conversation(made.gh0st(b"GAME\x01")),
    "zlib that ends before its length": Conversation(
        b"ABCDE" + struct.pack("<II", 900, 2000) + made.gh0st()[13:]
    ),
    "yamux of another program": Conversation(made.in_yamux(b"\x82\xa3Seq\x01\xadServiceMethod")),
    "a proxy with nothing behind": Conversation(*made.connect(b"")),
    "a proxy that refuses": Conversation(made.connect(made.redleaves())[0], b"HTTP/1.1 403 Forbidden\r\n"),
    "SSH": Conversation(b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-2.0-OpenSSH_8.1\r\n"),
    "RDP": Conversation(bytes.fromhex("030000130ee000000000000100080003000000")),
    "DNS": Conversation(
        bytes.fromhex("abcd01000001000000000000037777770778797a0365786d0000010001"), protocol="udp", port=53
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_quiet(name: str) -> None:
    assert recognize(QUIET[name]) == []


def test_the_published_cookie() -> None:
    assert decrypted("uHa5", "kXFGd3JqQHMfnMbi9mFZAJHCGja0ZLs%3D") == b"AWIN7-MSO07SP3*3108"


def test_chance_is_never_proof() -> None:
    chance = random.Random(1)
    for _ in range(20_000):
        data = chance.randbytes(chance.choice((12, 16, 36, 42, 64, 256, 300)))
        found = recognize(Conversation(data, chance.randbytes(64)))
        assert [proof for proof in found if proof.confidence == "high"] == []


@pytest.mark.parametrize("name", FAMILIES)
@given(
    client=st.binary(max_size=120),
    server=st.binary(max_size=120),
    cut=st.integers(0, 400),
    flip=st.integers(0, 400),
)
def test_no_bytes_raise(name: str, client: bytes, server: bytes, cut: int, flip: int) -> None:
    FAMILIES[name](Conversation(client, server))
    for _, conversation, *_ in FOUND:
        changed = bytearray(conversation.client[:cut])
        if changed:
            changed[flip % len(changed)] ^= 0x55
        FAMILIES[name](
            Conversation(bytes(changed), conversation.server, conversation.protocol, conversation.port)
        )


def flows(*conversations: Conversation) -> pa.RecordBatch:
    import base64

    rows = len(conversations)
    values = {
        "event_uid": [f"{n:032x}" for n in range(rows)], "tenant": ["t"] * rows, "host": ["10.0.0.1"] * rows,
        "evidence": ["e"] * rows, "record": list(range(rows)),
    }  # fmt: skip
    arrays = [pa.array(values.get(field.name, [None] * rows), field.type) for field in ENVELOPE]
    more = {
        "proto": [c.protocol for c in conversations],
        "id.resp_p": [str(c.port) for c in conversations],
        "orig_first_bytes": [base64.b64encode(c.client).decode() for c in conversations],
        "resp_first_bytes": [base64.b64encode(c.server).decode() for c in conversations],
        "orig_first_sizes": [",".join(map(str, c.client_sizes)) for c in conversations],
        "resp_first_sizes": [",".join(map(str, c.server_sizes)) for c in conversations],
    }
    arrays += [pa.array(column, pa.string()).dictionary_encode() for column in more.values()]
    route = Route("flow", (LogSource("zeek", "firewall", "conn"),))
    names = [*ENVELOPE.names, *more]
    return pa.RecordBatch.from_arrays(arrays, names).replace_schema_metadata(route.to_metadata())


def test_the_detector() -> None:
    quiet = list(QUIET.values())
    batch = flows(*quiet, *(conversation for _, conversation, *_ in FOUND))
    (table,) = detector.detect(iter([batch]))
    assert table.schema == FINDING
    assert table.column("record").to_pylist() == list(range(len(quiet), len(quiet) + len(FOUND)))
    rules = {info.id: info for info in detector.RULES.values()}
    assert [
        rules[rule].title.split(" on the")[0].removeprefix("Possibly ")
        for rule in table.column("rule_id").to_pylist()
    ] == [f[2] for f in FOUND]
    assert dict(table.column("matched")[0].as_py())["family"] == "RedLeaves"
    assert len(set(table.column("finding_uid").to_pylist())) == table.num_rows


def test_flows_without_first_bytes_are_passed_over() -> None:
    batch = flows(QUIET["SSH"])
    assert list(detector.detect(iter([batch.drop_columns(["orig_first_bytes", "resp_first_bytes"])]))) == []
    assert next(detector.detect(iter([batch]))).num_rows == 0


def test_nothing_found_is_an_empty_table() -> None:
    assert asserted(flows(QUIET["SSH"]), []).schema == FINDING


def test_a_proof_says_where() -> None:
    proof = Proof("gh0st", "TCP", "high", "server", 4, {"mark": "Gh0st"})
    assert detector.matched(proof) == {
        "family": "gh0st",
        "form": "TCP",
        "confidence": "high",
        "where": "server, byte 4",
        "mark": "Gh0st",
    }


def test_the_documentation_says_what_could_not_be_tried() -> None:
    page = Path(__file__).parents[3] / "docs" / "network.md"
    for family in FAMILIES:
        assert family in page.read_text("utf-8")

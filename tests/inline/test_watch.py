"""Decisions about packets, without a kernel: the check-in is cut, what comes behind it too, and no bytes make it fail."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rat_messages
from capture_writer import ACK, FIN, SYN, hello, ip, question, talk, tcp, udp
from kazami.detect.network.suricata.compile import load
from kazami.detect.network.suricata.inspector import Options
from kazami.detect.network.suricata.tap import RuleTap
from kazami.errors import UsageError
from kazami.inline import hook, run, watch
from kazami.inline.netlink import ACCEPT, REPEAT, Queue
from kazami.inline.packet import place, turned
from kazami.inline.watch import DROP_ALL, PASS, PASS_ALL, Cut, Watch
from kazami.model.block import Block
from kazami.model.incident import Text
from kazami.respond.block import suricata


def watching(told: list[Cut], block: bool = True, exempt: str = "", least: str = "high") -> Watch:
    return Watch(
        told.append, block=block, exempt=lambda place: "listed" if place == exempt else "", least=least
    )


def decided(looks: Watch, packets: list[bytes]) -> list[str]:
    return [looks.packet(bytearray(b"\0" * 7 + one + b"\0" * 3), 7, 7 + len(one)) for one in packets]


CLIENTS = {
    "RedLeaves": rat_messages.redleaves(), "PlugX": rat_messages.plugx_http(), "ChChes": rat_messages.chches(),
    "KV-botnet": rat_messages.kv_botnet(), "gh0st": rat_messages.gh0st(), "FRP": rat_messages.frp(),
    "EarthWorm": rat_messages.earthworm(),
}  # fmt: skip


@pytest.mark.parametrize("family", CLIENTS)
def test_a_check_in_is_cut_and_all_behind_it(family: str) -> None:
    told: list[Cut] = []
    packets = talk(CLIENTS[family], b"answer", size=1000)
    found = decided(watching(told), packets)
    assert found[:2] == [PASS, PASS]  # both SYN
    assert set(found[2:]) == {DROP_ALL}
    assert [(one.proof.family, one.client, one.server, one.server_port, one.dropped) for one in told] == [
        (family, "10.0.0.1", "192.0.2.7", 443, True)
    ]
    assert told[0].fields()["verdict"] == "dropped"
    assert any(name.startswith("proof ") for name in told[0].fields())


@pytest.mark.parametrize("size", [1, 5, 13, 1460])
def test_in_whatever_pieces_it_comes(size: int) -> None:
    told: list[Cut] = []
    decided(watching(told), talk(rat_messages.redleaves(), size=size))
    assert [one.proof.family for one in told] == ["RedLeaves"]


def test_pieces_in_the_wrong_order_are_put_together() -> None:
    told: list[Cut] = []
    packets = talk(rat_messages.redleaves(), size=9)
    decided(watching(told), [*packets[:2], *reversed(packets[2:-2])])
    assert [one.proof.family for one in told] == ["RedLeaves"]


def test_over_ipv6_and_over_udp() -> None:
    told: list[Cut] = []
    looks = watching(told)
    decided(looks, talk(rat_messages.redleaves(), source="2001:db8::1", target="2001:db8::2"))
    decided(looks, [ip(udp(rat_messages.plugx_udp(), target=8080), 17)])
    assert [(one.proof.family, one.server) for one in told] == [
        ("RedLeaves", "2001:db8::2"),
        ("PlugX", "192.0.2.7"),
    ]


@pytest.mark.parametrize(
    ("more", "verdict", "decision"),
    [({"block": False}, "would be dropped", PASS_ALL), ({"exempt": "192.0.2.7"}, "exempt", PASS_ALL),
     ({"exempt": "10.0.0.1"}, "exempt", PASS_ALL), ({"exempt": "192.0.2.8"}, "dropped", DROP_ALL)],
)  # fmt: skip
def test_who_is_cut(more: dict[str, str], verdict: str, decision: str) -> None:
    told: list[Cut] = []
    found = decided(watching(told, **more), talk(rat_messages.redleaves(), size=1000))  # type: ignore[arg-type]
    assert [one.fields()["verdict"] for one in told] == [verdict]
    assert found[-1] == decision


def test_what_is_less_sure_passes_unless_asked_for() -> None:
    announcement = rat_messages.redleaves()[:12]
    for least, count in (("high", 0), ("medium", 1)):
        told: list[Cut] = []
        decided(watching(told, least=least), talk(announcement, size=1000))
        assert len(told) == count


def test_a_flow_that_shows_nothing_is_passed_for_good_and_a_new_one_is_looked_at_again() -> None:
    told: list[Cut] = []
    looks = watching(told)
    found = decided(looks, talk(b"x" * 5000, b"y" * 5000, size=1000))
    assert PASS_ALL in found
    assert decided(looks, talk(rat_messages.redleaves(), size=1000))[-1] == DROP_ALL
    assert len(told) == 1


class Asked:
    """A queue that gives packets, and keeps the verdicts."""

    def __init__(self, packets: list[bytes]) -> None:
        self.verdicts: dict[int, tuple[int, int | None]] = {}
        self._packets = packets

    def packets(self, patience: float) -> Iterator[tuple[int, int, bytearray, int, int]]:
        for number, one in enumerate(self._packets):
            yield number, 5, bytearray(one), 0, len(one)

    def verdict(self, number: int, verdict: int, mark: int | None = None) -> None:
        assert number not in self.verdicts
        self.verdicts[number] = (verdict, mark)

    def accept_to(self, number: int) -> None:
        self.verdicts |= {each: (ACCEPT, None) for each in range(number + 1) if each not in self.verdicts}


def test_every_packet_gets_one_verdict_and_marks_keep_what_others_set() -> None:
    told: list[Cut] = []
    packets = [
        *talk(b"x" * 5000, b"y" * 5000, size=1000, source="10.0.0.2"),
        *talk(rat_messages.redleaves(), size=1000),
    ]
    for marks in (True, False):
        queue = Asked(packets)
        run.step(queue, watching(told), marks)  # type: ignore[arg-type]
        assert sorted(queue.verdicts) == list(range(len(packets)))
        assert queue.verdicts[len(packets) - 1] == (REPEAT, 5 | hook.BLOCKED)
        assert ((REPEAT, 5 | hook.PASSED) in queue.verdicts.values()) == marks


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_FLOWS", 50)
    told: list[Cut] = []
    looks = watching(told)
    for port in range(1000, 2000):
        decided(looks, [ip(tcp(b"", 1, SYN, source=port))])
    assert len(looks._flows) <= 100
    assert looks.forgotten
    assert decided(looks, talk(rat_messages.redleaves(), size=1000))[-1] == DROP_ALL


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_fail(data: bytes) -> None:
    told: list[Cut] = []
    for head in (b"", ip(tcp(b"", 1, ACK))[:33], ip(udp(b""), 17)[:20], b"\x60" + bytes(39), b"\x45\0\0\x28"):
        packet = bytearray(head + data)
        assert watching(told).packet(packet, 0, len(packet)) in (PASS, PASS_ALL, DROP_ALL)


def test_places() -> None:
    packet = bytearray(ip(tcp(b"abc", 77, FIN)))
    found = place(packet, 0, len(packet))
    assert found is not None
    key, protocol, flags, sequence, above, start, stop = found
    assert (protocol, flags, sequence, above, bytes(packet[start:stop])) == (6, FIN, 77, 20, b"abc")
    assert turned(turned(key)) == key
    assert place(bytearray(ip(b"\x08\0\0\0" + bytes(30), 1)), 0, 54) is None
    assert place(bytearray(ip(tcp(b"abc"), place=3)), 0, 43) is None  # a fragment that is not the first


RULES = """\
drop tcp any any -> any any (msg:"split words"; flow:established,to_server; content:"first"; content:"second"; distance:0; sid:1; rev:1;)
alert tcp any any -> any any (msg:"told only"; flow:established,to_server; content:"curious"; sid:2; rev:1;)
drop http any any -> any any (msg:"a path"; http.uri; content:"/evil"; startswith; sid:3; rev:1;)
reject udp any any -> any any (msg:"a datagram"; content:"|de ad be ef|"; sid:4; rev:1;)
pass tcp any any -> any any (msg:"let through"; content:"trusted"; sid:5; rev:1;)
"""


def ruled(text: str, told: list[Cut], folder: Path, **more: Any) -> Watch:
    (folder / "some.rules").write_text(text)
    loaded = load([folder / "some.rules"])
    assert loaded.left == []
    tap = RuleTap(loaded.running, Options(inline=True))
    return Watch(
        told.append, block=more.pop("block", True), exempt=lambda place: more.get("exempt", ""), rules=tap
    )


def opened(client: bytes, size: int = 1000, port: int = 80) -> list[bytes]:
    """A connection with its whole handshake, without its end."""
    packets = talk(client, port=port, size=size)
    return [*packets[:2], ip(tcp(b"", 100, ACK, target=port)), *packets[2:-2]]


@pytest.mark.parametrize(
    ("packets", "sids", "last"),
    [
        (opened(b"first and the second", 7), ["1"], DROP_ALL),
        (opened(b"the second, then first", 7), [], PASS),
        (opened(b"something curious, and more"), ["2"], PASS),
        (opened(b"GET /evil/x HTTP/1.1\r\nHost: a\r\n\r\n"), ["3"], DROP_ALL),
        (opened(b"GET /good HTTP/1.1\r\nHost: a\r\nReferer: /evil\r\n\r\n"), [], PASS),
        ([ip(udp(b"\xde\xad\xbe\xef", target=9999), 17)], ["4"], DROP_ALL),
        (opened(b"trusted first and second"), [], PASS),
        (opened(rat_messages.redleaves()), ["RedLeaves"], DROP_ALL),
    ],
)
def test_rules_decide_before_a_packet_goes_on(
    packets: list[bytes], sids: list[str], last: str, tmp_path: Path
) -> None:
    told: list[Cut] = []
    found = decided(ruled(RULES, told, tmp_path), packets)
    assert [one.proof.fields.get("sid", one.proof.family) for one in told] == sids
    assert found[-1] == last
    assert [one.fields()["verdict"] for one in told] == ["alert" if sid == "2" else "dropped" for sid in sids]


def test_rules_tell_only_unless_told_to_block_and_spare_who_is_listed(tmp_path: Path) -> None:
    for more, verdict in (({"block": False}, "would be dropped"), ({"exempt": "listed"}, "exempt")):
        told: list[Cut] = []
        assert DROP_ALL not in decided(ruled(RULES, told, tmp_path, **more), opened(b"first, second"))
        assert [one.fields()["verdict"] for one in told] == [verdict]


def test_rules_of_blocks_cut_what_was_blocked_and_nothing_else(tmp_path: Path) -> None:
    kinds = {"address": "192.0.2.66", "domain": "evil.example", "url": "http://www.example/a;b?c=1"}
    blocks = [
        Block(kind, "north", kind, value, "high", 60, ("f",), Text("why", "理由"))
        for kind, value in kinds.items()
    ]
    (text,) = suricata.plan("north", blocks, datetime(2026, 11, 29, tzinfo=UTC)).values()
    asked = {
        "the name": (opened(hello("evil.example"), port=443), True),
        "below it": (opened(hello("www.evil.example"), port=443), True),
        "beside it": (opened(hello("notevil.example"), port=443), False),
        "its question": ([ip(udp(question("x.evil.example")), 17)], True),
        "another question": ([ip(udp(question("evil.example.org")), 17)], False),
        "its host": (opened(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), True),
        "the URL": (opened(b"GET /a;b?c=1&d HTTP/1.1\r\nHost: www.example\r\n\r\n"), True),
        "another URL": (opened(b"GET /a HTTP/1.1\r\nHost: www.example\r\n\r\n"), False),
        "the address": ([ip(tcp(b"", 1, SYN), target="192.0.2.66")], True),
        "back from it": ([ip(tcp(b"", 1, SYN), source="192.0.2.66", target="10.0.0.1")], True),
    }
    for name, (packets, cut) in asked.items():
        found = decided(ruled(text, [], tmp_path), packets)
        assert (DROP_ALL in found) == cut, name


WANTED = hook.Wanted(7, hook.FORWARD, 20, (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))


def test_iptables_sets_marks_before_it_asks_and_passes_where_nobody_listens() -> None:
    text = hook.iptables_text(WANTED, 4)
    assert "-s 192.0.2.0/24 -j RETURN" in text
    assert "2001:db8" not in text
    assert "2001:db8::/32 -j RETURN" in hook.iptables_text(WANTED, 6)
    asked = [line for line in text.splitlines() if "NFQUEUE" in line]
    assert all("--queue-bypass" in line and "--connbytes 0:20" in line for line in asked)
    assert text.index("CONNMARK") < text.index("NFQUEUE")
    assert "connbytes" not in hook.iptables_text(hook.Wanted(7, first=0), 4)


def test_nft_reads_its_table() -> None:
    text = hook.nft_text(WANTED)
    assert "queue flags bypass to 7" in text
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    if nft is None:
        pytest.skip("nft is not installed")
    text = text.replace("queue flags bypass to 7", "accept")  # not every kernel has its queue
    done = subprocess.run([nft, "-c", "-f", "-"], input=text, capture_output=True, text=True)
    if "Operation not permitted" in done.stderr or "cache initialization failed" in done.stderr:
        pytest.skip(f"nft cannot be asked here: {done.stderr.strip()[:100]}")
    assert done.returncode == 0, done.stderr


def test_a_queue_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no")

    monkeypatch.setattr(Queue, "_configure", refuse)
    for who, why in ((1000, "needs root"), (0, "somebody listens there already")):
        monkeypatch.setattr("os.geteuid", lambda who=who: who)
        with pytest.raises(UsageError, match=why):
            Queue(7)

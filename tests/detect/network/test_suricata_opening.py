"""Conversations that wait are evaluated as if each packet had been looked at in its turn: random rules, captures, and repetitions."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capture_writer as made
from kazami.detect.network.suricata import crowd
from kazami.detect.network.suricata.alert import Alert
from kazami.detect.network.suricata.compile import loads
from kazami.detect.network.suricata.crowd import Crowd
from kazami.detect.network.suricata.inspector import Options
from kazami.detect.network.suricata.kind import kinds
from kazami.detect.network.suricata.opening import is_calm
from kazami.detect.network.suricata.rule import Rule
from kazami.detect.network.suricata.tap import RuleTap, Watched
from kazami.model.wire import Openings
from kazami.sources.network.capture import batch as batches
from kazami.sources.network.capture import block
from kazami.sources.network.capture.batch import Batch

RULES = """
alert tcp any any -> any any (content:"needle"; sid:1;)
alert tcp any any -> any any (content:"needle"; dsize:<20; sid:2;)
alert tcp any any -> any any (content:"needle"; ttl:>0; sid:3;)
alert tcp any any -> any any (content:"hay"; flowbits:set,hay; flowbits:noalert; sid:4;)
alert tcp any any -> any any (content:"needle"; flowbits:isset,hay; sid:5;)
alert tcp any any -> any any (content:"hay"; threshold:type limit,track by_src,count 2,seconds 3; sid:6;)
alert tcp any any -> any any (content:"needle"; xbits:set,seen,track ip_src,expire 9; sid:7;)
alert tcp any any -> any any (content:"hay"; xbits:isset,seen,track ip_src; sid:8;)
alert http any any -> any any (http.uri; content:"/a"; flow:to_server,established; sid:9;)
alert tcp any any -> any 443 (content:"|16 03|"; depth:2; sid:10;)
alert udp any any -> any any (content:"needle"; threshold:type threshold,track by_src,count 2,seconds 9; sid:11;)
alert udp any any -> any any (content:"hay"; ttl:64; sid:12;)
alert dns any any -> any any (dns.query; content:"evil"; sid:13;)
alert udp any any -> any any (content:"hay"; flowbits:set,u; sid:14;)
alert udp any any -> any any (content:"needle"; flowbits:isset,u; sid:15;)
alert tcp any any -> any any (flow:established; content:!"hay"; content:"straw"; sid:16;)
pass tcp any any -> any any (content:"peace"; sid:17;)
alert ip any any -> any any (ip_proto:17; content:"straw"; sid:18;)
alert tcp any any -> any any (flags:S; sid:19;)
alert tcp any any -> any any (flow:to_client; content:"straw"; flowint:n,+,1; sid:20;)
alert tcp any any -> any any (content:"hay"; flowint:n,>,0; sid:21;)
alert tcp any any -> any 80 (flow.age:>0; content:"hay"; sid:22;)
"""
#: Those that one flow can answer differently for what another said.
COUNTING = {6, 7, 8, 11}

WORDS = [
    b"hay",
    b"needle",
    b"straw ",
    b"peace",
    b"GET /a HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"\x16\x03\x01",
    b"x" * 40,
]


class Impatient(Crowd):
    """Looks at each packet as it comes, and remembers nothing."""

    def _sorted(self, *_: Any) -> tuple[None, None, bool]:
        return None, None, False


class ImpatientTap(RuleTap):
    def begin(self, openings: Openings) -> Crowd:
        return Impatient(self.inspector, openings, Watched)


#: As rules are asked, the same with nothing remembered, and packet by packet.
EVERY_WAY: tuple[Callable[[list[Rule]], RuleTap], ...] = (
    RuleTap,
    lambda rules: RuleTap(rules, Options(remember=False)),
    lambda rules: ImpatientTap(rules, Options(remember=False)),
)


def said(chance: random.Random) -> bytes:
    return b"".join(chance.choice(WORDS) for _ in range(chance.choice((0, 1, 1, 2, 3))))


def conversation(chance: random.Random) -> list[bytes]:
    """One flow, sometimes with packets lost, turned, doubled or with other flags."""
    if chance.random() < 0.3:
        some = [made.udp(said(chance) or made.question(chance.choice(["evil.example", "x.example"])), 40000, 53)
                for _ in range(chance.randrange(1, 4))]  # fmt: skip
        return [made.ip(one, 17, "10.0.0.1", "192.0.2.7") for one in some]
    frames = made.talk(said(chance), said(chance), chance.choice((80, 443)), chance.choice((3, 7, 100)))
    odd = chance.random()
    if odd < 0.15:
        chance.shuffle(frames)
    elif odd < 0.3:
        del frames[chance.randrange(len(frames))]
    elif odd < 0.4:
        frames.insert(chance.randrange(len(frames)), chance.choice(frames))
    elif odd < 0.5:
        frames.insert(
            chance.randrange(len(frames)), made.ip(made.tcp(said(chance), 105, made.RST | made.ACK))
        )
    elif odd < 0.6:
        frames = frames[2:]
    return frames


def moved(frames: list[bytes], host: int) -> list[bytes]:
    """The same flow of another host."""
    old, new = bytes((10, 0, 0, 1)), bytes((10, 0, 0, host))
    return [frame[:12] + frame[12:20].replace(old, new) + frame[20:] for frame in frames]


def capture(chance: random.Random) -> list[bytes]:
    kinds = [conversation(chance) for _ in range(chance.randrange(1, 4))]
    flows = [moved(chance.choice(kinds), chance.randrange(1, 9)) for _ in range(chance.randrange(1, 9))]
    mixed = []
    while flows:
        flow = chance.choice(flows[:3])
        mixed.append(flow.pop(0))
        flows = [one for one in flows if one]
    return mixed


def alerts(data: bytes, tap: RuleTap) -> list[tuple[Any, ...]]:
    found: list[Alert] = []
    engine = Batch(lambda flow: found.extend(flow.watch.alerts), tap=tap)
    for some in block.read(io.BytesIO(data), lambda *_: None, lambda *_: None):
        engine.add(some)
    for _ in engine.finish():
        pass
    return [(alert.rule.sid, *alert[1:]) for alert in found]


@settings(max_examples=150, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.sets(st.integers(1, 22), min_size=1, max_size=6),
    st.sampled_from([1000, 900_000]),
    st.sampled_from([(block.BLOCK, batches.STRIDE), (300, 1), (2000, 20)]),
)
def test_what_waits_comes_to_the_same(
    chance: random.Random, sids: set[int], step: int, sizes: tuple[int, int]
) -> None:
    wanted = tuple(f"sid:{sid};" for sid in sids)
    rules = loads(
        "\n".join(line for line in RULES.splitlines() if any(one in line for one in wanted))
    ).running
    data = made.pcap([made.ethernet(packet) for packet in capture(chance)], step=step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "BLOCK", sizes[0])
        patch.setattr(batches, "STRIDE", sizes[1])
        found, anew, plain = (sorted(alerts(data, make(rules))) for make in EVERY_WAY)
    assert found == anew
    assert found == plain or not sids.isdisjoint(COUNTING)


def test_a_conversation_is_searched_once_and_told_each_time() -> None:
    tap = RuleTap(loads(RULES).running[:6])
    talks = [moved(made.talk(b"GET /a hay needle"), host) for host in (1, 2, 3, 4)]
    data = made.pcap([made.ethernet(packet) for talk in talks for packet in talk])
    found = alerts(data, tap)
    assert [sid for sid, *_ in found if sid == 5] == [5] * 4
    plain = RuleTap([rule for rule in loads(RULES).running if rule.sid in (1, 4, 5, 6)])
    assert len(alerts(data, plain)) == 12
    assert len(plain.inspector.past.known) == 1
    assert not tap.inspector.past.known  # one rule asks for more than the payload


@given(st.lists(st.tuples(st.sampled_from([4, 16]), st.binary(min_size=37, max_size=37)), max_size=9))
def test_kinds_of_many_are_those_of_each(some: list[tuple[int, bytes]]) -> None:
    heads = ["[10.0.0.0/8,!10.1.0.0/16] 1:1024", "2001:db8::/32 any", "128.0.0.0/1 443", "!0.0.0.0/2 !80"]
    rules = "\n".join(
        f'alert tcp {head} -> any 255 (content:"x"; sid:{n};)' for n, head in enumerate(heads, 1)
    )
    inspector = RuleTap(loads(rules).running).inspector
    keys = [data[: 2 * half] + data[-5:] for half, data in some]
    each = [
        Watched(
            inspector,
            key[-1],
            (key[:half], key[half:-5]),
            (int.from_bytes(key[-5:-3]), int.from_bytes(key[-3:-1])),
            0,
        )
        for (half, _), key in zip(some, keys, strict=True)
    ]
    assert kinds(inspector.plan, keys) == [one.kind for one in each]


def in_blocks(taps: list[RuleTap], blocks: list[list[bytes]]) -> list[list[tuple[Any, ...]]]:
    """Alerts of each tap over captures that follow each other, each a block."""
    both = []
    for tap in taps:
        found: list[Alert] = []
        engine = Batch(lambda flow, found=found: found.extend(flow.watch.alerts), tap=tap)
        for n, packets in enumerate(blocks):
            data = made.pcap([made.ethernet(packet) for packet in packets], step=1000)
            for some in block.read(io.BytesIO(data), lambda *_: None, lambda *_: None):
                engine.add(some._replace(times=some.times + n * 40_000_000))
        for _ in engine.finish():
            pass
        both.append(sorted((alert.rule.sid, *alert[1:]) for alert in found))
    return both


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.integers(1, 22), min_size=1, max_size=6))
def test_what_goes_on_behind_a_known_beginning(chance: random.Random, sids: set[int]) -> None:
    """Equal flows of several hosts begin in one block after the other and are over, then one goes on in the next."""
    wanted = tuple(f"sid:{sid};" for sid in sids)
    rules = loads(
        "\n".join(line for line in RULES.splitlines() if any(one in line for one in wanted))
    ).running
    kind = conversation(chance)
    if chance.random() < 0.5:
        kind = [
            made.ip(made.udp(said(chance) + b"y", 40000, 53), 17, "10.0.0.1", "192.0.2.7") for _ in range(3)
        ]
    cut = chance.randrange(1, len(kind) + 1)
    blocks: list[list[bytes]] = []
    for host in (1, 2, 3):
        blocks += [moved(kind[:cut], host), moved(kind[cut:], host) if host == 3 else [], [], []]
    blocks = [some or [made.ip(b"pause", 200, "10.9.9.9")] for some in blocks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "STRIDE", 1)
        found, anew, plain = in_blocks([make(rules) for make in EVERY_WAY], blocks)
    assert found == anew
    assert found == plain or not sids.isdisjoint(COUNTING)


@pytest.mark.parametrize("most", [0, 80_000, 1 << 20])
def test_long_flows_that_are_known_wait_within_bounds(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal connections that stay open, each longer than a stretch: what waits of them is bounded, and what is found the same."""
    monkeypatch.setattr(crowd, "MAX_HELD", most)
    monkeypatch.setattr(batches, "STRIDE", 1)
    for rule, count in (("absent", 0), ("needle", 12)):
        rules = loads(f'alert tcp any any -> any any (content:"{rule}"; sid:1;)').running
        tap, held = RuleTap(rules), []
        talk = made.talk(b"x" * 20_000 + b"needle", b"y" * 20_000, size=1000)
        found: list[Alert] = []
        engine = Batch(lambda flow, found=found: found.extend(flow.watch.alerts), tap=tap)
        for host in range(1, 13):
            data = made.pcap([made.ethernet(packet) for packet in moved(talk, host)], step=1000)
            for some in block.read(io.BytesIO(data), lambda *_: None, lambda *_: None):
                engine.add(some._replace(times=some.times + host * 10_000_000))
                held.append(tap.inspector.past.held)
        assert max(held) <= most
        assert (max(held) > 0) == (most > 0)
        for _ in engine.finish():
            pass
        assert len(found) == count
        assert tap.inspector.past.held == 0


@pytest.mark.parametrize(
    ("sides", "flags", "loaded", "calm"),
    [
        ("001", "SFR", "000", True), ("010", "S2A", "001", True), ("01001", "S2AAF", "00110", True), ("0101", "AAFF", "1100", True),
        ("00", "SA", "01", False), ("010", "S2A", "101", False), ("0100", "S2AS", "0011", False), ("010", "S2R", "001", False),
        ("010", "S20", "001", False), ("00", "0A", "11", False), ("00", "RA", "01", False), ("100", "2AA", "011", False),
    ],
)  # fmt: skip
def test_what_may_wait(sides: str, flags: str, loaded: str, calm: bool) -> None:
    letters = {"S": 2, "2": 18, "A": 16, "F": 17, "R": 20, "0": 0}
    assert (
        is_calm(bytes(map(int, sides)), bytes(letters[one] for one in flags), bytes(map(int, loaded))) == calm
    )


def test_a_protocol_in_the_body_of_a_rule_is_as_one_in_its_head() -> None:
    (rule,) = loads("alert ip any any -> any any (ip_proto:41; sid:1;)").running
    assert rule.header.transports == {41}
    assert not rule.beyond
    inner = made.ip(made.udp(b"x"), 17, "2001:db8::1", "2001:db8::2")
    frames = [made.ip(inner, 41), *made.talk(b"x"), made.ip(made.udp(b"x"), 17)]
    found = alerts(made.pcap([made.ethernet(frame) for frame in frames]), RuleTap([rule]))
    assert [(alert[0], alert[2]) for alert in found] == [(1, 1)]

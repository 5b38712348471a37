"""The engine for many packets at once gives what the plain one gives, packet by packet."""

from __future__ import annotations

import io
import random
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_capture import DATA, over

import capture_writer as made
from kazami.model.wire import Match, Numbers, Openings
from kazami.sources.network.capture import batch as batches
from kazami.sources.network.capture import begin, block, packets
from kazami.sources.network.capture.batch import Batch
from kazami.sources.network.capture.engine import Engine
from kazami.sources.network.capture.flow import STARTS, Flow, limit_of

Shape = tuple[Any, ...]
WATCHED = frozenset((b"\0\x35",))


def ignore(*_: object) -> None:
    return None


def shape(flow: Flow) -> Shape:
    halves = tuple(
        (
            half.packets,
            half.ip_bytes,
            half.payload,
            half.flags,
            bytes(half.head),
            tuple(half.sizes),
            half.full,
        )
        for half in flow.halves
    )
    return (flow.key, flow.protocol, flow.first, flow.last, flow.number, tuple(flow.halves[0].marks), *halves)


class Seen:
    """What an engine told: flows, datagrams, and packets of each flow."""

    def __init__(self, whole: bool = True) -> None:
        self.whole = whole
        self.flows: list[Shape] = []
        self.datagrams: list[Shape] = []
        self.packets: list[Shape] = []

    def flow(self, flow: Flow) -> None:
        self.flows.append(shape(flow))

    def datagram(self, flow: Flow, direction: int, data: bytes, time: int) -> None:
        self.datagrams.append((flow.key, direction, data, time))

    def open(self, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int], time: int) -> Any:
        return Watching(self, (protocol, addresses, ports, time))

    def begin(self, openings: Openings) -> Together:
        return Together(self, openings)


class Together:
    """Lets the flows wait whose number leaves no rest by three, and looks at their packets when they end or go on."""

    def __init__(self, seen: Seen, openings: Openings) -> None:
        self._seen, self._told = seen, openings
        count = len(openings.keys)
        first = [openings.first[row] for row in range(count)]
        self.waits = np.array([not seen.whole and at % 3 == 0 for at in first], np.bool_)
        assert openings.first[-1] == len(openings.ip)

    def alone(self, row: int) -> Watching:
        key, told = self._told.keys[row], self._told
        half = (len(key) - 5) // 2
        ends = (key[:half], key[half : 2 * half]), (int.from_bytes(key[-5:-3]), int.from_bytes(key[-3:-1]))
        watch = Watching(self._seen, (key[-1], *ends, int(told.begun[row])))
        sizes = array("I", told.sizes)
        for n in range(*told.first[row : row + 2]) if self.waits[row] else ():
            ip, at, start, end = (int(column[n]) for column in (told.ip, told.above, told.start, told.end))
            flags = told.data[at + 13] if key[-1] == 6 else 0
            assert (told.flags[n], told.loaded[n], sizes[n]) == (flags, start < end, end - start)
            watch.take(int(told.times[n]), int(told.numbers[n]), told.sides[n], told.data, ip, at, end)
        return watch

    def finish(self, rows: Numbers) -> list[tuple[int, list[Match]]]:
        for row in rows.tolist():
            self.alone(row).finish()
        return []


class Watching:
    def __init__(self, seen: Seen, flow: Shape) -> None:
        self._seen, self._flow, self.whole = seen, flow, seen.whole

    def take(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        headers = data[ip:at] if ip >= 0 else b""
        if not self.whole and self._flow[0] == 6 and not matters(data[at:stop]):
            return
        self._seen.packets.append((number, self._flow, time, side, headers, data[at:stop]))

    def finish(self) -> None:
        self._seen.packets.append((1 << 60, self._flow, 0, 0, b"", b""))

    def found(self) -> list[Match]:
        return []


def matters(above: bytes) -> bool:
    """Whether a packet of TCP has a payload, or begins or ends a connection."""
    if len(above) < 20:
        return False
    start = (above[12] >> 4) * 4
    return bool(above[13] & (made.FIN | made.SYN | made.RST)) or 20 <= start < len(above)


def told(data: bytes, tapped: bool, whole: bool) -> tuple[Seen, Seen, int, int]:
    plain, many = Seen(whole), Seen(whole)
    one = Engine(plain.flow, plain.datagram, WATCHED, tap=plain if tapped else None)
    for packet in packets.read(io.BytesIO(data), ignore, ignore):
        one.add(packet)
    all_at_once = Batch(many.flow, many.datagram, WATCHED, tap=many if tapped else None)
    for some in block.read(io.BytesIO(data), ignore, ignore):
        all_at_once.add(some)
    for engine in (one, all_at_once):
        for _ in engine.finish():
            pass
    return plain, many, one.other, all_at_once.other


def agree(data: bytes, tapped: bool = False, whole: bool = True) -> int:
    plain, many, other, others = told(data, tapped, whole)
    assert sorted(many.flows) == sorted(plain.flows)
    assert sorted(many.datagrams) == sorted(plain.datagrams)
    assert sorted(many.packets) == sorted(plain.packets)
    assert others == other
    return len(plain.flows)


KINDS = ["VLAN twice", "PPPoE", "MPLS", "LLC", "GRE", "IP in IP", "IP in IPv6", "VXLAN", "Teredo"]


def frame(chance: random.Random) -> bytes:
    """A packet of one of a few flows: in order, out of it, again, late, odd or broken."""
    hosts = ["10.0.0.1", "10.0.0.2", "192.0.2.7"] if chance.random() < 0.8 else ["2001:db8::1", "2001:db8::2"]
    near, far = chance.sample(hosts, 2)
    ports = chance.sample([53, 443, 4789, 50000], 2)
    data = bytes([65 + chance.randrange(26)]) * chance.choice((0, 0, 1, 5, 40, 1200, 3000))
    kind = chance.random()
    if kind < 0.7:
        flags = chance.choice(
            (0, made.ACK, made.ACK, made.ACK, made.SYN, made.SYN | made.ACK, made.FIN | made.ACK, made.RST, 0)
        )
        sequence = chance.choice((0xFFFFFFF0, 99, 100, 101, 105, 140, 145, 3000))
        packet = made.ip(made.tcp(data, sequence, flags, *ports), 6, near, far)
    elif kind < 0.85:
        packet = made.ip(made.udp(data, *ports), 17, near, far)
    elif kind < 0.9 and ":" not in near:
        packet = made.ip(bytes((chance.choice((0, 8, 3)), 0)) + bytes(6) + data, 1, near, far)
    elif kind < 0.95 and ":" not in near:
        place = chance.choice((0x2000, 0x2001, 1, 2))
        packet = made.ip(made.udp(b"x" * 24, *ports)[:16], 17, near, far, place, chance.randrange(2))
    else:
        packet = made.ip(data, 132, near, far)
    whole = made.ethernet(packet)
    if chance.random() < 0.15 and ":" not in near:
        whole, link = over(chance.choice(KINDS), packet)
        assert link == 1
    return whole[: chance.randrange(len(whole) + 1)] if chance.random() < 0.05 else whole


@given(
    st.randoms(use_true_random=False),
    st.integers(1, 300),
    st.sampled_from([1000, 900_000, 7_000_000, 70_000_000, -5_000_000]),
    st.booleans(),
    st.sampled_from([(block.BLOCK, batches.STRIDE), (300, 1), (2000, 20)]),
)
@settings(deadline=None, max_examples=80)
def test_random_packets(
    chance: random.Random, count: int, step: int, tapped: bool, sizes: tuple[int, int]
) -> None:
    frames = [frame(chance) for _ in range(count)]
    write = chance.choice((made.pcap, made.pcapng))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "BLOCK", sizes[0])
        patch.setattr(batches, "STRIDE", sizes[1])
        agree(
            write(frames, step=step) if write is made.pcap else write(frames), tapped, chance.random() < 0.5
        )


@pytest.mark.parametrize("link", [101, 113, 276, 0, 9])
def test_other_links(link: int) -> None:
    heads = {
        101: b"",
        113: bytes(14) + b"\x08\0",
        276: b"\x08\0" + bytes(18),
        0: b"\x02\0\0\0",
        9: b"\xff\x03\0\x21",
    }
    assert (
        agree(made.pcap([heads[link] + packet for packet in made.talk(b"ask" * 900, b"say" * 900)], link))
        == 1
    )


def test_blocks_end_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [
        made.ethernet(packet) for n in range(40) for packet in made.talk(b"ask" * 90, b"say" * 900, 1000 + n)
    ]
    data = made.pcap(frames)
    for size in (97, 1000, 4096):
        monkeypatch.setattr(block, "BLOCK", size)
        assert agree(data, tapped=True) == 40
        assert agree(data, tapped=True, whole=False) == 40


def captures() -> list[Path]:
    files = [*(DATA / "pcap" / "attack").glob("*"), *(DATA / "suricata-verify").glob("*/*.pcap*")]
    return sorted(files)


def test_captures_at_hand() -> None:
    files = captures()
    if not files:
        pytest.skip(f"no captures in {DATA}")
    assert sum(agree(path.read_bytes(), tapped=True, whole=False) for path in files[::2]) > 1000
    assert sum(agree(path.read_bytes()) for path in files) > 2000


def test_memory_is_bounded_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_FLOWS", 100)
    monkeypatch.setattr(batches, "MAX_HEADS", 20_000)
    monkeypatch.setattr(block, "MOST", 50)
    seen: list[bytes] = []
    engine = Batch(lambda flow: seen.append(flow.key))
    frames = [made.ethernet(made.ip(made.tcp(b"x" * 500, 1, source=number + 1))) for number in range(5000)]
    for some in block.read(io.BytesIO(made.pcap(frames, step=1)), ignore, ignore):
        engine.add(some)
        assert engine.held <= 150
        assert engine.heads <= 50_000
    for _ in engine.finish():
        pass
    assert len(seen) == len(set(seen)) == 5000
    assert engine.heads == 0


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.tuples(st.sampled_from([*STARTS, b"\x16\x03", b"\x03\0", b"abcd\xfeSMB", b"abcd\x6a", b"\xc0" * 1200]), st.binary(max_size=8)).map(b"".join),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_how_many_first_bytes_are_kept(payloads: list[bytes]) -> None:
    starts = np.frombuffer(b"".join(one[:8].ljust(8, b"\x03") for one in payloads), np.uint8).reshape(-1, 8)
    found = begin.limits(starts, np.array([len(one) for one in payloads], np.int64))
    assert [limit for limit, one in zip(found.tolist(), payloads, strict=True) if one] == [
        limit_of(one) for one in payloads if one
    ]

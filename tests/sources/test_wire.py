"""Who looks on while a capture is read: each packet of a flow once, in order, with the places of its headers."""

from __future__ import annotations

from collections.abc import Iterator

import capture_writer as made
from kazami.model.wire import Crowd, Match, Openings
from kazami.sources.network.capture.engine import Engine
from kazami.sources.network.capture.flow import Flow
from kazami.sources.network.capture.packets import Packet


class Seen:
    """Keeps what it is told."""

    whole = True

    def __init__(self, ports: tuple[int, int]) -> None:
        self.ports, self.over = ports, False
        self.packets: list[tuple[int, int, bytes, bool]] = []

    def take(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        assert not self.over
        assert ip < 0 or data[ip] >> 4 in (4, 6)
        self.packets.append((number, side, bytes(data[at:stop]), ip >= 0))

    def finish(self) -> None:
        self.over = True

    def found(self) -> list[Match]:
        return []


class Tap:
    """Opens a watch for every flow."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def begin(self, openings: Openings) -> Crowd:
        raise AssertionError("this engine hands over each flow by itself")

    def open(self, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int], time: int) -> Seen:
        self.seen.append(Seen(ports))
        return self.seen[-1]


def watched(frames: list[bytes]) -> list[Seen]:
    tap, over = Tap(), []
    engine = Engine(over.append, tap=tap)
    for at, frame in enumerate(frames):
        engine.add(Packet(at, 1, frame, 0, len(frame)))
    list(engine.finish())
    assert all(isinstance(flow, Flow) and flow.watch in tap.seen for flow in over)
    assert all(seen.over for seen in tap.seen)
    return tap.seen


def payloads(seen: Seen) -> Iterator[bytes]:
    return (packet[20:] for _, _, packet, _ in seen.packets if len(packet) > 20)


def test_every_packet_of_a_connection_is_seen_once_and_in_order() -> None:
    (seen,) = watched([made.ethernet(packet) for packet in made.talk(b"a" * 250, b"b" * 30)])
    assert seen.ports == (40000, 443)
    assert [number for number, _, _, _ in seen.packets] == list(range(1, len(seen.packets) + 1))
    assert [len(data) for data in payloads(seen)] == [100, 100, 50, 30]
    assert {side for _, side, packet, _ in seen.packets if packet[20:21] == b"b"} == {1}


def test_what_comes_in_a_tunnel_and_in_version_6_is_seen_with_its_own_header() -> None:
    inner = made.ip(made.udp(b"hello", 1000, 2000), 17, "2001:db8::1", "2001:db8::2")
    around, seen = watched([made.ethernet(made.ip(inner, 41))])
    assert around.packets[0][2] == inner
    assert seen.packets[0][2][8:] == b"hello"
    assert seen.packets[0][3]


def test_what_was_put_together_from_fragments_has_no_header_of_its_own() -> None:
    whole = made.udp(b"x" * 40, 1000, 2000)
    first = made.ip(whole[:24], 17, place=0x2000, number=7)
    rest = made.ip(whole[24:], 17, place=3, number=7)
    (seen,) = watched([made.ethernet(first), made.ethernet(rest)])
    assert [(packet[8:], known) for _, _, packet, known in seen.packets] == [(b"x" * 40, False)]

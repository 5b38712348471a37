"""Records that are made in columns are those that are made one by one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reads import evidence
from test_capture_batch import captures, frame

import capture_writer as made
from kazami.model.event import Route
from kazami.sources.columns import Columns
from kazami.sources.network.capture import block, columnar, connection, record, source
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.crop import Crop
from kazami.sources.network.capture.flow import Flow
from kazami.sources.network.capture.record import Records

ASK = b"GET /%d HTTP/1.1\r\nHost: x.example\r\nUser-Agent: a\x80b\r\n\r\n"
SAY = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"


class Single(Records):
    """Is told of flows one by one."""

    def crop(self, crop: Crop, rows: Numbers) -> None:
        for flow in crop.flows(rows):
            self.flow(flow)


def rows(data: bytes, few: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every event of a capture; what an event does not have, and what is null in it, are told apart."""
    made = Records if few == 1 else Single
    monkeypatch.setattr(source, "Records", lambda columns: made(columns, few=few))
    columns = Columns(evidence(data))
    for _ in source.feed(columns.owner, columns):
        pass
    for batch in columns.rest():
        batch.validate(full=True)
        there = [
            column.indices.is_valid() if pa.types.is_dictionary(column.type) else column.is_valid()
            for column in batch.columns
        ]
        for n, row in enumerate(batch.to_pylist()):
            fields = [(k, repr(v)) for (k, v), has in zip(row.items(), there, strict=True) if has[n].as_py()]
            yield Route.of(batch).table, tuple(sorted(fields))


def agree(data: bytes) -> int:
    with pytest.MonkeyPatch.context() as patch:
        plain, many = (Counter(rows(data, few, patch)) for few in (1 << 30, 1))
    assert many == plain
    return plain.total()


def talks(chance: random.Random) -> Iterator[bytes]:
    """Connections that say something, some of them the same again and again, among packets of all kinds."""
    for number in range(chance.randrange(40)):
        kind = chance.random()
        if kind < 0.4:
            ask = ASK % chance.randrange(3) * chance.choice((1, 1, 2, 30))
            yield from made.talk(ask, SAY, chance.choice((80, 8080)), 1024 + number)
        elif kind < 0.6:
            yield from made.talk(b"SSH-2.0-x\r\n", b"SSH-2.0-y\r\n", 22, 1024 + number)
        else:
            name = chance.choice(("a.example", "b.example"))
            yield made.ip(made.udp(made.question(name), 1024 + number, 53), 17, "10.0.0.1", "10.0.0.2")
            if chance.random() < 0.7:
                yield made.ip(made.udp(made.answer(name), 53, 1024 + number), 17, "10.0.0.2", "10.0.0.1")


@given(
    st.randoms(use_true_random=False),
    st.sampled_from([1, 900_000, 70_000_000, -5_000_000]),
    st.sampled_from([block.BLOCK, 2000]),
)
@settings(deadline=None, max_examples=15)
def test_random_talks(chance: random.Random, step: int, size: int) -> None:
    frames = [made.ethernet(packet) for packet in talks(chance)] + [frame(chance) for _ in range(20)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "BLOCK", size)
        agree(made.pcap(frames, step=step))


def test_captures_at_hand() -> None:
    files = captures()
    if not files:
        pytest.skip("no captures at hand")
    assert sum(agree(path.read_bytes()) for path in files[::3]) > 1000


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 6, 17, 58, 132]), *[st.integers(0, 255)] * 2, *[st.integers(0, 2)] * 2)
    )
)
def test_states(given_: list[tuple[int, int, int, int, int]]) -> None:
    flows = []
    for protocol, near, far, packets, back in given_:
        flow = Flow(bytes(13), protocol, 0, 1)
        flow.halves[0].flags, flow.halves[1].flags = near, far
        flow.halves[0].packets, flow.halves[1].packets = packets, back
        flows.append(flow)
    numbers = [np.array(column, np.int64) for column in zip(*given_, strict=True)] or [
        np.array([], np.int64)
    ] * 5
    found = [columnar.STATES[code] for code in columnar.states(*numbers).tolist()]
    assert found == [connection.state(flow) for flow in flows]


@given(st.lists(st.integers(-(10**16), 10**18)))
def test_seconds(micros: list[int]) -> None:
    found = columnar.seconds(np.array(micros, np.int64)).to_pylist()
    assert found == [connection.seconds(one) for one in micros]
    assert all(
        round(float(text) * 1e6) == one for text, one in zip(found, micros, strict=True) if abs(one) < 10**14
    )


def test_times_of_places_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(bytes(13), 6, 7, 1)
    for number in range(30):
        flow.halves[0].take(b"x" * 10, 100 + number)
    places = [0, 9, 10, 11, 150, 299, 5000] * 3
    assert record.times_of(flow, places) == [flow.time_at(place) for place in places]

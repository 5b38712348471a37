"""Captures made to be too much, scanned by the command: ``python -m benchmarks.network_bad [--bytes N]``.

* one connection of ten gigabytes; a million connections of one packet
* a clock that goes back again and again, by a second or by a day
* segments that overlap and contradict each other: what came first counts

Each is a whole `kazami scan`: every rule, the traffic questions, the case, the report. Memory is that of all processes together.
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures import Figure, at_least, at_most, publish, told
from benchmarks.network_speed import ENDLESS, FLOWS, HEAD, JOINED, endless_flow, one_packet_flows, record
from benchmarks.process import run

#: MB of all processes of a scan, and CPU seconds that are not to be exceeded.
MEMORY, SECONDS = 1024, 300

#: Connections in which the clock goes back or segments contradict each other.
TALKS = 20_000

_DAY = 86_400_000_000


def endless(path: Path, size: int) -> None:
    """One connection of `size` bytes, whose payloads are holes in the file."""
    with path.open("wb") as out:
        out.write(HEAD)
        for packet in endless_flow(size):
            out.write(packet[:-JOINED])
            out.seek(JOINED, 1)
        out.truncate()


def many(path: Path, _: int) -> None:
    """A million connections of one packet."""
    _write(path, one_packet_flows(FLOWS))


def backward(path: Path, _: int) -> None:
    """Connections of five packets; before every third packet the clock goes back."""
    chance = random.Random(7)

    def packets() -> Iterator[bytes]:
        now = 1_600_000_000_000_000
        for number in range(TALKS):
            for at, (flags, data) in enumerate(
                ((2, b""), (16, b""), (24, b"hello"), (24, b"again"), (17, b""))
            ):
                now += 1000 if chance.randrange(3) else -chance.choice((1_000_000, 3_600_000_000, _DAY))
                yield record(now, segment(number, 1 + at * (at > 1), flags, data))

    _write(path, packets())


def overlapping(path: Path, _: int) -> None:
    """Requests in segments that come in disorder, twice, and again with other bytes."""
    chance = random.Random(7)

    def packets() -> Iterator[bytes]:
        for number in range(TALKS):
            now = 1_600_000_000_000_000 + 1000 * number
            yield record(now, segment(number, 99, 2, b""))
            said = b"GET /first-%d HTTP/1.1\r\nHost: x.example\r\n\r\n" % number
            pieces = [(at, said[at : at + 9]) for at in range(0, len(said), 7)]
            chance.shuffle(pieces)
            for at, data in pieces:
                yield record(now + 1, segment(number, 100 + at, 24, data))
                yield record(now + 2, segment(number, 100 + at, 24, b"X" * len(data)))

    _write(path, packets())


def segment(number: int, sequence: int, flags: int, data: bytes) -> bytes:
    """A frame of one of many connections to a web server."""
    above = struct.pack("!HHIIBBHHH", 1024 + number % 60_000, 80, sequence, 0, 0x50, flags, 1024, 0, 0)
    size = 40 + len(data)
    ends = struct.pack("!II", 0x0A000000 | number, 0xC0000207)
    return bytes(12) + b"\x08\0" + struct.pack("!BBHIBBH", 0x45, 0, size, 0, 64, 6, 0) + ends + above + data


def _write(path: Path, packets: Iterator[bytes]) -> None:
    with path.open("wb") as out:
        out.write(HEAD)
        out.writelines(packets)


CASES: dict[str, tuple[Callable[[Path, int], None], str, int]] = {
    "endless connection": (endless, "SELECT count(*) FROM flow WHERE orig_bytes::BIGINT > 9 * {size} // 10", 1),
    "connections of one packet": (many, "SELECT count(*) FROM flow", FLOWS),
    "clock going back": (backward, "SELECT sum(orig_pkts::BIGINT) FROM flow", 5 * TALKS),
    "contradicting segments": (overlapping, "SELECT count(DISTINCT uri) FROM http WHERE uri LIKE '/first-%'", TALKS),
}  # fmt: skip


def figures(size: int = ENDLESS) -> list[Figure]:
    """Time and memory of each scan, and whether nothing was lost in it."""
    made: list[Figure] = []
    for name, (build, question, wanted) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            path, case = Path(folder, "bad.pcap"), Path(folder, "case")
            build(path, size)
            done = run([sys.executable, "-m", "kazami", "scan", str(path), "--case", str(case)])
            asked = [sys.executable, "-m", "kazami", "sql", str(case), question.format(size=size)]
            found = next(iter(json.loads(run(asked).out.splitlines()[0]).values()))
        made += [
            at_least(f"{name}: found in the case", float(found or 0), wanted),
            told(f"{name}: wall seconds", done.wall),
            at_most(f"{name}: CPU seconds", done.cpu, SECONDS),
            at_most(f"{name}: MB of all processes", done.peak, MEMORY),
        ]
    return made


def main() -> int:
    """Measure, print, and 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=ENDLESS, help="of the endless connection")
    return publish(figures(parser.parse_args().bytes))


if __name__ == "__main__":
    raise SystemExit(main())

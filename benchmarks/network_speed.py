"""How fast captures are read, and in how much memory, beside others on the same file: ``python -m benchmarks.network_speed [--data DIR] [--with PYTHON]``.

One capture of at least 300 MB is put together of all that are at hand, one after the other, again and again. Each measurement is a process of its
own: processor seconds of user and system, its start not counted, and its greatest memory. The others (``pip install 'kazami[yardsticks]'``, or an
interpreter that has them, by ``--with``) are measured in the same run where they are installed.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_least, at_most, publish, told

HEAD = bytes.fromhex("d4c3b2a1020004000000000000000000000004000100") + b"\0\0"

#: Bytes of the capture, microseconds between the captures that it is made of, and the longest pause inside one that is kept.
SIZE, GAP, LONGEST = 300_000_000, 1_000_000, 600_000_000

#: Packets a second with application records, times nfstream's, MB.
RATE, TIMES, MEMORY = 500_000, 3, 500

#: Flows of one packet; bytes of one flow, and of each of its packets (as a card hands them over that joins them).
FLOWS, ENDLESS, JOINED = 1_000_000, 10_000_000_000, 64_000

#: Connections that go on for long, and packets of each.
LONG = 500, 2000

#: What ours is measured beside.
OTHERS = ("nfstream", "dpkt", "scapy")

#: Packets that the slow ones look at.
SOME = {"dpkt": 400_000, "scapy": 20_000}


def ignore(*_: object) -> None:
    """For what is not looked at."""


def frames(path: Path) -> list[tuple[int, bytes]]:
    """The Ethernet frames of a capture, and the microseconds from the one before."""
    from kazami.sources.network.capture import packets

    found: list[tuple[int, bytes]] = []
    last = -1
    with path.open("rb") as stream:
        for packet in packets.read(stream, ignore, ignore):
            if packet.link == 1:
                pause = max(0, min(packet.time - last, LONGEST)) if last >= 0 else GAP
                last = packet.time
                found.append((pause, packet.data[packet.start : packet.stop]))
    return found


def build(files: list[Path], target: Path, size: int) -> int:
    """Write one capture of at least `size` bytes: all files one after the other, again and again later; the number of packets."""
    whole = [frame for path in files for frame in frames(path)]
    now, count, written = 1_600_000_000_000_000, 0, 0
    with target.open("wb") as out:
        out.write(HEAD)
        while written < size:
            piece = b"".join(_records(whole, now))
            now += sum(pause for pause, _ in whole) + LONGEST
            count += len(whole)
            written += out.write(piece)
    return count


def _records(whole: list[tuple[int, bytes]], now: int) -> Iterator[bytes]:
    for pause, frame in whole:
        now += pause
        yield record(now, frame)


def record(now: int, frame: bytes) -> bytes:
    """One packet of a pcap file."""
    return struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(frame), len(frame)) + frame


class Made:
    """A capture that is made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = HEAD

    def read(self, size: int) -> bytes:
        """As of a file."""
        found, have = [self._left], len(self._left)
        while have < size and (piece := next(self._pieces, b"")):
            found.append(piece)
            have += len(piece)
        data = b"".join(found)
        self._left = data[size:]
        return data[:size]

    def __enter__(self) -> Made:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def one_packet_flows(count: int) -> Iterator[bytes]:
    """Packets of as many flows, a hundred thousand a second."""
    frame = bytearray(
        bytes(12)
        + b"\x08\0\x45\0"
        + (40).to_bytes(2)
        + bytes(4)
        + b"\x40\x06\0\0"
        + bytes(8)
        + bytes(12)
        + b"\x50\x02"
        + bytes(6)
    )
    for number in range(count):
        struct.pack_into("!IIHH", frame, 26, 0x0A000000 | number >> 8, 0xC0000207, number & 0xFFFF, 443)
        yield record(1_600_000_000_000_000 + 10 * number, frame)


def endless_flow(size: int) -> Iterator[bytes]:
    """Packets of one flow of as many bytes."""
    head = (
        bytes(12)
        + b"\x08\0\x45\0\xfa\x28"
        + bytes(4)
        + b"\x40\x06\0\0\x0a\0\0\x01\xc0\0\x02\x07\xc3\x50\x01\xbb"
    )
    body = bytes(JOINED)
    for number in range(size // JOINED):
        above = struct.pack("!IIBBHHH", number * JOINED & 0xFFFFFFFF, 0, 0x50, 0x10, 1024, 0, 0)
        yield record(1_600_000_000_000_000 + 500 * number, head + above + body)


def long_flows(count: int, packets: int) -> Iterator[bytes]:
    """Packets of connections that go on for long, one of each after the other; 200 bytes each."""
    frame = bytearray(
        bytes(12) + b"\x08\0\x45\0\0\xf0" + bytes(4) + b"\x40\x06\0\0" + bytes(20) + b"\x50\x18" + bytes(206)
    )
    for number in range(packets):
        for one in range(count):
            struct.pack_into("!IIHH", frame, 26, 0x0A000000 | one >> 8, 0xC0000207, one & 0xFFFF, 443)
            struct.pack_into("!I", frame, 38, 1 + 200 * number)
            yield record(1_600_000_000_000_000 + 1000 * number, frame)


def _ours(opened: Callable[[], Any], remember: bool = True) -> dict[str, Any]:
    from kazami.model.evidence import Evidence
    from kazami.sources.columns import Columns
    from kazami.sources.network.capture import record as records
    from kazami.sources.network.capture import source

    if not remember:
        records.Records.__init__.__defaults__ = (0, records.FEW)  # type: ignore[attr-defined]
    rows = 0
    columns = Columns(Evidence("x", "0" * 16, "t", 0, opened), 32_000)  # as a worker of a scan
    for _ in source.feed(columns.owner, columns):
        if columns.is_full:
            rows += sum(batch.num_rows for batch in columns.most())
    rows += sum(batch.num_rows for batch in columns.rest())
    return {"rows": rows}


def _flows(path: str) -> dict[str, Any]:
    from kazami.sources.network.capture import block
    from kazami.sources.network.capture.batch import Batch

    found: list[int] = []
    engine = Batch(lambda flow: found.append(flow.number))
    with Path(path).open("rb") as stream:
        for some in block.read(stream, ignore, ignore):
            engine.add(some)
    for _ in engine.finish():
        pass
    return {"rows": len(found)}


def _nfstream(path: str) -> dict[str, Any]:
    from nfstream import NFStreamer  # type: ignore[import-not-found]

    return {"rows": sum(1 for _ in NFStreamer(source=path, n_meters=1, statistical_analysis=False))}


def _dpkt(path: str) -> dict[str, Any]:
    import dpkt  # type: ignore[import-not-found]

    flows, count = set(), 0
    with Path(path).open("rb") as stream:
        for _, data in dpkt.pcap.Reader(stream):
            count += 1
            try:
                ip = dpkt.ethernet.Ethernet(data).data
                above = ip.data
                flows.add((ip.src, ip.dst, above.sport, above.dport))
            except (AttributeError, dpkt.dpkt.Error):
                continue  # no flow
            if count >= SOME["dpkt"]:
                break
    return {"rows": len(flows), "packets": count}


def _scapy(path: str) -> dict[str, Any]:
    from scapy.utils import PcapReader  # type: ignore[import-not-found]

    count = 0
    for _ in PcapReader(path):
        count += 1
        if count >= SOME["scapy"]:
            break
    return {"rows": 0, "packets": count}


MEASURED: dict[str, Callable[[str], dict[str, Any]]] = {
    "flows": _flows,
    "records": lambda path: _ours(partial(Path(path).open, "rb")),
    "records, nothing remembered": lambda path: _ours(partial(Path(path).open, "rb"), False),
    "one-packet flows": lambda _: _ours(lambda: Made(one_packet_flows(FLOWS))),
    "endless flow": lambda _: _ours(lambda: Made(endless_flow(ENDLESS))),
    "nfstream": _nfstream, "dpkt": _dpkt, "scapy": _scapy,
}  # fmt: skip


def measure(name: str, path: str) -> None:
    """Run one of `MEASURED`, and print what it took."""
    importlib.import_module(name if name in OTHERS else "kazami.sources.network.capture.source")
    if name not in OTHERS:
        gc.disable()  # as the workers of a scan do
    before = _spent()
    begun = time.perf_counter()
    found = MEASURED[name](path)
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        json.dumps(
            {
                **found,
                "seconds": _spent() - before,
                "wall": time.perf_counter() - begun,
                "memory": most / 1024,
            }
        )
    )


def _spent() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def measured(name: str, path: Path, python: str = sys.executable) -> dict[str, Any] | None:
    """What one of `MEASURED` took in a process of its own; None where it is not installed."""
    command = [python, "-m", "benchmarks.network_speed", "--measure", name, "--capture", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or ["no word"]
        print(f"  {name}: not measured ({why[0]})")
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def figures(files: list[Path], python: str = sys.executable, size: int = SIZE) -> list[Figure]:
    """All figures, of one capture made of `files`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "capture.pcap")
        count = build(files, path, size)
        taken = {
            name: measured(name, path, sys.executable if n < 5 else python) for n, name in enumerate(MEASURED)
        }
        large = path.stat().st_size
        with path.open("wb") as out:
            out.write(HEAD)
            out.writelines(long_flows(*LONG))
        long = measured("records", path)
    assert long is not None, "long connections broke"
    rates = {
        name: found.get("packets", count) / found["seconds"]
        for name, found in taken.items()
        if found is not None
    }
    made = [told("packets of the capture", count), told("MB of the capture", large / 1e6)]
    made += [
        told(f"{name}, packets a second a core", rate) for name, rate in rates.items() if name not in _MADE
    ]
    made.append(
        told("records of long connections, packets a second a core", LONG[0] * LONG[1] / long["seconds"])
    )
    made.append(at_least("packets a second a core with records", rates["records"], RATE))
    if "nfstream" in rates:
        made.append(at_least("times nfstream, with records", rates["records"] / rates["nfstream"], TIMES))
    for name in ("records", *_MADE):
        found = taken[name]
        assert found is not None, f"{name} broke"
        made.append(told(f"{name}: events", found["rows"]))
        made.append(at_most(f"{name}: memory in MB", found["memory"], MEMORY))
    return made


_MADE = ("one-packet flows", "endless flow")


def main() -> int:
    """Measure, print, and 1 where a bar is missed."""
    from benchmarks.network import captures

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument(
        "--with",
        dest="python",
        default=sys.executable,
        help="an interpreter that has nfstream, dpkt and scapy",
    )
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    return publish(figures(captures(chosen.data), chosen.python, chosen.size), chosen.keep)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[4])
    else:
        raise SystemExit(main())

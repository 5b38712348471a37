"""How fast captures are read, on one large capture of all that are at hand; see `benchmarks.network`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kazami.sources.network.capture import packets

HEAD = bytes.fromhex("d4c3b2a1020004000000000000000000000004000100") + b"\0\0"

#: Microseconds between the captures that are put together, and the longest pause inside one that is kept.
GAP, LONGEST = 1_000_000, 600_000_000


def ignore(*_: object) -> None:
    """For what is not looked at."""


def frames(path: Path) -> list[tuple[int, bytes]]:
    """The Ethernet frames of a capture, and the microseconds from the one before."""
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
        words = (now // 1_000_000, now % 1_000_000, len(frame), len(frame))
        yield b"".join(word.to_bytes(4, "little") for word in words)
        yield frame

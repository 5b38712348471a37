"""The source for captures: pcap and pcapng, told by their first bytes."""

from __future__ import annotations

from collections.abc import Iterator

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, reading
from kazami.sources.network.capture import block, frame, packets, wifi
from kazami.sources.network.capture.batch import Batch
from kazami.sources.network.capture.flow import Flow
from kazami.sources.network.capture.record import DNS_PORTS, Records
from kazami.sources.network.netflow import Exports

_LINKS = frame.LINKS | wifi.LINKS


def confidence(name: str, head: bytes) -> float:
    """Certain by the magic number; for pcapng also by that of the byte order behind it. Captures of other forms are told as not read."""
    if (head[:4] in packets.PCAP and len(head) >= 24) or head.startswith(tuple(packets.FOREIGN)):
        return 1.0
    if head[:4] == packets.PCAPNG and head[8:12] in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
        return 1.0
    return 0.0


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every flow of `evidence` and what it says; yields the bytes read since the last time."""
    records = Records(columns)
    tap = columns.tap() if columns.tap is not None else None
    exports = Exports(columns)

    def datagram(flow: Flow, direction: int, data: bytes, time: int) -> None:
        if flow.key[-3:-1] in Exports.PORTS:
            exports.take(flow.key[: len(flow.key) // 2 - 2], data)
        else:
            records.datagram(flow, direction, data, time)

    engine = Batch(records.flow, datagram, DNS_PORTS | Exports.PORTS, tap, records.crop)
    read = 0
    unknown: dict[int, int] = {}

    def progress(size: int) -> None:
        nonlocal read
        read += size

    with evidence.open() as stream:
        for found in block.read(stream, lambda place, why: columns.reject(place, why), progress):
            if found.link in _LINKS:
                engine.add(found)
            else:
                unknown[found.link] = unknown.get(found.link, 0) + len(found.starts)
            yield read
            read = 0
    for link, packets_of in sorted(unknown.items()):
        named = f" ({frame.NAMES[link]})" if link in frame.NAMES else ""
        columns.reject("", f"packets of link type {link}{named}, which is not read", packets_of)
    if engine.encrypted:
        columns.reject("", "frames of Wi-Fi that are encrypted", engine.encrypted)
    if engine.other:
        columns.reject(
            "", "packets that are not IP, or cut before they say whose they are", 0, f"{engine.other} packets"
        )
    for _ in engine.finish():
        if columns.is_full:
            yield 0
    records.flush()
    exports.finish()
    yield read


read = reading(feed)

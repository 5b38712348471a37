"""What ``nfdump`` prints as text: its formats line, long, extended and bi-directional. CSV of nfdump is read as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kazami.model.evidence import Evidence
from kazami.sources.columns import Columns, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import words
from kazami.sources.network.transform import protocol_name

_NUMBER = r"(\d+(?:\.\d+)?(?: [KMGT])?)"
_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) +((?:\d{1,5}d ?)?(?:\d\d:\d\d:)?\d{1,12}\.\d{3}) +([\w-]{1,12}) +(\S{3,60}) +(<?->) +(\S{3,60}) +"
    rf"(?:([UAPRSFCE.]{{6,8}}) +(\d{{1,3}}) +)?{_NUMBER} +{_NUMBER}(?: +{_NUMBER})?(?: +{_NUMBER})?.*\Z"
)
_OTHER = re.compile(
    r"Date first seen|Summary:|Time window:|Total flows|Sys:|Aggregated flows|No matching flows|Wall:"
)
#: How files begin in which programs keep flows, and what is said of them.
_KEPT = {
    b"\x0c\xa5": "flows as nfcapd keeps them, not read: nfdump -r FILE -o csv makes them readable",
    b"\x83\x10\x00\x20": "flows as Argus keeps them, not read: ra -r FILE -c , -u makes them readable",
}
_SCALES = {"K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}


def confidence(name: str, head: bytes) -> float:
    """By the line of titles, or by two lines of flows. What flows are kept in is certain, to be told as not read."""
    if head.startswith(tuple(_KEPT)):
        return 1.0
    lines = head[:8192].decode("utf-8", "replace").split("\n")[:6]
    if any(line.startswith("Date first seen") for line in lines):
        return 0.95
    return 0.95 if sum(_LINE.match(line.strip()) is not None for line in lines) >= 2 else 0.0


def parse(line: str) -> dict[str, Any] | None:
    """The flow of one line, in Zeek's words; None where it is none."""
    found = _LINE.match(line.strip())
    if found is None:
        return None
    time, duration, protocol, source, arrow, target, flags, tos, first, second, third, fourth = found.groups()
    fields = {"#time": time, "proto": protocol_name(protocol), "duration": seconds(duration)}
    for end, text in (("orig", source), ("resp", target)):
        address, port = endpoint(text)
        fields |= {f"id.{end}_h": address, f"id.{end}_p": port}
    if arrow == "<->" and third and fourth:  # packets out and in, then bytes; what came in is the source's
        fields |= dict(zip(("resp_pkts", "orig_pkts", "resp_ip_bytes", "orig_ip_bytes"),
                           map(scaled, (first, second, third, fourth)), strict=True))  # fmt: skip
    else:
        fields |= {"orig_pkts": scaled(first), "orig_ip_bytes": scaled(second)}
    if flags:
        fields |= {"flags": flags, "tos": tos}
    return fields


def seconds(text: str) -> str:
    """``62.500`` of ``00:01:02.500``, as versions from 1.7 on write it."""
    days, _, clock = text.rpartition("d")
    *whole, rest = clock.strip().split(":")
    if not whole:
        return text
    hours, minutes = map(int, whole)
    return f"{int(days or 0) * 86400 + hours * 3600 + minutes * 60 + float(rest):.3f}"


def endpoint(text: str) -> tuple[str, str]:
    """Address and port, which a colon parts, or a dot behind an IPv6 address."""
    address, _, port = text.rpartition(":" if text.count(":") == 1 else ".")
    return address, port


def scaled(text: str) -> str:
    """``1.2 M`` as a whole number."""
    number, _, scale = text.partition(" ")
    return str(round(float(number) * _SCALES[scale])) if scale else number


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every flow of `evidence`; yields the bytes read since the last time."""
    with evidence.open() as stream:
        begin = stream.read(4)
    if kept := next((said for mark, said in _KEPT.items() if begin.startswith(mark)), None):
        columns.reject("", kept)
        yield max(evidence.size, 0)
        return
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.rstrip("\r\0")
                fields = parse(line)
                if fields is not None:
                    columns.add(words.plan("flow", (*fields,)), (*fields.values(),), line, number)
                elif line.strip() and not _OTHER.match(line):
                    columns.reject(f"line {number}", "not a flow as nfdump prints it", 1, line)
            yield block.size


read = reading(feed)

"""What the network side finds and how fast: ``python -m benchmarks.network [--data DIR] [--connections N]``.

* RITA's published figures for its own test data, by the compatible scores
* our judgement of made beacons and of made random traffic
* expected fingerprints; recognisers of remote access tools on captures that hold none
* captures of attacks, one by one: what was found, and whether it is what their names state; findings in what is harmless
* captures on one core, beside others (`benchmarks.network_speed`); traffic over N connections of a case
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import network_captures, network_case, network_rules, network_speed
from benchmarks.figures import Figure, at_least, at_most, publish, told
from benchmarks.made_flows import BEACONS, RANDOM, office
from kazami.detect.network.beacon import rhythm, rita
from kazami.detect.network.beacon.pairs import Pair, pairs
from kazami.detect.network.rat import detector
from kazami.model.event import Route
from kazami.model.evidence import Evidence
from kazami.sources.network import zeek
from kazami.sources.network.capture import source

#: RITA's own expectations (integration/beacons_test.go, missing_host_test.go), with its tolerance.
GOOGLE, HONEST, MISSING, TOLERANCE = 0.586, 0.979, 0.963, 0.05

#: Repetitions of made traffic.
TRIALS = 20


def read(path: Path, table: str, names: tuple[str, ...]) -> Iterator[pa.Table]:
    """Columns of one log of Zeek, as text."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    for batch in zeek.read(Evidence(path.name, "0" * 16, "t", len(data), lambda: io.BytesIO(data))):
        if Route.of(batch).table == table:
            there = set(batch.schema.names)
            empty = pa.nulls(batch.num_rows, pa.string())
            columns = [batch[n].cast(pa.string()) if n in there else empty for n in names]
            yield pa.table([batch["time"], *columns], ["time", *names])


def rita_figures(data: Path) -> list[Figure]:
    """The three scores that RITA's integration tests expect."""
    folder = data / "zeek" / "rita"
    google, honest = (
        proxied(folder / "proxy", "www.google.com"),
        proxied(folder / "proxy", "www.honestimnotevil.com"),
    )
    files = sorted((folder / "missing_host").glob("*/conn.*"))
    names = ("id.orig_h", "id.resp_h", "orig_ip_bytes")
    flows = pa.concat_tables([table for file in files for table in read(file, "flow", names)])
    seconds = flows["time"].cast(pa.int64()).to_numpy() // 1_000_000
    first, last = rita.window(int(seconds.min()), int(seconds.max()))
    kept = flows.filter(pa.array(rita.kept(seconds, first)))
    pair = next(p for p in pairs(kept, 4) if (p.source, p.target) == ("73.54.23.243", "64.225.56.201"))
    found = [
        ("google", google, GOOGLE),
        ("honest", honest, HONEST),
        ("missing host", scored(pair, first, last), MISSING),
    ]
    return [
        Figure(f"RITA's {name}", value, f"{bar} +- {TOLERANCE}", abs(value - bar) <= TOLERANCE)
        for name, value, bar in found
    ]


def scored(pair: Pair, first: int, last: int) -> float:
    score = rita.score(pair.times, pair.sizes, first, last)
    assert score is not None
    return score.total


def proxied(folder: Path, host: str) -> float:
    """The score of requests for `host` through a proxy, with the bytes of their connections."""
    flows = pa.concat_tables(list(read(folder / "conn.log", "flow", ("uid", "orig_ip_bytes"))))
    asked = pa.concat_tables(list(read(folder / "http.log", "http", ("uid", "host_"))))
    seconds = np.concatenate([t["time"].cast(pa.int64()).to_numpy() for t in (flows, asked)]) // 1_000_000
    first, last = rita.window(int(seconds.min()), int(seconds.max()))
    rows = flows.to_pylist()
    wanted = {row["uid"] for row in asked.to_pylist() if row["host_"] == host}
    chosen = sorted((r["time"].timestamp(), float(r["orig_ip_bytes"])) for r in rows if r["uid"] in wanted)
    times, sizes = (np.array(column) for column in zip(*chosen, strict=True))
    kept = rita.kept(times, first)
    return scored(Pair("", host, times[kept], sizes[kept]), first, last)


def rhythm_figures() -> list[Figure]:
    """The least score of made beacons, the greatest of made random traffic."""
    hours = office()
    figures = []
    for name, make in BEACONS.items():
        scores = [judged(make(seed), hours) for seed in range(TRIALS)]
        figures.append(at_least(f"beacon, {name}: least score of {TRIALS}", min(scores), 0.5))
    for name, make in RANDOM.items():
        scores = [judged(make(seed), hours) for seed in range(TRIALS)]
        figures.append(at_most(f"random, {name}: greatest score of {TRIALS}", max(scores), 0.5))
    return figures


def judged(times: np.ndarray, hours: np.ndarray) -> float:
    found = rhythm.judge(times, None, hours)
    return 0.0 if found is None else found.score


def captures(data: Path) -> list[Path]:
    """All captures at hand."""
    found = [*(data / "pcap" / "attack").glob("*"), *(data / "suricata-verify").glob("*/*.pcap")]
    return sorted(path for path in found if source.confidence("", path.read_bytes()[:4096]))


def rat_figures(files: list[Path]) -> list[Figure]:
    """What the recognisers say of captures in which no such tool is known to be."""
    found, flows = 0, 0
    for path in files:
        data = path.read_bytes()
        item = Evidence(path.name, "0" * 16, "t", len(data), lambda data=data: io.BytesIO(data))
        batches = [batch for batch in source.read(item) if Route.of(batch).table == "flow"]
        flows += sum(batch.num_rows for batch in batches)
        for table in detector.detect(iter(batches)):
            found += table.num_rows
            for row in table.to_pylist():
                print(f"  {path.name}: {dict(row['matched'])}"[:200])
    return [told("flows of all captures", flows), at_most("remote access tools found in them", found, 0)]


def main() -> int:
    """Measure, print, and 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--connections", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument(
        "--with",
        dest="python",
        default=sys.executable,
        help="an interpreter that has nfstream, dpkt and scapy",
    )
    chosen = parser.parse_args()
    files = captures(chosen.data)
    figures = [*rita_figures(chosen.data), *rhythm_figures(), *rat_figures(files)]
    figures += network_speed.figures(files, chosen.python)
    figures += [*network_rules.figures(chosen.data), *network_rules.speed(chosen.data)]
    figures += [*network_captures.figures(chosen.data), *network_case.figures(chosen.connections)]
    return publish(figures, chosen.keep)


if __name__ == "__main__":
    raise SystemExit(main())

"""The same networks, shaken: what should change nothing, and what should change little.

Time moved, so that hours and days fall otherwise; hosts called otherwise; a fifth of the alerts lost; the noise of another network in
between. A method that was fitted to the networks falls over here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.alert_set import NONE, Network

DAY = 86_400_000_000


def moved(network: Network, by: int) -> Network:
    """All alerts `by` microseconds later."""
    time = network.findings.column("time").cast(pa.int64())
    found = _with(network.findings, "time", pc.add(time, by).cast(pa.timestamp("us", "UTC")))
    days = len(np.unique(found.column("time").cast(pa.int64()).to_numpy() // DAY))
    return replace(network, findings=found, days=days)


def renamed(network: Network, seed: int) -> Network:
    """Every host under another name, in another order of the alphabet."""
    hosts = network.findings.column("host").unique().drop_null()
    names = pa.array([f"h{one:05d}" for one in np.random.default_rng(seed).permutation(len(hosts)).tolist()])
    place = pc.index_in(
        network.findings.column("host"),
        value_set=hosts.combine_chunks() if isinstance(hosts, pa.ChunkedArray) else hosts,
    )
    return replace(network, findings=_with(network.findings, "host", names.take(place)))


def thinned(network: Network, share: float, seed: int) -> Network:
    """Each alert lost with a chance of `share`."""
    kept = np.random.default_rng(seed).random(len(network.labels)) >= share
    return replace(
        network, findings=network.findings.filter(pa.array(kept)), labels=network.labels[kept], phases=None
    )


def mixed(network: Network, other: Network) -> Network:
    """A network with the noise of another one, on hosts of its own, from the same first moment on."""
    noise = other.findings.filter(pa.array(other.labels == NONE))
    begin, start = (pc.min(one.column("time").cast(pa.int64())).as_py() for one in (network.findings, noise))
    noise = moved(replace(other, findings=noise), begin - start).findings
    noise = _with(noise, "tenant", pa.repeat(network.name, noise.num_rows))
    noise = _with(noise, "host", pc.binary_join_element_wise("x", noise.column("host"), "-"))
    last = pc.max(network.findings.column("time"))
    noise = noise.filter(pc.less_equal(noise.column("time"), last))
    both = pa.concat_tables([network.findings, noise])
    order = pc.sort_indices(both, sort_keys=[("time", "ascending"), ("finding_uid", "ascending")])
    labels = np.concatenate([network.labels, np.full(noise.num_rows, NONE)])
    return Network(
        f"{network.name}+{other.name}",
        both.take(order),
        labels[order.to_numpy()],
        {**other.rules, **network.rules},
        network.days,
    )


def shaken(networks: Sequence[Network]) -> Iterator[tuple[str, Network]]:
    """How a network was shaken, and what it is then."""
    for number, one in enumerate(networks):
        yield "moved by 100 days and 7:23 h", moved(one, 100 * DAY + 26_580_000_000)
        yield "hosts renamed", renamed(one, number)
        for seed in range(2):
            yield "a fifth lost", thinned(one, 0.2, seed)
        yield "noise of another", mixed(one, networks[(number + 1) % len(networks)])


def _with(table: pa.Table, name: str, column: pa.ChunkedArray | pa.Array) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), column)

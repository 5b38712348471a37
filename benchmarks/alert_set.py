"""Alert data sets with truth, in the shape of AIT-ADS: a folder ``tenant=NAME`` a network, Parquet in it.

Columns: ``ts`` (seconds since 1970), ``name`` (title of the alert), ``ip``, ``host``, ``event_label`` (the attack step, "-" for none),
``time_label`` (the phase of the attack in which it was raised, "false_positive" outside of all).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kazami.detect.alert import vocabulary
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

#: The label of the slow exfiltration, which is an attack of its own; and of what is none.
SLOW, NONE = "dnsteal", "-"


@dataclass(frozen=True, slots=True)
class Network:
    """One network: its findings in the order of time, the truth of each, the words of the rules."""

    name: str
    findings: pa.Table
    labels: np.ndarray
    rules: dict[str, RuleInfo]
    days: int
    phases: np.ndarray | None = None  # the phase of each, where the set says it


def networks(folder: Path) -> Iterator[Network]:
    """The networks of a folder, one at a time."""
    for path in sorted(folder.glob("tenant=*")):
        table = pa.concat_tables([pq.ParquetFile(file).read() for file in sorted(path.glob("*.parquet"))])
        yield network(path.name.removeprefix("tenant="), table.sort_by("ts"))


def network(name: str, table: pa.Table) -> Network:
    """A network from its alerts."""
    titles = table.column("name").unique().to_pylist()
    rules = {title: RuleInfo(title, "1", title, "low", tags=vocabulary.tags(title)) for title in titles}
    seconds = table.column("ts").to_numpy()
    return Network(
        name,
        findings(name, table),
        table.column("event_label").to_numpy(zero_copy_only=False).astype(str),
        rules,
        len(np.unique(seconds // 86400)),
        table.column("time_label").to_numpy(zero_copy_only=False).astype(str)
        if "time_label" in table.column_names
        else None,
    )


def findings(tenant: str, table: pa.Table) -> pa.Table:
    """Alerts as findings: the title is the rule, the host is the host; the set says nothing else."""
    count = table.num_rows
    nothing, none = pa.nulls(count, pa.string()), pa.array(np.zeros(count + 1, np.int32))
    columns = dict.fromkeys(FINDING.names, nothing)
    columns |= {name: pa.repeat("alert", count) for name in ("table", "evidence", "rule_version")}
    columns |= {
        "finding_uid": pc.binary_join_element_wise(
            tenant, pc.utf8_lpad(pa.array(np.arange(count)).cast(pa.string()), 9, "0"), "-"
        ),
        "rule_id": table.column("name"),
        "time": pc.multiply(table.column("ts"), 1_000_000).cast(pa.timestamp("us", "UTC")),
        "tenant": pa.repeat(tenant, count),
        "host": table.column("host"),
        "event_uids": pa.ListArray.from_arrays(none, pa.array([], pa.string())),
        "record": pa.array(np.arange(count)),
        "matched": pa.MapArray.from_arrays(none, pa.array([], pa.string()), pa.array([], pa.string())),
    }
    return pa.table(columns, schema=FINDING)

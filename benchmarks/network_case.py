"""Traffic judged as a scan judges it: connections in the Parquet of a case, the judge in a process of its own.

``python -m benchmarks.network_case CASE`` is that process; `figures` makes the case and starts it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.figures import Figure, at_least, at_most, told
from benchmarks.made_flows import connections
from kazami.detect.network import traffic
from kazami.model.event import LogSource, Route
from kazami.model.tenant import Directory
from kazami.store.case import Case
from kazami.store.gather import gather

_ROUTE = Route("flow", (LogSource("zeek", "firewall", "conn"),))

#: Records beside a thousand connections, by table, and what they say: as a company's sensor of Zeek has them, some more of what is rare.
#: In braces what is known of the connection.
RECORDS: dict[str, tuple[int, dict[str, str]]] = {
    "dns": (400, {"query": "n{far}.example.net", "qtype_name": "A", "rcode_name": "NOERROR", "answers": "{address}"}),
    "tls": (350, {"server_name": "n{far}.example.net", "ja3": f"{7:032x}", "subject": "CN=n{far}.example.net", "issuer": "CN=R3,O=Let's Encrypt", "next_protocol": "h2"}),
    "http": (60, {"method": "GET", "host_": "n{far}.example.net", "uri": "/a/{far}", "user_agent": "Mozilla/5.0 (Windows NT 10.0)", "status_code": "200",
                  "request_body_len": "0", "response_body_len": "2400", "resp_mime_types": "text/html"}),
    "files": (40, {"filename": "f{far}", "mime_type": "text/html", "source": "HTTP", "is_orig": "false", "seen_bytes": "2400"}),
    "x509": (30, {"certificate.subject": "CN=n{far}.example.net", "certificate.issuer": "CN=R3,O=Let's Encrypt"}),
    "kerberos": (20, {"request_type": "TGS", "client": "u{near}/EXAMPLE", "service": "cifs/s{far}", "cipher": "aes256-cts-hmac-sha1-96", "success": "true"}),
    "smb_files": (10, {"action": "SMB::FILE_OPEN", "path": "s{far}", "name": "d{far}.docx", "size": "9000"}),
    "smb_mapping": (5, {"path": "s{far}", "share_type": "DISK"}),
    "dce_rpc": (5, {"endpoint": "lsarpc", "operation": "LsarLookupSids3", "named_pipe": "lsass"}),
    "ntlm": (3, {"username": "u{near}", "hostname": "PC{near}", "domainname": "EXAMPLE", "success": "true"}),
    "ssh": (1, {"client": "SSH-2.0-OpenSSH_9.6", "server": "SSH-2.0-OpenSSH_9.6", "auth_success": "true"}),
    "rdp": (1, {"cookie": "u{near}", "result": "encrypted"}),
}  # fmt: skip
_ROWS = 50_000  # as a scan commits them; a row of fingerprints is kept for each

#: What the issue asks for: seconds and MB for ten million connections.
SECONDS, MEMORY = 300, 2048


def figures(count: int) -> list[Figure]:
    """What it takes to judge `count` made connections, 100 beacons among them."""
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case"
        build(case, count)
        command = [sys.executable, "-m", "benchmarks.network_case", str(case)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    for note in said["notes"]:
        print(f"  {note}")
    beacons = sum(number for key, number in said["found"].items() if key.startswith("beacon"))
    return [
        told("connections in the case", count),
        told("records beside them", count * sum(share for share, _ in RECORDS.values()) // 1000),
        at_least("beacons found (made: 100)", min(beacons, 100), 100),
        at_most("other beacons found", beacons - min(beacons, 100), 0),
        told("CPU seconds to judge them", said["cpu"]),
        at_most("CPU seconds for 10 million, in proportion", said["cpu"] * 1e7 / count, SECONDS),
        at_most("memory of the judge in MB", said["memory"], MEMORY),
    ]


def build(case: Path, count: int) -> None:
    """A case that holds made connections as events."""
    table = connections(count)
    with Case.open(case, create=True) as opened:
        run = opened.begin(version="0")
        for batch in _events(table):
            run.commit(segments=opened.write([batch, *_records(batch)]))
        run.finish(state="done", loaded=0)


def _events(table: pa.Table) -> Iterator[pa.RecordBatch]:
    place = 0
    for chunk in table.to_batches(max_chunksize=_ROWS):
        size = chunk.num_rows
        near = [f"10.0.{int(n) >> 8}.{int(n) & 255}" for n in chunk.column("id.orig_h").to_pylist()]
        far = [
            f"203.{int(n) >> 16}.{int(n) >> 8 & 255}.{int(n) & 255}"
            for n in chunk.column("id.resp_h").to_pylist()
        ]
        numbers = np.arange(place, place + size, dtype=np.uint64)
        place += size
        columns: dict[str, pa.Array] = {
            "event_uid": pa.array([f"{number * 0x9E3779B97F4A7C15 % (1 << 128):032x}" for number in numbers.tolist()]),
            "time": chunk.column("time"),
            "tenant": pa.repeat("default", size),
            "host": pa.array(near),
            **{name: pa.nulls(size, pa.string()) for name in ("user", "logon_id", "process_uid", "parent_uid")},
            "evidence": pa.repeat("0" * 16, size),
            "record": pa.array(numbers.astype(np.int64)),
            "raw": pa.nulls(size, pa.string()),
            "id.orig_h": pa.array(near).dictionary_encode(),
            "id.orig_p": pa.array((40_000 + numbers % 20_000).astype(np.int32)).cast(pa.string()).dictionary_encode(),
            "id.resp_h": pa.array(far).dictionary_encode(),
            "orig_ip_bytes": chunk.column("orig_ip_bytes").dictionary_encode(),
        }  # fmt: skip
        constant = {"id.resp_p": "443", "proto": "tcp", "service": "ssl", "conn_state": "SF", "duration": "1.5", "orig_bytes": "600",
                    "resp_bytes": "2400", "resp_ip_bytes": "3000", "orig_pkts": "9", "resp_pkts": "9"}  # fmt: skip
        for name, value in constant.items():
            columns[name] = pa.repeat(value, size).dictionary_encode()
        yield pa.RecordBatch.from_pydict(columns).replace_schema_metadata(_ROUTE.to_metadata())


def _records(flows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Records beside connections: of each thousand the share that `RECORDS` says."""
    numbers = flows.column("record").to_numpy()
    for place, (table, (share, said)) in enumerate(RECORDS.items()):
        some = flows.filter(pa.array((numbers * 7919 + 131 * place) % 1000 < share))
        columns = {name: some.column(name) for name in some.schema.names[:14]}
        columns["event_uid"] = pc.binary_join_element_wise(
            pc.utf8_slice_codeunits(some.column("event_uid"), 0, 30), f"{place + 1:02x}", ""
        )
        columns["id.resp_p"] = some.column("id.resp_p")
        for name, form in said.items():
            columns[name] = _said(some, form)
        service = {"tls": "ssl"}.get(table, table)
        route = Route(table, (LogSource("zeek", None, service),))
        yield pa.RecordBatch.from_pydict(columns).replace_schema_metadata(route.to_metadata())


def _said(some: pa.RecordBatch, form: str) -> pa.DictionaryArray:
    """A text for each connection, with what is in braces filled in."""
    if "{" not in form:
        return pa.repeat(form, some.num_rows).dictionary_encode()
    of = some.column("id.orig_h" if "{near}" in form else "id.resp_h")
    short = (one.replace(".", "-") for one in of.dictionary.to_pylist())
    texts = [form.format(near=name, far=name, address=name.replace("-", ".")) for name in short]
    return pa.DictionaryArray.from_arrays(of.indices, pa.array(texts))


def main(case: str) -> None:
    """Judge the traffic of a case; what it took as a line of JSON."""
    begun = time.process_time()
    with Case.open(case, read_only=True) as opened:
        batches = (batch for question in traffic.tables for batch in gather(opened, question))
        found, notes = traffic.judge(batches, Directory())
    keys = {rule.id: key for key, rule in traffic.RULES.items()}
    counts = Counter(keys[one] for one in found.column("rule_id").to_pylist())
    said = {"cpu": time.process_time() - begun, "found": counts, "notes": notes}
    print(json.dumps(said | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main(sys.argv[1])

"""What a sensor saw of an attack and what the hosts logged of it become one incident of one scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kazami import pipeline
from kazami.store import incidents
from kazami.store.case import Case
from made import Watcher, ask

_CALL = {
    "@stream": "dce_rpc",
    "uid": "C1",
    "id_orig_h": "10.0.0.5",
    "id_orig_p": 50000,
    "id_resp_h": "10.0.0.9",
    "id_resp_p": 445,
}


def scanned(tmp_path: Path, records: dict[str, list[dict[str, Any]]]) -> Path:
    """A case of JSON lines, a file a name, with the packs that come along."""
    for name, rows in records.items():
        (tmp_path / "evidence").mkdir(exist_ok=True)
        (tmp_path / "evidence" / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    pipeline.scan(pipeline.Request([tmp_path / "evidence"], tmp_path / "case"), Watcher())
    return tmp_path / "case"


def service(time: str) -> dict[str, Any]:
    return {
        "EventID": 7045,
        "Channel": "System",
        "SourceName": "Service Control Manager",
        "Computer": "SRV9.north.test",
        "TimeCreated": time,
        "RecordNumber": 1,
        "ServiceName": "updhlp",
        "ImagePath": "%COMSPEC% /C echo hello ^> %SYSTEMDRIVE%\\out",
        "ServiceType": "user mode service",
        "StartType": "demand start",
    }


def call(time: float, operation: str) -> dict[str, Any]:
    return _CALL | {
        "ts": time,
        "endpoint": "svcctl",
        "operation": operation,
        "named_pipe": "\\pipe\\svcctl",
        "rtt": 0.01,
    }


LEASE = {
    "_path": "dhcp",
    "ts": 1795129000.0,
    "uids": ["D1"],
    "client_addr": "10.0.0.9",
    "assigned_addr": "10.0.0.9",
} | {
    "host_name": "SRV9",
    "msg_types": ["REQUEST", "ACK"],
}
CALLS = [call(1795136460.0, "CreateServiceW"), call(1795136461.0, "StartServiceW")]  # 2026-11-20 01:01 UTC


def test_a_service_from_afar(tmp_path: Path) -> None:
    records = {"host.jsonl": [service("2026-11-20T01:01:01.000Z")], "rpc.jsonl": CALLS, "dhcp.jsonl": [LEASE]}
    case = scanned(tmp_path, records)
    tables = {row["table"] for row in ask(case, 'select distinct "table" from finding')}
    assert {"dce_rpc", "system"} <= tables
    with Case.open(case, read_only=True) as opened:
        told = [one for one in incidents.incidents(opened) if one.state != "redirected"]
    assert len(told) == 1
    assert set(told[0].hosts) == {"srv9", "10.0.0.5"}
    assert "contact" in {row["kind"] for row in ask(case, "select distinct kind from incident_link")}


def test_without_a_lease_they_stay_apart(tmp_path: Path) -> None:
    case = scanned(tmp_path, {"host.jsonl": [service("2026-11-20T01:01:01.000Z")], "rpc.jsonl": CALLS})
    with Case.open(case, read_only=True) as opened:
        told = [one for one in incidents.incidents(opened) if one.state != "redirected"]
    assert not any({"srv9", "10.0.0.5"} <= set(one.hosts) for one in told)


@pytest.mark.parametrize("name", ["empire_smbexec_dcerpc_smb_svcctl", "covenant_copy_smb_CreateRequest"])
def test_published_attacks_with_capture_and_logs(shared: Path, tmp_path: Path, name: str) -> None:
    folder = shared / "otrf" / "atomic" / "windows" / "lateral_movement"
    evidence = [folder / kind / f"{name}.zip" for kind in ("host", "network")]
    pipeline.scan(pipeline.Request(evidence, tmp_path / "case"), Watcher())
    with Case.open(tmp_path / "case", read_only=True) as opened:
        told = [one for one in incidents.incidents(opened) if one.state != "redirected"]
    assert len(told) == 1
    assert set(told[0].hosts) == {"workstation5", "workstation6"}
    query = 'select distinct f."table" from incident_finding i join finding f using (finding_uid)'
    tables = {row["table"] for row in ask(tmp_path / "case", query)}
    assert tables & {"dce_rpc", "smb_files"}
    assert tables & {"security", "system"}

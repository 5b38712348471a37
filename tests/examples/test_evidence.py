"""The evidence of `examples/`: made by its script, whole in itself, and naming nobody."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
INTRUSION = EXAMPLES / "intrusion"
FILES = sorted(path for path in INTRUSION.rglob("*") if path.is_file())
OURS = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8")]
NAMES = {
    "example.com",
    "example.net",
    "ip-api.com",
    "microsoft.com",
}  # the last two: a command, an XML namespace


def unpacked(path: Path) -> dict[str, str]:
    """Members to texts; a plain file is its own member."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if path.suffix == ".xz":
        content = lzma.decompress(content)
    if path.suffix != ".zip":
        return {path.name: content.decode()}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def records() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Computer, system part and data of all Windows events in evtx_dump's shape."""
    for path in FILES:
        for name, text in unpacked(path).items():
            if ".jsonl" in name:
                for line in text.splitlines():
                    event = json.loads(line)["Event"]
                    data = event.get("EventData") or event["UserData"]["LogFileCleared"]
                    yield event["System"]["Computer"], event["System"], data


def test_the_script_writes_what_is_committed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLES / "make.py"), str(tmp_path)], check=True, timeout=60)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert made == [path.relative_to(INTRUSION) for path in FILES]
    for path in FILES:
        assert unpacked(tmp_path / path.relative_to(INTRUSION)) == unpacked(path), path


def test_the_evidence_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 1_000_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_addresses_and_names_belong_to_nobody(path: Path) -> None:
    for text in unpacked(path).values():
        for found in set(re.findall(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", text)):
            address = ip_address(found)
            assert address.is_loopback or address.is_unspecified or any(address in net for net in OURS), found
        for found in set(re.findall(r"\b[\w-]+\.(?:com|net|org|jp)\b", text)):
            assert found.lower() in NAMES, found


def test_record_numbers_rise_with_time_in_each_log() -> None:
    logs = defaultdict(list)
    for computer, system, _ in records():
        time = system["TimeCreated"]["#attributes"]["SystemTime"]
        logs[computer, system["Channel"]].append((system["EventRecordID"], time))
    assert len(logs) > 12
    for entries in logs.values():
        assert entries == sorted(entries)
        assert len({number for number, _ in entries}) == len(entries)


def test_every_process_belongs_to_a_logon_and_every_parent_is_known() -> None:
    sessions, processes, started = set(), set(), []
    for computer, system, data in records():
        if system["EventID"] == 4624:
            sessions.add((computer, data["TargetLogonId"]))
        if system["EventID"] == 1:
            processes.add((computer, data["ProcessGuid"]))
            started.append((computer, data))
    assert len(started) > 200
    for computer, data in started:
        assert data["LogonId"] == "0x3e7" or (computer, data["LogonId"]) in sessions, data["CommandLine"]
        from_windows = data["ParentImage"].endswith(
            ("explorer.exe", "services.exe", "userinit.exe", "svchost.exe")
        )
        assert from_windows or (computer, data["ParentProcessGuid"]) in processes, data["CommandLine"]


def test_the_readme_names_every_file() -> None:
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in FILES:
        assert path.name in told

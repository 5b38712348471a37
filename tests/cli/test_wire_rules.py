"""Rules of Suricata's language in a scan: findings with proof, named rejects, and what a second scan with other rules adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import capture_writer as made
from program import Program

RULES = """alert http any any -> any any (msg:"Asked for"; http.uri; content:"/evil"; classtype:trojan-activity; sid:7; rev:2;)
alert tcp any any -> any any (msg:"Answered"; flow:to_client; content:"hello"; sid:8;)
alert tcp any any -> any any (msg:"Other"; lua:x.lua; sid:9;)
alert tcp any any -> any any (msg:"Never"; content:"nowhere"; sid:10;)
"""
ASK = b"GET /evil HTTP/1.1\r\nHost: x.example\r\n\r\n"
SAY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def evidence(folder: Path) -> Path:
    path = folder / "traffic.pcap"
    path.write_bytes(made.pcap([made.ethernet(packet) for packet in made.talk(ASK, SAY, 80)]))
    return path


def findings(run: Program, folder: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    done = run("scan", folder / "traffic.pcap", "--case", folder / "case", "--format", "jsonl", *arguments)
    return [row for row in done.ended(0).rows if row["table"] == "rule_match"]


def test_findings_have_their_proof_and_rules_are_found_in_folders(run: Program, tmp_path: Path) -> None:
    evidence(tmp_path)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.rules").write_text(RULES)
    found = {row["title"]: row for row in findings(run, tmp_path, "--rules", rules)}
    assert set(found) == {"Asked for", "Answered"}
    asked = found["Asked for"]
    assert asked["level"] == "high"
    assert asked["rule_id"] == "suricata-rule:1:7"
    matched = asked["matched"]
    assert {
        "bytes": "/evil",
        "buffer": "http.uri",
        "offset": "0",
        "src": "10.0.0.1",
        "dst_p": "80",
        "packet": "3",
    }.items() <= matched.items()
    (rules / "a.rules").write_text(RULES.replace('"nowhere"', '"x.example"'))
    again = findings(run, tmp_path, "--rules", rules)
    assert {row["title"] for row in again} == {"Asked for", "Answered", "Never"}


def test_check_says_what_runs(run: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.rules"
    path.write_text(RULES)
    done = run("rules", "check", path).ended(1)
    rows = done.rows
    assert [(row["state"], row["id"]) for row in rows] == [
        ("loaded", "7"),
        ("loaded", "8"),
        ("loaded", "10"),
        ("unsupported", "9"),
    ]
    assert rows[-1]["reason"] == "lua"
    assert "3 of 4 rules run (75.00 %)" in done.err
    assert "1 do not: lua" in done.err


def test_without_such_rules_nothing_looks_on(run: Program, tmp_path: Path) -> None:
    evidence(tmp_path)
    assert not findings(run, tmp_path)

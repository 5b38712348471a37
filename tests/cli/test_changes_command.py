"""``kazami baseline``, ``changes`` and ``approve`` as people use them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.survey.cases import made

from made import event
from program import Program


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    (folder / "var" / "www").mkdir(parents=True)
    return folder


def test_from_a_baseline_to_findings_in_a_case(run: Program, host: Path) -> None:
    here = ["--store", run.folder / "store", "--key", run.folder / "key"]
    web = [*here, "--host", "web1"]
    kept = run("baseline", host, *web, "--who", "me", "--note", "as installed").ended(0)
    assert [(row["host"], row["who"], row["unread"]) for row in kept.rows] == [("web1", "me", 0)]
    run("changes", host, *web).ended(0)
    (host / "etc" / "hosts").write_text("127.0.0.1 localhost\n192.0.2.1 update.example\n")
    (host / "var" / "www" / "help.php").write_text("<?php echo 1;")
    told = run("changes", host, *web, "--into", run.folder / "case").ended(1)
    assert [(row["level"], row["kind"], row["what"]) for row in told.rows] == [
        ("high", "web_root", "new"),
        ("medium", "hosts", "new"),
    ]
    assert told.rows[0]["verdict"] in ("clean", "informational", "incomplete"), "looked into"
    found = run("findings", run.folder / "case", "--format", "jsonl").ended(0)
    assert {row["title"] for row in found.rows} == {"New script of a web server", "New hosts file entry"}
    assert {row["host"] for row in found.rows} == {"web1"}
    run("report", run.folder / "case", "--lang", "ja").ended(0)
    assert "変更されたもの" in (run.folder / "case" / "report.html").read_text("utf-8")
    run("changes", host, *web, "--into", run.folder / "case").ended(1)
    assert len(run("findings", run.folder / "case", "--format", "jsonl").ended(0).rows) == 2, "kept once"

    run("approve", "add", *here, "--name", "var/www/help.php").ended(2)
    why = ["--reason", "help page", "--owner", "web team"]
    uid = run("approve", "add", *here, "--name", "var/www/*", *why).ended(0).out.strip()
    quiet = run("changes", host, *web, "--lang", "ja").ended(0)
    assert [row["title"] for row in quiet.rows] == ["新しいhosts ファイルの項目"]
    every = run("changes", host, *web, "--all").ended(0)
    assert uid in {row.get("approval") for row in every.rows}
    page = run.folder / "changes.html"
    run("changes", host, *web, "--format", "html", "--output", page).ended(0)
    assert "default-src &#39;none&#39;" in page.read_text("utf-8")
    assert "update.example" in page.read_text("utf-8")
    run("approve", "remove", *here, uid, "--note", "mistake").ended(0)
    run("changes", host, *web).ended(1)
    assert [row["what"] for row in run("approve", "list", *here, "--all").ended(0).rows] == [
        "added",
        "removed",
    ]
    assert run("approve", "list", *here).ended(0).rows == []

    run("baseline", *here, "--check").ended(0)
    next((run.folder / "store").glob("*/*.items")).write_bytes(b"changed")
    assert "was changed" in run("baseline", *here, "--check").ended(1).err
    run("changes", host, *web).ended(2)
    assert len(run("baseline", *here, "--list").ended(0).rows) == 1
    run("changes", host, *here, "--host", "other").ended(2)
    run("baseline", *here).ended(2)


def test_of_a_case(run: Program, tmp_path: Path) -> None:
    here = ["--store", run.folder / "store", "--key", run.folder / "key"]
    rows = [
        {
            "time": f"2026-05-0{day}T00:00:00",
            "host": host,
            "EventID": "7045",
            "ServiceName": name,
            "ImagePath": "a.exe",
        }
        for day, host, name in ((1, "SRV", "Old"), (3, "SRV", "Old"), (3, "SRV", "New"), (3, "PC", "New"))
    ]
    made(tmp_path / "case", {"system": rows}).close()
    case = ["--case", tmp_path / "case"]
    assert "--since" in run("changes", *case, *here).ended(2).err
    told = run("changes", *case, *here, "--since", "2026-05-02").ended(0)
    assert [(row["host"], row["name"], row["level"]) for row in told.rows] == [("SRV", "New", "medium")]
    assert "nothing is known from before: PC" in told.err
    kept = run("baseline", "SRV", *case, *here, "--until", "2026-05-02").ended(0)
    assert [(row["host"], row["items"]) for row in kept.rows] == [("SRV", 1)]
    again = run("changes", "SRV", *case, *here, "--into", tmp_path / "case").ended(0)
    assert [row["name"] for row in again.rows] == ["New"]
    assert [row["host"] for row in run("findings", tmp_path / "case", "--format", "jsonl").ended(0).rows] == [
        "SRV"
    ]
    run("baseline", "XYZ", *case, *here).ended(2)


def test_a_change_joins_the_incident_in_which_the_same_file_was_seen(run: Program, tmp_path: Path) -> None:
    """On the host where it was started, whose events have its hash."""
    here = ["--store", run.folder / "store", "--key", run.folder / "key", "--host", "WS01"]
    host = tmp_path / "host"
    (host / "usr" / "bin").mkdir(parents=True)
    (host / "usr" / "bin" / "true").write_bytes(b"usual")
    run("baseline", host, *here).ended(0)
    (host / "usr" / "bin" / "who").write_bytes(b"an inert program")
    digest = hashlib.sha256(b"an inert program").hexdigest()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    evidence = run.folder / "events.jsonl"
    evidence.write_text(
        json.dumps(event(0, TimeCreated=now, Hashes=f"SHA256={digest.upper()}", User=None)) + "\n"
    )
    run("scan", evidence, "--case", tmp_path / "case", "--no-report").ended(0)
    run("changes", host, *here, "--into", tmp_path / "case").ended(0)
    listed = run("incidents", "list", tmp_path / "case").ended(0).rows
    assert [(row["findings"], row["hosts"]) for row in listed] == [(2, 1)]


def test_a_folder_that_is_not_there_is_said_before_its_baseline(run: Program, tmp_path: Path) -> None:
    result = run("changes", str(tmp_path / "gone"))
    assert (result.code, "is no folder" in result.err) == (2, True)

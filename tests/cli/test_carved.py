"""Files that passed in captures: looked inside like any other, told with the flow, and gone from the case afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import capture_writer as made
import network_messages as messages
from content_writer import TEXT
from kazami.pipeline import keeper
from kazami.pipeline.keeper import Keeper
from program import Program

EVIL = b"\x7fELF" + bytes(60) + b"MAGA2024!!!\0" + bytes(50)
ASK = b"GET /tool.bin HTTP/1.1\r\nHost: x.example\r\n\r\n"


def answer(body: bytes, total: int | None = None) -> bytes:
    length = len(body) if total is None else total
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Type: application/octet-stream\r\n\r\n"
    return head.encode() + body


def capture(folder: Path, body: bytes, total: int | None = None) -> Path:
    path = folder / "traffic.pcap"
    path.write_bytes(made.pcap([made.ethernet(packet) for packet in made.talk(ASK, answer(body, total), 80)]))
    return path


def scan(run: Program, folder: Path) -> list[dict[str, Any]]:
    command = ["scan", folder / "traffic.pcap", "--case", folder / "case", "--format", "jsonl", "--no-report"]
    rows = run(*command, "--pack", "volt_typhoon").ended(0).rows
    return [row for row in rows if row["table"] == "file_inspection"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_a_file_in_a_capture_is_looked_into_and_tied_to_its_flow(run: Program, folder: Path) -> None:
    capture(folder, EVIL)
    (found,) = scan(run, folder)
    assert found["title"] == "FRP client with the word of the build that the actor uses"
    assert found["time"].startswith("2023-11-14")
    assert found["matched"]["sha256"] == hashlib.sha256(EVIL).hexdigest()
    query = 'select src_ip, dest_ip, uid, "Container" from file_inspection'
    (event,) = run("sql", folder / "case", query).ended(0).rows
    assert (event["src_ip"], event["dest_ip"]) == ("192.0.2.7", "10.0.0.1")
    (flow,) = run("sql", folder / "case", "select uid from conn").ended(0).rows
    assert event["uid"] == flow["uid"]
    assert event["Container"].startswith("HTTP 192.0.2.7 to 10.0.0.1 in C")
    assert not (folder / "case" / keeper.FOLDER).exists()
    assert len(scan(run, folder)) == 1  # a second scan says the same, once
    assert "MAGA2024" not in json.dumps(event)


MAIL = (
    b"From: a@x.example\r\nTo: b@y.example\r\nSubject: the tool\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=tool.bin\r\n\r\n"
    + base64.encodebytes(EVIL)
)
WAYS: dict[str, tuple[tuple[bytes, bytes], int, str]] = {
    "a mail": (messages.mail(MAIL), 25, "SMTP 10.0.0.1 to 192.0.2.7 in C"),
    "a file that FTP fetches": ((b"", EVIL), 20, "FTP_DATA 192.0.2.7 to 10.0.0.1 in C"),
    "a file alone on a connection": ((EVIL, b""), 50123, "TCP 10.0.0.1 to 192.0.2.7 in C"),
    "a file that is written to a share": (messages.file_over_smb(EVIL, read=False, piece=30), 445, "SMB 10.0.0.1 to 192.0.2.7 in C"),
    "a file that is read from a share": (messages.file_over_smb1(EVIL, read=True), 445, "SMB 192.0.2.7 to 10.0.0.1 in C"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_other_ways_that_files_take(run: Program, folder: Path, way: str) -> None:
    (client, server), port, place = WAYS[way]
    frames = [made.ethernet(packet) for packet in made.talk(client, server, port)]
    (folder / "traffic.pcap").write_bytes(made.pcap(frames))
    found = scan(run, folder)
    assert "FRP client with the word of the build that the actor uses" in {
        one["title"].removesuffix(", in a mail") for one in found
    }
    (name,) = {
        row["Container"]
        for row in run("sql", folder / "case", 'select "Container" from file_inspection').ended(0).rows
    }
    assert name.startswith(place)


def test_what_is_harmless_or_not_whole_is_not_told(run: Program, folder: Path) -> None:
    capture(folder, b"\0\1" + TEXT)
    assert scan(run, folder) == []
    capture(folder, EVIL, total=5000)
    assert scan(run, folder) == []


def test_what_is_kept_is_bounded_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MOST", 2)
    keep = Keeper(tmp_path)
    for number in range(5):
        keep(b"\0\1\2%d" % number, f"{number:064x}")
    for number in range(2):  # once more, and a picture: neither would be kept
        keep(b"\0\1\2%d" % number, f"{number:064x}")
    keep(b"GIF89a" + bytes(50), "f" * 64)
    names = sorted(path.name for path in (tmp_path / keeper.FOLDER).iterdir())
    assert names[:2] == [f"{0:064x}", f"{1:064x}"]
    (note,) = names[2:]
    assert note.startswith(keeper.LEFT)
    assert (tmp_path / keeper.FOLDER / note).read_text() == "4"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / keeper.FOLDER).iterdir())

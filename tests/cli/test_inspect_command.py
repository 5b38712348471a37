"""``kazami inspect``: forms, exit codes, what is written."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from kazami.cli import run
from kazami.cli.inspect import harmless

PE = b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(200)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing to see\n", "utf-8")
    (folder / "report.pdf.exe").write_bytes(PE)
    return folder


def test_lines_in_a_pipe(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(files)]) == 1
    rows = {Path(r["name"]).name: r for r in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "notes.txt": "clean",
        "report.pdf.exe": "suspicious",
    }
    proof = rows["report.pdf.exe"]["proofs"][0]
    assert (proof["rule"], proof["techniques"]) == ("name.double_extension", ["T1036.007"])
    assert len(rows["notes.txt"]["artifacts"][0]["sha256"]) == 64


def test_a_table_says_why(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(files), "--format", "table", "--lang", "ja"]) == 1
    said = capsys.readouterr()
    assert "疑わしい" in said.out
    assert "T1036.007" in said.out
    assert "1 疑わしい" in said.err


@pytest.mark.parametrize(
    ("words", "code"), [([], 1), (["--fail-on", "malicious"], 0), (["--fail-on", "informational"], 1)]
)
def test_exit_codes(files: Path, words: list[str], code: int) -> None:
    assert run(["inspect", str(files), *words]) == code


def test_what_is_not_there(files: Path) -> None:
    assert run(["inspect", str(files / "gone")]) == 3
    assert run(["inspect", ""]) == 2


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"%PDF-1.7\n%%EOF")))
    assert run(["inspect", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "pdf"


def test_names_that_are_written_do_no_harm() -> None:
    sha = "ab" * 32
    assert harmless(sha, "../../etc/passwd") == "abababababababab_passwd.bin"
    assert harmless(sha, "C:\\x\\a b\u202e.exe") == "abababababababab_a_b_.exe.bin"
    assert harmless(sha, "..") == "abababababababab.bin"
    assert len(harmless(sha, "a" * 5000)) < 120


def test_settings_of_the_operator(tmp_path: Path, files: Path) -> None:
    path = tmp_path / "kazami.toml"
    path.write_text('[content.mail]\nown_domains = ["example.co.jp"]\n', "utf-8")
    assert run(["inspect", str(files), "--config", str(path), "--fail-on", "malicious"]) == 0
    path.write_text("[content]\nmail = 1\n", "utf-8")
    assert run(["inspect", str(files), "--config", str(path)]) == 2


@pytest.mark.skipif(os.name == "nt", reason="rights of files are those of POSIX")
def test_the_cache_is_the_users_own(files: Path, tmp_path: Path) -> None:
    run(["inspect", str(files)])
    kept = tmp_path / "cache" / "kazami" / "verdicts.sqlite"
    assert kept.is_file()
    assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0

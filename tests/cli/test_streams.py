"""Pipes that close, streams that are full, and the words around the commands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kazami import __version__
from made import Bench, events
from program import Program

FULL = Path("/dev/full")


@pytest.fixture
def told(run: Program, bench: Bench) -> Program:
    """A case with many findings."""
    bench.put("a.jsonl", events(*range(0, 6000, 3)))
    bench.scan()
    return run


def left_early(run: Program, *words: str, lines: int = 1) -> tuple[int, str]:
    """Exit code and talk of a command whose reader leaves after some lines."""
    process = run.start(*words)
    assert process.stdout
    assert process.stderr
    for _ in range(lines):
        process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    return process.wait(60), err


@pytest.mark.parametrize(
    "words",
    [
        ("findings", "case"),
        ("findings", "case", "--format", "sarif"),
        ("sql", "case", "select * from range(1000000)", "--limit", "0"),
    ],
    ids=["findings", "sarif", "sql"],
)
def test_a_reader_that_leaves(told: Program, words: tuple[str, ...]) -> None:
    assert left_early(told, *words) == (0, "")


def test_a_reader_that_leaves_a_scan(told: Program, bench: Bench) -> None:
    """The work is done to its end, and its exit code counts."""
    code, err = left_early(told, "scan", "evidence", "--case", "case", "--fail-on", "high")
    assert code == 1
    assert "2,000 findings" in err
    assert (bench.case / "report.html").exists()


def test_a_reader_that_reads_nothing(told: Program) -> None:
    for words in (
        ("findings", "case"),
        ("rules", "list"),
        ("summary", "case"),
        ("--help",),
        ("--version",),
        ("doctor",),
    ):
        assert left_early(told, *words, lines=0)[0] == 0


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
def test_standard_output_that_takes_no_more(told: Program) -> None:
    for words in (
        ("findings", "case"),
        ("summary", "case"),
        ("report", "case"),
        ("sql", "case", "select 1"),
        ("rules", "list"),
        ("doctor",),
        ("--version",),
        ("scan", "evidence", "--case", "case"),
    ):
        with FULL.open("wb") as full:
            said = told.process(*words, stdout=full).ended(2)
        assert (
            said.err.splitlines()[-1] == "kazami: standard output: cannot be written: No space left on device"
        )


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
def test_talk_that_nobody_can_hear_changes_nothing(told: Program) -> None:
    with FULL.open("wb") as full:
        said = told.process("scan", "evidence", "--case", "case", "--fail-on", "high", stderr=full).ended(1)
        assert len(said.rows) == 2000
        told.process("findings", "nosuch", stderr=full).ended(2)
        told.process("nosuch", stderr=full).ended(2)


def test_closed_from_the_start(told: Program) -> None:
    said = told.process("scan", "evidence", "--case", "case", stdin=subprocess.DEVNULL).ended(0)
    assert len(said.rows) == 2000


def test_a_pipe_is_utf8_whatever_the_machine_speaks(
    run: Program, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put("風見.jsonl", events(0, User="検知 é"))
    for name in ("LANG", "LC_ALL"):
        monkeypatch.setenv(name, "C")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    monkeypatch.setenv("PYTHONUTF8", "0")
    said = run.process("scan", "evidence", "--case", "case", "--lang", "ja").ended(0)
    assert said.rows[0]["user"] == "検知 é"
    assert said.rows[0]["evidence"] == "evidence/風見.jsonl"


def test_the_version_and_help(run: Program) -> None:
    assert run("--version").ended(0).out == f"kazami {__version__}\n"
    for command in (
        (),
        ("scan",),
        ("findings",),
        ("summary",),
        ("report",),
        ("sql",),
        ("doctor",),
        ("rules",),
    ):
        said = run(*command, "--help").ended(0)
        assert said.out.startswith("Usage: ")
        assert said.err == ""


@pytest.mark.parametrize(
    "words", [(), ("rules",), ("nosuch",), ("rules", "nosuch"), ("--nosuch",), ("findings",), ("sql", "case")]
)
def test_words_that_make_no_command(run: Program, words: tuple[str, ...]) -> None:
    said = run(*words).ended(2)
    assert "Usage: " in said.err + said.out


def test_python_m(run: Program) -> None:
    assert run.process("--version").ended(0).out == f"kazami {__version__}\n"

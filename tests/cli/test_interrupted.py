"""Ctrl-C, kill -9, a full disk, two scans at once: nothing that was finished is lost, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

import kazami.cli
import made
from kazami.cli import program as commands
from kazami.errors import CaseError
from made import Bench, event, events
from program import Program

#: `kazami` that takes its time over each file, and gives results after every few events.
SLOW = """
import sys, time
from kazami.cli import main
from kazami.pipeline import reader, task
from kazami.sources import jsonl
feed, pause = jsonl.feed, float(sys.argv.pop(1))
def slow(evidence, columns):
    time.sleep(pause)
    yield from feed(evidence, columns)
jsonl.feed = slow
task.TASK_FILES, reader.FLUSH, reader.SETTLE = 2, 25, 15
reader.WHOLE = 25
main()
"""

COMMAND = ("scan", "evidence", "--case", "case", "--workers", "2")


def slowly(run: Program, *words: str, pause: float = 0.05) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(pause), *words],
        cwd=run.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.01)


def segments(case: Path) -> int:
    return len(list((case / "events").rglob("*.parquet"))) if case.exists() else 0


@pytest.fixture
def many(bench: Bench) -> made.Figures:
    """Forty files; what an undisturbed scan of them comes to."""
    for number in range(40):
        bench.put(f"{number:02}.jsonl", events(*range(10 * number, 10 * number + 10)))
    bench.put("copy.jsonl", events(*range(7)))
    bench.put("broken.jsonl", made.lines(events(900)) + b"{oops\n")
    case = bench.folder / "undisturbed"
    bench.scan(Path("evidence"), case=case, workers=2)
    return made.figures(case)


@pytest.fixture
def ended() -> Iterator[Callable[[subprocess.Popen[bytes]], subprocess.Popen[bytes]]]:
    """Whatever a test starts is ended with it."""
    started: list[subprocess.Popen[bytes]] = []

    def remember(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        started.append(process)
        return process

    yield remember
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def stored(bench: Bench) -> int:
    """Segments that count: files may be there that no commit has named."""
    try:
        return int(bench.ask("select count(*) as n from segment")[0]["n"])
    except CaseError:
        return 0


Remember = Callable[[subprocess.Popen[bytes]], subprocess.Popen[bytes]]


def test_ctrl_c(run: Program, bench: Bench, many: made.Figures, ended: Remember) -> None:
    process = ended(slowly(run, *COMMAND, pause=0.3))
    until(lambda: stored(bench) >= 3)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"stopped before all evidence was read; the same command goes on from here" in b" ".join(
        err.split()
    )
    assert b"Traceback" not in err
    found = out.count(b"\n")
    assert 0 < found < many.found
    assert bench.figures().found == found
    before = stored(bench)
    said = run(*COMMAND).ended(0)
    assert len(said.rows) == many.found
    assert bench.figures() == many
    assert stored(bench) > before
    assert bench.ask("select state from run order by id") == [{"state": "stopped"}, {"state": "done"}]


@pytest.mark.parametrize("kills", [1, 3])
def test_kill(run: Program, bench: Bench, many: made.Figures, ended: Remember, kills: int) -> None:
    for _ in range(kills):
        before = segments(bench.case)
        process = ended(slowly(run, *COMMAND))
        until(lambda before=before: segments(bench.case) >= before + 3)  # type: ignore[misc]
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert run("sql", "case", "select count(*) as n from event").ended(0).rows[0]["n"] <= many.events
    said = run(*COMMAND).ended(0)
    assert len(said.rows) == many.found
    assert bench.figures() == many
    assert list((bench.case / "staging").iterdir()) == []
    done = bench.ask("select count(*) as n from (select distinct evidence from part where done)")
    assert done == [{"n": 42}]


def test_kill_of_the_parent_alone(run: Program, bench: Bench, many: made.Figures, ended: Remember) -> None:
    """Its workers end with it, and nobody holds the case."""
    process = ended(slowly(run, *COMMAND))
    until(lambda: segments(bench.case) >= 3)
    process.kill()
    process.communicate()
    run(*COMMAND).ended(0)
    assert bench.figures() == many


def test_two_scans_at_once(run: Program, bench: Bench, many: made.Figures, ended: Remember) -> None:
    first = ended(slowly(run, *COMMAND, "--password", "s3cret"))
    until(lambda: segments(bench.case) >= 1)
    said = run(*COMMAND).ended(2)
    assert f"kazami: case: is being written by process {first.pid} (kazami scan evidence" in said.err
    assert "s3cret" not in said.err
    assert said.out == ""
    rows = run("sql", "case", "select count(*) as n from event").ended(0).rows  # reading is for everybody
    assert rows[0]["n"] <= many.events
    assert "findings" in run("summary", "case").ended(0).out
    _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert bench.figures() == many
    run(*COMMAND).ended(0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A small disk, of a size that can be changed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")

    def mount(size: str, *more: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *more]), "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], check=False, capture_output=True)


@pytest.mark.parametrize("size", ["300k", "1m"])
def test_a_full_disk(run: Program, bench: Bench, disk: Callable[..., Path], size: str) -> None:
    path = bench.put("a.jsonl", [event(n, CommandLine=os.urandom(600).hex()) for n in range(1500)])
    folder = disk(size)
    case = folder / "case"
    for _ in range(2):
        said = run("scan", "evidence", "--case", case).ended(2)
        assert said.err.splitlines()[-1].startswith(f"kazami: {case}")
        assert "space" in said.err.lower()
        assert "Traceback" not in said.err
    disk("50m", "remount")
    said = run("scan", "evidence", "--case", case).ended(0)
    assert len(said.rows) == 500
    bench.scan(Path("evidence") / path.name)
    assert made.figures(case) == bench.figures()


def test_ctrl_c_at_any_other_moment(run: Program, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    bench.put("a.jsonl", events(0))
    for module, name in (
        ("kazami.pipeline.scan", "load"),
        ("kazami.pipeline.scan", "blind"),
        ("kazami.cli.output", "present"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(import_module(module), name, stop)
            said = run("scan", "evidence", "--case", "case").ended(130)
            assert said.err.endswith("kazami: stopped\n")
            assert said.out == ""
    monkeypatch.setattr(commands, "run", stop)
    assert kazami.cli.run(["scan", "evidence"]) == 130
    monkeypatch.undo()
    assert bench.figures().found == 1


def test_ctrl_c_while_a_question_is_answered(run: Program, bench: Bench, ended: Remember) -> None:
    bench.put("a.jsonl", events(0))
    bench.scan()
    query = "select count(*) from range(1000000000) a, range(1000) b where hash(a.range) = hash(b.range) + 1"
    process = ended(run.start("sql", "case", query))
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err

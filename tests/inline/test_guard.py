"""Who watches the program on the line: what it does where that is silent, gone, or ends by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from kazami.cli.guard import main
from kazami.inline import guard

ALIVE, ENDED = b"....", b"..q"


@pytest.mark.parametrize(
    ("said", "closes", "ends_it", "cleans"),
    [(ALIVE, False, True, True), (b"", False, True, True), (ALIVE, True, False, True), (ENDED, True, False, False)],
    ids=["stands still", "never began", "was killed", "ended by itself"],
)  # fmt: skip
def test_what_is_done(
    monkeypatch: pytest.MonkeyPatch, said: bytes, closes: bool, ends_it: bool, cleans: bool
) -> None:
    cleaned: list[int] = []
    monkeypatch.setattr(guard, "_cleaned", cleaned.append)
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    source, sink = os.pipe()
    os.write(sink, said)
    if closes:
        os.close(sink)
    assert guard.watch(source, 7, program.pid, silence=0.1) == ends_it
    assert cleaned == [7] * cleans
    program.communicate(b"\n")
    assert (program.returncode == -signal.SIGKILL) == ends_it


def test_that_it_ended_the_program_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kazami.cli.guard.watch", lambda source, number, program: number == 7)
    kept = [(one, signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    try:
        main(8, 1)
        assert capsys.readouterr().err == ""
        main(7, 1)
        assert "everything passes" in capsys.readouterr().err
    finally:
        for one, handler in kept:
            signal.signal(one, handler)

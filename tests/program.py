"""The program as people use it: in this process where that tells the same, as a process of its own, on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import kazami.cli


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """Standard error with lines that were broken made whole."""
        return " ".join(self.err.split())

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def ended(self, code: int) -> Said:
        """Assert how it ended."""
        assert self.code == code, f"{self.code}, not {code}: {self.err}"
        return self


class Program:
    """Runs `kazami` in a folder of its own, with no settings but those that a test writes."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *words: str | Path) -> Said:
        """In this process."""
        self._capture.readouterr()
        code = kazami.cli.run([str(word) for word in words])
        return Said(code, *self._capture.readouterr())

    def start(self, *words: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        """As a process, with pipes, that runs on."""
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True, **more}
        return subprocess.Popen(self._command(words), cwd=self.folder, **given)

    def process(self, *words: str | Path, **more: Any) -> Said:
        """As a process, to its end."""
        with self.start(*words, **more) as process:
            out, err = process.communicate(timeout=120)
        return Said(process.returncode, (out or b"").decode(), (err or b"").decode())

    def terminal(self, *words: str | Path, columns: int = 120) -> Said:
        """As a process whose standard output and standard error are two terminals."""
        (out, theirs_out), (err, theirs_err) = pty.openpty(), pty.openpty()
        size = {"COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color"}
        process = subprocess.Popen(
            self._command(words),
            cwd=self.folder,
            stdout=theirs_out,
            stderr=theirs_err,
            env={**os.environ, **size},
        )
        os.close(theirs_out)
        os.close(theirs_err)
        said = _both(out, err)
        return Said(
            process.wait(30),
            *(text.decode("utf-8", "backslashreplace").replace("\r\n", "\n") for text in said),
        )

    @staticmethod
    def _command(words: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "kazami", *map(str, words)]


def _both(out: int, err: int) -> tuple[bytes, bytes]:
    said = {out: b"", err: b""}
    still = {out, err}
    end = time.monotonic() + 60
    while still and time.monotonic() < end:
        for one in select.select(list(still), [], [], 1)[0]:
            try:
                more = os.read(one, 1 << 16)
            except OSError:  # so does a terminal say that nobody holds it any more
                more = b""
            if not more:
                still.discard(one)
                os.close(one)
            said[one] += more
    assert not still, "the program never let go of its terminal"
    return said[out], said[err]

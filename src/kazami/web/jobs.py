"""Evidence that was handed over by browser, and the scans of it: one at a time for each case."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from kazami.errors import KazamiError, UsageError
from kazami.web.scanning import Line, Order

#: Scans that are remembered.
KEPT = 50


@dataclass(slots=True)
class Job:
    """One scan of what was handed over together. `line` is how it stands."""

    uid: str
    desk: str
    tenant: str
    folder: Path
    who: str
    files: int
    line: Line = field(default_factory=lambda: Line("waiting"))
    process: subprocess.Popen[bytes] | None = None
    stopping: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens unless somebody asks for it."""
        return self.line.state in ("done", "stopped", "failed")


class Jobs:
    """The scans of a console."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def of(self, desk: str) -> list[Job]:
        """The scans of a case, the newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.desk == desk]

    def one(self, desk: str, uid: str) -> Job | None:
        """A scan by its id."""
        job = self._jobs.get(uid)
        return job if job is not None and job.desk == desk else None

    def add(self, desk: str, tenant: str, folder: Path, who: str, files: int) -> Job:
        """A scan that waits to be started."""
        job = Job(secrets.token_hex(8), desk, tenant, folder, who, files)
        with self._lock:
            self._jobs[job.uid] = job
            over = [uid for uid, one in self._jobs.items() if one.is_over]
            for uid in over[: max(len(self._jobs) - KEPT, 0)]:
                del self._jobs[uid]
        return job

    def start(self, job: Job, case: Path, directory: Path | None, done: Callable[[], None]) -> None:
        """Start a scan, or go on with it; `done` is called at its end. Raises UsageError where another one runs."""
        with self._lock:
            if any(one.desk == job.desk and one.line.state == "running" for one in self._jobs.values()):
                raise UsageError("another scan of this case is running; wait for its end, or stop it")
            job.line, job.stopping = Line("running"), False
        order = Order(str(case), str(job.folder), job.tenant, str(directory) if directory else None)
        command = [sys.executable, "-m", "kazami.web.scanning", msgspec.json.encode(order).decode()]
        job.process = subprocess.Popen(  # noqa: S603 - ourselves
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        threading.Thread(target=_followed, args=(job, done), daemon=True).start()

    def stop(self, job: Job) -> None:
        """Ask a scan to stop; what it has read is kept."""
        if job.process is not None and job.process.poll() is None:
            job.stopping = True
            job.process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Stop all scans, and wait for them."""
        for job in list(self._jobs.values()):
            self.stop(job)
        for job in list(self._jobs.values()):
            if job.process is not None:
                try:
                    job.process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    job.process.kill()


def _followed(job: Job, done: Callable[[], None]) -> None:
    """Take down what a scan says until it ends; one that says nothing at its end has failed."""
    assert job.process is not None
    assert job.process.stdout is not None
    last = job.line
    with job.process:
        for text in job.process.stdout:
            last = msgspec.json.decode(text, type=Line)
            if last.state == "running":
                job.line = last
    try:
        done()
    except KazamiError as error:
        last = msgspec.structs.replace(last, said=f"{last.said} {error}".strip())
    if last.state == "running":  # it had no time to say how it ended
        state, said = ("stopped", last.said) if job.stopping else ("failed", "it ended without a word")
        last = msgspec.structs.replace(last, state=state, said=said)
    job.line = last

"""One hostile program in a cage of the kernel's: namespaces by bubblewrap, its system calls noted by strace, its limits watched from outside.

    outcome = run(Program(("/bin/sh", "/home/user/x.sh"), {"/home/user/x.sh": data}), Limits())

Never as root: where we are, the uid is given up before anything else, because the kernel does not bind root's processes. No network, nothing of the machine but
a read-only ``/usr``, file systems in memory, and every process ended with the cage. `proof.reason` tries all of this before anything hostile may run.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kazami.engine.jail import watch
from kazami.engine.jail.collect import written

#: Programs it cannot do without.
NEEDS = ("bwrap", "strace", "setpriv", "prlimit")
_NOBODY = 65534
HOME = "/home/user"
_TRACED = (
    "execve,execveat,open,openat,creat,unlink,unlinkat,rename,renameat,renameat2,chmod,fchmodat,connect,sendto,sendmsg,sendmmsg,"
    "fork,vfork,clone,clone3,ptrace,memfd_create"
)
_SLEEPS = "nanosleep,clock_nanosleep"
_FOLDERS = ("/tmp", HOME, "/etc", "/var/tmp", "/var/spool", "/root", "/opt")  # noqa: S108 - inside, in memory
_LINKS = ("bin", "sbin", "lib", "lib64")
_GRACE = 2.0  # seconds for what a program leaves running
_QUIET = 0.3  # seconds without a call after which nothing is left running


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` of a clock, `processes` at a time, bytes of address space of one (`space`) and of memory of all (`memory`), of one
    file (`file`) and of each folder (`folder`), and of what strace notes (`log`)."""

    seconds: float = 20.0
    processes: int = 32
    space: int = 384 << 20
    memory: int = 512 << 20
    file: int = 16 << 20
    folder: int = 32 << 20
    log: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, the files that lie there (bytes by path inside), and symbolic links (target by path)."""

    command: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    path: str = "/usr/bin:/bin"


@dataclass(slots=True)
class Outcome:
    """`log` is what strace noted, `ended` why it was ended ("" where it came to its end), `files` what it left behind, `lost` why some of
    that is missing; `processes` and `memory` are the most there were at once, `left` how many outlived the cage, `uid` whose it was, seen from outside."""

    log: bytes = b""
    ended: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    lost: str = ""
    processes: int = 0
    memory: int = 0
    left: int = 0
    uid: int | None = None


def missing() -> list[str]:
    """Programs that are not here."""
    return [name for name in NEEDS if shutil.which(name) is None]


def run(program: Program, limits: Limits) -> Outcome:
    """Run it to its end or its limits. Raises OSError where the cage cannot be built."""
    outcome = Outcome()
    with _pipe() as (pipe, reader), _data(program.files) as handles:
        command = [
            *_rights(),
            *_trace(pipe),
            *_walls(program, handles, limits),
            *_bounds(limits),
            *_kept(program),
        ]
        process = subprocess.Popen(  # noqa: S603 - our own command; the program is inside
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            pass_fds=tuple(handles.values()),
            start_new_session=True,
        )
        try:
            _follow(process, reader, program, limits, outcome)
        finally:
            outcome.left = watch.end(process)
    return outcome


def _rights() -> list[str]:
    """Without root's rights, and ended when we are."""
    drop = (
        [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--inh-caps=-all"]
        if os.geteuid() == 0
        else []
    )
    return ["setpriv", "--no-new-privs", "--pdeathsig=KILL", *drop]


def _trace(pipe: str) -> list[str]:
    return ["strace", "-f", "-q", "-y", "-s", "1000", "-a", "1", "-o", pipe, "-e", f"trace={_TRACED},{_SLEEPS}", "-e", f"inject={_SLEEPS}:retval=0"]  # fmt: skip


def _walls(program: Program, handles: Mapping[str, int], limits: Limits) -> list[str]:
    found = [
        "bwrap",
        "--unshare-all",
        "--unshare-user",
        "--disable-userns",
        "--cap-drop",
        "ALL",
        "--clearenv",
        "--die-with-parent",
        "--new-session",
    ]
    found += ["--uid", "1000", "--gid", "1000", "--hostname", "pc-14", "--ro-bind", "/usr", "/usr"]
    for name in _LINKS:
        if Path(f"/usr/{name}").exists():
            found += ["--symlink", f"usr/{name}", f"/{name}"]
    found += ["--proc", "/proc", "--dev", "/dev"]
    for folder in _FOLDERS:
        found += ["--size", str(limits.folder), "--tmpfs", folder]
    found += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
    for path, handle in handles.items():
        found += ["--perms", "0755", "--file", str(handle), path]
    for path, target in program.links.items():
        found += ["--symlink", target, path]
    for name, value in {"HOME": HOME, "USER": "user", "LANG": "C.UTF-8", "PATH": program.path}.items():
        found += ["--setenv", name, value]
    return [*found, "--chdir", HOME]


def _bounds(limits: Limits) -> list[str]:
    cpu = int(limits.seconds) + 1
    return ["prlimit", f"--nproc={limits.processes}", f"--as={limits.space}", f"--fsize={limits.file}", f"--cpu={cpu}", "--nofile=64", "--core=0"]  # fmt: skip


def _kept(program: Program) -> list[str]:
    """A shell that starts it, and then keeps the cage open until what was written is collected."""
    return [
        "/bin/sh",
        "-c",
        '"$@" </dev/null >/dev/null 2>&1; exec cat >/dev/null 2>&1',
        "keeper",
        *program.command,
    ]


@contextmanager
def _pipe() -> Iterator[tuple[str, int]]:
    """A named pipe that strace may write to, and our end of it."""
    folder = tempfile.mkdtemp(prefix="kazami-jail-")
    try:
        path = f"{folder}/log"
        os.mkfifo(path, 0o600)
        if os.geteuid() == 0:
            os.chown(path, _NOBODY, _NOBODY)
            os.chown(folder, _NOBODY, _NOBODY)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            yield path, reader
        finally:
            os.close(reader)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _data(files: Mapping[str, bytes]) -> Iterator[dict[str, int]]:
    """Handles from which bubblewrap reads the files; in memory, with no name."""
    handles: dict[str, int] = {}
    try:
        for path, data in files.items():
            handles[path] = handle = os.memfd_create("kazami")
            with os.fdopen(os.dup(handle), "wb") as file:
                file.write(data)
            os.lseek(handle, 0, os.SEEK_SET)
        yield handles
    finally:
        for handle in handles.values():
            os.close(handle)


def _follow(
    process: subprocess.Popen[bytes], reader: int, program: Program, limits: Limits, outcome: Outcome
) -> None:
    """Read what strace notes until the program has ended, was ended, or the cage is gone."""
    until = time.monotonic() + limits.seconds
    pieces, size, kept, heard = [], 0, 0, time.monotonic()
    finished = 0.0
    while True:
        now = time.monotonic()
        piece = _piece(reader)
        if piece:
            pieces.append(piece)
            size, heard = size + len(piece), now
            if not kept and (kept := watch.keeper(pieces)):
                outcome.uid = watch.owner(kept)
            finished = finished or (now if kept and watch.has_finished(pieces, kept) else 0.0)
        elif process.poll() is not None:
            break
        use = watch.usage(process.pid)
        outcome.processes = max(outcome.processes, use.processes)
        outcome.memory = max(outcome.memory, use.memory)
        outcome.ended = _over(limits, now > until, size, use)
        if outcome.ended or (finished and (now - heard > _QUIET or now - finished > _GRACE)):
            break
    outcome.log = b"".join(pieces)[: limits.log]
    if kept:
        outcome.files, outcome.lost = written(kept, _FOLDERS, program.files)
    elif not outcome.ended:
        said = (
            process.stderr.read(500).decode("utf-8", "replace")
            if process.stderr and process.poll() is not None
            else ""
        )
        raise OSError(f"the cage could not be built: {said.strip() or 'nothing was started in it'}")


def _piece(reader: int) -> bytes:
    """What is there to read, within a tenth of a second."""
    ready, _, _ = select.select([reader], [], [], 0.1)
    if not ready:
        return b""
    try:
        found = os.read(reader, 1 << 20)
    except BlockingIOError:
        return b""
    if not found:  # nobody writes, not yet or no more
        time.sleep(0.01)
    return found


def _over(limits: Limits, late: bool, log: int, use: watch.Usage) -> str:
    if late:
        return "out of time"
    if log > limits.log:
        return f"more than {limits.log >> 20} MB of system calls"
    if use.memory > limits.memory:
        return f"more than {limits.memory >> 20} MB of memory"
    return ""

"""Does the cage hold? Tried, not assumed: before anything hostile runs, and in ``kazami doctor``."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kazami.engine.jail import HOME, Limits, Outcome, Program, missing, run

_LIMITS = Limits(seconds=10.0, processes=24, space=64 << 20, memory=96 << 20, file=1 << 20, folder=2 << 20)
_BOMB = Limits(seconds=10.0, processes=24, space=64 << 20)
_OWN = (
    6  # processes of the cage itself that are counted too: strace, bubblewrap, its first process, the shell
)
_SCRIPT, _SAID = f"{HOME}/proof.sh", f"{HOME}/said"

#: Says what it sees; each line is one answer.
_LOOK = """
echo "uid $(id -u)"
echo "root $(readlink /proc/self/ns/user)"
echo "net $(readlink /proc/self/ns/net)"
for link in /proc/$$/fd/*; do printf 'fd '; readlink $link || echo; done
env | while read line; do echo "env $line"; done
for place in /usr /usr/bin /bin; do (echo x > $place/kazami-proof) 2>/dev/null && echo "wrote $place"; done
[ -e OUTSIDE ] && echo "sees OUTSIDE"
command -v bash >/dev/null && bash -c 'exec 3<>/dev/tcp/127.0.0.1/PORT' 2>/dev/null && echo "reached PORT"
unshare --user true 2>/dev/null && echo "unshared"
echo "done"
"""
#: More than a file, than a folder, and than a process may have.
_HOARD = """
n=0
while [ $n -lt 8 ]; do head -c 1000000 /dev/zero > /tmp/$n && n=$((n+1)) || break; done
echo "files $n"
head -c 2000000 /dev/zero > /var/tmp/large
head -c 1000000000 /dev/zero | tail > /dev/null && echo "remembered"
echo "done"
"""
_FORKS = "bomb() { bomb | bomb & }; bomb; wait"
_ENVIRONMENT = {"USER", "HOME", "PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}


@cache
def reason() -> str:
    """Why nothing hostile may run here; "" where all that was tried held."""
    if sys.platform != "linux":
        return "only Linux has what the cage is built of"
    if lacking := missing():
        return f"{', '.join(lacking)} not installed"
    try:
        return next(_faults(), "")
    except OSError as error:
        return str(error)


def _faults() -> Iterator[str]:
    yield from _seen_inside()
    hoard = _run(_HOARD, _LIMITS)
    said = _said(hoard)
    if "done" not in said and "memory" not in hoard.ended:
        yield f"the proof of memory did not come to its end: {hoard.ended or 'killed'}"
    if "remembered" in said or hoard.memory > 2 * _LIMITS.memory:
        yield "memory is not bounded"
    if any(line in said for line in ("files 3", "files 4", "files 5", "files 6", "files 7", "files 8")):
        yield "the space for files is not bounded"
    if any(len(data) > _LIMITS.file for data in hoard.files.values()):
        yield "the size of a file is not bounded"
    bomb = _run(_FORKS, _BOMB)
    if bomb.processes > _BOMB.processes + _OWN:
        yield f"{bomb.processes} processes at once, {_BOMB.processes} allowed"
    if b"= -1 EAGAIN" not in bomb.log:
        yield "no process was refused, however many were wanted"
    if bomb.left or hoard.left:
        yield f"{bomb.left + hoard.left} processes outlived the cage"


def _seen_inside() -> Iterator[str]:
    """What a script sees of us: nothing."""
    with (
        tempfile.NamedTemporaryFile(prefix="kazami-proof-") as outside,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        os.set_inheritable(outside.fileno(), True)
        script = _LOOK.replace("OUTSIDE", outside.name).replace("PORT", str(server.getsockname()[1]))
        outcome = _run(script, _LIMITS)
    said = _said(outcome)
    if outcome.uid in (0, None):
        yield "it runs as root, or nobody can say as whom"
    words = [line.partition(" ") for line in said]
    if "done" not in said:
        yield "the proof did not come to its end"
    for what, _, value in words:
        yield from _fault(what, value)
    if not any(what == "uid" for what, _, _ in words) or not any(what == "net" for what, _, _ in words):
        yield "the proof did not say who it is"


def _fault(what: str, value: str) -> Iterator[str]:
    """What is wrong with one answer."""
    if what == "uid" and value == "0":
        yield "it believes to be root"
    if what == "net" and value in ("", _link("net")):
        yield "it shares our network"
    if what == "root" and value in ("", _link("user")):
        yield "it shares our users"
    if what == "fd" and value not in ("", "/dev/null", _SAID, _SCRIPT):
        yield f"it has an open file of ours: {value}"
    if what == "env" and value.partition("=")[0] not in _ENVIRONMENT:
        yield f"it has a variable of ours: {value.partition('=')[0]}"
    if what in ("wrote", "sees", "reached", "unshared"):
        yield f"it {what} {value}".strip()


def _link(space: str) -> str:
    return str(Path(f"/proc/self/ns/{space}").readlink())


def _run(script: str, limits: Limits) -> Outcome:
    body = f"exec > {_SAID} 2>/dev/null\n{script}"
    return run(Program(("/bin/sh", _SCRIPT), {_SCRIPT: body.encode()}), limits)


def _said(outcome: Outcome) -> list[str]:
    return outcome.files.get(_SAID, b"").decode("utf-8", "replace").splitlines()

"""The cage holds, and its proof notices where it does not."""

from __future__ import annotations

import os
from typing import Any

import pytest

from kazami.engine import jail
from kazami.engine.jail import Limits, Outcome, Program, collect, proof, watch

SCRIPT = "/home/user/x.sh"


def run(body: str, **limits: Any) -> Outcome:
    return jail.run(Program(("/bin/sh", SCRIPT), {SCRIPT: body.encode()}), Limits(**limits))


@pytest.fixture
def cage() -> None:
    if why := proof.reason():
        pytest.skip(f"no cage: {why}")


def tried_again() -> str:
    """The proof, not what it said before."""
    return proof.reason.__wrapped__()


def test_it_proves_itself() -> None:
    if missing := jail.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    why = proof.reason()
    if "could not be built" in why:
        pytest.skip(why)
    assert why == ""


def test_what_is_written_is_collected_and_names_lead_nowhere(cage: None) -> None:
    outcome = run(
        "ln -s /etc/hostname /tmp/link; mkfifo /tmp/pipe; mkdir -p /tmp/a/b; echo hello > /tmp/a/b/c; ln -s /proc /tmp/away"
    )
    assert outcome.files == {"/tmp/a/b/c": b"hello\n"}
    assert (outcome.ended, outcome.left, outcome.lost) == ("", 0, "")
    assert outcome.uid


def test_time_log_and_memory_end_it(cage: None) -> None:
    assert run("while :; do :; done", seconds=0.7).ended == "out of time"
    assert "system calls" in run("while :; do : > /dev/null; done", log=50_000).ended
    several = "hold() { head -c 30000000 /dev/zero | tail | read x; }; hold & hold & hold & hold & wait"
    assert run(several, memory=40 << 20).ended == "more than 40 MB of memory"


def test_what_is_left_running_is_ended(cage: None) -> None:
    outcome = run("(while :; do :; done) & (trap '' TERM HUP; while :; do :; done) & exit 0", seconds=20.0)
    assert (outcome.ended, outcome.left) == ("", 0)


@pytest.mark.parametrize(
    ("without", "put", "why"),
    [
        ("--unshare-all", ["--unshare-pid", "--unshare-uts"], "it shares our network"),
        ("--clearenv", [], "it has a variable of ours: PATH_OF_OURS"),
        ("--ro-bind", ["--bind"], "it wrote"),
    ],
)
def test_the_proof_notices_a_hole(
    cage: None, monkeypatch: pytest.MonkeyPatch, without: str, put: list[str], why: str
) -> None:
    whole = jail._walls

    def holed(*given: Any) -> list[str]:
        found = whole(*given)
        at = found.index(without)
        extra = ["--setenv", "PATH_OF_OURS", "x"] if without == "--clearenv" else []
        return [*found[:at], *put, *found[at + 1 :], *extra]

    if without == "--ro-bind":
        monkeypatch.setattr(proof, "_LOOK", proof._LOOK.replace("/usr /usr/bin /bin", "/tmp"))
    else:
        monkeypatch.setattr(jail, "_walls", holed)
    assert tried_again().startswith(why)


def test_the_proof_notices_what_is_not_bounded(cage: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_seen_inside", lambda: iter(()))
    monkeypatch.setattr(proof, "_HOARD", proof._HOARD.replace("1000000000", "1000"))
    assert tried_again() == "memory is not bounded"
    monkeypatch.setattr(proof, "_HOARD", "echo done")
    monkeypatch.setattr(proof, "_OWN", -23)  # one at once would be too many
    assert tried_again().endswith("24 allowed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_the_proof_notices_root(cage: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "_rights", lambda: ["setpriv", "--no-new-privs", "--pdeathsig=KILL"])
    assert tried_again().startswith("it runs as root")


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "missing", lambda: ["bwrap", "strace"])
    assert tried_again() == "bwrap, strace not installed"


def test_a_cage_that_cannot_be_built_says_why(cage: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "_rights", lambda: ["/bin/sh", "-c", "echo no room >&2; exit 1"])
    with pytest.raises(OSError, match="no room"):
        run("true", seconds=5.0)


def test_processes_that_are_gone_use_nothing() -> None:
    assert watch.usage(2**22 + 1) == watch.Usage(0, 0)
    assert watch.owner(os.getpid()) == os.getuid()
    assert collect.written(2**22 + 1, ("/tmp",), {})[1] == "the cage was gone before its files were collected"

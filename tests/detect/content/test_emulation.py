"""Windows programs of our own, emulated: what they do is seen, the honest ones are left alone, and everything has an end."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

import emulation_vectors as vectors
from kazami.detect.content.emulation import analyze, behavior, confidence, judgment, version, windows
from kazami.detect.content.emulation.arguments import answer, signature
from kazami.detect.content.emulation.noting import bare, key_of, path_of, program_of
from kazami.detect.content.emulation.record import Record
from kazami.model.content import Limits, Scope
from kazami.pipeline.inspect import Submission, Wish, inspect
from program_writer import Raw, call, method, program

pytestmark = pytest.mark.skipif(find_spec("speakeasy") is None, reason="speakeasy-emulator is not installed")

_SECONDS = 60.0  # these take a tenth of one, and machines may be busy


def run(data: bytes, seconds: float = _SECONDS) -> Record:
    return windows.run(data, "sample.exe", seconds)


def seen(record: Record) -> set[str]:
    return {feature.name for feature in behavior.features(record)}


@pytest.mark.parametrize(("name", "bits"), [*zip(vectors.BEHAVIOR, (32, 64) * 99, strict=False)])
def test_what_it_does_is_seen(name: str, bits: int) -> None:
    record = run(vectors.sample(name, bits))  # the benchmark has all in both
    assert not record.ended
    assert vectors.BEHAVIOR[name][1] <= seen(record)


@pytest.mark.parametrize("name", vectors.HONEST)
def test_honest_programs_are_left_alone(name: str) -> None:
    record = run(vectors.sample(name))
    assert not record.ended
    assert seen(record) <= {"behavior.contacts"}


@pytest.mark.parametrize("name", vectors.HOSTILE)
def test_everything_has_an_end(name: str) -> None:
    data, reason = vectors.HOSTILE[name]
    record = run(data, 0.5 if reason == "out of time" else _SECONDS)
    assert (reason in record.ended) if reason else not record.ended


def test_a_library_is_entered_by_what_it_exports() -> None:
    record = run(vectors.sample("run key", 64, export="Install"))
    assert "behavior.run_key" in seen(record)
    assert not record.ended


def test_shellcode_finds_its_way_whatever_ran_before() -> None:
    for bits in (64, 32):
        data = vectors.SHELLCODE[bits]
        assert confidence(data, "x.bin") == 1.0
        record = windows.run(data, "x.bin", _SECONDS)
        assert [act["CommandLine"] for act in record.acts] == ["calc.exe"]
        assert not record.ended


def test_what_is_no_shellcode_is_not_run() -> None:
    assert confidence(b"\0" * 500, "x.bin") == 0.0
    assert analyze(vectors.SHELLCODE[32], Scope(kind="zip")).children == ()


def test_the_log_says_how_it_ended_and_all_calls_in_order() -> None:
    lines = [json.loads(line) for line in run(vectors.sample("dropped and started")).log().splitlines()]
    assert lines[0]["ended"] == "by itself"
    assert [line["call"].partition(".")[2] for line in lines if "call" in line] == [
        "CreateFileA",
        "WriteFile",
        "CloseHandle",
        "WinExec",
    ]
    assert (
        run(vectors.sample("dropped and started")).log() == run(vectors.sample("dropped and started")).log()
    )


def test_sleeps_take_no_time_and_clocks_go_on() -> None:
    record = run(program([call("kernel32", "Sleep", 5_000), call("kernel32", "GetTickCount")]))
    assert record.slept == 5.0
    ticks = [line for line in record.log().splitlines() if b"GetTickCount" in line and b"returned" in line]
    assert int(json.loads(ticks[0])["returned"], 16) > 86_400_000 + 5_000


def test_calls_that_nobody_knows_return_with_the_stack_as_it_was() -> None:
    odd = [call("advapi32", "InitiateSystemShutdownExA", 0, 0, 0, 0, 0, 0)] * 5
    record = run(program([*odd, call("kernel32", "WinExec", "notepad.exe", 0)]))
    assert record.unknown.total() == 5
    assert [act.category for act in record.acts] == ["process_creation"]
    assert not record.ended


def test_a_call_in_which_the_emulator_fails_is_counted_and_the_run_goes_on() -> None:
    nowhere = call("kernel32", "CreateProcessA", "C:\\x.exe", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    record = run(program([nowhere, call("kernel32", "WinExec", "notepad.exe", 0)]))
    assert record.failed == {"kernel32.CreateProcessA": 1}
    assert record.acts[-1]["CommandLine"] == "notepad.exe"
    assert not record.ended


def test_numbers_of_arguments() -> None:
    assert signature("advapi32", "RegSetValueExW", wide=False) == ("stdcall", 6)
    assert signature("kernel32", "GetFinalPathNameByHandleW", wide=False) == ("stdcall", 4)
    assert signature("ucrtbase", "_unheard_of", wide=False) == ("cdecl", 4)
    assert signature("odd", "Unheard", wide=False) is None
    assert signature("odd", "Unheard", wide=True) == ("stdcall", 4)
    assert (answer("RegFlushKey"), answer("NtClose"), answer("SetFileAttributesW")) == (0, 0, 1)


def test_words_of_sysmon() -> None:
    assert program_of('"C:\\Program Files\\a b.exe" /x') == "C:\\Program Files\\a b.exe"
    assert (
        program_of("powershell -enc AA") == "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
    )
    assert program_of('odd "quote') == "C:\\Windows\\System32\\odd.exe"
    assert program_of("") == "C:\\Windows\\System32\\unknown.exe"
    assert path_of("a.txt") == "C:\\Users\\k.tanaka\\Desktop\\a.txt"
    assert path_of("\\\\?\\C:\\x") == "C:\\x"
    assert key_of("HKEY_LOCAL_MACHINE\\Software\\X") == "HKLM\\Software\\X"
    assert (bare("kernel32.CreateFileW"), bare("kernel32.OpenA"), bare("x.SHA")) == (
        "CreateFile",
        "Open",
        "SHA",
    )


RULE = """
title: Emulated test rule
id: 6f5a4f0e-3f4e-4c58-9a3e-5f2b6c9d0a11
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endswith: '\\schtasks.exe', CommandLine|contains: ' /create '}
  condition: selection
level: critical
tags: [attack.t1053.005]
"""


def test_sigma_rules_judge_it_as_they_judge_a_process(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE, "utf-8")
    settings = {"sigma.rules": (str(tmp_path),)}
    assert version(settings) != version({})
    found = list(judgment.features(run(vectors.sample("scheduled task")), judgment.rules(settings)))
    (ours,) = [feature for feature in found if feature.rule == "6f5a4f0e-3f4e-4c58-9a3e-5f2b6c9d0a11"]
    assert ours.level == "high"  # nothing that was only emulated decides alone
    assert ours.techniques == ("T1053.005",)
    assert "CommandLine=schtasks /create" in ours.value


def test_inspected_with_what_it_drops_and_incomplete_where_it_ended_early() -> None:
    wish = Wish(Limits(emulation_seconds=30.0), emulate=True)
    dropper, odd = vectors.sample("fetched by wininet and started"), vectors.HOSTILE["unknown call"][0]
    given = [Submission("a.exe", data=dropper), Submission("b.exe", data=odd)]
    first, second = sorted(inspect(given, wish), key=lambda one: one.name)
    assert first.verdict.word == "suspicious"
    assert [one.relation for one in first.looked[1:3]] == ["dropped", "object"]
    assert first.looked[1].place == "a.exe!C:\\Users\\Public\\update.exe"
    assert "emulate" in first.looked[0].analyzers
    assert second.verdict.word == "incomplete"
    assert "ended early: the call unheardof.DoSomethingOdd is not known" in second.verdict.gaps[0].reason


@pytest.mark.parametrize("bits", [32, 64])
def test_objects_of_com_are_called_by_name_too(bits: int) -> None:
    steps = [*vectors._object(vectors._SHELL, 1), *vectors._late(1, "Run", "cmd.exe /c ver", bits)]
    record = run(program(steps, bits=bits))
    assert record.ended == ""
    assert [dict(act.pairs)["CommandLine"] for act in record.acts] == ["cmd.exe /c ver"]


def test_classes_of_com_that_are_not_here_are_not_registered_and_methods_end_with_a_word() -> None:
    missing = run(program([*vectors._object("00021401-0000-0000-c000-000000000046", 1)]))
    assert (missing.ended, b'"returned":"0x80040154"' in missing.log()) == ("", True)
    odd = run(program([*vectors._object(vectors._SHELL, 1), method(1, 40, 0)]))
    assert odd.ended == "method 40 of the COM object WScript.Shell is not known"


def test_how_it_failed_is_said_in_words() -> None:
    bad = [Raw(b"\xa1\x10\0\0\0")]  # mov eax, [0x10]
    assert run(program(bad)).ended.startswith("it read where nothing is at 0x")
    assert (
        "its function Start, entered with made-up arguments, read" in run(program(bad, export="Start")).ended
    )


def test_what_breaks_off_itself_has_come_to_its_end() -> None:
    record = run(
        program([call("api-ms-win-crt-runtime-l1-1-0", "abort"), call("kernel32", "WinExec", "a.exe", 0)])
    )
    assert (record.ended, record.acts) == ("", [])

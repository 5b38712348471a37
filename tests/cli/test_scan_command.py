"""``kazami scan``: every option, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

import made
from made import CALM, WHO, Bench, event, events, zipped
from program import Program

LINE = ("finding_uid", "rule_id", "title", "level", "time", "tenant", "host", "user")


def test_a_line_says_what_was_promised(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0, 1))
    said = run("scan", "evidence", "--case", "case").ended(0)
    (row,) = said.rows
    assert {name: row[name] for name in LINE[1:]} == {
        "rule_id": WHO,
        "title": "Whoami Was Started",
        "level": "high",
        "time": "2024-05-01T10:00:00.000000+00:00",
        "tenant": "default",
        "host": "WS01.example.test",
        "user": r"EXAMPLE\alice",
    }
    assert len(row["finding_uid"]) == 32
    assert row["techniques"] == ["T1033"]
    assert row["evidence"] == "evidence/a.jsonl"
    assert row["matched"] == {"Image": made.WHOAMI}
    uid = bench.ask(
        "select event_uid from event where Image like '%whoami%'"
        if False
        else "select event_uids[1] as u from finding"
    )
    assert row["event_uids"] == [uid[0]["u"]]
    assert row["falsepositives"] == ["Scripts of administrators"]
    assert row["references"] == ["https://example.org/whoami"]


def test_data_on_one_stream_and_talk_on_the_other(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0, 3))
    said = run("scan", "evidence", "--case", "case").ended(0)
    assert len(said.rows) == 2
    for words in (
        "2 findings",
        "2 events · 1 piece of evidence",
        "Whoami Was Started",
        "T1033",
        "Report: case/report.html",
    ):
        assert words in said.err
    assert "\x1b" not in said.out + said.err


def test_the_case_by_default(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    run("scan", "evidence").ended(0)
    assert {path.name for path in (bench.folder / "kazami-case").iterdir()} >= {
        "case.duckdb",
        "events",
        "report.html",
    }


@pytest.mark.parametrize("form", ["table", "jsonl", "csv", "sarif", "timesketch", "navigator"])
def test_forms(run: Program, bench: Bench, form: str) -> None:
    bench.put("a.jsonl", events(0, 3))
    said = run("scan", "evidence", "--case", "case", "--format", form, "--no-report").ended(0)
    assert not (bench.case / "report.html").exists()
    check = {
        "table": lambda out: out.count("WS01.example.test") == 2,
        "jsonl": lambda out: [json.loads(line)["rule_id"] for line in out.splitlines()] == [WHO] * 2,
        "csv": lambda out: [row["rule_id"] for row in csv.DictReader(io.StringIO(out))] == [WHO] * 2,
        "sarif": lambda out: [r["ruleId"] for r in json.loads(out)["runs"][0]["results"]] == [WHO] * 2,
        "timesketch": lambda out: all("datetime" in json.loads(line) for line in out.splitlines()),
        "navigator": lambda out: json.loads(out)["techniques"][0]["techniqueID"] == "T1033",
    }
    assert check[form](said.out)


def test_findings_into_a_file(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    said = run("scan", "evidence", "--case", "case", "--output", "found.jsonl").ended(0)
    assert said.out == ""
    (line,) = (bench.folder / "found.jsonl").read_text().splitlines()
    assert json.loads(line)["rule_id"] == WHO
    run("scan", "evidence", "--case", "case", "--output", "found.csv", "--format", "csv").ended(0)
    assert (bench.folder / "found.csv").read_text().startswith("time,")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("nosuch/found.jsonl", "there is no folder nosuch"),
        (".", "is a folder"),
        ("evidence/found.jsonl", "lies among the evidence"),
        ("evidence/a.jsonl", "lies among the evidence"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    run: Program, bench: Bench, output: str, words: str
) -> None:
    path = bench.put("a.jsonl", events(0))
    before = path.read_bytes()
    said = run("scan", "evidence", "--case", "case", "--output", output).ended(2)
    assert words in said.err
    assert said.err.startswith(f"kazami: {output}: ")
    assert not bench.case.exists()
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_file_that_takes_no_more(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    said = run("scan", "evidence", "--case", "case", "--output", "/dev/full").ended(2)
    assert said.err.endswith("kazami: /dev/full: cannot be written: No space left on device\n")
    assert len(run("findings", "case").ended(0).rows) == 1


# Exit codes


@pytest.mark.parametrize(
    ("level", "code"), [("informational", 1), ("low", 1), ("medium", 1), ("high", 1), ("critical", 0)]
)
def test_fail_on(run: Program, bench: Bench, level: str, code: int) -> None:
    bench.put("a.jsonl", events(0))
    run("scan", "evidence", "--case", "case", "--fail-on", level).ended(code)


def test_fail_on_nothing_found(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(1))
    said = run("scan", "evidence", "--case", "case", "--fail-on", "informational").ended(0)
    assert said.out == ""
    assert "No findings" in said.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("evidence", "--nosuch"),
        ("evidence", "--format", "xml"),
        ("evidence", "--lang", "fr"),
        ("evidence", "--fail-on", "bad"),
        ("evidence", "--workers", "0"),
        ("evidence", "--workers", "many"),
        ("evidence", "--workers", "1000"),
        ("evidence", "--reject-limit", "101"),
        ("evidence", "--reject-limit", "nan"),
        ("evidence", "--since", "yesterday"),
        ("evidence", "--until", ""),
        ("evidence", "--since", "2024-05-02", "--until", "2024-05-01"),
        ("evidence", "--pack", "nosuch"),
        ("evidence", "--rules", "nosuch.yml"),
        ("evidence", "--config", "nosuch.toml"),
        ("",),
    ],
)
def test_wrong_words(run: Program, bench: Bench, words: tuple[str, ...]) -> None:
    bench.put("a.jsonl", events(0))
    said = run("scan", *words, "--case", "case").ended(2)
    assert said.out == ""
    assert said.err
    assert "Traceback" not in said.err
    assert not bench.case.exists()


def test_evidence_that_is_not_there(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    said = run("scan", "evidence", "nosuch.evtx", "--case", "case").ended(3)
    assert "nosuch.evtx could not be read: No such file or directory" in said.err
    assert len(said.rows) == 1


def test_findings_come_before_unreadable_evidence(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    run("scan", "evidence", "nosuch.evtx", "--case", "case", "--fail-on", "low").ended(1)


def test_nothing_that_could_be_read(run: Program, bench: Bench) -> None:
    said = run("scan", "evidence", "--case", "case").ended(3)
    assert "0 events · 0 pieces of evidence" in said.err
    bench.put("photo.jpg", b"\xff\xd8\xff\xe0" + b"x" * 100)
    said = run("scan", "evidence", "--case", "case").ended(3)
    assert "1 piece of evidence held no log that is known, beginning with evidence/photo.jpg" in said.told


@pytest.mark.parametrize(
    ("good", "bad", "limit", "code"),
    [
        (95, 5, (), 0),
        (80, 20, (), 3),
        (90, 10, (), 0),
        (80, 20, ("--reject-limit", "20"), 0),
        (99, 1, ("--reject-limit", "0"), 3),
        (99, 0, ("--reject-limit", "0"), 0),
    ],
)
def test_the_limit_of_rejects(
    run: Program, bench: Bench, good: int, bad: int, limit: tuple[str, ...], code: int
) -> None:
    bench.put("a.jsonl", made.lines(events(*range(good))) + b"{bad\n" * bad)
    said = run("scan", "evidence", "--case", "case", *limit).ended(code)
    if bad:
        assert f"{bad} record{'s' if bad > 1 else ''} could not be read." in said.err
        assert f"evidence/a.jsonl, line {good + 1}: not a JSON object" in said.err


def test_the_exit_code_speaks_of_this_scan(run: Program, bench: Bench) -> None:
    bad, good = bench.put("bad/a.jsonl", b"{bad\n" * 9), bench.put("good.jsonl", events(0))
    run("scan", bad, "--case", "case").ended(3)
    run("scan", good, "--case", "case").ended(0)
    run("scan", bad, "--case", "case").ended(3)  # not read again, and not better
    bad.write_bytes(made.lines(events(7)))
    run("scan", "evidence", "--case", "case").ended(0)


# What the other options do


def test_since_and_until(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(10)))
    times = ("--since", "2024-05-01T10:00:03Z", "--until", "2024-05-01 12:00:06+02:00")
    said = run("scan", "evidence", "--case", "case", *times).ended(0)
    assert [row["time"][17:19] for row in said.rows] == ["03"]
    assert "3 events" in said.err


def test_tenants(run: Program, bench: Bench) -> None:
    bench.put("aoba/a.jsonl", events(0))
    bench.put("minato/a.jsonl", events(0))
    said = run("scan", "evidence", "--case", "case", "--tenant-from-folder").ended(0)
    assert sorted(row["tenant"] for row in said.rows) == ["aoba", "minato"]
    assert "By tenant" in said.err
    said = run("scan", "evidence/aoba", "--case", "one", "--tenant", "Tanaka & Söhne").ended(0)
    assert [row["tenant"] for row in said.rows] == ["Tanaka & Söhne"]


def test_rules_and_packs(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    more = bench.folder / "more"
    more.mkdir()
    (more / "calm.yml").write_text(
        made.RULES.split("---")[1].replace("mimikatz", "whoami").replace(CALM, WHO[:-1] + "2")
    )
    said = run("scan", "evidence", "--case", "case", "--rules", more, "--rules", bench.rules).ended(0)
    assert sorted(row["level"] for row in said.rows) == ["critical", "high"]
    said = run("scan", "evidence", "--case", "packs", "--pack", "common", "--pack", "volt_typhoon").ended(0)
    loaded = made.ask(bench.folder / "packs", "select distinct level, count(*) as n from rule group by 1")
    assert sum(row["n"] for row in loaded) > 40


def test_japanese(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    said = run("scan", "evidence", "--case", "case", "--lang", "ja").ended(0)
    assert "検知 1 件" in said.err
    assert "レポート: case/report.html" in said.err
    assert 'lang="ja"' in (bench.case / "report.html").read_text()
    assert "検知" not in said.out


def test_workers(run: Program, bench: Bench) -> None:
    for number in range(4):
        bench.put(f"{number}.jsonl", events(3 * number))
    assert len(run("scan", "evidence", "--case", "case", "--workers", "3").ended(0).rows) == 4


def test_passwords(run: Program, bench: Bench) -> None:
    import pyzipper

    with pyzipper.AESZipFile(bench.evidence / "a.zip", "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"harbour")
        archive.writestr("a.jsonl", made.lines(events(0)))
    zipped(bench.evidence / "b.zip", {"b.jsonl": made.lines(events(3))})
    for words in ((), ("--password", "wrong")):
        said = run("scan", "evidence", "--case", "case", *words).ended(3)
        assert "evidence/a.zip!a.jsonl could not be read: encrypted" in said.err
        assert len(said.rows) == 1
    said = run("scan", "evidence", "--case", "case", "--password", "wrong", "--password=harbour").ended(0)
    assert len(said.rows) == 2
    assert "could not" not in said.err
    said = run("scan", "evidence", "--case", "case").ended(0)
    assert len(said.rows) == 2
    commands = [row["command"] for row in bench.ask("select command from run")]
    assert not [command for command in commands if "harbour" in command or "wrong" in command]
    assert commands[-2] == "kazami scan evidence --case case --password '***' '--password=***'"


def test_settings(run: Program, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put("a.jsonl", events(0))
    (bench.folder / "other.toml").write_text("[scan]\npacks = []\n")
    said = run("scan", "evidence", "--case", "case", "--config", "other.toml").ended(0)
    assert said.out == ""
    monkeypatch.setenv("KAZAMI_CONFIG", "nosuch.toml")
    said = run("scan", "evidence", "--case", "case").ended(2)
    assert said.err == "kazami: nosuch.toml: No such file or directory\n"


def test_several_paths_and_odd_names(run: Program, bench: Bench) -> None:
    names = [
        "mit Leerzeichen.jsonl",
        "風見.jsonl",
        "a'b\"c.jsonl",
        "x!y.jsonl",
        "-dash.jsonl",
        os.fsdecode(b"\xff\xfe.jsonl"),
        "new\nline.jsonl",
    ]
    for number, name in enumerate(names):
        bench.put(name, [event(3 * number)])
    said = run("scan", "evidence", bench.evidence / names[0], "--case", "case").ended(0)
    assert len(said.rows) == len(names)
    shown = {row["evidence"] for row in said.rows}
    assert {"evidence/風見.jsonl", r"evidence/\xff\xfe.jsonl", r"evidence/new\nline.jsonl"} <= shown
    run("scan", "evidence", "--case", "case").ended(0)
    said = run("scan", "--case", "dash", "--", "evidence/-dash.jsonl").ended(0)
    assert len(said.rows) == 1


def test_again_gives_the_same(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(*range(20)))
    first = run("scan", "evidence", "--case", "case").ended(0)
    second = run("scan", "evidence", "--case", "case").ended(0)
    assert (first.out, first.err) == (second.out, second.err)

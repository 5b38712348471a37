"""``rules list | check | test | explain | profile``."""

from __future__ import annotations

import pytest

import made
from made import CALM, OFTEN, WHO, Bench, event, events
from program import Program

BAD = "title: [\n"


@pytest.fixture
def mixed(bench: Bench) -> str:
    """A folder with a good file, one that is not YAML, and one that is no rule."""
    folder = bench.folder / "rules"
    folder.mkdir()
    (folder / "good.yml").write_text(made.RULES + "---" + made.OFTEN_RULE)
    (folder / "bad.yml").write_text(BAD)
    (folder / "norule.yml").write_text("title: Without Detection\nid: 99999999-9999-4999-8999-999999999999\n")
    return "rules"


def test_list(run: Program, mixed: str) -> None:
    said = run("rules", "list", mixed).ended(0)
    assert [(row["id"], row["level"], row["kind"]) for row in said.rows] == [
        (WHO, "high", "rule"),
        (CALM, "critical", "rule"),
        (OFTEN, "medium", "correlation"),
    ]
    assert said.rows[0]["techniques"] == "T1033"
    assert said.err == "2 rejected; kazami rules check says why\n"


def test_list_what_a_scan_would_use(run: Program) -> None:
    assert [row["id"] for row in run("rules", "list").ended(0).rows] == [WHO, CALM]
    assert len(run("rules", "list", "--pack", "common").ended(0).rows) > 20
    assert (
        run("rules", "list", "--pack", "nosuch").ended(2).err.startswith("kazami: there is no pack 'nosuch'")
    )
    assert "no such rule file" in run("rules", "list", "nosuch").ended(2).err


def test_check(run: Program, mixed: str) -> None:
    said = run("rules", "check", mixed).ended(1)
    states = [(row["state"], row["path"]) for row in said.rows if row["state"] in ("loaded", "rejected")]
    assert states.count(("loaded", "rules/good.yml")) == 3
    assert sorted(path for state, path in states if state == "rejected") == [
        "rules/bad.yml",
        "rules/norule.yml",
    ]
    reasons = {row["path"]: row["reason"] for row in said.rows if row["state"] == "rejected"}
    assert reasons["rules/bad.yml"].startswith("not YAML: ")
    assert "line" in reasons["rules/bad.yml"]
    assert "3 loaded, 2 rejected" in said.err
    run("rules", "check", "rules/good.yml").ended(0)


def test_check_against_a_case(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    bench.scan()
    more = bench.folder / "linux.yml"
    more.write_text(made.RULES.split("---")[0].replace("product: windows", "product: linux"))
    said = run("rules", "check", more, "--case", "case").ended(0)
    assert [row["reason"] for row in said.rows if row["state"] == "blind"] == [
        "no events of linux/process_creation/*"
    ]
    assert "no case here" in run("rules", "check", more, "--case", "nosuch").ended(2).err


CASE = r"""
about: whoami, and something else
rules: [rules.yml]
logsource: {product: windows, category: process_creation}
events:
  - match: [11111111-1111-4111-8111-111111111111]
    event: {Image: 'C:\whoami.exe'}
  - match: false
    event: {Image: 'C:\notepad.exe'}
"""


def test_test(run: Program) -> None:
    (run.folder / "one.yaml").write_text(CASE)
    said = run("rules", "test", "one.yaml").ended(0)
    assert (said.out, said.err.endswith(" as expected, 0 not\n")) == ("", True)
    (run.folder / "two.yaml").write_text(CASE.replace("whoami.exe", "who.exe"))
    said = run("rules", "test", "one.yaml", "two.yaml").ended(1)
    assert {(row["file"], row["expected"], row["found"]) for row in said.rows} == {
        ("two.yaml", "match", "no match")
    }
    assert not said.err.endswith(", 0 not\n")


def test_test_of_what_is_none(run: Program) -> None:
    assert "nosuch: there is no such file or folder" in run("rules", "test", "nosuch").ended(2).err
    assert run("rules", "test", "rules.yml").ended(2).err.startswith("kazami: rules.yml: ")


# Explain


def test_explain_a_file(run: Program, bench: Bench) -> None:
    path = bench.put("a.jsonl", events(0, 1))
    said = run("rules", "explain", WHO, path).ended(0)
    assert "[true] Image ends with" in said.out
    assert made.WHOAMI in said.out
    said = run("rules", "explain", "Whoami Was Started", path, "--record", "2").ended(1)
    assert "[false] Image ends with" in said.out
    assert made.NOTEPAD in said.out
    said = run("rules", "explain", bench.rules, path, "--lang", "ja").ended(0)
    assert "[真]" in said.out


def test_explain_in_the_words_of_the_rule(run: Program, bench: Bench) -> None:
    """Security 4688 feeds the rules for processes: a rule is explained on what it looks at."""
    created = {
        "Channel": "Security",
        "SourceName": "Microsoft-Windows-Security-Auditing",
        "Image": None,
        "EventID": 4688,
    }
    path = bench.put("a.jsonl", [event(0, **created, NewProcessName=made.WHOAMI)])
    assert "[true] Image ends with" in run("rules", "explain", WHO, path).ended(0).out
    bench.scan()
    (row,) = bench.ask("select event_uids[1] as uid from finding")
    assert "[true] Image ends with" in run("rules", "explain", WHO, row["uid"], "--case", "case").ended(0).out


def test_explain_an_event_of_a_case(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", [event(0, Image=[made.NOTEPAD, made.WHOAMI]), event(1)])
    bench.scan()
    uids = {
        row["CommandLine"]: row["event_uid"]
        for row in bench.ask("select CommandLine, event_uid from process_creation")
    }
    assert "The rule is true" in run("rules", "explain", WHO, uids["run 0"], "--case", "case").ended(0).out
    assert (
        "The rule is not true" in run("rules", "explain", WHO, uids["run 1"], "--case", "case").ended(1).out
    )


def test_explain_a_rule_for_other_logs(run: Program, bench: Bench) -> None:
    path = bench.put("a.jsonl", events(0))
    bench.rules.write_text(made.RULES.replace("product: windows", "product: linux"))
    said = run("rules", "explain", WHO, path).ended(1)
    assert "The rule is for linux/process_creation/*; this event is of windows/process_creation/" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nosuch", "evidence/a.jsonl"), "there is no rule 'nosuch'"),
        (("rules/bad.yml", "evidence/a.jsonl"), "rules/bad.yml: the rule is rejected: not YAML"),
        ((OFTEN, "evidence/a.jsonl", "--rules", "rules/good.yml"), "is a correlation"),
        ((WHO, "nosuch"), "nosuch: No such file"),
        ((WHO, "evidence/a.jsonl", "--record", "9"), "there is no event 9"),
        ((WHO, "evidence/a.jsonl", "--record", "0"), "--record"),
        ((WHO, "nosuch", "--case", "nocase"), "nocase: there is no case here"),
        ((WHO, "evidence/a.jsonl", "--lang", "fr"), "fr"),
        ((WHO, "evidence/picture"), "evidence/picture: not evidence"),
    ],
)
def test_what_cannot_be_explained(
    run: Program, bench: Bench, mixed: str, words: tuple[str, ...], said: str
) -> None:
    bench.put("a.jsonl", events(0))
    bench.put("picture", b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    ended = run("rules", "explain", *words).ended(2)
    assert said in ended.told
    assert ended.out == ""


def test_profile(run: Program, bench: Bench) -> None:
    path = bench.put("a.jsonl", events(*range(30)))
    said = run("rules", "profile", path).ended(0)
    assert {row["id"]: row["matches"] for row in said.rows} == {WHO: 10, CALM: 0}
    assert {row["events"] for row in said.rows} == {30}
    assert sum(float(row["share"].split()[0]) for row in said.rows) == pytest.approx(100, abs=1)
    assert len(run("rules", "profile", path, "--top", "1").ended(0).rows) == 1
    assert "No such file" in run("rules", "profile", "nosuch").ended(2).err

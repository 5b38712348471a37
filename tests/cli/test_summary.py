"""What is said after a scan."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

import story
from kazami.cli.summary import Hints, show
from kazami.errors import UsageError
from kazami.model.incident import Incident, Step, Text
from kazami.model.result import Blind, Count, EvidenceRow, RejectRow, Summary
from kazami.model.rule import Rejected, RuleInfo
from kazami.model.story import Story

ROWS = story.story()
SUMMARY = story.summary(ROWS)
BAD = "[red]x[/red]\x1b[31m\x9b\u202e\x00\n\r" + "y" * 2_000


def said(summary: Summary, width: int = 100, lang: str = "en", **more: object) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    show(summary, console, lang, **more)  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_it_says_what_was_found_and_what_was_not_judged(width: int) -> None:
    text = " ".join(said(SUMMARY, width, report="case/report.html").split())
    for part in (
        "213 findings Critical 2 High 28 Medium 30 Low 80 Informational 73",
        "553,447 events · 42 pieces of evidence",
        "2024-03-01 05:38 – 2024-03-10 01:40 UTC · 2,104 rules applied",
        "Critical 1 Process Memory of LSASS",
        "Critical 15 JUMP01",
        "T1003.001",
        "tanaka-seiki",
        "TS-DC02.7z could not be read: wrong password",
        "91 records could not be read.",
        'kazami sql harbor-2024-03 "select * from reject"',
        "2 rules could not be loaded.",
        "291 rules of 2,104 could not match",
        "Report: case/report.html",
    ):
        assert part in text


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_what_was_read_otherwise_than_it_stands(lang: str) -> None:
    odd = [RejectRow("a.jsonl", f"line {n}", "invalid UTF-8", 0, "") for n in (2, 5, 9)]
    text = said(replace(SUMMARY, rejects=odd, rejected_records=0), 200, lang)
    place, more = ("a.jsonl, line 2", "(and 2 more)") if lang == "en" else ("a.jsonl、line 2", "(ほか 2 件)")
    assert f"{place}: invalid UTF-8 {more}" in text
    assert text.count('"select * from reject"') == 1
    lost = [*odd, RejectRow("b", "line 1", "longer than 16 MiB", 1, "")]
    text = said(replace(SUMMARY, rejects=lost, rejected_records=1), 200, lang)
    assert text.count('"select * from reject"') == 1
    assert text.count("invalid UTF-8") == 1


def told(number: int = 1, tenant: str = "acme", title: str = "Copied the directory on dc1") -> Incident:
    when = datetime(2026, 11, 9, 2, 17, tzinfo=UTC)
    steps = tuple(Step(n, "", "x", "r", "low", when, when) for n in (1, 2, 3))
    return Incident(
        f"{number:08x}{'0' * 24}",
        tenant,
        Text(title, title),
        severity="critical",
        first=when,
        last=when + timedelta(days=4),
        hosts=("pc1", "dc1"),
        accounts=("adm",),
        steps=steps,
    )


@pytest.mark.parametrize("width", [64, 80, 160])
def test_incidents_come_first_with_all_that_one_needs_to_choose(width: int) -> None:
    tale = Story([told(n, "acme" if n % 2 else "north") for n in range(1, 8)], total=11)
    text = said(SUMMARY, width, story=tale)
    assert max(cell_len(line) for line in text.split("\n") if "kazami " not in line) <= max(width, 60)
    flat = " ".join(text.split())
    assert flat.startswith("11 incidents open Critical")
    for part in ("2 hosts · 1 account · 3 steps", "00000002 · north · 2026-11-09 02:17", "and 6 more"):
        assert part in flat
    assert "kazami incidents show harbor-2024-03 00000001" in flat
    assert flat.index("and 6 more") < flat.index("213 findings")
    assert "acme" not in said(SUMMARY, width, story=Story([told()], total=1))
    assert "incident" not in said(SUMMARY, width)


def test_what_incidents_say_is_only_text() -> None:
    text = said(SUMMARY, story=Story([told(title=BAD)], total=1))
    assert "\x1b" not in text
    assert "[red]x[/red]\\x1b[31m" in text


def test_japanese_is_aligned() -> None:
    lines = said(SUMMARY, 80, "ja").splitlines()
    assert "検知 213 件" in lines[1]
    start = lines.index(next(line for line in lines if line.startswith("ホスト別")))
    ends = {
        cell_len(line.rstrip()[: -len(name)])
        for line, name in zip(lines[start + 1 :], ("RW-DC01", "JUMP01"), strict=False)
    }
    assert len(ends) == 1


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_nothing_found(lang: str) -> None:
    text = said(Summary(case="c", version="0"), lang=lang)
    assert len(text.split("\n")) == 6


def test_hostile_names_are_text() -> None:
    count = [Count(BAD, 3, level="high", label=BAD)]
    summary = Summary(
        case=BAD,
        version="0",
        findings=3,
        levels=[Count("high", 3)],
        rules=count,
        hosts=count,
        users=count,
        techniques=count,
        tenants=count * 2,
        evidence=[EvidenceRow("", BAD, BAD, "", 0, 0, 0, 0, "unreadable", BAD)],
        rejected_records=1,
        rejected_rules=[Rejected(BAD, BAD)],
        blind=[Blind(RuleInfo(BAD, "", BAD), BAD)],
        notes=[BAD],
    )
    text = said(summary, report=BAD)
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert "[red]x[/red]\\x1b[31m" in text
    assert len(text) < 20_000


def test_long_lists_are_counted() -> None:
    rows = [EvidenceRow("", f"f{i}", "", "", 0, 0, 0, 0, "unreadable", "no") for i in range(40)]
    text = said(Summary(case="c", version="0", evidence=rows, notes=["n"] * 30))
    assert text.count("could not be read: no") == 5
    assert "and 35 more" in text
    assert "and 25 more" in text


def test_commands_can_be_pasted() -> None:
    summary = Summary(case="my case; rm -rf x", version="0", rejected_records=1)
    text = said(summary, 40, hints=Hints(rejects="kazami rejects {case}"))
    assert "    kazami rejects 'my case; rm -rf x'\n" in text


def test_unknown_language() -> None:
    with pytest.raises(UsageError):
        said(SUMMARY, lang="xx")

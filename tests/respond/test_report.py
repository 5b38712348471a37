"""The page: complete, bounded, valid, and nothing of an event is markup in it."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import hostile
import pytest
from lxml import html

import story
from kazami.errors import UsageError
from kazami.model.result import FindingRow, Summary
from kazami.respond.language import LANGUAGES, words
from kazami.respond.report import tactics, write
from kazami.respond.report.build import folder
from kazami.respond.report.page import link
from kazami.respond.report.tally import Tally

ROWS = story.story()
SUMMARY = story.summary(ROWS)


def source(rows: list[FindingRow], summary: Summary = SUMMARY, lang: str = "en") -> str:
    out = io.StringIO()
    assert write(iter(rows), summary, out, lang) == len(rows)
    return out.getvalue()


def page(rows: list[FindingRow], summary: Summary = SUMMARY, lang: str = "en") -> Any:
    return html.document_fromstring(source(rows, summary, lang))


def text_of(node: Any) -> str:
    return " ".join(node.text_content().split())


@pytest.fixture(scope="module", params=LANGUAGES)
def full(request: pytest.FixtureRequest) -> Any:
    return page(ROWS, lang=request.param)


def test_first_screen_says_it_in_words() -> None:
    opening = (
        text_of(page(ROWS).cssselect_or_xpath("opening"))
        if False
        else text_of(page(ROWS).xpath("//section[contains(@class, 'opening')]")[0])
    )
    assert "There are 213 findings by 15 rules." in opening
    assert "553,447 events were read from 42 pieces of evidence," in opening
    assert "from 2024-03-01 05:38 to 2024-03-10 01:40 UTC, and judged by 2,104 rules." in opening
    for said in ("2Critical", "28High", "30Medium", "80Low", "73Informational"):
        assert said in opening.replace(" ", "")
    assert "Copy of the Domain Database Made With the Backup Tool: 1 finding on RW-DC01" in opening
    assert "JUMP01 is the most affected host" in opening
    assert "1 piece of evidence could not be read at all." in opening
    assert "91 records could not be read." in opening
    assert "2 rules could not be loaded." in opening
    assert "291 rules of 2,104 could not match" in opening


def test_japanese_says_it_too() -> None:
    opening = page(ROWS, lang="ja").xpath("//section[contains(@class, 'opening')]")[0].text_content()
    assert (
        "ルール 15 件に該当し、検知 213 件が見つかりました。調査対象は証跡 42 点、イベント 553,447 件です。"
        in opening
    )
    assert "証跡 1 点はまったく読み取れませんでした。" in opening


def test_structure_is_accessible(full: Any) -> None:
    assert full.get("lang") in LANGUAGES
    assert len(full.xpath("//main")) == len(full.xpath("//h1")) == 1
    assert full.xpath("//header//nav[@aria-label]")
    ids = full.xpath("//@id")
    assert len(set(ids)) == len(ids)
    for reference in full.xpath("//@aria-labelledby"):
        assert reference in ids
    for target in full.xpath("//a[starts-with(@href, '#')]/@href"):
        assert target[1:] in ids
    levels = [int(heading.tag[1]) for heading in full.xpath("//h1 | //h2 | //h3 | //h4")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for table in full.xpath("//table"):
        assert table.xpath("caption")
        assert table.xpath("thead/tr/th[@scope='col']")
        columns = len(table.xpath("thead/tr/th"))
        assert all(len(row) == columns for row in table.xpath("tbody/tr"))
        assert all(row.xpath("th[@scope='row']") for row in table.xpath("tbody/tr"))
    assert all(
        svg.get("aria-hidden") or svg.get("aria-label") for svg in full.xpath("//*[local-name()='svg']")
    )


def test_the_policy_allows_this_style_and_this_script_only() -> None:
    text = source(ROWS)
    tree = html.document_fromstring(text)
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not tree.xpath("//@style | //@src | //@onclick | //@srcset")
    assert not tree.xpath("//link | //img | //iframe | //object | //base")


def test_links_lead_only_to_the_web_and_tell_nothing(full: Any) -> None:
    for anchor in full.xpath("//a[not(starts-with(@href, '#'))]"):
        assert anchor.get("href").startswith(("https://", "http://"))
        assert "noreferrer" in anchor.get("rel")


def test_every_finding_says_why(full: Any) -> None:
    items = full.xpath("//li[@class='finding']")
    assert len(items) == len(ROWS)
    shown = {item.xpath(".//span[@class='uid']/@title")[0]: item for item in items}
    for row in ROWS:
        item = text_of(shown[row["finding_uid"]])
        for name, value in row["matched"].items():
            assert name in item
            assert value in item
        assert f"{row['evidence'].removeprefix('/evidence/')} #{row['record']}" in item
    chapter = text_of(
        full.xpath("//details[.//span[.='Many Accounts Failing to Log On From One Address']]")[0]
    )
    for said in (
        "A scanner; a proxy",
        "https://attack.mitre.org/",
        "An internal note, 2024-02",
        "T1110.003",
        "38",
    ):
        assert said in chapter


def test_limits_are_listed(full: Any) -> None:
    judged = text_of(full.get_element_by_id("judged"))
    for said in (
        "wrong password",
        "chunk 318",
        "rules/local/broken.yml",
        "line 14, column 3",
        "ran out of time",
    ):
        assert said in judged
    assert "/evidence/" in judged
    assert "no events of windows/ps_script" in judged
    assert "171" in judged


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_found_is_said_with_care(lang: str) -> None:
    tree = page([], Summary(case="quiet", version="0", events=10, loaded=3), lang)
    assert words(lang)("opening.nothing_meaning") in text_of(tree)
    assert not tree.xpath("//table | //details | //figure")
    assert [section.get("id") for section in tree.xpath("//section")] == [None, "judged"]


def test_an_empty_summary_claims_nothing() -> None:
    said = text_of(page([], Summary(case="", version="")))
    assert "No evidence was read." in said
    assert "All evidence was read whole" not in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_text_is_only_text(lang: str) -> None:
    rows = hostile.FINDINGS
    summary = story.summary(
        [],
        case="<script>case</script>",
        version="<b>",
        notes=list(hostile.TEXTS),
        rejects=[story.RejectRow(text, text, text, 1, text) for text in hostile.TEXTS],
        rejected_rules=[story.Rejected(text, text, text, text) for text in hostile.TEXTS],
        evidence=[
            story.EvidenceRow(text, text, text, text, 1, 1, 0, 0, "done", text) for text in hostile.TEXTS
        ],
        blind=[story.Blind(story.RuleInfo(text, "", text), text) for text in hostile.TEXTS],
        log_sources=[story.Count(text, 1) for text in hostile.TEXTS],
    )
    text = source(rows, summary, lang)
    assert hostile.active(text, "\n\t") == set()
    assert "<script>alert" not in text
    tree = html.document_fromstring(text)
    assert len(tree.xpath("//script")) == len(tree.xpath("//style")) == 1
    assert not tree.xpath("//img | //b[not(ancestor::ul[@class='tiles'])]")
    assert not [
        key for node in tree.iter() if isinstance(node.tag, str) for key in node.attrib if key[:2] == "on"
    ]
    assert not [href for href in tree.xpath("//@href") if not href.startswith(("#", "https://"))]
    kept = tree.xpath("//dd[.='<script>alert(1)</script>']")
    assert len(kept) >= 2


def test_known_tags_only_come_from_the_templates() -> None:
    clean = {node.tag for node in page(ROWS).iter() if isinstance(node.tag, str)}
    dirty = {node.tag for node in page(hostile.FINDINGS).iter() if isinstance(node.tag, str)}
    assert dirty <= clean


def test_long_values_are_cut_and_it_is_said() -> None:
    rows = [
        story.row(
            "lsass", matched={"ScriptBlockText": "A" * 1_000_000}, title="T" * 1_000_000, host="H" * 99_999
        )
    ]
    text = source(rows, Summary(case="c", version="0", events=1))
    assert "[999,000 more characters; whole in the case]" in text
    assert len(text) < 150_000


def test_many_findings_make_no_large_page() -> None:
    def rows() -> Iterator[FindingRow]:
        base = [story.row(rule) for rule in story.RULES]
        for number in range(20_000):
            row = base[number % len(base)].copy()
            row["finding_uid"] = f"{number:032x}"
            row["time"] = (story.START + timedelta(seconds=97 * number)).isoformat()
            row["host"] = f"HOST-{number % 331:03}"
            yield row

    out = io.StringIO()
    assert write(rows(), SUMMARY, out) == 20_000
    text = out.getvalue()
    assert len(text.encode()) < 3_000_000
    tree = html.document_fromstring(text)
    assert len(tree.xpath("//li[@class='finding']")) == 2_000
    assert "2,000 of 20,000 findings are shown" in text_of(tree)
    assert "131 hosts more, in the case." in text_of(tree)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("the one before")

    def broken() -> Iterator[FindingRow]:
        yield story.row("lsass")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write(broken(), SUMMARY, target)
    assert target.read_text() == "the one before"
    assert write(ROWS, SUMMARY, target) == len(ROWS)
    assert target.read_text("utf-8").rstrip().endswith("</html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_unknown_language(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write([], SUMMARY, tmp_path / "x.html", "fr")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reference", "is_link"),
    [
        ("https://example.org/a?b=c#d", True),
        ("http://example.org", True),
        (" https://example.org/ ", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("https://", False),
        ("https://a b", False),
        ('https://a"onclick=', False),
        ("https://a\u202eb", False),
        ("https://[bad", False),
        ("Internal Research", False),
        ("", False),
    ],
)
def test_links(reference: str, is_link: bool) -> None:
    assert bool(link(reference)) == is_link


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["a.evtx"], ""),
        (["/e/a.evtx"], "/e/"),
        (["/e/aa.evtx", "/e/ab.evtx"], "/e/"),
        (["/e/a/1.zip!x", "/e/b/2"], "/e/"),
        (["C:\\logs\\a", "C:\\logs\\b"], "C:\\logs\\"),
        (["x", "/y"], ""),
    ],
)
def test_the_folder_of_all_evidence(names: list[str], expected: str) -> None:
    rows = [story.EvidenceRow("", name, "", "", 0, 0, 0, 0, "done") for name in names]
    assert folder(Summary(case="", version="", evidence=rows)) == expected


def tactics_shown(*tags: str) -> list[str]:
    rows = [story.row("whoami", number=i, rule_id=tag, tactics=[tag]) for i, tag in enumerate(tags)]
    tally = Tally()
    assert len(list(tally.read(rows))) == len(tags)
    return [
        tactic.key
        for tactic in tactics.row(tally)
        if tactic.key in ("defense-evasion", "stealth", "defense-impairment")
    ]


def test_tactics_speak_the_words_that_rules_use() -> None:
    assert tactics_shown("discovery") == ["stealth", "defense-impairment"]
    assert tactics_shown("stealth") == ["stealth", "defense-impairment"]
    assert tactics_shown("defense-evasion") == ["defense-evasion"]
    assert tactics_shown("defense-evasion", "stealth") == ["defense-evasion", "stealth", "defense-impairment"]

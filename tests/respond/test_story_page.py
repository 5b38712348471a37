"""What happened, on the page: every incident with its picture and its words, bounded, in both languages."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import hostile
import pytest
from lxml import html
from test_track import START, incident, move, step

import story
from kazami.model.attack import TACTICS
from kazami.model.incident import Incident, Text
from kazami.model.story import Bond, Logging, Shared, Story
from kazami.respond.language import LANGUAGES
from kazami.respond.report import write

ROWS = story.story()
SUMMARY = story.summary(ROWS)


def told(number: int, tenant: str = "acme", **more: object) -> Incident:
    made = incident(
        step(1, 0, f"pc{number}", "initial-access", address="203.0.113.7", techniques=("T1110.003",)),
        step(2, 40, f"srv{number}", "credential-access", "critical", techniques=("T1003.001", "T1003.002")),
        tenant=tenant,
        moves=(move(f"pc{number}", f"srv{number}", 40, "adm"),),
    )
    values: dict[str, Any] = {
        "incident_uid": f"{number:032x}",
        "title": Text(f"Story {number}", f"経緯 {number}"),
        "severity": "critical",
        "score": 90.5,
        "first": START,
        "last": START + timedelta(hours=1),
        "findings": 7,
        "entry": Text("It began.", "始まった。"),
        "spread": Text("It went on.", "広がった。"),
        "taken": Text("It took.", "持ち出された。"),
        "why": (Text("Because.", "理由。"),),
        "questions": (Text("How?", "どうやって。"),),
        "hunts": (Text("Look there.", "そこを見る。"),),
        "mitigations": ("M1026", "M9999"),
        **more,
    }
    return replace(made, **values)


def page(tale: Story, lang: str = "en", rows: Any = ROWS) -> Any:
    out = io.StringIO()
    write(iter(rows), SUMMARY, out, lang, story=tale)
    return html.document_fromstring(out.getvalue())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_incident_is_told_with_all_that_is_known_of_it(lang: str) -> None:
    root = page(Story([told(1)], total=1), lang)
    (section,) = root.xpath("//section[@id='story']")
    said = " ".join(section.text_content().split())
    one = told(1)
    for text in (one.title, one.entry, one.spread, one.taken, *one.why, *one.questions, *one.hunts):
        assert text.spoken(lang) in said
    assert "M1026 Privileged Account Management" in said
    assert "M9999" in said
    assert len(section.xpath(".//svg[@class='track']")) == 2
    assert len(section.xpath(".//ol[@class='told']/li")) == 2
    assert len(section.xpath(".//table[@class='steps']/tbody/tr")) == 2
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    levels = [int(heading.tag[1]) for heading in root.xpath("//h1 | //h2 | //h3 | //h4 | //h5")]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in section.xpath(".//table"):
        assert table.xpath("caption")
        assert all(row.xpath("th[@scope='row']") for row in table.xpath("tbody/tr"))


def test_the_first_incident_is_open_and_the_others_fold() -> None:
    root = page(Story([told(1), told(2), told(3)], [told(4), told(5)], total=9))
    assert root.xpath("//article[contains(@class, 'incident')]/@id") == ["incident-1"]
    assert root.xpath("//details[@class='incident']/@id") == ["incident-2", "incident-3"]
    listed = root.xpath("//section[@id='story']/div/table/tbody/tr")
    assert len(listed) == 2
    assert "4 incidents more" in root.xpath("//section[@id='story']")[0].text_content()


ASSESSED: dict[str, Any] = {
    "confidence": "low",
    "none_known": 0.2,
    "none_known_word": "unlikely",
    "hypotheses": [
        {
            "group": "G0045",
            "name": "menuPass",
            "probability": 0.8,
            "word": "likely",
            "strongest": [
                {
                    "id": "S0153",
                    "name": "RedLeaves",
                    "nats": 3.1,
                    "groups": 1,
                    "reports": [],
                    "rules": ["Pipe"],
                }
            ],
            "contradicting": [],
            "missing": [],
        }
    ],
    "counted": ["T1003", "S0153"],
    "ignored": ["T1059"],
    "findings": 7,
    "rules": 2,
    "log_sources": ["process_creation"],
    "attack": "18.1",
    "method": "1",
    "why": ["few"],
}
MEASURED = {
    "reports": {"low": {"right": 0.75, "named": 65}, "moderate": {"right": 1.0, "named": 63}, "cases": 412},
    "campaigns": {"cases": 21, "first_right": 0.24},
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_who_it_may_have_been_is_told_with_what_speaks_against_it(lang: str) -> None:
    one = told(1)
    tale = Story([one], total=1, assessments={one.incident_uid: ASSESSED}, measured=MEASURED)
    (judgment,) = page(tale, lang).xpath("//div[@class='judgment']")
    said = [" ".join(node.text_content().split()) for node in judgment.xpath(".//p")]
    claim, sure = said[:2]
    assert all(part in claim for part in ("menuPass", "G0045", "80 %"))
    assert "%" not in sure  # likelihood and confidence never in one sentence
    assert any("RedLeaves" in text for text in said)
    assert any("412" in text for text in said)
    assert page(Story([one], total=1), lang).xpath("//div[@class='judgment']") == []


LOGGING = [
    Logging(
        Text("Command lines", "コマンドライン"),
        Text("Policy", "ポリシー"),
        3,
        1,
        2,
        ("pc1", "pc2"),
        ("Rule A",),
    )
]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_logging_could_show_is_told_setting_by_setting(lang: str) -> None:
    (setting,) = LOGGING
    (table,) = page(Story(logging=[setting]), lang).xpath("//table[contains(@class, 'logging')]")
    said = " ".join(table.text_content().split())
    for text in (setting.name.spoken(lang), setting.how.spoken(lang), "Rule A", "pc1", "+1"):
        assert text in said
    assert page(Story(logging=[]), lang).xpath("//table[contains(@class, 'logging')]") == []
    assert "kazami report CASE" in page(Story(), lang).text_content()


def test_without_incidents_there_is_no_story() -> None:
    root = page(Story())
    assert root.xpath("//section[@id='story']") == []
    assert root.xpath("//nav/a[@href='#story']") == []


def test_a_campaign_comes_first_and_says_whom_it_is_for() -> None:
    one, other = told(1, "msp"), told(2, "north")
    shared = Shared((one, other), ("msp", "north"), ("address",), (Bond(0, 1, "address", "203.0.113.7"),))
    root = page(Story([one, other], total=2, campaigns=[shared]))
    (section,) = root.xpath("//section[@id='story']")
    assert section.xpath(".//article/@id") == ["campaign-1-told"]
    said = " ".join(section.xpath(".//article")[0].text_content().split())
    assert "One campaign over msp, north" in said
    assert "for the provider only" in said
    assert "tied by addresses" in said


def test_that_campaigns_were_not_looked_for_is_said() -> None:
    assert "were not looked for" in page(Story([told(1)], total=1, unasked=True)).text_content()


def test_hostile_names_are_only_text() -> None:
    evil = hostile.FINDINGS[0]["host"] or ""
    text = Text(evil + "<b>x</b>", evil)
    bad = replace(
        told(1, evil),
        **dict.fromkeys(("title", "entry", "spread", "taken"), text),  # type: ignore[arg-type]
        why=(text,),
        questions=(text,),
        hunts=(text,),
        owner="<b>",
        steps=tuple(replace(one, host=evil, account=evil, title=evil, words=text) for one in told(1).steps),
    )
    root = page(Story([bad], [bad], total=2))
    assert root.xpath("//section[@id='story']//b") == []
    assert root.xpath("//script") != []


def test_a_page_of_the_largest_incidents_is_bounded() -> None:
    names = [f"host-{number:03}-" + "x" * 60 for number in range(300)]
    plain = (
        step(n, n * 13, names[n % 300], TACTICS[n % len(TACTICS)], "critical", techniques=(f"T{1000 + n}",))
        for n in range(1, 400)
    )
    long: dict[str, Any] = {
        "account": "a" * 200,
        "title": "t" * 300,
        "words": Text("w" * 300, "語" * 300),
    }
    steps = tuple(replace(one, **long) for one in plain)
    moves = tuple(move(a, b, n) for n, (a, b) in enumerate(pairwise(names)))
    large = [replace(told(n), steps=steps, moves=moves, hosts=tuple(names)) for n in range(12)]
    shared = Shared(tuple(large), ("a", "b"), ("hash",))
    out = io.StringIO()
    write((), SUMMARY, out, "ja", story=Story(large, total=12, campaigns=[shared] * 3))
    assert len(out.getvalue().encode()) < 6_000_000
    assert re.search("ほか.*図に描いていません", out.getvalue())

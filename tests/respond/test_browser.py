"""The report in a real browser: no error, no request, no overflow, and its script does what it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import chromium
import hostile
import pytest
import test_story_page

import story
from kazami.model.incident import Text
from kazami.model.story import Shared, Story
from kazami.respond.report import write

ROWS = story.story()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    for lang in ("en", "ja"):
        write(ROWS, story.summary(ROWS), folder / f"{lang}.html", lang)
    told = [test_story_page.told(number) for number in (1, 2)]
    shared = Shared(tuple(told), ("msp", "north"), ("address",))
    tale = Story(told, told, total=4, campaigns=[shared], logging=test_story_page.LOGGING)
    for lang in ("en", "ja"):
        write(ROWS, story.summary(ROWS), folder / f"told-{lang}.html", lang, story=tale)
    evil = dataclasses.replace(
        told[0],
        tenant="t" * 200,
        title=Text("w" * 300, "語" * 300),
        entry=Text("e" * 900, "e"),
        steps=tuple(dataclasses.replace(one, host="h" * 300, title="x" * 300) for one in told[0].steps),
    )
    write(ROWS, story.summary(ROWS), folder / "told-long.html", story=Story([evil, evil], [evil], total=3))
    long = story.row(
        "lsass", host="H" * 300, user="u" * 300, matched={"F" * 300: "v" * 3000}, evidence="e" * 900
    )
    rows = [*hostile.FINDINGS, long]
    write(rows, story.summary(rows, case="c" * 200), folder / "hostile.html")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium on this machine")
    with chromium.Browser(program) as opened:
        yield opened


@pytest.mark.parametrize("name", ["en", "ja", "hostile", "told-en", "told-ja", "told-long"])
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (360, True)])
def test_opens_without_errors_requests_or_overflow(
    browser: chromium.Browser, reports: Path, name: str, width: int, dark: bool
) -> None:
    path = reports / f"{name}.html"
    browser.screen(width, 900, dark=dark)
    browser.open(path)
    browser.js("document.getElementById('open').click()")
    browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.js("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []
    assert browser.requests == [path.resolve().as_uri()]


@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (360, "narrow")])
def test_one_of_two_pictures_is_shown_and_can_be_read(
    browser: chromium.Browser, reports: Path, width: int, shown: str
) -> None:
    browser.screen(width, 900)
    browser.open(reports / "told-en.html")
    pictures = "[...document.querySelectorAll('article svg.track')].filter((p) => p.getClientRects().length)"
    assert browser.js(f"{pictures}.length") == 1
    assert browser.js(f"{pictures}[0].closest('.only-{shown}') !== null")
    scale = f"{pictures}[0].getBoundingClientRect().width / {pictures}[0].viewBox.baseVal.width"
    assert browser.js(scale) > 0.9  # letters are about as large as they are meant


def test_policy_holds(browser: chromium.Browser, reports: Path) -> None:
    browser.open(reports / "en.html")
    browser.js(
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://example.invalid/x.png'}))"
    )
    browser.js(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))"
    )
    assert browser.js("typeof window.bad") == "undefined"
    assert browser.js("fetch('https://example.invalid/').then(() => 'sent', () => 'refused')") == "refused"


def test_filter_and_levels(browser: chromium.Browser, reports: Path) -> None:
    browser.screen(1400, 900)
    browser.open(reports / "en.html")
    visible = "[...document.querySelectorAll('details.chapter')].filter((c) => !c.hidden).length"
    assert browser.js(visible) == 15
    browser.js(
        "(() => { const f = document.getElementById('filter'); f.value = 'SCHTASKS'; f.dispatchEvent(new Event('input'));"
        " return new Promise((done) => setTimeout(done, 400)); })()"
    )
    assert browser.js(visible) == 1
    assert browser.js("document.getElementById('matches').textContent") == "1 findings match"
    browser.js(
        "(() => { const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input'));"
        " document.querySelector('#tools input[value=low]').click();"
        " return new Promise((done) => setTimeout(done, 400)); })()"
    )
    assert browser.js(visible) == 11


def test_tables_are_sorted_by_their_headings(browser: chromium.Browser, reports: Path) -> None:
    browser.open(reports / "en.html")
    column = "[...document.querySelectorAll('#rules tbody tr')].map((r) => Number(r.children[3].dataset.v))"
    browser.js("document.querySelectorAll('#rules th [role=button]')[3].click()")
    counts = browser.js(column)
    assert counts == sorted(counts, reverse=True)
    browser.js(
        "document.querySelectorAll('#rules th [role=button]')[3]"
        ".dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    )
    assert browser.js(column) == sorted(counts)
    assert browser.js("document.querySelector('#rules th[aria-sort]').ariaSort") == "ascending"


def test_a_link_to_a_rule_opens_it(browser: chromium.Browser, reports: Path) -> None:
    browser.open(reports / "en.html")
    browser.js("new Promise((done) => { location.hash = '#rule-9'; setTimeout(done, 300); })")
    assert browser.js("document.getElementById('rule-9').parentElement.open") is True


def test_works_without_script(browser: chromium.Browser, reports: Path) -> None:
    browser.open(reports / "en.html", script=False)
    root = browser.call("DOM.getDocument", depth=1)["root"]["nodeId"]
    tools = browser.call("DOM.querySelector", nodeId=root, selector="#tools[hidden]")["nodeId"]
    assert tools != 0
    chapters = browser.call("DOM.querySelectorAll", nodeId=root, selector="details.chapter > summary")[
        "nodeIds"
    ]
    assert len(chapters) == 15
    assert browser.complaints == []


def test_prints(browser: chromium.Browser, reports: Path, tmp_path: Path) -> None:
    browser.open(reports / "ja.html")
    browser.pdf(tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert 5 <= data.count(b"/Type /Page\n") <= 20

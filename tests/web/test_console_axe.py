"""Every page of the console, looked at by axe in a real browser; skipped where there is none."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from benchmarks.console_pictures import Shot, console, worked_on
from tests.web.test_console_browser import CHROMIUM, chromium

from kazami.web.pages import RESOURCES
from kazami.web.state import people, sessions

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

__all__ = ["chromium"]  # the fixture

#: What depends on theme and width; all else is the same page.
LOOKS = ("color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block")


class Desk(NamedTuple):
    """A console that was worked at: a page signed in, its address, and all its pages."""

    page: Any
    origin: str
    shots: list[Shot]


@pytest.fixture(scope="module")
def desk(chromium: Any, example_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("axe")
    case = Path(shutil.copytree(example_case, folder / "example"))
    with console(folder, case) as (site, origin):
        context = chromium.new_context(bypass_csp=True)
        cookie = sessions.begin(site.state, people.named(site.state, "hana"))
        context.add_cookies([{"name": "kazami", "value": cookie, "url": origin}])
        page = context.new_page()
        shots = worked_on(site, origin, page)
        yield Desk(page, origin, shots)
        context.close()


def wrong(page: Any, *rules: str) -> list[tuple[str, str]]:
    """What axe finds on a page, by all rules or these; and whether it is wider than its window."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}, **only}
    found = [
        (one["id"], node["html"][:200])
        for one in axe.Axe().run(page, options=options).response["violations"]
        for node in one["nodes"][:3]
    ]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found if fits else [*found, ("wider than the window", "")]


def looked(desk: Desk, ways: list[tuple[str, int]], *rules: str) -> list[str]:
    """What is wrong with each page, theme and width."""
    found: list[str] = []
    for shot in desk.shots:
        desk.page.goto(desk.origin + shot.place)
        for theme, width in ways:
            desk.page.emulate_media(color_scheme=theme)
            desk.page.set_viewport_size({"width": width, "height": 900})
            found += [
                f"{shot.name} {theme} {width} {name}: {html}" for name, html in wrong(desk.page, *rules)
            ]
    return found


def test_the_pages_are_all_there_are(desk: Desk) -> None:
    places = [shot.place.partition("?")[0] for shot in desk.shots]
    for resource in RESOURCES:
        pattern = re.sub(r"\{\w+\}", "[^/]+", resource.path)
        assert any(re.fullmatch(pattern, place) for place in places), resource.path


def test_axe_finds_nothing_on_any_page(desk: Desk) -> None:
    assert looked(desk, [("light", 1280)]) == []


@pytest.mark.slow
def test_axe_finds_nothing_in_other_themes_and_widths(desk: Desk) -> None:
    assert looked(desk, [("dark", 360), ("light", 360), ("dark", 2560)], *LOOKS) == []

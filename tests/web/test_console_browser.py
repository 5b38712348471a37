"""A person at the console, in a real browser; skipped where there is none."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.web.conftest import EXAMPLE, PASSWORD

from kazami.web import server
from kazami.web.site import Site

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def origin(changeable: Site) -> Iterator[str]:
    """The address of a console that runs."""
    listen = server.Listen(port=0)
    with server.bound(listen) as (found, port):
        running = uvicorn.Server(server.config(changeable, listen))
        thread = threading.Thread(target=running.run, args=([found],))
        thread.start()
        while not running.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        running.should_exit = True
        thread.join()


def signed_in(chromium: Any, origin: str, name: str, **how: Any) -> Any:
    page = chromium.new_context(**how).new_page()
    page.problems = []
    page.on(
        "console", lambda said: page.problems.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            page.problems.append(asked.url) if not asked.url.startswith((origin, "data:")) else None
        ),
    )
    page.goto(f"{origin}/incidents")
    page.fill("#d-name", name)
    page.fill("#d-password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{origin}/incidents")
    return page


def test_an_analyst_reads_and_decides_by_keyboard(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    before = page.locator("tbody a.open").count()
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    assert page.locator("[data-chosen]").inner_text() == "1 chosen"
    with page.expect_navigation():
        page.keyboard.press("c")
    assert page.locator("tbody a.open").count() == before - 1
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/incidents/" in page.url
    with page.expect_navigation():
        page.locator("dd a.entity").first.click()
    assert "/entities?name=" in page.url
    assert page.locator("tbody a.open").count() > 0
    with page.expect_navigation():
        page.locator("section:last-of-type tbody a.open").first.click()
    assert page.locator("details.event").count() > 0
    assert page.problems == []


def test_a_comment_and_a_tick_are_kept(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    page.locator("tbody a.open").first.click()
    page.fill("#c-text", "Seen with the customer. <script>alert(1)</script>")
    with page.expect_navigation():
        page.locator("form[action$='/comment'] button").click()
    assert "<script>alert(1)</script>" in page.locator(".comments").inner_text()
    with page.expect_navigation():
        page.locator(".check").first.click()
    assert page.locator(".check[aria-pressed=true]").count() == 1
    assert page.problems == []


def test_notices_are_drafted_in_the_browser(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    first = page.locator("tbody a.open").first.get_attribute("href")
    page.goto(f"{origin}{first}/notices")
    with page.expect_navigation():
        page.locator("form[action$='/plan'] button").click()
    assert page.locator("details.event").count() > 1
    assert page.problems == []


def test_language_and_theme_change_at_a_click(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    page.click(".who summary")
    with page.expect_navigation():
        page.click("button[name=lang]")
    assert page.locator("h1").inner_text().startswith("インシデント")
    page.click(".who summary")
    with page.expect_navigation():
        page.click("button[value=dark]")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"


def test_a_reader_of_a_tenant_has_no_other(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "water")
    assert (
        page.locator("tbody tr td:nth-child(3)").all_inner_texts()
        == ["aoba-water"] * page.locator("tbody tr").count()
    )
    assert page.locator("nav a[href$='/campaigns'], nav a[href$='/hunts'], #bulk").count() == 0


@pytest.mark.parametrize(
    ("theme", "width"),
    [
        ("light", 1280),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in (("dark", 1280), ("light", 360), ("dark", 2560))
        ),
    ],
)
def test_pages_fit_and_axe_finds_nothing(
    chromium: Any, origin: str, theme: str, width: int, tmp_path: Path
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = signed_in(
        chromium,
        origin,
        "chief",
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        bypass_csp=True,
    )
    first = page.locator("tbody a.open").first.get_attribute("href")
    places = [
        "/",
        "/incidents",
        first,
        "/findings",
        "/entities?name=kumo-jump01",
        "/rules",
        "/evidence",
        "/people",
        "/audit",
        "/me",
    ]
    if width != 1280:
        places = places[:4]
    for place in places:
        page.goto(origin + place)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        found = axe.run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], place


def test_evidence_is_handed_over_and_watched(chromium: Any, origin: str, tmp_path: Path) -> None:
    page = signed_in(chromium, origin, "ana")
    page.goto(f"{origin}/evidence")
    page.fill("#u-tenant", "harbor")
    page.set_input_files(
        "#u-files", [str(path) for path in sorted(EXAMPLE.glob("minato-foods/*")) if path.is_file()]
    )
    with page.expect_navigation():
        page.locator("[data-drop] button").click()
    page.wait_for_selector("a[href*='tenant=harbor']", timeout=60_000)
    assert page.locator("[data-field=state]").inner_text() == "Done"
    page.click("a[href*='tenant=harbor']")
    assert page.locator("tbody a.open").count() > 0
    assert page.problems == []


def test_a_suppression_is_previewed_then_holds(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    page.goto(f"{origin}/findings?tenant=aoba-water")
    before = page.locator(".facet li a").first.inner_text()
    page.locator("tbody a.open").first.click()
    title = page.locator("h1").inner_text()
    page.click("a[href*='/suppressions?']")
    assert title in page.locator("section[aria-labelledby=h-seen]").inner_text()
    page.fill("#s-reason", "Agreed with the customer")
    with page.expect_navigation():
        page.locator("form[action$='/suppressions/add'] button").click()
    assert "Agreed with the customer" in page.locator("section[aria-labelledby=h-now]").inner_text()
    page.goto(f"{origin}/findings?tenant=aoba-water&show=suppressed")
    assert set(page.locator("tbody a.open").all_inner_texts()) == {title}
    page.goto(f"{origin}/findings?tenant=aoba-water")
    assert page.locator(".facet li a").first.inner_text() == before
    page.goto(f"{origin}/suppressions")
    with page.expect_navigation():
        page.locator("form[action$='/suppressions/remove'] button").click()
    page.goto(f"{origin}/findings?show=suppressed")
    assert page.locator("tbody a.open").count() == 0
    assert page.problems == []

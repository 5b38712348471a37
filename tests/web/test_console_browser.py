"""A person at the console, in a real browser; skipped where there is none."""

from __future__ import annotations

import shutil
import socket
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


def test_the_track_is_looked_at_closely_by_keyboard_mouse_and_touch(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana", viewport={"width": 1280, "height": 900}, has_touch=True)
    page.locator("tbody a.open").first.click()
    whole = page.locator(".only-wide svg").get_attribute("viewBox")
    page.click("[data-zoom=in]")
    page.click("[data-zoom=right]")
    near = page.locator(".only-wide svg").get_attribute("viewBox")
    assert float(near.split()[2]) < float(whole.split()[2])
    assert float(near.split()[0]) > 0
    box = page.locator(".only-wide svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20, steps=4)
    page.mouse.up()
    assert float(page.locator(".only-wide svg").get_attribute("viewBox").split()[0]) < float(near.split()[0])
    page.click("[data-zoom=whole]")
    assert page.locator(".only-wide svg").get_attribute("viewBox").split()[2:] == whole.split()[2:]
    marks = page.locator(".only-wide svg a[data-steps]")
    assert page.locator(".lit").is_hidden()
    marks.nth(1).focus()
    said = page.locator(".lit").inner_text()
    assert ".jsonl" in said
    marks.nth(3).hover()
    assert page.locator(".lit").inner_text() != said
    address = page.url
    marks.nth(1).tap()
    assert (page.locator(".lit").inner_text(), page.url) == (said, address)
    marks.nth(1).focus()
    page.keyboard.press("Enter")
    assert page.url.endswith(f"#step-{marks.nth(1).get_attribute('data-steps').split()[0]}")
    assert page.problems == []


def test_incidents_are_merged_out_of_the_list_by_keyboard(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    tenants = page.locator("tbody tr td:nth-child(4)").all_inner_texts()
    tenant = max(set(tenants), key=tenants.count)
    page.goto(f"{origin}/incidents?tenant={tenant}")
    before = page.locator("tbody a.open").count()
    merge = page.locator("button[data-key=m]")
    assert merge.is_disabled()
    for key in ("j", "x", "m"):
        page.keyboard.press(key)
    assert merge.is_disabled()
    for key in ("j", "x"):
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press("m")
    page.goto(f"{origin}/incidents?tenant={tenant}")
    assert page.locator("tbody a.open").count() == before - 1
    page.goto(f"{origin}{page.locator('tbody a.open').first.get_attribute('href')}")
    if page.locator("#g-other").count():
        page.locator("summary", has_text="Merge another").click()
        page.select_option("#g-other", index=0)
        with page.expect_navigation():
            page.locator("form[action$='/merge'] button").click()
        page.goto(f"{origin}/incidents?tenant={tenant}")
        assert page.locator("tbody a.open").count() == before - 2
    assert page.problems == []


def test_notices_are_sent_from_the_browser_and_arrive(
    chromium: Any, origin: str, changeable: Site, tmp_path: Path
) -> None:
    controller_of = pytest.importorskip("aiosmtpd.controller", reason="aiosmtpd is not installed").Controller
    mails: list[Any] = []

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            mails.append(envelope)
            return "250 taken"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    post = controller_of(Box(), hostname="127.0.0.1", port=port)
    post.start()
    changeable.directory = tmp_path / "tenants.toml"
    way = f"host='127.0.0.1'\nport={port}\nsecurity='none'\nsender='soc@kumo.example'\n"
    changeable.directory.write_text(
        f"[delivery.usual]\n{way}[delivery.independent]\n{way}"
        "[tenants.aoba-water]\ntitle='Aoba Water'\nlang='ja'\n"
        "[[tenants.aoba-water.contacts]]\nname='Control room'\nrole='administrator'\nmail='ot@aoba.example'\n"
    )
    try:
        page = signed_in(chromium, origin, "ana")
        page.goto(f"{origin}/incidents?tenant=aoba-water")
        first = page.locator("tbody a.open").first.get_attribute("href")
        page.goto(f"{origin}{first}/notices")
        with page.expect_navigation():
            page.locator("form[action$='/plan'] button").click()
        assert mails == []
        page.locator("form[action$='/send'] button").click()  # the box is not ticked: the browser says so
        assert mails == []
        page.check("input[name=sure]")
        with page.expect_navigation():
            page.locator("form[action$='/send'] button").click()
        states = page.locator("tbody tr td:nth-child(3)").all_inner_texts()
    finally:
        post.stop()
    assert {to for mail in mails for to in mail.rcpt_tos} == {"ot@aoba.example"}
    assert "sent" in states
    assert not any(b"minato" in mail.content for mail in mails)
    assert page.problems == []


def test_an_incident_prints(chromium: Any, origin: str, tmp_path: Path) -> None:
    page = signed_in(chromium, origin, "ana", color_scheme="dark")
    first = page.locator("tbody a.open").first.get_attribute("href")
    page.goto(f"{origin}{first}")
    page.emulate_media(media="print")
    hidden = [".bar", "footer", ".tabs", ".zoom", ".bulk", "#c-text"]
    assert [one for one in hidden if page.locator(one).first.is_visible()] == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.steps strong')).color") == "rgb(0, 0, 0)"
    file = tmp_path / "incident.pdf"
    page.pdf(path=str(file), format="A4", print_background=False)
    assert file.read_bytes().startswith(b"%PDF")
    assert 2 <= file.read_bytes().count(b"/Type /Page\n") <= 14


def test_a_hunt_becomes_findings_in_the_browser(chromium: Any, origin: str) -> None:
    page = signed_in(chromium, origin, "ana")
    query = "select time, host, CommandLine, event_uid from process_creation limit 3"
    page.goto(f"{origin}/ask?query={query}")
    page.locator("input[name=events]").first.check()
    page.fill("#x-title", "Looked odd")
    with page.expect_navigation():
        page.locator("#found button").click()
    assert "/findings?rule=hunt." in page.url
    assert page.locator("tbody a.open").all_inner_texts() == ["Looked odd"]
    assert page.problems == []

"""Every page of the console as a picture: ``python -m benchmarks.console_pictures OUT [--docs]``.

The example is scanned and worked on a little, then each page is taken in both languages, both themes and both widths (360
and 1440 pixels), the main ones at the size of a wall (2560) too. With ``--docs`` fewer and smaller ones are written, and
the page that shows them: each language, theme and width once for each page.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.store.browse.incidents import Asked, incidents
from kazami.web import server
from kazami.web.opening import opened
from kazami.web.quiet import Quiet
from kazami.web.site import Site
from kazami.web.state import audit, notes, people, sessions

ROOT = Path(__file__).parents[1]
EXAMPLE = Path("examples") / "intrusion"  # as people call it, from the root
PAGE = ROOT / "docs" / "console-pictures.md"

#: Widths in pixels, and pages that are taken at the size of a wall.
NARROW, WIDE, WALL = 360, 1440, 2560
ON_WALLS = ("overview", "incident", "findings")

CHANGED = "/changes?since=2026-11-10"

#: What `--docs` takes of each page: language, theme, width.
SHOWN = (("en", "light", WIDE), ("ja", "dark", WIDE), ("en", "dark", NARROW), ("ja", "light", NARROW))


@dataclass(frozen=True, slots=True)
class Shot:
    """A page: its name, where it is, and whether somebody has to be signed in."""

    name: str
    place: str
    signed: bool = True


@contextmanager
def console(folder: Path, scanned: Path | None = None) -> Iterator[tuple[Site, str]]:
    """A console over the example (`scanned` if it was already; it is changed), with people, and its address."""
    case = scanned or folder / "example"
    if scanned is None:
        scan(Request((EXAMPLE,), case, tenant_from_folder=True), Quiet())
    with opened(case, folder / "state", None) as site:
        site.keys, site.notice_key = folder / "keys", folder / "notice-key"
        for name, role, tenants in (
            ("hana", "administrator", None),
            ("ken", "analyst", None),
            ("aoba", "reader", frozenset({"aoba-water"})),
        ):
            people.add(site.state, name, role, "a heron by the weir 7", tenants)
        listen = server.Listen(port=0)
        with server.bound(listen) as (found, port):
            running = uvicorn.Server(server.config(site, listen))
            thread = threading.Thread(target=running.run, args=([found],))
            thread.start()
            while not running.started:
                time.sleep(0.02)
            try:
                yield site, f"http://127.0.0.1:{port}"
            finally:
                running.should_exit = True
                thread.join()


def worked_on(site: Site, origin: str, page: Any) -> list[Shot]:
    """Some work, done as people do it, so that pages have something to show; then all pages."""
    desk = next(iter(site.desks.values()))
    with desk.reader(None) as reader:
        rows = incidents(reader, Asked()).rows
    first = rows[0]
    place = f"incident/{first.uid}"
    notes.say(site.state, place, first.tenant, "ken", "Called the customer; the server is off the network.")
    notes.tick(site.state, place, "M1032", "ken", done=True)
    audit.note(site.state, "ken", "comment", place, first.tenant)
    hana = people.named(site.state, "hana")
    notes.keep_view(site.state, hana, "High, nobody's", "severity=high&owner=-")
    sessions.begin(site.state, hana, "token", "nightly export", 90 * 86400.0)

    def post(path: str, **form: Any) -> None:
        page.request.post(
            f"{origin}{path}",
            form={**form, "proof": proof},
            headers={"origin": origin},
            fail_on_status_code=True,
        )

    page.goto(f"{origin}/incidents")
    proof = page.locator("input[name=proof]").first.get_attribute("value")
    post("/incidents/mark", uids=first.uid, owner="hana")
    post(f"/incidents/{first.uid}/notices/plan")
    page.goto(f"{origin}/findings")
    finding = page.locator("tbody a.open").first.get_attribute("href")
    page.goto(f"{origin}{finding}")
    suppress = page.locator("a[href*='/suppressions?']").get_attribute("href")
    page.goto(f"{origin}{suppress}")
    page.fill("#s-reason", "A backup of the customer, agreed on by telephone")
    page.locator("form[action$='/add'] button").click()
    page.goto(f"{origin}/evidence")
    page.fill("#u-tenant", "minato-foods")
    page.set_input_files(
        "#u-files", [_mail(desk.file.parent), *map(str, sorted(EXAMPLE.glob("minato-foods/*"))[:2])]
    )
    page.locator("[data-drop] button").click()
    page.wait_for_selector("[data-over]", timeout=60_000)
    job = page.url.removeprefix(origin)
    return _shots(origin, page, first.uid, str(finding), str(suppress), job)


def _mail(folder: Path) -> str:
    """An archive as strangers send it: harmless, but named to mislead."""
    file = folder / "invitation.zip"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("invitation.docx.exe", b"MZ" + bytes(62) + b"this runs nowhere")
        made.writestr("agenda.txt", "Monday, ten o'clock")
    return str(file)


def _shots(origin: str, page: Any, uid: str, finding: str, suppress: str, job: str) -> list[Shot]:
    def first(place: str, link: str) -> str:
        page.goto(origin + place)
        return str(page.locator(link).first.get_attribute("href"))

    entity = first(f"/incidents/{uid}", "a.entity")
    campaign = first("/campaigns", "tbody a.open")
    hunt = first("/hunts", "tbody a.open")
    rule = first("/rules", "tbody a.open")
    file = first("/files", "tbody a.open")
    query = "select+host,+count(*)+as+findings+from+finding+group+by+1+order+by+2+desc"
    for slow in ("/evidence/logging", "/rules?show=cost", CHANGED):  # made aside: wait until they are there
        page.goto(origin + slow)
        page.wait_for_selector("table", timeout=60_000)
    return [
        Shot("sign-in", "/sign-in", signed=False),
        Shot("overview", "/"),
        Shot("incidents", "/incidents"),
        Shot("incident", f"/incidents/{uid}"),
        Shot("assessment", f"/incidents/{uid}/assessment"),
        Shot("notices", f"/incidents/{uid}/notices"),
        Shot("campaigns", "/campaigns"),
        Shot("campaign", campaign),
        Shot("findings", "/findings"),
        Shot("finding", finding),
        Shot("entity", entity),
        Shot("hunts", "/hunts"),
        Shot("hunt", hunt),
        Shot("ask", f"/ask?query={query}"),
        Shot("rules", "/rules"),
        Shot("rules-cost", "/rules?show=cost"),
        Shot("rules-blind", "/rules?show=blind"),
        Shot("rule", rule),
        Shot("suppressions", suppress),
        Shot("evidence", "/evidence"),
        Shot("logging", "/evidence/logging"),
        Shot("files", "/files"),
        Shot("file", file),
        Shot("changes", CHANGED),
        Shot("job", job),
        Shot("jobs", "/jobs"),
        Shot("actors", "/actors"),
        Shot("actor", "/actors/G1017"),
        Shot("reputation", "/reputation?hash=" + "0" * 64),
        Shot("people", "/people"),
        Shot("audit", "/audit"),
        Shot("me", "/me"),
        Shot("error", "/nowhere"),
    ]


def taken(browser: Any, origin: str, cookie: str, shots: list[Shot], out: Path, *, docs: bool) -> list[Path]:
    """All pictures, written to `out`: PNG to look at, or small WebP for the documentation."""
    ways = (
        SHOWN
        if docs
        else [(la, th, wi) for la in ("en", "ja") for th in ("light", "dark") for wi in (NARROW, WIDE)]
    )
    made = []
    for lang, theme, width in [*ways, ("en", "dark", WALL)]:
        names = ON_WALLS if width == WALL else [shot.name for shot in shots]
        scale = (0.4 if width == WALL else 0.6 if width == WIDE else 0.8) if docs else 1.0
        size = {"width": width, "height": 800 if width == NARROW else width * 9 // 16}
        context = browser.new_context(viewport=size, device_scale_factor=scale)
        page = context.new_page()
        for shot in (shot for shot in shots if shot.name in names):
            given = {"lang": lang, "theme": theme, **({"kazami": cookie} if shot.signed else {})}
            context.clear_cookies()
            context.add_cookies([{"name": k, "value": v, "url": origin} for k, v in given.items()])
            page.goto(origin + shot.place)
            name = f"{shot.name}-{lang}-{theme}-{width}"
            made.append(_written(page, out, name, docs=docs))
        context.close()
    return made


def _written(page: Any, out: Path, name: str, *, docs: bool) -> Path:
    if not docs:
        page.screenshot(path=str(out / f"{name}.png"), full_page=True)
        return out / f"{name}.png"
    told = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": 50}
    )
    file = out / f"{name}.webp"
    file.write_bytes(base64.b64decode(told["data"]))
    return file


def gallery(shots: list[Shot], folder: str) -> str:
    """The page of the documentation that shows the pictures."""
    lines = [
        "# The console in pictures",
        "",
        "Each page of the [console](console.md) over the example, in both languages, both themes and two widths; made by",
        "`python -m benchmarks.console_pictures docs/images/console --docs`, which also writes this page.",
        "",
    ]
    for shot in shots:
        lines += [f"## {shot.name.replace('-', ' ').capitalize()}", ""]
        for lang, theme, width in [*SHOWN, *([("en", "dark", WALL)] if shot.name in ON_WALLS else [])]:
            file = f"{folder}/{shot.name}-{lang}-{theme}-{width}.webp"
            words = f"{shot.name}, {lang}, {theme}, {width} pixels"
            lines.append(f'<img src="{file}" alt="{words}" width="{180 if width == NARROW else 420}">')
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Take them all."""
    from playwright.sync_api import sync_playwright

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--docs", action="store_true", help="small ones, and the page that shows them")
    options.add_argument("--only", default="", help="pages to take, by name, with commas between")
    asked = options.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("there is no Chromium on this machine", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kazami-pictures-")))
        site, origin = stack.enter_context(console(folder))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        cookie = sessions.begin(site.state, people.named(site.state, "hana"))
        context = browser.new_context()
        context.add_cookies([{"name": "kazami", "value": cookie, "url": origin}])
        shots = worked_on(site, origin, context.new_page())
        context.close()
        chosen = [shot for shot in shots if not asked.only or shot.name in asked.only.split(",")]
        made = taken(browser, origin, cookie, chosen, asked.out, docs=asked.docs)
        browser.close()
    if asked.docs and not asked.only:
        PAGE.write_text(gallery(shots, asked.out.resolve().relative_to(PAGE.parent).as_posix()))
    print(
        f"{len(made)} pictures, {sum(file.stat().st_size for file in made) / 1e6:.1f} MB, in {asked.out}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What an attacker left behind, and what strangers send, at the console."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import PASSWORD

from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.web.app import create_app
from kazami.web.opening import opened
from kazami.web.pages import RESOURCES
from kazami.web.quiet import Quiet
from kazami.web.site import Site
from kazami.web.state import people, sessions

#: Each begins with a word by which it is found again.
MARKUP = [
    "zzq1<script>alert(1)</script>",
    'zzq2"><img src=x onerror=alert(1)>',
    "zzq3' onmouseover='alert(1)",
    "zzq4{{7*7}}{% raw %}",
    "zzq5javascript:alert(1)",
    "zzq6</textarea></title><svg onload=alert(1)>",
]
CONTROL = [
    "zzq7\x1b[31mred\x07",
    "zzq8\u202egpj.exe",
    "zzq9\u2066\u200b\ufeff",
    "zzq10\x00\x08\x85",
    "zzq11\ud800",
]
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console over a case whose events say hostile things in every field."""
    folder = tmp_path_factory.mktemp("hostile")
    lines = []
    for number, text in enumerate([*MARKUP, *CONTROL]):
        lines.append(
            json.dumps(
                {
                    "EventID": 1,
                    "Channel": "Microsoft-Windows-Sysmon/Operational",
                    "Provider_Name": "Microsoft-Windows-Sysmon",
                    "@timestamp": f"2026-11-01T00:{number:02}:00Z",
                    "Hostname": f"{text}-host",
                    "User": f"D\\{text}",
                    "Image": f"C:\\{text}\\ntdsutil.exe",
                    "OriginalFileName": "ntdsutil.exe",
                    "CommandLine": f'ntdsutil "ac i ntds" ifm "create full c:\\{text}" q q',
                    "ParentImage": f"C:\\{text}\\cmd.exe",
                    "Hashes": f"MD5={text}",
                    text: text,
                }
            )
        )
    evidence = folder / "evidence" / "zzq<b>tenant"
    evidence.mkdir(parents=True)
    (evidence / "zzq<i>x.jsonl").write_text("\n".join(lines))
    (evidence / "zzq<u>broken.jsonl").write_text('{"a": \n<script>alert(2)</script>')
    scan(Request((folder / "evidence",), folder / "case", tenant_from_folder=True), Quiet())
    with opened(folder / "case", folder / "state", None, hosts=("testserver",)) as site:
        people.add(site.state, "chief", "administrator", PASSWORD)
        site.keys, site.notice_key = folder / "keys", folder / "notice-key"
        yield site


def test_hostile_text_reaches_every_page_inert(hostile: Site) -> None:
    with TestClient(create_app(hostile), follow_redirects=False) as client:
        assert client.post("/sign-in", data={"name": "chief", "password": PASSWORD}).status_code == 303
        rows = client.get("/findings.json?limit=200").json()["data"]["rows"]
        assert len({row["host"] for row in rows}) >= len(MARKUP)
        incidents = client.get("/incidents.json?state=all").json()["data"]["rows"]
        for one in incidents[:3]:
            page = client.get(f"/incidents/{one['uid']}")
            proof = re.search(r'name="proof" value="(\w+)"', page.text)
            assert proof
            for text in [*MARKUP, *CONTROL[:-1]]:
                form = {"proof": proof[1], "text": text}
                assert client.post(f"/incidents/{one['uid']}/comment", data=form).status_code == 303
        places = [
            "/",
            "/incidents?state=all",
            "/findings?limit=200",
            "/evidence",
            "/audit",
            "/people",
            "/rules",
            "/hunts/H4",
        ]
        places += [f"/incidents/{one['uid']}" for one in incidents[:5]]
        places += [f"/incidents/{one['uid']}/assessment" for one in incidents[:2]]
        places += [f"/findings/{row['uid']}" for row in rows[:25]]
        shown = 0
        for place in places:
            page = client.get(place)
            assert page.status_code == 200, place
            shown += "zzq" in page.text
            _inert(page.text, place)
        for text in [*MARKUP, *CONTROL[:-1]]:
            for place, name in (
                ("/entities", "name"),
                ("/findings", "text"),
                ("/incidents", "text"),
                ("/findings", "host"),
            ):
                _inert(client.get(place, params={name: text}).text, f"{place} {text!r}")
        assert shown > 12


class _Markup(HTMLParser):
    """What of a page a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        ours = (given.get("src") or "/static/").startswith("/static/")
        if tag in ("b", "i", "u", "iframe", "object") or (tag in ("script", "img") and not ours):
            self.bad.append(tag)
        for name, value in attrs:
            leads = name in ("href", "src", "action") and (value or "").strip().lower().startswith(
                ("javascript:", "data:")
            )
            if name.startswith("on") or name == "style" or leads:
                self.bad.append(f"{tag} {name}={value}")


def _inert(html: str, place: str) -> None:
    parser = _Markup()
    parser.feed(html)
    assert parser.bad == [], place
    assert "zzq449" not in html, place
    found = RAW.search(html)
    assert found is None, (place, found)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fapp.py",
        "/incidents/../../etc/passwd",
        "/findings/%00",
        "/cases/../etc/incidents",
        "/cases/nowhere/incidents",
        "/rules/%3Cscript%3E",
    ],
)
def test_paths_lead_nowhere_else(client: TestClient, program: Any, path: str) -> None:
    answer = client.get(path, headers=program("ana"))
    assert answer.status_code in (400, 404), path
    assert "root:" not in answer.text
    assert "<script>" not in answer.text


def test_a_written_request_replayed_by_another_session_is_refused(site: Site) -> None:
    app = create_app(site)
    with TestClient(app, follow_redirects=False) as one, TestClient(app, follow_redirects=False) as other:
        for browser, name in ((one, "ana"), (other, "chief")):
            assert browser.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
        mine = sessions.of(site.state, one.cookies["kazami"])
        assert mine is not None
        assert other.post("/seen", data={"proof": mine.proof}).status_code == 403
        assert one.post("/seen", data={"proof": mine.proof}).status_code == 303
        sessions.end(site.state, mine.secret)
        assert one.post("/seen", data={"proof": mine.proof}).status_code == 303
        assert one.post("/seen", data={"proof": mine.proof}).headers["location"].startswith("/sign-in")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_api_keeps_to_its_description_whatever_is_sent(changeable: Site) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, given, settings

    app = create_app(changeable)
    token = sessions.begin(changeable.state, people.named(changeable.state, "ana"), "token", "test")
    headers = {"authorization": f"Bearer {token}", "host": "testserver"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"host": "testserver"})
    seen: set[int] = set()
    for operation in schema.get_all_operations():

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            answer = case.call(headers=headers)
            seen.add(answer.status_code)
            assert answer.status_code < 500 or answer.status_code == 503, (
                case.formatted_path,
                answer.text[:300],
            )

        check()
    assert 200 in seen


def test_every_resource_is_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for resource in RESOURCES:
        twin = "/index.json" if resource.path == "/" else f"{resource.path}.json"
        assert "get" in paths[twin]

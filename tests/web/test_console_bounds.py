"""What strangers and bad luck may do to the console: slow clients, floods, forged ids, cases that change or vanish."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import uvicorn
from starlette.testclient import TestClient
from tests.web.conftest import EXAMPLE, PASSWORD

from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.web import app, guard, server
from kazami.web.acts import ACTS
from kazami.web.app import create_app
from kazami.web.opening import opened
from kazami.web.pages import RESOURCES
from kazami.web.quiet import Quiet
from kazami.web.rate import Rate
from kazami.web.site import Site
from kazami.web.state import people


@pytest.fixture
def port(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A console that waits for nobody."""
    monkeypatch.setattr(server, "HEAD", 0.4)
    monkeypatch.setattr(guard, "PATIENCE", 0.4)
    listen = server.Listen(port=0)
    with server.bound(listen) as (found, number):
        running = uvicorn.Server(server.config(site, listen))
        thread = threading.Thread(target=running.run, args=([found],))
        thread.start()
        while not running.started:
            time.sleep(0.02)
        yield number
        running.should_exit = True
        thread.join()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname=",
        b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /sign-in HTTP/1.1\r\nHost: ",
    ],
)
def test_who_says_too_slowly_what_they_want_is_sent_away(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as slow:
        slow.sendall(begun)
        said = b""
        while piece := slow.recv(65536):
            said += piece
    assert b" 408 " in said


def test_a_request_that_breaks_off_is_no_error_of_ours(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=15) as gone:
        gone.sendall(b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
                     b"Content-Type: application/x-www-form-urlencoded\r\n\r\nn")  # fmt: skip
    time.sleep(0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=15) as other:
        other.sendall(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert other.recv(65536).startswith(b"HTTP/1.1 200")
    assert "error" not in caplog.text.lower()


def test_a_flood_of_one_session_is_refused_and_others_are_served(client: TestClient, program: Any) -> None:
    headers = program("ana")
    codes = [client.get("/actors.json", headers=headers).status_code for _ in range(app.BURST + 60)]
    assert codes[: app.BURST] == [200] * app.BURST
    assert 429 in codes
    assert client.get("/actors.json", headers=program("chief")).status_code == 200


def test_buckets_fill_again_with_time() -> None:
    rate = Rate(2, 1.0)
    assert [rate.takes("a", now) for now in (0, 0, 0, 0.5, 1.6, 1.7)] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert rate.takes("b", 0)
    small = Rate(1, 1.0, most=2)
    assert [small.takes(key, 0) for key in ("a", "b", "c", "a")] == [True] * 4  # the oldest is forgotten


def test_no_resource_gives_a_reader_what_another_tenant_has(client: TestClient, program: Any) -> None:
    ana, water = program("ana"), program("water")

    def rows(path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(path, headers=ana).json()["data"]["rows"]
        return [row for row in found if row["tenant"] != "aoba-water"]

    findings, incidents, evidence = (
        rows("/findings.json?limit=500"),
        rows("/incidents.json?state=all"),
        rows("/evidence.json"),
    )
    secrets = {row["uid"] for row in findings + incidents} | {row["host"] for row in findings if row["host"]}
    secrets |= {row["name"] for row in evidence} | {row["tenant"] for row in incidents}
    forged = {incidents[0]["uid"], findings[0]["uid"], findings[0]["host"], incidents[0]["tenant"]}
    asked = 0
    for resource in RESOURCES:
        fields = [one.encode_name for one in msgspec.structs.fields(resource.query)]
        for value in forged - {None}:
            path = (
                "/index"
                if resource.path == "/"
                else re.sub(r"{\w+}", quote(str(value), safe=""), resource.path)
            )
            for given in [{}, *({name: value} for name in fields)]:
                answer = client.get(f"{path}.json", params=given, headers=water)
                while answer.status_code == 429:
                    time.sleep(0.5)
                    answer = client.get(f"{path}.json", params=given, headers=water)
                assert answer.status_code in (200, 400, 403, 404), (path, given)
                if answer.status_code == 200:
                    asked += 1
                    said = answer.text.replace(str(value), "")  # it may be said back
                    leaked = [one for one in secrets if one in said]
                    assert leaked == [], (path, given)
    assert asked > 100


def test_no_act_lets_a_reader_change_what_another_tenant_has(
    client: TestClient, program: Any, site: Site
) -> None:
    rows = client.get("/incidents.json?state=all", headers=program("ana")).json()["data"]["rows"]
    foreign = next(row["uid"] for row in rows if row["tenant"] != "aoba-water")
    mine = next(row["uid"] for row in rows if row["tenant"] == "aoba-water")
    reader = people.named(site.state, "water")
    bodies: dict[str, Any] = {"/incidents/{uid}/comment": {"text": "x"}}
    for act in ACTS:
        path = re.sub(r"{\w+}", foreign, act.path)
        body = bodies.get(act.path, {"uids": [foreign, mine], "others": [foreign], "id": foreign})
        answer = client.post(path, json=body, headers=program("water"))
        wanted = (400, 404) if act.may(reader) else (403,)
        if act.path not in ("/seen", "/views"):  # these are of the person alone
            assert answer.status_code in wanted, act.path


def _places(client: TestClient) -> list[str]:
    uid = client.get("/incidents.json").json()["data"]["rows"][0]["uid"]
    finding = client.get("/findings.json").json()["data"]["rows"][0]
    ids = {
        "incidents": uid,
        "findings": finding["uid"],
        "rules": finding["rule"],
        "hunts": "H4",
        "actors": "G1017",
    }
    paths = [re.sub(r"{\w+}", ids.get(one.path.split("/")[1], "x"), one.path) for one in RESOURCES]
    return [path for path in paths if path != "/"]


@pytest.mark.slow
def test_a_case_that_vanishes_or_breaks_is_told_on_every_page(changeable: Site) -> None:
    desk = next(iter(changeable.desks.values()))
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        assert client.post("/sign-in", data={"name": "ana", "password": PASSWORD}).status_code == 303
        places = _places(client)
        proof = re.search(r'name="proof" value="(\w+)"', client.get("/incidents").text)
        assert proof
        uid = places[places.index("/incidents") + 1].split("/")[2]
        for broken in (
            lambda: (desk.case / "case.duckdb").write_bytes(b"no database"),
            lambda: shutil.rmtree(desk.case),
        ):
            broken()
            for place in places:
                codes = [client.get(place).status_code, client.get(f"{place}.json").status_code]
                assert set(codes) <= {200, 403, 404, 503}, (place, codes)
            answer = client.post("/incidents/mark", data={"proof": proof[1], "uids": uid, "state": "closed"})
            assert answer.status_code == 503
            assert "<h1>" in answer.text


HOLDS = """import sys
from pathlib import Path
from kazami.store.case import Case
with Case.open(Path(sys.argv[1]), command="another scan"):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.slow
def test_a_case_that_is_being_written_is_read_on_and_not_changed(changeable: Site) -> None:
    desk = next(iter(changeable.desks.values()))
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        assert client.post("/sign-in", data={"name": "ana", "password": PASSWORD}).status_code == 303
        row = client.get("/incidents.json").json()["data"]["rows"][0]
        proof = re.search(r'name="proof" value="(\w+)"', client.get("/incidents").text)
        assert proof
        form = {"proof": proof[1], "uids": row["uid"], "state": "closed"}
        command = [sys.executable, "-c", HOLDS, str(desk.case)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"open\n"
            assert client.post("/incidents/mark", data=form).status_code == 409
            assert client.get(f"/incidents/{row['uid']}").status_code == 200
            other.communicate(b"\n")
        before = client.get("/evidence.json").json()["data"]["runs"]
        scan(Request((EXAMPLE / "minato-foods",), desk.case, tenant="harbor"), Quiet())
        desk.refresh(force=True)
        assert len(client.get("/evidence.json").json()["data"]["runs"]) == len(before) + 1
        assert client.get("/incidents.json?tenant=harbor").json()["data"]["rows"]
        assert client.post("/incidents/mark", data=form).status_code == 303


def test_a_folder_of_cases_keeps_them_apart(example_case: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    folder.mkdir()
    shutil.copytree(example_case, folder / "east")
    scan(Request((EXAMPLE / "minato-foods",), folder / "west", tenant="harbor"), Quiet())
    (folder / "notes").mkdir()
    with opened(folder, tmp_path / "state", None, hosts=("testserver",)) as site:
        people.add(site.state, "chief", "administrator", PASSWORD)
        people.add(site.state, "port", "reader", PASSWORD, frozenset({"harbor"}))
        with TestClient(create_app(site), follow_redirects=False) as client:
            assert client.post("/sign-in", data={"name": "chief", "password": PASSWORD}).status_code == 303
            first = client.get("/").text
            assert [name for name in ("east", "west", "notes") if f"/cases/{name}/" in first] == [
                "east",
                "west",
            ]
            assert client.get("/incidents").status_code == 404
            east = next(one for one in client.get("/index.json").json()["data"] if one["name"] == "east")
            rows = client.get("/cases/east/incidents.json").json()["data"]["rows"]
            assert east["open"] == Counter(row["severity"] for row in rows)
            assert east["tenants"] == len({row["tenant"] for row in rows})
            for name, tenants in (("east", {"kumo-msp", "aoba-water"}), ("west", {"harbor"})):
                page = client.get(f"/cases/{name}/incidents")
                assert set(re.findall(r'href="(/cases/\w+)/', page.text)) >= {f"/cases/{name}"}
                assert 'href="/incidents' not in page.text
                rows = client.get(f"/cases/{name}/incidents.json").json()["data"]["rows"]
                assert {row["tenant"] for row in rows} & (tenants | {"minato-foods"}) >= tenants
            foreign = client.get("/cases/east/incidents.json").json()["data"]["rows"][0]["uid"]
            assert client.get(f"/cases/west/incidents/{foreign}").status_code == 404
            proof = re.search(r'name="proof" value="(\w+)"', client.get("/me").text)
            assert proof
            form = {"proof": proof[1], "label": "export"}
            assert client.post("/me/token", data=form).status_code == 200
            form = {"proof": proof[1], "uids": foreign, "owner": "chief"}
            assert client.post("/cases/west/incidents/mark", data=form).status_code == 404
            answer = client.post("/cases/east/incidents/mark", data=form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/cases/east/incidents")
            assert client.post("/sign-in", data={"name": "port", "password": PASSWORD}).status_code == 303
            first = client.get("/")
            assert (first.status_code, first.headers["location"]) == (303, "/cases/west/")
            assert [one["name"] for one in client.get("/index.json").json()["data"]] == ["west"]
            assert "east" not in client.get("/cases/west/").text + client.get("/me").text
            for way in ("/", "/incidents", "/incidents.json?state=all", "/nowhere"):
                hidden, absent = (client.get(f"/cases/{name}{way}") for name in ("east", "north"))
                assert hidden.status_code == absent.status_code == 404
                assert hidden.text.replace("east", "north") == absent.text
            assert client.get("/cases/west/incidents.json?state=all").json()["data"]["rows"]

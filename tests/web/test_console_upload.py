"""Evidence by browser: taken, scanned, watched, stopped; and what is refused."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import EXAMPLE, PASSWORD

from kazami.web.app import create_app
from kazami.web.site import Site
from kazami.web.upload import parts_of


def signed_in(client: TestClient, name: str) -> str:
    """Somebody signs in: the proof of their session."""
    assert client.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
    found = re.search(r'name="proof" value="(\w+)"', client.get("/incidents").text)
    assert found
    return found[1]


def ended(client: TestClient, place: str) -> dict[str, Any]:
    for _ in range(600):
        line: dict[str, Any] = client.get(f"{place}.json").json()["data"]["line"]
        if line["state"] in ("done", "stopped", "failed"):
            return line
        time.sleep(0.1)
    raise AssertionError("the scan did not end")


def test_files_are_taken_scanned_and_shown(changeable: Site) -> None:
    one = next(EXAMPLE.glob("minato-foods/*.jsonl*"))
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        files = [
            ("files", ("../../evil/../x.jsonl.gz" if one.suffix == ".gz" else "../x.jsonl", one.read_bytes()))
        ]
        data = {"tenant": "harbor"}
        assert client.post("/evidence/upload?proof=no", data=data, files=files).status_code == 403
        answer = client.post(f"/evidence/upload?proof={proof}", data=data, files=files)
        assert answer.status_code == 303
        place = answer.headers["location"]
        line = ended(client, place)
        assert (line["state"], line["events"] > 0, line["findings"] > 0) == ("done", True, True)
        with client.stream("GET", f"{place}/events") as stream:
            assert '"state":"done"' in "".join(stream.iter_text())
        assert client.get("/evidence.json?tenant=harbor").json()["data"]["rows"]
        assert client.get("/findings.json?tenant=harbor").json()["data"]["rows"]
        assert client.post(f"{place}/go", data={"proof": proof}).status_code == 303
        assert ended(client, place)["state"] == "done"
    kept = {
        path.relative_to(changeable.state.file.parent).parts[0]
        for path in changeable.state.file.parent.rglob("*")
    }
    assert "evil" not in kept


def test_readers_hand_over_nothing(client: TestClient) -> None:
    proof = signed_in(client, "water")
    files = [("files", ("x.jsonl", b"{}"))]
    answer = client.post(f"/evidence/upload?proof={proof}", data={"tenant": "aoba-water"}, files=files)
    assert answer.status_code == 403
    assert client.get("/jobs.json").status_code == 403


@pytest.mark.parametrize("tenant", ["", "a/b", "..", "x" * 200])
def test_a_tenant_has_a_name(client: TestClient, tenant: str) -> None:
    proof = signed_in(client, "ana")
    files = [("files", ("x.jsonl", b"{}"))]
    assert (
        client.post(f"/evidence/upload?proof={proof}", data={"tenant": tenant}, files=files).status_code
        == 400
    )


def test_what_is_too_large_is_refused(site: Site) -> None:
    site.upload_bytes = 10_000
    with TestClient(create_app(site), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        files = [("files", ("x.jsonl", b"x" * 20_000))]
        assert (
            client.post(f"/evidence/upload?proof={proof}", data={"tenant": "t"}, files=files).status_code
            == 413
        )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b.evtx", ["a", "b.evtx"]),
        ("../../etc/passwd", ["etc", "passwd"]),
        ("C:\\logs\\x.evtx", ["C_", "logs", "x.evtx"]),
        ("..", ["file"]),
        ("a\x00b\n", ["a_b_"]),
        ("/", ["file"]),
    ],
)
def test_names_stay_inside(name: str, parts: list[str]) -> None:
    assert parts_of(name) == parts
    assert Path("in", *parts).resolve().is_relative_to(Path("in").resolve())

"""Files that a scan looked inside, and changes of hosts, at the console and behind the wall."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from starlette.testclient import TestClient
from tests.web.conftest import PASSWORD

from content_writer import DOCX, PE, zipped
from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.web.app import create_app
from kazami.web.opening import opened
from kazami.web.quiet import Quiet
from kazami.web.site import Site
from kazami.web.state import people

SHA256 = hashlib.sha256(PE).hexdigest()


def driver(day: str, path: str, signed: str, digit: str) -> str:
    return json.dumps(
        {
            "EventID": 6,
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "@timestamp": f"2026-{day}T00:00:00Z",
            "Hostname": "SRV",
            "ImageLoaded": path,
            "Signed": signed,
            "SignatureStatus": "Valid" if signed == "true" else "Unavailable",
            "Hashes": f"SHA256={digit * 64}",
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    for tenant in ("harbor", "hill"):
        (made / "evidence" / tenant).mkdir(parents=True)
    (made / "evidence/harbor/mail.zip").write_bytes(zipped({"invite.docx.exe": PE, "invite.docx": DOCX}))
    kept = "C:\\Windows\\System32\\drivers\\a.sys"
    lines = [driver("04-01", kept, "true", "1"), driver("05-03", kept, "true", "1")]
    lines.append(driver("05-03", "C:\\Windows\\Temp\\b.sys", "false", "3"))
    (made / "evidence/harbor/sysmon.jsonl").write_text("\n".join(lines))
    (made / "evidence/hill/sysmon.jsonl").write_text("\n".join(lines[:2]))
    scan(Request((made / "evidence",), made / "case", tenant_from_folder=True), Quiet())
    return made


@pytest.fixture
def site(folder: Path, tmp_path: Path) -> Iterator[Site]:
    with opened(folder / "case", tmp_path / "state", None, hosts=("testserver",)) as made:
        made.notice_key, made.baselines, made.shelf = (
            tmp_path / "key",
            tmp_path / "baselines",
            tmp_path / "shelf",
        )
        people.add(made.state, "ana", "analyst", PASSWORD)
        people.add(made.state, "hill", "reader", PASSWORD, frozenset({"hill"}))
        yield made


def signed_in(client: TestClient, name: str) -> None:
    assert client.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303


def test_a_file_is_told_with_its_proofs_and_what_it_lay_in(site: Site) -> None:
    with TestClient(create_app(site), follow_redirects=False) as client:
        signed_in(client, "ana")
        rows = client.get("/files.json").json()["data"]["rows"]
        assert {(row["sha256"], row["tenant"]) for row in rows} >= {(SHA256, "harbor")}
        assert all(row["container"].endswith("mail.zip") for row in rows)
        assert client.get("/files.json?text=nothing-like-it").json()["data"]["rows"] == []
        assert client.get("/files.json?tenant=hill").json()["data"]["rows"] == []
        data = client.get(f"/files/{SHA256.upper()}.json").json()["data"]
        assert {row["matched"]["sha256"] for row in data["proofs"]} == {SHA256}
        assert SHA256 in {row["sha256"] for row in data["chain"]}
        page = client.get(f"/files/{SHA256}").text
        assert "invite.docx.exe" in page
        assert escape(data["proofs"][0]["title"]) in page
        assert client.get("/files/" + "0" * 64).status_code == 404
        signed_in(client, "hill")
        assert client.get("/files.json").json()["data"]["rows"] == []
        assert client.get(f"/files/{SHA256}").status_code == 404


def test_changes_after_a_day_are_told_host_by_host(site: Site) -> None:
    def told(client: TestClient) -> dict[str, Any]:
        for _ in range(60):
            data: dict[str, Any] = client.get("/changes.json?since=2026-05-01").json()["data"]
            if data["ready"]:
                return data
            time.sleep(0.5)
        raise AssertionError("never ready")

    with TestClient(create_app(site), follow_redirects=False) as client:
        signed_in(client, "ana")
        assert client.get("/changes").status_code == 200
        assert client.get("/changes.json?since=yesterday").status_code == 400
        rows = told(client)["rows"]
        assert [(row["tenant"], row["host"], row["level"], row["name"]) for row in rows] == [
            ("harbor", "SRV", "critical", "C:\\Windows\\Temp\\b.sys")
        ]
        assert "b.sys" in client.get("/changes?since=2026-05-01").text
        signed_in(client, "hill")
        assert told(client)["rows"] == []

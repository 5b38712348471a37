"""Evidence by browser: taken, scanned, watched, stopped; and what is refused."""

from __future__ import annotations

import http.client
import itertools
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import EXAMPLE, PASSWORD

from kazami.web.app import create_app
from kazami.web.form import parts_of
from kazami.web.opening import opened
from kazami.web.site import Site
from kazami.web.state import people, sessions


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


def test_a_scan_is_stopped_and_gone_on_with(changeable: Site) -> None:
    line = (
        '{"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "@timestamp": "2026-11-01T00:00:00Z", '
        '"Hostname": "H1", "Image": "C:\\\\Windows\\\\System32\\\\whoami.exe", "CommandLine": "whoami %d"}'
    )
    content = "\n".join(line % number for number in range(3000)).encode()
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        files = [("files", ("many.jsonl", content))]
        place = client.post(
            f"/evidence/upload?proof={proof}", data={"tenant": "harbor"}, files=files
        ).headers["location"]
        assert client.post(f"{place}/go", data={"proof": proof}).status_code == 400  # it runs
        assert (
            client.post(f"/evidence/upload?proof={proof}", data={"tenant": "t"}, files=files).status_code
            == 400
        )
        assert client.post(f"{place}/stop", data={"proof": proof}).status_code == 303
        assert ended(client, place)["state"] == "stopped"
        assert "/go" in client.get(place).text
        assert client.post(f"{place}/go", data={"proof": proof}).status_code == 303
        told = ended(client, place)
        assert (told["state"], told["events"]) == ("done", 3000)
        rows = client.get("/evidence.json?tenant=harbor").json()["data"]["rows"]
        assert [(row["events"], row["state"]) for row in rows] == [(3000, "done")]


def test_what_is_no_form_or_breaks_off_leaves_nothing_behind(site: Site) -> None:
    with TestClient(create_app(site), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\nx\r\n'
        for kind, body in (
            ("multipart/form-data", b""),
            ("multipart/form-data; boundary=b", b"nonsense"),
            ("multipart/form-data; boundary=b", part % b"a" + part % b"a/b" + b"--b--\r\n"),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\nContent-Disposition: form-data; name="tenant"\r\n\r\n' + b"x" * 99_999,
            ),
            ("application/json", b"{}"),
        ):
            headers = {"content-type": kind, "origin": "http://testserver"}
            answer = client.post(f"/evidence/upload?proof={proof}", content=body, headers=headers)
            assert answer.status_code == 400, (kind, body[:40])
        assert not list((site.state.file.parent / "uploads").glob("*/**"))


def test_files_of_one_name_are_kept_apart(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        files = [("files", (name, name.encode())) for name in ("x.txt", "./x.txt", "d/x.txt", "../x.txt")]
        answer = client.post(f"/evidence/upload?proof={proof}", data={"tenant": "harbor"}, files=files)
        assert answer.status_code == 303
    uploads = changeable.state.file.parent / "uploads"
    kept = [(path.name, path.read_bytes()) for path in uploads.rglob("*") if path.is_file()]
    assert sorted(kept) == [
        ("2-x.txt", b"./x.txt"),
        ("3-x.txt", b"../x.txt"),
        ("x.txt", b"d/x.txt"),
        ("x.txt", b"x.txt"),
    ]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux alone")
def test_two_gigabytes_pass_through_without_being_held(
    prepared: Path, example_case: Path, tmp_path: Path
) -> None:
    shutil.copytree(prepared, tmp_path / "state")
    shutil.copytree(example_case, tmp_path / "example")
    with opened(tmp_path / "example", tmp_path / "state", None) as site:
        token = sessions.begin(site.state, people.named(site.state, "ana"), "token", "test")
    command = [
        sys.executable,
        "-m",
        "kazami",
        "serve",
        str(tmp_path / "example"),
        "--state",
        str(tmp_path / "state"),
        "--port",
        "0",
    ]
    head = b'--b\r\nContent-Disposition: form-data; name="tenant"\r\n\r\nharbor\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="disk.img"\r\n\r\n'
    tail, piece, pieces = b"\r\n--b--\r\n", bytes(4 << 20), 512
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            port = urlsplit(server.stderr.readline().strip()).port
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            headers = {
                "authorization": f"Bearer {token}",
                "content-type": "multipart/form-data; boundary=b",
                "content-length": str(len(head) + len(piece) * pieces + len(tail)),
            }
            parts = itertools.chain([head], itertools.repeat(piece, pieces), [tail])
            connection.request("POST", "/evidence/upload", body=parts, headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
            assert found
            assert int(found[1]) < 300 * 1024
            (written,) = (tmp_path / "state" / "uploads").rglob("disk.img")
            assert written.stat().st_size == len(piece) * pieces
            answer.read()
            connection.close()
        finally:
            server.terminate()

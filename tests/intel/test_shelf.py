"""Which table is in use, and what an update may ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import stix

from kazami.errors import UsageError
from kazami.intel import bundle, shelf


class Answers(BaseHTTPRequestHandler):
    """A bundle, a redirect to where nobody may go, or nothing."""

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://example.invalid/bundle")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(stix.bundle())

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))
    return tmp_path / "intel"


def test_what_was_added_is_used_from_then_on(tmp_path: Path) -> None:
    assert shelf.attack() is shelf.shipped()
    shelf.keep(shelf.derive(stix.written(tmp_path)).table)
    assert shelf.attack().name("T1003.003") == "Dumping: NTDS"
    assert [path.name for path in shelf.added().parent.iterdir()] == [shelf.added().name]


def test_the_version_is_taken_from_the_name_where_the_bundle_has_none(tmp_path: Path) -> None:
    content = stix.bundle().replace(b"x-mitre-collection", b"x-mitre-nothing")
    assert (
        shelf.derive(stix.written(tmp_path, content, "enterprise-attack-17.0.json")).table.version == "17.0"
    )
    with pytest.raises(UsageError, match="which version"):
        shelf.derive(stix.written(tmp_path, content))
    assert shelf.derive(stix.written(tmp_path, content), "19.1").table.version == "19.1"
    with pytest.raises(UsageError, match="which version"):
        shelf.derive(stix.written(tmp_path, content), "nineteen")


def test_a_broken_table_is_said(own: Path) -> None:
    own.mkdir()
    shelf.added().write_bytes(b"nothing")
    with pytest.raises(UsageError, match="attack-enterprise"):
        shelf.attack()


def test_an_update(server: str) -> None:
    assert shelf.fetch(f"{server}/bundle").table.version == "18.1"


def test_an_update_that_fails(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="does not answer"):
        shelf.fetch(f"{server}/none")
    with pytest.raises(UsageError, match=r"example\.invalid.*only https"):
        shelf.fetch(f"{server}/away")
    monkeypatch.setattr(bundle, "LARGEST", 100)
    with pytest.raises(UsageError, match="more than 100 bytes"):
        shelf.fetch(f"{server}/bundle")


@pytest.mark.parametrize(
    "url", ["http://example.org/a", "file:///etc/passwd", "ftp://x/y", "https://", "http://[x"]
)
def test_nothing_else_is_asked(url: str) -> None:
    with pytest.raises(UsageError, match=r"only https|IPv6"):
        shelf.fetch(url)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["attack.t1221"], ("attack.defense-evasion", "attack.t1221")),
        (["attack.t1221", "attack.t1566.001"], ("attack.defense-evasion", "attack.initial-access", "attack.t1221", "attack.t1566.001")),
        (["attack.execution", "attack.t1221"], ("attack.execution", "attack.t1221")),
        (["attack.t9999"], ("attack.t9999",)),
        (["cve.2017-0199"], ("cve.2017-0199",)),
        ([], ()),
    ],
)  # fmt: skip
def test_techniques_say_their_tactics_where_no_tactic_is_named(
    tags: list[str], expected: tuple[str, ...]
) -> None:
    assert shelf.shipped().tagged(tags) == expected

"""A console over the example, for tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra `console` is not installed")

from starlette.testclient import TestClient

from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.web.app import create_app
from kazami.web.opening import opened
from kazami.web.quiet import Quiet
from kazami.web.site import Site
from kazami.web.state import people, sessions

PASSWORD = "a heron by the weir 7"
EXAMPLE = Path(__file__).parents[2] / "examples" / "intrusion"


@pytest.fixture(scope="session")
def example_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, scanned; not to be changed."""
    case = tmp_path_factory.mktemp("console") / "example"
    scan(Request((EXAMPLE,), case, tenant_from_folder=True), Quiet())
    return case


@pytest.fixture(scope="session")
def prepared(example_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the memory of a console over the example: an administrator, an analyst, a reader of one tenant."""
    folder = tmp_path_factory.mktemp("state")
    with opened(example_case, folder, None) as made:
        people.add(made.state, "chief", "administrator", PASSWORD)
        people.add(made.state, "ana", "analyst", PASSWORD)
        people.add(made.state, "water", "reader", PASSWORD, frozenset({"aoba-water"}))
    return folder


@pytest.fixture
def site(example_case: Path, prepared: Path, tmp_path: Path) -> Iterator[Site]:
    """A console over the example; nothing of it outlives the test."""
    shutil.copytree(prepared, tmp_path / "state")
    with opened(example_case, tmp_path / "state", None, hosts=("testserver",)) as made:
        made.keys, made.notice_key = tmp_path / "keys", tmp_path / "notice-key"
        yield made


@pytest.fixture
def changeable(example_case: Path, prepared: Path, tmp_path: Path) -> Iterator[Site]:
    """The same over a copy of the case that may be changed."""
    shutil.copytree(prepared, tmp_path / "state")
    shutil.copytree(example_case, tmp_path / "example")
    with opened(tmp_path / "example", tmp_path / "state", None, hosts=("testserver",)) as made:
        made.keys, made.notice_key = tmp_path / "keys", tmp_path / "notice-key"
        yield made


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A browser that nobody is signed in with."""
    with TestClient(create_app(site), follow_redirects=False) as made:
        yield made


@pytest.fixture
def program(site: Site) -> Any:
    """Gives the headers with which a program acts as somebody."""

    def headers(name: str) -> dict[str, str]:
        token = sessions.begin(site.state, people.named(site.state, name), "token", "test")
        return {"authorization": f"Bearer {token}"}

    return headers

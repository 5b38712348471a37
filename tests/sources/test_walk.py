"""Finding evidence in what a person hands over."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from kazami.archive.budget import Limits
from kazami.model.event import rejects
from kazami.model.evidence import Evidence
from kazami.sources import walk


def names(files: list[walk.File], root: Path) -> list[str]:
    return [os.path.relpath(f.path, root) for f in files]


def reasons(rows: list[dict[str, Any]]) -> str:
    rejects(rows)
    return " | ".join(f"{r['name']}: {r['reason']} x{r['count']}" for r in rows)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "logs"
    for name in ("b.log", "a/z.log", "a/y/x.log", "c/d.log", ".hidden"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_folders_are_walked_in_the_order_of_their_names(tree: Path) -> None:
    files, rows = walk.list_files([tree], tenant="acme")
    assert names(files, tree) == [".hidden", "b.log", "a/z.log", "a/y/x.log", "c/d.log"]
    assert files[1] == walk.File(str(tree / "b.log"), 5, "acme")
    assert rows == []


def test_each_file_is_listed_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.parent)
    files, _ = walk.list_files(
        [tree / "a", "logs", tree / "b.log", "logs/../logs/b.log", f"{tree}/"], tenant=""
    )
    assert len(files) == 5
    assert files[0].path == str(tree / "a" / "z.log")


def test_folders_name_tenants_only_if_asked(tree: Path) -> None:
    files, _ = walk.list_files([tree], tenant="default", tenant_from_folder=True)
    assert [f.tenant for f in files] == ["default", "default", "a", "a", "c"]
    assert {f.tenant for f in walk.list_files([tree], tenant="default")[0]} == {"default"}


def test_links_are_not_followed_out_of_the_folder(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    (tree / "file").symlink_to(outside / "secret")
    (tree / "folder").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    (tree / "inside").symlink_to(tree / "b.log")
    (tree / "dangling").symlink_to(tmp_path / "nowhere")
    files, rows = walk.list_files([tree], tenant="")
    assert len(files) == 5
    assert [Path(r["name"]).name for r in rows] == ["dangling", "file", "folder"]
    assert {r["count"] for r in rows} == {0}
    assert "not followed" in reasons(rows)


def test_a_link_that_was_handed_over_is_followed(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tree)
    assert len(walk.list_files([link], tenant="")[0]) == 5


def test_special_files_are_passed_over(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "socket"))
        files, rows = walk.list_files([tree, tree / "pipe", "/dev/null"], tenant="")
    assert len(files) == 5
    text = reasons(rows)
    assert "pipe: is a pipe, not a file x0" in text
    assert "socket: is a socket" in text
    assert "/dev/null: is a device, not a file x1" in text


def test_what_is_not_there_is_told() -> None:
    found = list(walk.find(["/nonexistent/x", "nul\0byte"], tenant=""))
    assert "/nonexistent/x: No such file or directory x1" in reasons(found)
    assert len(found) == 2


def test_a_file_that_cannot_be_opened_is_told(tree: Path) -> None:
    assert "No such file" in reasons(list(walk.expand(walk.File(str(tree / "gone"), 3, ""))))
    assert "directory" in reasons(list(walk.expand(walk.File(str(tree), 3, "")))).lower()


@pytest.mark.skipif(os.name != "posix", reason="bytes as names")
def test_names_that_are_not_text_are_shown_escaped_and_still_read(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    with open(folder + b"/caf\xe9\n.log", "wb") as file:  # noqa: PTH123 - pathlib knows no bytes
        file.write(b"x")
    (found,) = walk.find([tmp_path], tenant="")
    assert isinstance(found, Evidence)
    assert found.name == f"{tmp_path}/caf\\xe9\\n.log"
    found.name.encode()
    with found.open() as stream:
        assert stream.read() == b"x"


def test_paths_thousands_of_folders_deep(tmp_path: Path) -> None:
    folders = [f"{tmp_path}/d" + "/d" * n for n in range(1200)]
    for folder in folders:
        os.mkdir(folder)  # noqa: PTH102 - pathlib recurses
    try:
        assert len(walk.list_files([tmp_path], tenant="")[0]) == 0
        assert walk.list_files([tmp_path], tenant="")[1] == []
    finally:
        for folder in reversed(folders):
            os.rmdir(folder)  # noqa: PTH106


@pytest.mark.parametrize("in_memory", [3, 1 << 20])
def test_a_plain_file_is_its_own_evidence(tmp_path: Path, in_memory: int) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"hello")
    (found,) = walk.find([path], tenant="acme", limits=Limits(in_memory=in_memory))
    assert isinstance(found, Evidence)
    assert found.path == path
    assert (found.name, found.tenant, found.size) == (str(path), "acme", 5)
    assert found.uid == hashlib.sha256(b"hello").hexdigest()[:16]
    with found.open() as one, found.open() as two:
        assert one.read() == two.read() == b"hello"
        one.seek(1)
        assert one.read(2) == b"el"


def test_an_empty_file_is_evidence_of_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (found,) = walk.find([tmp_path], tenant="")
    assert isinstance(found, Evidence)
    assert found.size == 0


def test_a_file_that_grew_since_it_was_listed_is_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(b"hello")
    (found,) = walk.expand(walk.File(str(path), 2, ""))
    assert isinstance(found, Evidence)
    assert (found.size, found.uid) == (5, hashlib.sha256(b"hello").hexdigest()[:16])

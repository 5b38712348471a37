"""Remote-management tools: what is taken from a description, what is too general, and what then belongs to which tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazami.errors import UsageError
from kazami.intel.remote import Tool, install, installed, read
from kazami.intel.remote_match import Matcher

DESK = r"""
Name: Desk
Details:
  PEMetadata:
    - {Filename: desk.exe, OriginalFileName: DeskTop.exe}
    - {Filename: '', OriginalFileName: ''}
  InstallationPaths: ['C:\Program Files (x86)\Desk\*', 'desk-setup*.exe', 'setup.exe', 'C:\Windows\dwm.exe', '*']
Artifacts:
  Disk: [{File: '%programdata%\Desk\trace.log'}, {File: 'C:\Users\*\AppData\Local\Temp\*'}]
  EventLog: [{ServiceName: Desk Service}, {ServiceName: null}]
  Network: [{Domains: ['*.desk.example', 'user_managed', 'https://boot.desk.example:443/x', 'github.com', '198.51.100.7']}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAZAMI_INTEL", str(tmp_path / "intel"))
    (tmp_path / "desk.yaml").write_text(DESK)
    return tmp_path


def test_a_description_becomes_indicators(folder: Path) -> None:
    found = read(folder)
    (tool,) = found.tools
    assert tool.programs == ("desk.exe", "desk-setup*.exe")
    assert tool.originals == ("desktop.exe",)
    assert tool.folders == (r"\program files (x86)\desk\*", r"\desk\trace.log")
    assert tool.services == ("desk service",)
    assert tool.domains == ("*.desk.example", "boot.desk.example")
    assert found.left_out["names of programs"] > 0
    assert found.left_out["domains"] == 3


def test_what_is_no_description_is_named(folder: Path) -> None:
    for name, text in (
        ("list.yaml", "- 1"),
        ("broken.yml", "Name: ["),
        ("large.yaml", "#" * (1 << 20) + "x"),
    ):
        (folder / name).write_text(text)
    found = read(folder)
    assert len(found.tools) == 1
    assert {Path(path).name for path in found.broken} == {"list.yaml", "broken.yml", "large.yaml"}


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file in it describes a tool"):
        read(tmp_path)
    with pytest.raises(UsageError, match="there is no such folder"):
        read(tmp_path / "nowhere")


def test_they_are_kept_for_the_user(folder: Path) -> None:
    assert installed() is None
    path = install(read(folder).tools)
    assert path == folder / "intel" / "remote-tools.json"
    assert installed() == read(folder).tools
    path.write_text("{}")
    with pytest.raises(UsageError, match=r"remote-tools\.json: cannot be read"):
        installed()


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("program", r"C:\Temp\DESK.EXE", ["Desk"]),
        ("program", "/opt/desk-setup-1.2.exe", ["Desk"]),
        ("program", r"C:\Temp\nodesk.exe", []),
        ("program", r"C:\desk.exe\other.exe", []),
        ("path", r"C:\Program Files (x86)\Desk\any.dll", ["Desk"]),
        ("path", r"D:\ProgramData\Desk\trace.log", ["Desk"]),
        ("path", r"C:\Program Files (x86)\Other\Desk.txt", []),
        ("domain", "a.b.desk.example.", ["Desk"]),
        ("domain", "BOOT.desk.example", ["Desk"]),
        ("domain", "desk.example.evil.test", []),
        ("domain", "notdesk.example", []),
        ("service", "Desk Service", ["Desk"]),
        ("original", "DeskTop.exe", ["Desk"]),
        ("program", "", []),
        ("path", "x" * 100_000, []),
    ],
)
def test_what_belongs_to_a_tool(folder: Path, kind: str, value: str, found: list[str]) -> None:
    assert Matcher(read(folder).tools).kinds[kind](value) == found


def test_globs_are_no_regular_expressions() -> None:
    matcher = Matcher([Tool("A", programs=("a(b*.exe", "c[d].exe"))])
    assert matcher.program("a(bX.exe") == ["A"]
    assert matcher.program("ab.exe") == []
    assert matcher.program("c[d].exe") == ["A"]


def test_the_public_set_can_be_imported(shared: Path, folder: Path) -> None:
    source = shared / "lolrmm"
    if not source.is_dir():
        pytest.skip(f"LOLRMM is not at {source}")
    found = read(source)
    assert len(found.tools) >= 300
    assert found.broken == {}
    matcher = Matcher(found.tools)
    assert matcher.program(r"C:\Users\a\AnyDesk.exe") == ["AnyDesk"]
    assert matcher.domain("boot.net.anydesk.com") == ["AnyDesk"]
    for own in (
        "svchost.exe",
        "cmd.exe",
        "powershell.exe",
        "rundll32.exe",
        "explorer.exe",
        "dwm.exe",
        "lsass.exe",
    ):
        assert matcher.program(rf"C:\Windows\System32\{own}") == []
        assert matcher.path(rf"C:\Windows\System32\{own}") == []

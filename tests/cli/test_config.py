"""``kazami.toml``: where it is looked for, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazami import config
from kazami.errors import UsageError


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAZAMI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def test_defaults() -> None:
    assert config.load() == config.Settings(cache=config.load().cache)
    assert config.load().packs is None


FULL = """
[scan]
rules = ["mine", "/etc/rules"]
packs = ["common"]
passwords = ["secret"]
workers = 3
[placeholders]
Admins = ["alice", "bob"]
"""


def test_everything(tmp_path: Path) -> None:
    path = tmp_path / "below" / "k.toml"
    path.parent.mkdir()
    path.write_text(FULL)
    found = config.load(path)
    assert found.rules == (tmp_path / "below" / "mine", Path("/etc/rules"))
    assert (found.packs, found.passwords, found.workers) == (("common",), ("secret",), 3)
    assert found.placeholders == {"Admins": ("alice", "bob")}
    assert found.source == path


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, workers: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[scan]\nworkers = {workers}\n")
        return path

    write(tmp_path / "home" / "kazami" / "kazami.toml", 1)
    assert config.load().workers == 1
    write(tmp_path / "kazami.toml", 2)
    assert config.load().workers == 2
    monkeypatch.setenv("KAZAMI_CONFIG", str(write(tmp_path / "named.toml", 3)))
    assert config.load().workers == 3
    assert config.load(write(tmp_path / "given.toml", 4)).workers == 4
    monkeypatch.setenv("KAZAMI_CONFIG", "")
    assert config.load().workers == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[scan\n", "line 1"),
        ("\udcff", "utf-8"),
        ("[other]\n", "unknown section 'other'; known: content, emulation, network, placeholders, scan"),
        ("[scan]\nworker = 1\n", "unknown setting 'worker'; known: packs, passwords, rules, workers"),
        ("scan = 3\n", "scan must be a table: write [scan]"),
        ("placeholders = []\n", "placeholders must be a table"),
        ("[scan]\nworkers = 0\n", "whole number from 1 to 256"),
        ("[scan]\nworkers = 257\n", "whole number from 1 to 256"),
        ("[scan]\nworkers = true\n", "whole number from 1 to 256"),
        ("[scan]\nworkers = '2'\n", "whole number from 1 to 256"),
        ("[scan]\nrules = 'mine'\n", "scan.rules must be a list of texts"),
        ("[scan]\npacks = [1]\n", "scan.packs must be a list of texts"),
        ("[placeholders]\nAdmins = 'alice'\n", "placeholders.Admins must be a list of texts"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "kazami.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as error:
        config.load()
    assert str(error.value).startswith("kazami.toml: ")
    assert words in str(error.value)


@pytest.mark.parametrize("path", ["nosuch.toml", "."])
def test_a_file_that_was_named_must_be_there(path: str) -> None:
    with pytest.raises(UsageError, match=rf"^{path}: (No such file or directory|Is a directory)$"):
        config.load(Path(path))


def test_emulation(tmp_path: Path) -> None:
    path = tmp_path / "k.toml"
    path.write_text("[emulation]\nalways = true\nseconds = 5\n")
    found = config.load(path)
    assert (found.emulate, found.emulation_seconds) == (True, 5.0)
    for wrong in ("always = 1", "seconds = 0", "seconds = true", "seconds = 601", "sometimes = true"):
        path.write_text(f"[emulation]\n{wrong}\n")
        with pytest.raises(UsageError, match=r"emulation|sometimes"):
            config.load(path)

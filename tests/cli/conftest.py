"""The program, in a folder of its own, with evidence and rules that are made for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import made
from program import Program


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled rules are kept for all tests."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def bench(tmp_path: Path, home: Path) -> made.Bench:
    """A folder with rules and room for evidence."""
    return made.Bench(tmp_path, home / "kazami")


@pytest.fixture
def run(
    bench: made.Bench, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program, in the folder of the bench; its settings use no pack, but the rules of the bench."""
    monkeypatch.chdir(bench.folder)
    for name in ("KAZAMI_CONFIG", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUTF8"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    (bench.folder / "kazami.toml").write_text('[scan]\npacks = []\nrules = ["rules.yml"]\nworkers = 1\n')
    return Program(bench.folder, capsys)


@pytest.fixture
def nobody(tmp_path_factory: pytest.TempPathFactory, bench: made.Bench, home: Path) -> Iterator[None]:
    """Rights count for everybody but root: who is root becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    base = tmp_path_factory.getbasetemp()
    for folder in (*base.parents[:2], base, *bench.folder.parents[:1]):
        folder.chmod(folder.stat().st_mode | 0o755)
    for path in (bench.folder, home, *bench.folder.rglob("*"), *home.rglob("*")):
        os.lchown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        if not os.access(made.__file__, os.R_OK, effective_ids=True):
            pytest.skip("the program lies where only root may look")
        yield
    finally:
        os.seteuid(0)

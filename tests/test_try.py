"""The launcher of the README's two commands: what it does where a Python lacks parts. `.ci/run` runs it for real."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "try.py"


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with its environment in an empty folder."""
    spec = importlib.util.spec_from_file_location("launcher", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(module, "PROGRAMS", tmp_path / ".venv" / "bin")
    return module


def recorded(monkeypatch: pytest.MonkeyPatch, code: Callable[[list[str]], int]) -> list[list[str]]:
    """Commands that would be run; `code` gives the exit code of each."""
    ran: list[list[str]] = []

    def run(command: list[str], *, check: bool, **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        done = subprocess.CompletedProcess[str](command, code(command))
        if check:
            done.check_returncode()
        return done

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_its_help_names_both_commands() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "try.py kazami scan examples/intrusion" in done.stdout
    assert "try.py --extra test pytest" in done.stdout


def test_without_ensurepip_the_environment_is_made_without_pip(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = recorded(monkeypatch, lambda command: 0 if "--without-pip" in command else 1)
    launcher.make()
    assert [command[1:3] for command in ran] == [["-m", "venv"]] * 2
    assert "--without-pip" in ran[1]


def test_the_environment_s_own_pip_comes_first(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = recorded(monkeypatch, lambda command: 0)
    launcher.install("package")
    assert len(ran) == 2
    assert ran[1][:4] == [str(launcher.python()), "-m", "pip", "install"]


def test_else_the_pip_of_this_python_fills_it(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = recorded(monkeypatch, lambda command: int(command[0] == str(launcher.python())))
    launcher.install("package")
    assert ran[-1][:6] == [sys.executable, "-m", "pip", "--python", str(launcher.python()), "install"]


def test_without_any_pip_it_says_what_is_missing(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(monkeypatch, lambda command: 1)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        launcher.install("package")


def test_a_failed_installation_ends_it(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(monkeypatch, lambda command: int("install" in command))
    with pytest.raises(subprocess.CalledProcessError):
        launcher.install("package")


def test_the_command_s_exit_code_is_handed_on(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(monkeypatch, lambda command: 3 if command[0].endswith("kazami") else 0)
    monkeypatch.setattr(sys, "argv", ["try.py", "kazami", "scan", "--fail-on", "high", "x"])
    assert launcher.main() == 3

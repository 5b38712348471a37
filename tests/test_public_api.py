"""The public interface is what `kazami.__all__` says: sorted, whole, and described."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import kazami

ROOT = Path(__file__).parents[1]


def test_all_is_sorted() -> None:
    assert list(kazami.__all__) == sorted(kazami.__all__)


def test_all_is_whole() -> None:
    public = {
        name for name, value in vars(kazami).items() if not name.startswith("_") and not is_module(value)
    }
    assert public - {"annotations"} | {"__version__"} == set(kazami.__all__)


def is_module(value: object) -> bool:
    return type(value).__name__ == "module"


def test_everything_public_is_described() -> None:
    assert [
        name for name in kazami.__all__ if name != "__version__" and not getattr(kazami, name).__doc__
    ] == []


def test_the_version_is_the_package_s() -> None:
    assert kazami.__version__ == version("kazami")
    assert re.search(
        rf'^version = "{re.escape(kazami.__version__)}"$', (ROOT / "pyproject.toml").read_text(), re.M
    )

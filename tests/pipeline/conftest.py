"""A bench for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

import made


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled rules, kept for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(tmp_path: Path, cache: Path) -> made.Bench:
    """A folder with rules and room for evidence."""
    return made.Bench(tmp_path, cache)

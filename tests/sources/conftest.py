"""What tests of sources share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kazami.sources import walk
from packed import Found, Unpack


@pytest.fixture
def unpack(tmp_path: Path) -> Unpack:
    def run(data: bytes, name: str = "evidence", **options: Any) -> Found:
        path = tmp_path / name
        path.write_bytes(data)
        return Found(walk.find([path], tenant="acme", **options))

    return run

"""What icons are drawn as: pages and folders in every size and depth, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from icon_writer import bitmap, disc, folder, page, tile
from kazami.detect.content.executable import pe
from kazami.detect.content.executable.icon import decoded, drawn_as
from kazami.model.content import Scope
from pe_writer import pe as program

PICTURES = {
    "page": (page(), "page"),
    "page of a table": (page(mark=(16, 124, 65)), "page"),
    "red page": (page(48, (200, 30, 30)), "page"),
    "large page": (page(256), "page"),
    "folder": (folder(), "folder"),
    "large folder": (folder(128), "folder"),
    "page without its corner": (page(folded=False), ""),
    "folder without a tab": (folder(tab=False), ""),
    "disc": (disc(), ""),
    "tile": (tile(), ""),
    "nothing": (np.zeros((32, 32, 4), np.uint8), ""),
    "noise": (np.random.default_rng(1).integers(0, 256, (32, 32, 4), np.uint8), ""),
}


@pytest.mark.parametrize("depth", [4, 8, 24, 32])
@pytest.mark.parametrize("name", PICTURES)
def test_what_an_icon_is_drawn_as(name: str, depth: int) -> None:
    picture, drawn = PICTURES[name]
    if name == "noise" and depth < 24:
        pytest.skip("more colors than a palette holds")
    grid = decoded(bitmap(picture, depth))
    assert grid is not None
    assert drawn_as(grid) == drawn


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n" + bytes(90), bitmap(page())[:60], bytes(4000)])
def test_what_is_no_bitmap_is_passed_over(data: bytes) -> None:
    grid = decoded(data)
    assert grid is None or drawn_as(grid) == ""


@pytest.mark.parametrize(("picture", "seen"), [(page(), ["page"]), (folder(), ["folder"]), (disc(), [])])
def test_a_program_under_it_is_told(picture: np.ndarray, seen: list[str]) -> None:
    found = pe.analyze(program(resources={3: {1: bitmap(picture)}}), Scope(name="minutes.exe"))
    assert [one.value for one in found.features if one.name == "pe.document_icon"] == seen

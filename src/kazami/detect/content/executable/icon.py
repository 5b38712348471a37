"""What a program's icon is drawn as: a page of paper or a folder, which is what a reader clicks on (MITRE ATT&CK T1036.008).

No picture of anybody's is compared. A page is upright, filled, mostly white, and lacks a corner; a folder is broad, mostly yellow, and has a tab. That
is told by the outline and by shares of colors on a grid of 16 by 16, so that size and shades do not matter.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from kazami.model.content import Feature

_ICON = 3  # type of resource
_HEADER = 40  # of a bitmap without its file's header
_GRID = 16
_MOST, _LARGEST = 30, 256  # icons looked at, and their width
_OPAQUE = 96
Grid = np.ndarray[Any, np.dtype[np.float64]]


def features(binary: Any) -> Iterator[Feature]:
    """Whether one of the icons is a page or a folder."""
    if not binary.has_resources:
        return
    for place, content in _icons(binary):
        grid = decoded(content)
        drawn = drawn_as(grid) if grid is not None else ""
        if drawn:
            yield Feature("pe.document_icon", drawn, place)
            return


def _icons(binary: Any) -> Iterator[tuple[str, bytes]]:
    for group in binary.resources.childs:
        if group.has_name or group.id != _ICON:
            continue
        for one in list(group.childs)[:_MOST]:
            for leaf in list(one.childs)[:2]:
                if leaf.is_data:
                    yield f"icon {one.id}", bytes(leaf.content[: 1 << 20])


def decoded(content: bytes) -> Grid | None:
    """An icon's bitmap as (16, 16, 4) of red, green, blue and opacity from 0 to 255; None where it is none that is known (PNG is passed over:
    the small sizes beside it are bitmaps)."""
    if len(content) < _HEADER:
        return None
    size, width, height, _, depth, packed = struct.unpack_from("<LllHHL", content)
    height //= 2  # colors, and below them the mask
    if (
        size != _HEADER
        or packed
        or not (_GRID <= width <= _LARGEST and _GRID <= height <= _LARGEST)
        or depth not in (4, 8, 24, 32)
    ):
        return None
    palette = np.frombuffer(
        content, np.uint8, min((4 << depth) if depth <= 8 else 0, len(content) - size), size
    )
    at = size + len(palette)
    row = (width * depth + 31) // 32 * 4
    raw = np.frombuffer(content[at : at + row * height].ljust(row * height, b"\0"), np.uint8).reshape(
        height, row
    )
    mask_row = (width + 31) // 32 * 4
    mask = np.frombuffer(
        content[at + row * height :][: mask_row * height].ljust(mask_row * height, b"\0"), np.uint8
    )
    clear = np.unpackbits(mask.reshape(height, mask_row), axis=1)[:, :width]
    pixels = np.zeros((height, width, 4))
    if depth <= 8:
        index = (
            raw[:, :width]
            if depth == 8
            else np.stack((raw >> 4, raw & 15), axis=2).reshape(height, -1)[:, :width]
        )
        colors = np.zeros((256, 4))
        colors[: len(palette) // 4] = palette[: len(palette) // 4 * 4].reshape(-1, 4)
        pixels[:, :, :3] = colors[index][:, :, 2::-1]
    else:
        parts = raw[:, : width * depth // 8].reshape(height, width, depth // 8)
        pixels[:, :, :3] = parts[:, :, 2::-1]
    alpha = raw.reshape(height, width, 4)[:, :, 3] if depth == 32 else np.zeros((height, width))
    pixels[:, :, 3] = alpha if alpha.any() else 255 * (1 - clear)
    return _sampled(pixels[::-1])


def _sampled(pixels: Grid) -> Grid:
    """The middle of each of 16 by 16 fields."""
    rows, columns = (((np.arange(_GRID) + 0.5) * n / _GRID).astype(int) for n in pixels.shape[:2])
    return pixels[np.ix_(rows, columns)]


def drawn_as(grid: Grid) -> str:
    """``page``, ``folder``, or "" for anything else."""
    solid = grid[:, :, 3] >= _OPAQUE
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if len(rows) < 8 or len(columns) < 8:
        return ""
    box = solid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    colors = grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, :3]
    tall = box.shape[0] / box.shape[1]
    shown = colors[box]
    white = float((shown.min(axis=1) > 200).mean())
    yellow = float(((shown[:, 0] > 180) & (shown[:, 1] > 130) & (shown[:, 2] < 0.75 * shown[:, 0])).mean())
    if 1.15 <= tall <= 1.7 and box.mean() > 0.85 and white > 0.5 and _lacks_corner(box, colors):
        return "page"
    if 0.6 <= tall <= 0.95 and box.mean() > 0.75 and yellow > 0.6 and _has_tab(box):
        return "folder"
    return ""


def _lacks_corner(box: np.ndarray[Any, np.dtype[np.bool_]], colors: Grid) -> bool:
    """Whether the upper right corner, and no other, is cut off or folded over."""
    corners = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    gone = [not box[y, x] for y, x in corners]
    if gone[1]:
        return gone.count(True) == 1
    folded = float(np.abs(colors[:3, -3:] - colors[:3, :3]).mean()) > 25
    return folded and not any(gone)


def _has_tab(box: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    """Whether the left end of the upper edge stands higher than the right."""
    first = box[0]
    width = len(first)
    return bool(first[: width // 3].any() and not first[-width // 3 :].any())

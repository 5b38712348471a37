"""Draws icons for tests: bitmaps as programs keep them, of 4 to 32 bits; pages, folders and what is neither."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

Picture = np.ndarray[Any, np.dtype[np.uint8]]


def blank(size: int) -> Picture:
    """(size, size, 4) of red, green, blue and opacity: nothing."""
    return np.zeros((size, size, 4), np.uint8)


def page(size: int = 32, mark: tuple[int, int, int] = (43, 87, 154), folded: bool = True) -> Picture:
    """A sheet with its corner cut off and a colored mark, as programs for documents draw them."""
    picture = blank(size)
    left, right, corner = size // 6, size - size // 6, size // 4
    picture[:, left:right] = (250, 250, 250, 255)
    picture[size // 2 : size - size // 5, left + 2 : size // 2] = (*mark, 255)
    if folded:
        for row in range(corner):
            picture[row, right - corner + row : right] = 0
    return picture


def folder(size: int = 32, tab: bool = True) -> Picture:
    """A yellow folder with its tab on the left."""
    picture = blank(size)
    picture[size // 4 : size - size // 6, 1 : size - 1] = (245, 205, 95, 255)
    if tab:
        picture[size // 8 : size // 4, 1 : size // 2] = (240, 190, 80, 255)
    return picture


def disc(size: int = 32) -> Picture:
    """A white disc with a rim, as many programs have."""
    rows, columns = np.mgrid[:size, :size]
    far = (rows - size / 2 + 0.5) ** 2 + (columns - size / 2 + 0.5) ** 2
    picture = blank(size)
    picture[far < (size / 2) ** 2] = (30, 60, 160, 255)
    picture[far < (size / 2.4) ** 2] = (250, 250, 250, 255)
    return picture


def tile(size: int = 32) -> Picture:
    """A white tile with a letter."""
    picture = blank(size)
    picture[1:-1, 1:-1] = (250, 250, 250, 255)
    picture[size // 4 : -size // 4, size // 3 : size // 2] = (200, 30, 30, 255)
    return picture


def bitmap(picture: Picture, depth: int = 32) -> bytes:
    """The icon as a resource: header, palette, colors from below, mask."""
    size = len(picture)
    upside = picture[::-1]
    head = struct.pack("<LllHHLLllLL", 40, size, size * 2, 1, depth, 0, 0, 0, 0, 0, 0)
    mask_row = (size + 31) // 32 * 4
    clear = np.packbits((upside[:, :, 3] < 128).astype(np.uint8), axis=1)
    mask = b"".join(row.tobytes().ljust(mask_row, b"\0") for row in clear)
    if depth == 32:
        return head + upside[:, :, [2, 1, 0, 3]].tobytes() + mask
    row = (size * depth + 31) // 32 * 4
    if depth == 24:
        return head + b"".join(line.tobytes().ljust(row, b"\0") for line in upside[:, :, [2, 1, 0]]) + mask
    colors, index = np.unique(upside[:, :, :3].reshape(-1, 3), axis=0, return_inverse=True)
    palette = np.zeros((1 << depth, 4), np.uint8)
    palette[: len(colors), :3] = colors[:, ::-1]
    places = index.reshape(size, size).astype(np.uint8)
    packed = places if depth == 8 else (places[:, ::2] << 4) | places[:, 1::2]
    return head + palette.tobytes() + b"".join(line.tobytes().ljust(row, b"\0") for line in packed) + mask

"""Names and ends of many flows at once: what `connection` says of each."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b, sha1
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.connection import PLAIN, PORTED, address
from kazami.sources.network.capture.header import Bytes, Flags

#: Bytes of a key without addresses: ports and protocol.
_END = 5

_digest: Callable[..., Any] = partial(blake2b, digest_size=9)
_community: Callable[..., Any] = partial(sha1, usedforsecurity=False)


class Keys:
    """Keys of flows as matrices, one for each width of addresses."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._count = len(keys)
        sizes = np.fromiter(map(len, keys), np.int64, len(keys))
        self._parts: list[tuple[Numbers, Bytes]] = []
        for size in np.unique(sizes).tolist():
            rows = np.flatnonzero(sizes == size)
            some = keys if len(rows) == len(keys) else [keys[row] for row in rows.tolist()]
            self._parts.append((rows, np.frombuffer(b"".join(some), np.uint8).reshape(-1, size)))
        ends = np.empty((len(keys), _END), np.uint8)
        for rows, table in self._parts:
            ends[rows] = table[:, -_END:]
        self.ports = np.ascontiguousarray(ends[:, :4]).view(">u2").astype(np.int64)
        self.protocols = ends[:, 4].astype(np.int64)

    def addresses(self, far: bool) -> pa.DictionaryArray:
        """The originators' addresses, or those of the others."""
        codes, texts = np.empty(self._count, np.int32), list[str]()
        for rows, table in self._parts:
            width = (table.shape[1] - _END) // 2
            cells = pa.py_buffer(table[:, far * width : (1 + far) * width].tobytes())
            own = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(width), len(table), [None, cells]
            ).dictionary_encode()
            codes[rows] = own.indices.to_numpy() + len(texts)
            texts += map(address, own.dictionary.to_pylist())
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(texts, pa.string()))

    def uids(self, firsts: Numbers) -> pa.StringArray:
        """`connection.uid` of each, which began at `firsts`."""
        whole = np.empty((self._count, 13), np.uint8)
        whole[:, 0] = ord("C")
        for rows, table in self._parts:
            times = firsts[rows].astype(">i8").view(np.uint8).reshape(-1, 8)
            found = b2a_base64(_hashed(_digest, np.hstack((table, times))), newline=False).translate(PLAIN)
            whole[rows, 1:] = np.frombuffer(found, np.uint8).reshape(-1, 12)
        return _texts(whole)

    def communities(self) -> pa.StringArray:
        """`connection.community_id` of each; null where its protocol has none."""
        whole = np.empty((self._count, 30), np.uint8)
        whole[:, :2] = np.frombuffer(b"1:", np.uint8)
        for rows, table in self._parts:
            found = np.frombuffer(_hashed(_community, _ordered(table)), np.uint8).reshape(-1, 20)
            padded = np.hstack((found, np.zeros((len(found), 1), np.uint8)))
            whole[rows, 2:] = np.frombuffer(b2a_base64(padded.tobytes(), newline=False), np.uint8).reshape(
                -1, 28
            )
        whole[:, -1] = ord("=")
        return _texts(whole, ~np.isin(self.protocols, PORTED))


def _hashed(made: Callable[..., Any], table: Bytes) -> bytes:
    """The digests of all rows, one after the other."""
    text, size = table.tobytes(), table.shape[1]
    return b"".join([made(text[at : at + size]).digest() for at in range(0, len(text), size)])


def _ordered(table: Bytes) -> Bytes:
    """What a Community ID is made of: the smaller end first."""
    width = (table.shape[1] - _END) // 2
    near = np.hstack((table[:, :width], table[:, -5:-3]))
    far = np.hstack((table[:, width : 2 * width], table[:, -3:-1]))
    turned = _above(near, far)[:, None]
    one, two = np.where(turned, far, near), np.where(turned, near, far)
    made = np.zeros((len(table), 2 * width + 8), np.uint8)
    made[:, 2 : 2 + width], made[:, 2 + width : 2 + 2 * width] = one[:, :width], two[:, :width]
    made[:, -6] = table[:, -1]
    made[:, -4:-2], made[:, -2:] = one[:, width:], two[:, width:]
    return made


def _above(one: Bytes, two: Bytes) -> Flags:
    """Which rows of bytes come behind the others."""
    differs = one != two
    first = np.argmax(differs, axis=1)[:, None]
    found: Flags = (np.take_along_axis(one, first, 1) > np.take_along_axis(two, first, 1))[:, 0]
    return found


def _texts(table: Bytes, missing: npt.NDArray[np.bool_] | None = None) -> pa.StringArray:
    """Rows of ASCII as texts."""
    count, width = table.shape
    offsets = np.arange(0, count * width + 1, width, dtype=np.int32)
    there = None
    if missing is not None and missing.any():
        there = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(table.tobytes()), there)

"""AES-128 of many blocks at once, to read the first packets of QUIC, whose key everybody knows. After FIPS 197.

Nothing secret passes here: there is no care about timing, and it must not be used to protect anything.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Blocks: TypeAlias = "npt.NDArray[np.uint8]"  # (n, 16)

_ROUNDS = 10
_SHIFT = np.array([0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11])


@cache
def _box() -> Blocks:
    """The substitution of bytes: the inverse in GF(2^8), and an affine map."""
    power, log = [0] * 256, [0] * 256
    value = 1
    for exponent in range(255):
        power[exponent], log[value] = value, exponent
        value ^= value << 1 ^ (0x11B if value & 0x80 else 0)
        value &= 0xFF
    box = np.zeros(256, np.uint8)
    for byte in range(256):
        inverse = power[(255 - log[byte]) % 255] if byte else 0
        box[byte] = (
            inverse
            ^ _turned(inverse, 1)
            ^ _turned(inverse, 2)
            ^ _turned(inverse, 3)
            ^ _turned(inverse, 4)
            ^ 0x63
        )
    return box


def _turned(byte: int, places: int) -> int:
    return (byte << places | byte >> 8 - places) & 0xFF


def _doubled(state: Blocks) -> Blocks:
    return ((state << 1) ^ ((state >> 7) * np.uint8(0x1B))).astype(np.uint8)


@lru_cache(256)
def _keys(key: bytes) -> Blocks:
    """The eleven keys of the rounds; not to be changed."""
    box = _box()
    words = [np.frombuffer(key[at : at + 4], np.uint8) for at in range(0, 16, 4)]
    constant = 1
    for number in range(4, 4 * (_ROUNDS + 1)):
        word = words[-1]
        if number % 4 == 0:
            word = box[np.roll(word, -1)]
            word[0] ^= constant
            constant = constant << 1 ^ (0x11B if constant & 0x80 else 0)
        words.append(words[number - 4] ^ word)
    return np.concatenate(words).reshape(_ROUNDS + 1, 16)


def encrypted(key: bytes, blocks: Blocks) -> Blocks:
    """Each block of (n, 16) bytes under a key of 16 bytes."""
    keys, box = _keys(key), _box()
    state: Blocks = blocks ^ keys[0]
    for number in range(1, _ROUNDS + 1):
        state = box[state][:, _SHIFT]
        if number < _ROUNDS:
            columns = state.reshape(-1, 4, 4)
            whole = columns[:, :, 0] ^ columns[:, :, 1] ^ columns[:, :, 2] ^ columns[:, :, 3]
            mixed = columns ^ whole[:, :, None] ^ _doubled(columns ^ np.roll(columns, -1, axis=2))
            state = mixed.reshape(-1, 16)
        state ^= keys[number]
    return state


def counter(key: bytes, nonce: bytes, data: bytes, first: int = 2) -> bytes:
    """`data` under the key stream of counter mode, with a nonce of 12 bytes; GCM's plain text begins with counter 2."""
    count = -(-len(data) // 16)
    blocks = np.empty((count, 16), np.uint8)
    blocks[:, :12] = np.frombuffer(nonce, np.uint8)
    blocks[:, 12:] = np.arange(first, first + count, dtype=">u4").view(np.uint8).reshape(-1, 4)
    stream = encrypted(key, blocks).reshape(-1)[: len(data)]
    return (np.frombuffer(data, np.uint8) ^ stream).tobytes()

"""Programs behind a repeated key, in files that are nothing else: the data file beside a side-loaded library, an overlay, a resource.

Where a text that is known was combined with a key of n bytes by exclusive or, each byte combined with the one n further on is the same as in
the text itself: the key falls out (the index of coincidence of F. W. Friedman, 1922, for bytes). The text is what linkers write into each
program. RedLeaves and PlugX lie beside their loaders so, with keys of one and of ten bytes (NCC Group, JPCERT/CC).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kazami.detect.content.executable.certificate_table import header
from kazami.detect.content.executable.resource import noise
from kazami.detect.content.identify import kind
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Scope

MEANINGS = meanings(__file__)

_TEXTS = (b"This program cannot be run in DOS mode", b"This program must be run under Win32")
_LONGEST = 16  # bytes of a key
_STUB = 0x200  # bytes before the text in which a program begins

_Bytes = npt.NDArray[np.uint8]


class _Found(NamedTuple):
    at: int
    key: bytes
    plain: bytes


def confidence(head: bytes, name: str) -> float:
    """Content of no known kind."""
    return 0.6 if len(head) >= 64 and kind(head, name) == "data" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """The program, unmasked, as a child; else whether it is noise. A megabyte takes 20 ms."""
    found = _find(data)
    if found is None:
        return Analysis((Feature("masked.noise", f"{len(data):,} bytes"),) if noise(data) else ())
    said = f"key {found.key.hex()}" + ("" if found.plain[:2] == b"MZ" else ", first bytes wiped")
    child = Child("unmasked", found.plain, relation="decoded")
    return Analysis((Feature("masked.program", said, offset=found.at),), (child,))


def _find(data: bytes) -> _Found | None:
    """The first program behind the shortest key."""
    every = np.frombuffer(data, dtype=np.uint8)
    for length in range(1, _LONGEST + 1):
        if len(data) <= length:
            break
        combined = (every[:-length] ^ every[length:]).tobytes()
        for text in _TEXTS:
            at = combined.find(_combined(text, length))
            if at >= 0:
                key = bytes(a ^ b for a, b in zip(data[at : at + length], text, strict=False))
                if any(key):
                    return _unmasked(every, at, key)
    return None


def _combined(text: bytes, length: int) -> bytes:
    return bytes(a ^ b for a, b in zip(text, text[length:], strict=False))


def _unmasked(every: _Bytes, at: int, key: bytes) -> _Found:
    """From where the program begins, by its header; of loaders that leave zeros and the key's own byte as they are, too."""
    turned = np.roll(np.frombuffer(key, dtype=np.uint8), at % len(key))
    stream = np.resize(turned, len(every))
    plain = every ^ stream
    sparing = np.where((every == 0) | (every == stream), every, plain)
    for content in (plain.tobytes(), sparing.tobytes()):
        start = content.rfind(b"MZ", max(0, at - _STUB), at)
        if start >= 0 and header(content[start : start + 4096]) >= 0:
            return _Found(start, key, content[start:])
    start = max(0, at - 0x4E)  # where the text lies in most programs
    return _Found(start, key, plain.tobytes()[start:])

"""Base64 in what events say, found and decoded: UTF-16 and UTF-8, gzip, zlib and raw deflate, one inside the other.

What decodes to nothing that a person or a program could read is no base64, but a path, a hash or a key: a run of 24
characters decodes to 18 bytes, and bytes by chance are readable text once in ten thousand million times (95 printable of
256 characters each).
"""

from __future__ import annotations

import binascii
import re
import zlib
from dataclasses import dataclass
from itertools import islice

#: Layers that are opened, bytes that one may give, runs looked at in one value, characters of a value and of an answer.
DEEPEST, LARGEST, MOST, LONGEST, SHOWN = 6, 1 << 20, 50, 1 << 20, 4000

#: A run, for Python and for DuckDB alike.
RUN = "[A-Za-z0-9+/_-]{22,}={0,2}"
_RUN = re.compile(RUN)
_MAGIC = {
    b"MZ": "program (MZ)", b"\x7fELF": "program (ELF)", b"PK\x03\x04": "zip", b"%PDF": "PDF", b"\xd0\xcf\x11\xe0": "OLE file",
    b"Rar!": "rar", b"7z\xbc\xaf": "7z",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a run of base64 says.

    `layers` are the codings from the outside in; `text` is the outermost that a person can read (for what is no text
    its kind and size), `inner` the innermost where base64 stood in that text again, else empty.
    """

    layers: tuple[str, ...]
    text: str
    inner: str


def decoded(run: str) -> Decoded | None:
    """What a `run` of base64 says; None where it is none. Never raises; bounds are those of this module."""
    layers, texts = _open(run[:LONGEST], 0)
    if not layers:
        return None
    return Decoded(layers, texts[0][:SHOWN], texts[-1][:SHOWN] if len(texts) > 1 else "")


_Opened = tuple[tuple[str, ...], tuple[str, ...]]
_NOTHING: _Opened = ((), ())


def _open(run: str, depth: int) -> _Opened:
    """The layers of a run and the texts in them, from the outside in; none where it is no base64."""
    data = _bytes(run)
    if data is None:
        return _NOTHING
    layers: tuple[str, ...] = ("base64",)
    unpacked = _unpacked(data)
    if unpacked is not None:
        layers, data = (*layers, unpacked[0]), unpacked[1]
    kind, text = _text(data)
    if not kind:
        return _NOTHING
    inner = _inner(text, depth + 1) if kind in ("utf-8", "utf-16") and depth < DEEPEST else _NOTHING
    return (*layers, kind, *inner[0]), (text, *inner[1])


def _inner(text: str, depth: int) -> _Opened:
    """The first run inside `text` that says something."""
    for run in islice(_RUN.finditer(text[:LONGEST]), MOST):
        found = _open(run.group(), depth)
        if found[0]:
            return found
    return _NOTHING


def _bytes(run: str) -> bytes | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        body = body[:-1]
    try:
        return binascii.a2b_base64(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None


def _unpacked(data: bytes) -> tuple[str, bytes] | None:
    """What `data` packs, by gzip, zlib or raw deflate; None where it packs nothing."""
    forms = [("gzip", 31)] if data[:2] == b"\x1f\x8b" else [("zlib", 15)] if data[:1] == b"\x78" else []
    for name, window in [*forms, ("deflate", -15)]:
        try:
            out = zlib.decompressobj(window).decompress(data, LARGEST)
        except zlib.error:
            continue
        if len(out) >= 8 and (forms or len(out) > len(data)):
            return name, out
    return None


def _text(data: bytes) -> tuple[str, str]:
    """How `data` is text, and the text; what is no text but known by its first bytes is named."""
    for magic, name in _MAGIC.items():
        if data.startswith(magic) and len(data) >= 64:
            return name, f"{len(data):,} bytes"
    if len(data) >= 8 and data[1::2].count(0) > len(data) // 3:
        text = data[: len(data) & ~1].decode("utf-16-le", "replace")
        return ("utf-16", text) if _readable(text) else ("", "")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:  # cut at the end, as what a log bounds may be
            return "", ""
        text = data[: error.start].decode("utf-8")
    return ("utf-8", text) if len(text) >= 8 and _readable(text) else ("", "")


def _readable(text: str) -> bool:
    """Whether a person could have written `text`: nothing in it that is neither printed nor white space."""
    odd = sum(1 for char in text[:LARGEST] if not (char.isprintable() or char in "\r\n\t"))
    return odd <= len(text) // 100

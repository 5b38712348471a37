"""Text in the encodings that logs come in, as UTF-8."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from kazami.sources import json_frames
from kazami.sources.json_frames import Readable, Recoded

_LOOK = 1 << 16  # bytes by which an encoding is told
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]{2}")


def in_utf8(stream: BinaryIO) -> Readable:
    """`stream`, at its start, as UTF-8: from UTF-16, or from CP932 where it can be nothing else."""
    if _is_cp932(stream.read(_LOOK)):
        stream.seek(0)
        return Recoded(stream, "cp932")
    stream.seek(0)
    return json_frames.in_utf8(stream)


def _is_cp932(head: bytes) -> bool:
    """Whether `head` is Japanese in CP932, and not UTF-8."""
    if head.isascii() or _decoded(head, "utf-8") is not None:
        return False
    text = _decoded(head, "cp932")
    return text is not None and _JAPANESE.search(text) is not None


def _decoded(head: bytes, encoding: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None

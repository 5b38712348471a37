"""Names of members, which are only ever shown."""

from __future__ import annotations

import re

_KANA = re.compile("[\u3040-\u30ff\uff66-\uff9f]")
_KANJI = re.compile("[\u4e00-\u9fff]{2}")


def decoded(raw: bytes) -> str:
    """A name of no declared encoding: UTF-8, else CP932 where it then reads as Japanese, else Windows-1252."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        name = raw.decode("cp932")
    except UnicodeDecodeError:
        name = ""
    if _KANA.search(name) or _KANJI.search(name):
        return name
    return raw.decode("cp1252", "replace")


def shown(name: str) -> str:
    """`name` as text that can be stored and printed: no control codes, no halves of characters."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in name)


def reencoded(name: str) -> str:
    """A name that zipfile took for CP437, because nothing said otherwise, decoded better."""
    return name if name.isascii() else decoded(name.encode("cp437", "replace"))

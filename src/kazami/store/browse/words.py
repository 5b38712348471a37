"""Words as the full text search knows them. Scripts that write no spaces are searched sign by sign."""

from __future__ import annotations

import re

#: Kana, CJK ideographs, and their wide forms: each sign is a word of its own.
_SIGN = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
_WORD = re.compile(r"\w+")

#: Words of a search that count; further ones are left out.
MOST = 16


def searched(text: str) -> str:
    """`text` as it is put into the index."""
    return _SIGN.sub(r" \1 ", text)


def query(text: str, *, whole: bool = False) -> str:
    """A search in the words of FTS5: all of `text` in one piece, the last word by its beginning unless `whole`.

    Empty for nothing.

    What a person types never is a query language here: operators and quotes are words like others.
    """
    words = _WORD.findall(searched(text.replace("\x00", " ")))[:MOST]
    return f'"{" ".join(words)}"{"" if whole else "*"}' if words else ""

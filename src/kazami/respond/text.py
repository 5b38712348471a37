"""Text of events made safe to show: what would act on a terminal, or hide from the eye, becomes visible.

Kept are printable characters of any script and all spaces of Unicode's class Zs (the ideographic space too).
Everything else, which is control codes (ESC, C1, NUL), format characters (bidirectional overrides, zero-width
joiners, the byte-order mark), line and paragraph separators, surrogates, private and unassigned code points,
is written as ``\\x1b``, ``\\u202e`` or ``\\U000e0041``. Classes after Unicode's General_Category.
"""

from __future__ import annotations

import unicodedata

#: How much of one value is shown where space is bounded (a terminal, the report).
SHOWN = 1000


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


class _Visible(dict[int, str | int]):
    """A table for `str.translate` that decides about each code point when it is first met."""

    def __init__(self, keep: str, as_json: bool = False) -> None:
        super().__init__({ord(c): ord(c) for c in keep})
        self._escape = _json_escape if as_json else _escape

    def __missing__(self, code: int) -> str | int:
        char = chr(code)
        shown = char.isprintable() or unicodedata.category(char) == "Zs"
        answer = code if shown else self._escape(code)
        self[code] = answer
        return answer


_LINE, _LINES, _JSON = _Visible(""), _Visible("\n\t"), _Visible("", as_json=True)


def safe(text: str) -> str:
    """`text` on one line, with everything that is not printable made visible."""
    return text if text.isprintable() else text.translate(_LINE)


def safe_lines(text: str) -> str:
    """As `safe`, but line feeds and tabs stay (CR LF becomes LF, a lone CR is made visible)."""
    return text if text.isprintable() else text.replace("\r\n", "\n").translate(_LINES)


def safe_json(line: str) -> str:
    """One line of JSON, as a serializer wrote it, with what is not printable escaped in JSON's own way.

    JSON means the same before and after: outside of its strings every character is printable, inside
    control characters below U+0020 are escaped already, and ``\\u`` escapes are equal to what they name.
    """
    return line if line.isprintable() else line.translate(_JSON)


def shorten(text: str, limit: int = SHOWN) -> tuple[str, int]:
    """The first `limit` characters of `text`, and how many more there are."""
    return (text, 0) if len(text) <= limit else (text[:limit], len(text) - limit)

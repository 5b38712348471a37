"""DDE fields in Word 97 documents: an instruction stands in the text between the marks 0x13 and 0x14 or 0x15 (MS-DOC 2.8.25).

And DDE formulas in Excel 2003's XML and in tables as text (``service|topic!item``), which have no element of their own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from kazami.detect.content.ooxml import MEANINGS, asked, field
from kazami.model.content import Analysis, Feature, Scope

__all__ = ["MEANINGS", "analyze", "confidence"]

_WIDE = re.compile(rb"\x13\x00((?:[^\x13\x14\x15]\x00|[^\x00][\x01-\xff]){3,400})")
_NARROW = re.compile(rb"\x13([\x09\x20-\x7e]{3,400})[\x14\x15]")
_FORMULA = re.compile(
    rb"Formula\s*=\s*\"=\s*([A-Za-z]\w{1,30}\|(?:'|&apos;|&#39;)?[^\"]{1,400}?![^\"]{1,80})\"", re.IGNORECASE
)
_CELL = re.compile(
    rb"(?:^|[,;\t\"'])[ \t]*[=+@-](?:[^\r\n,;\t|]{0,60}?[-+*/&=@(])?([A-Za-z][\w.\\:]{1,100}\|[^\r\n]{1,400}?![^\r\n,;]{1,80})",
    re.MULTILINE,
)
_TABLES = (".csv", ".tsv", ".prn", ".slk")
_FIB = b"\xec\xa5"
_LOOKED, _FOUND = 20 << 20, 50


def confidence(head: bytes, name: str) -> float:
    """Is the text stream of a document, a workbook as XML, or a table as text."""
    named = name.lower().endswith(_TABLES)
    return 1.0 if named or head.startswith(_FIB) or _is_xml_workbook(head) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Fields and formulas that ask another program for data."""
    text = data[:_LOOKED]
    found = _fields(text) if text.startswith(_FIB) else _formulas(text)
    return Analysis(tuple(feature for feature, _ in zip(found, range(_FOUND), strict=False)))


def _fields(text: bytes) -> Iterator[Feature]:
    for match in _WIDE.finditer(text):
        yield from field(match[1].decode("utf-16-le", "replace"), match.start())
    for match in _NARROW.finditer(text):
        yield from field(match[1].decode("latin-1"), match.start())


def _is_xml_workbook(head: bytes) -> bool:
    return b"urn:schemas-microsoft-com:office:spreadsheet" in head[:2000]


def _formulas(text: bytes) -> Iterator[Feature]:
    for match in (_FORMULA if _is_xml_workbook(text) else _CELL).finditer(text):
        yield asked(html.unescape(match[1].decode("utf-8", "replace")), "dde.link", match.start())

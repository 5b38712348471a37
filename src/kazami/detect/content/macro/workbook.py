"""Sheets, names and links of workbooks: BIFF 5 and 8 (MS-XLS), binary parts (MS-XLSB), XML parts (ECMA-376), SYLK."""

from __future__ import annotations

import html
import io
import re
import struct
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

_SHEET, _NAME, _LOCKED, _BEGIN, _BOOK = 0x85, 0x18, 0x2F, 0x809, 0x1AE
_RECORDS = 200_000
_OLD_BEGINS = (0x09, 0x209, 0x409)  # of BIFF 2 to 4, where a sheet is a file
_FORMULAS = (6, 0x206, 0x406)
_TOKENS, _OLD_TOKENS, _CALLS = (
    20,
    18,
    500,
)  # where the tokens of a formula begin, in BIFF 5 and 8, and before; how many are told
#: Tokens (MS-XLS 2.5.198): a function with a number of arguments, and the numbers of those that call out; a string.
_CALLING = {110: "EXEC", 149: "REGISTER", 150: "CALL", 96: "FORMULA"}
_CALL = re.compile(rb"[\x22\x42\x62][\x00-\x1e]([\x6e\x95\x96\x60])\x00")
_STRING = re.compile(rb"\x17([\x03-\xff])\x00?")
_MACRO = 1
_BUILT_IN = {1: "Auto_Open", 2: "Auto_Close", 10: "Auto_Activate", 11: "Auto_Deactivate"}
_HIDDEN = ("", "hidden", "very hidden")
_STATES = {"hidden": "hidden", "veryhidden": "very hidden"}
_PART = 20 << 20
_B_SHEET, _B_NAME, _B_BOOK = 156, 39, 360

_XML_SHEET = re.compile(rb"<(?:\w+:)?sheet\s([^>]{1,4000}?)/?>", re.IGNORECASE)
_XML_NAME = re.compile(rb"<(?:\w+:)?definedName\s([^>]{1,4000})>", re.IGNORECASE)
_XML_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s([^>]{1,8000}?)/?>", re.IGNORECASE)
_XML_ATTRIBUTE = re.compile(rb"([\w:]+)\s*=\s*(?:\"([^\"]{0,4000})\"|'([^']{0,4000})')")
_ODD = re.compile(
    r"[^A-Za-z_]"
)  # Excel overlooks what else stands in such a name, and so do attackers' tools
_SYLK_NAME = re.compile(r"^NN;(?:\w+;)*N(auto_\w+);E([^;\r\n]+)", re.IGNORECASE | re.MULTILINE)
_SYLK_MACRO = re.compile(r"^O;(?:[^\r\n]*;)?E", re.MULTILINE)
_ONLY_MACROS = re.compile(
    r"\b(?:EXEC|CALL|REGISTER|HALT|ALERT|RETURN|GOTO|RUN|FORMULA|SET\.VALUE|FOPEN|ERROR)\(", re.IGNORECASE
)
_SYLK_LINK = re.compile(r"=(\w{2,30})\|(.{1,400}?)!")
_SYLK_CELL = re.compile(r"^C;(?:.{0,200}?;)?E((?:[^;\r\n]|;;){1,4000})", re.MULTILINE)


@dataclass(slots=True)
class Sheet:
    """A sheet: its name, whether it holds macros, and "", "hidden" or "very hidden"."""

    name: str
    macro: bool
    hidden: str


@dataclass(slots=True)
class Workbook:
    """What a workbook is made of. `starts` are names that Excel runs by themselves, `links` (service, topic) of DDE and OLE;
    `formulas` are there where they lie as text; `locked` where all of it is encrypted."""

    sheets: list[Sheet] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    locked: bool = False

    @property
    def macros(self) -> list[Sheet]:
        """The sheets that hold macros."""
        return [sheet for sheet in self.sheets if sheet.macro]


def biff(stream: bytes) -> Workbook:
    """The globals of a ``Workbook`` or ``Book`` stream; what is broken ends it early."""
    found = Workbook()
    wide = True
    if stream[:2] in (b"\x09\x00", b"\x09\x02", b"\x09\x04"):  # BIFF 2 to 4: a sheet is a file
        found.sheets.append(Sheet("", stream[6:7] == b"\x40", ""))
        return found
    for number, body in _records(stream):
        if (number == _BEGIN and len(body) >= 4 and body[2:4] != b"\x05\0") or number == _LOCKED:
            if number == _LOCKED:
                found.locked = True
            elif found.sheets:
                break  # the first sheet: the globals are over
        if number == _BEGIN:
            wide = body[:2] == b"\x00\x06"
        elif number == _SHEET and len(body) > 7:
            name, _ = _text(body, 7, body[6], wide)
            found.sheets.append(Sheet(name, body[5] == _MACRO, _HIDDEN[min(body[4] & 3, 2)]))
        elif number == _NAME and len(body) > 14:
            _add_start(found, _name(body, wide))
        elif number == _BOOK and len(body) > 5:
            _add_link(found, body)
    return found


def calls(stream: bytes) -> list[str]:
    """Functions in the macro sheets of a BIFF stream of any age that call out, with the texts beside them: what is seen without evaluating anything."""
    found: list[str] = []
    macro, first = False, _TOKENS
    for number, body in _records(stream):
        if number in (_BEGIN, *_OLD_BEGINS):
            macro, first = body[2:3] == b"\x40", _TOKENS if number == _BEGIN else _OLD_TOKENS
        elif macro and number in _FORMULAS and len(found) < _CALLS:
            names = dict.fromkeys(_CALLING[match[1][0]] for match in _CALL.finditer(body, first))
            texts = [_narrow(body, match) for match in _STRING.finditer(body, first)]
            found += (f"={name}({', '.join(texts)})" for name in names)
    return found


def _narrow(body: bytes, match: re.Match[bytes]) -> str:
    text = body[match.end() : match.end() + match[1][0]]
    return text.decode("ascii", "replace") if text.isascii() else ""


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(_RECORDS):
        if at + 4 > len(stream):
            return
        number, size = struct.unpack_from("<HH", stream, at)
        yield number, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _text(body: bytes, at: int, count: int, wide: bool) -> tuple[str, int]:
    """Characters at `at`; BIFF 8 has a byte of flags before them."""
    if not wide:
        return body[at : at + count].decode("cp1252", "replace"), at + count
    if body[at : at + 1] == b"\x01":
        return body[at + 1 : at + 1 + 2 * count].decode("utf-16-le", "replace"), at + 1 + 2 * count
    return body[at + 1 : at + 1 + count].decode("latin-1"), at + 1 + count


def _name(body: bytes, wide: bool) -> str:
    text, _ = _text(body, 14, body[3], wide)
    return _BUILT_IN.get(ord(text), "") if body[0] & 0x20 and len(text) == 1 else text


def _add_start(found: Workbook, name: str) -> None:
    plain = _ODD.sub("", unicodedata.normalize("NFKD", name)).lower().removeprefix("_xlnm")
    if plain.startswith(("auto_open", "auto_close", "auto_activate", "auto_deactivate")):
        found.starts.append(name)


def _add_link(found: Workbook, body: bytes) -> None:
    """A SupBook: the path of a DDE or OLE link is service, 3, topic."""
    count = struct.unpack_from("<H", body, 2)[0]
    if count <= 0xFF:
        service, mark, topic = _text(body, 4, count, wide=True)[0].partition("\x03")
        if mark:
            found.links.append((service, topic))


def package(data: bytes) -> Workbook:
    """The workbook in a zip; raises zipfile.BadZipFile or OSError where it cannot be read."""
    found = Workbook()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = {name.lstrip("/").replace("\\", "/").lower(): name for name in archive.namelist()}
        macros = _macro_sheets(
            _read(archive, names, "xl/_rels/workbook.xml.rels")
            or _read(archive, names, "xl/_rels/workbook.bin.rels")
        )
        _of_xml(found, _read(archive, names, "xl/workbook.xml"), macros)
        _of_binary(found, _read(archive, names, "xl/workbook.bin"), macros)
        parts = [
            name
            for name in names
            if name.startswith(("xl/macrosheets/", "xl/externallinks/")) and name.endswith((".xml", ".bin"))
        ]
        if not found.macros:
            found.sheets += (Sheet(part, True, "") for part in parts if part.startswith("xl/macrosheets/"))
        for part in parts[:100]:
            if part.startswith("xl/externallinks/") and part.endswith(".bin"):
                _of_binary(found, _read(archive, names, part), macros)
    return found


def _read(archive: zipfile.ZipFile, names: dict[str, str], part: str) -> bytes:
    if part not in names:
        return b""
    with archive.open(names[part]) as stream:
        return stream.read(_PART)


def _macro_sheets(text: bytes) -> set[str]:
    """Relationships that lead to sheets of macros, by their id."""
    rows = [_row(match[1]) for match in _XML_RELATION.finditer(text)]
    return {
        row.get("Id", "")
        for row in rows
        if row.get("Type", "").lower().endswith(("/xlmacrosheet", "/xlintlmacrosheet"))
    }


def _row(text: bytes) -> dict[str, str]:
    return {
        key.decode("ascii", "replace"): html.unescape((a or b).decode("utf-8", "replace"))
        for key, a, b in _XML_ATTRIBUTE.findall(text)
    }


def _of_xml(found: Workbook, text: bytes, macros: set[str]) -> None:
    for match in _XML_SHEET.finditer(text):
        row = _row(match[1])
        relation = next((value for key, value in row.items() if key.endswith(":id")), "")
        found.sheets.append(
            Sheet(row.get("name", ""), relation in macros, _STATES.get(row.get("state", "").lower(), ""))
        )
    for match in _XML_NAME.finditer(text):
        _add_start(found, _row(match[1]).get("name", ""))


def _of_binary(found: Workbook, part: bytes, macros: set[str]) -> None:
    for number, body in _binary_records(part):
        if number == _B_SHEET and len(body) > 12:
            relation, at = _wide(body, 8)
            name, _ = _wide(body, at)
            found.sheets.append(Sheet(name, relation in macros, _HIDDEN[min(body[0] & 3, 2)]))
        elif number == _B_NAME and len(body) > 13:
            _add_start(found, _wide(body, 9)[0])
        elif number == _B_BOOK and len(body) > 6 and body[0] in (1, 2):  # DDE, OLE
            service, at = _wide(body, 2)
            found.links.append((service, _wide(body, at)[0]))


def _binary_records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Records with numbers and sizes of seven bits a byte (MS-XLSB 2.1.4)."""
    at = 0
    for _ in range(_RECORDS):
        number, at = _varying(part, at, 2)
        size, at = _varying(part, at, 4)
        if at >= len(part):
            return
        yield number, part[at : at + size]
        at += size


def _varying(part: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for index in range(most):
        if at >= len(part):
            break
        byte = part[at]
        at += 1
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            break
    return value, at


def _wide(body: bytes, at: int) -> tuple[str, int]:
    if at + 4 > len(body):
        return "", at
    count = struct.unpack_from("<L", body, at)[0]
    if count > 0x7FFF:
        return "", at + 4
    return body[at + 4 : at + 4 + 2 * count].decode("utf-16-le", "replace"), at + 4 + 2 * count


def sylk(text: str) -> Workbook:
    """A SYLK file: ``O;E``, a name that starts, or functions of macros make it a sheet of macros; cells have formulas as text."""
    found = Workbook()
    found.starts += (match[1] for match in _SYLK_NAME.finditer(text))
    found.formulas += (f"={match[1].replace(';;', ';')}" for match in _SYLK_CELL.finditer(text))
    found.links += ((match[1], match[2]) for match in map(_SYLK_LINK.match, found.formulas) if match)
    macro = bool(found.starts or _SYLK_MACRO.search(text) or any(map(_ONLY_MACROS.search, found.formulas)))
    found.sheets.append(Sheet("", macro, ""))
    return found

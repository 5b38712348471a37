"""Files made to exhaust or break whoever looks at them: nothing exceeds its budget, nothing is clean because a parser failed."""

from __future__ import annotations

import gzip
import io
import pickle
import resource
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_most, told
from kazami.pipeline.inspect import Submission, Wish, inspect

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import exploit_writer
import macro_writer
import pe_writer
from content_writer import PE, cfb, relation, tarred, zipped

_MAIL = b"From: a@b.example\nTo: c@d.example\nSubject: x\n"
#: Harmless by themselves: an honest answer may be clean, it must only be quick.
_MAY_BE_CLEAN = frozenset(
    (
        "pickle",
        "braces in RTF",
        "fields in fields",
        "equation of a million records",
        "picture of endless tables",
        "eight megabytes of one byte",
    )
)


def deflated(name: str, size: int, around: dict[str, bytes] | None = None) -> bytes:
    """A zip with one member of `size` zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, data in (around or {}).items():
            archive.writestr(other, data)
        with archive.open(name, "w", force_zip64=True) as member:
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))
    return out.getvalue()


def overlapping(copies: int = 2000) -> bytes:
    """A zip in which all entries are one and the same member."""
    data = bytearray(zipped({"a": bytes(1 << 20)}))
    at = data.find(b"PK\x01\x02")
    end = data.find(b"PK\x05\x06")
    entry = bytes(data[at:end])
    tail = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, copies, copies, len(entry) * copies, at, 0)
    return bytes(data[:at]) + entry * copies + tail


def nested(depth: int, data: bytes) -> bytes:
    """Ten copies in a zip, ten of these in a zip, and so on."""
    for level in range(depth):
        data = zipped({f"{level}-{n}.zip": data + bytes((n,)) for n in range(10)})
    return data


def looped() -> bytes:
    """An OLE storage whose sectors lead in a circle."""
    data = bytearray(cfb({"WordDocument": bytes(5000), "Notes": bytes(9000)}))
    at = data.find(struct.pack("<LL", 1, 2))
    data[at : at + 4] = struct.pack("<L", 0)
    return bytes(data)


def cases() -> dict[str, bytes]:
    """By name."""
    office = {"[Content_Types].xml": b"<Types/>"}
    laughs = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
        + b"]><Relationships>&j;</Relationships>"
    )
    arrays = b"%PDF-1.4\n1 0 obj" + b"[" * 100_000 + b"]" * 100_000 + b"endobj\ntrailer<</Root 1 0 R>>"
    parts = b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 20_000
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1400))
    return {
        "overlapping members": overlapping(),
        "archives in archives": nested(3, zipped({"zeros": bytes(486 << 10)})),
        "document with 800 MB member": deflated("word/media/a.bin", 800 << 20, office),
        "one gzip of 1 GB": gzip.compress(bytes(64 << 20)) * 16,
        "gzip in gzip": gzip.compress(gzip.compress(bytes(200 << 20))),
        "circle of sectors": looped(),
        "arrays in arrays": arrays,
        "mail of 1,400 parts in each other": _MAIL + deep,
        "mail with a header of 1 MB": b"To: " + b"a@b.example, " * 80_000 + b"\n" + _MAIL + b"\nx",
        "mail of encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 80_000 + b"\n" + _MAIL + b"\nx",
        "mail of 20,000 parts": _MAIL + parts,
        "entities in entities": zipped(
            {**office, "word/_rels/document.xml.rels": laughs, "word/document.xml": b"x"}
        ),
        "names that lead out": tarred({"../../../tmp/kazami-escaped": PE, "/tmp/kazami-escaped": PE}),
        "pickle": pickle.dumps({"a": [1, 2, 3]}),
        "braces in RTF": b"{\\rt" + b"{" * 1_000_000,
        "objdata without end": b"{\\rtf1{\\object{\\*\\objdata " + b"0" * 9_000_000,
        "deflate bomb in PDF": _stream(zlib.compress(zlib.compress(bytes(200 << 20)))),
        "broken zip": zipped({"a.exe": PE})[:-30],
        "endless PowerShell": b"param($a)\n$x = [char]65\nWrite-Host $x\nwhile ($true) { $x += $x }",
        "endless VBScript": b'Dim a\nOn Error Resume Next\nSet s = CreateObject("WScript.Shell")\nDo\n a = a & Chr(65)\nLoop',
        "endless JScript": b"var a = new ActiveXObject('WScript.Shell');\nfunction f(x) { while (true) { a = x; } }\neval('f(1)');",
        "endless batch": b"@echo off\r\nrem x\r\nset a=1\r\n:b\r\nset a=%a%%a%\r\ngoto b\r\n",
        "storage of nothing": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4000,
        **_documents(),
        "imports by the ten million": pe_writer.shared_imports(20_000, 3000),
        "65,535 sections": pe_writer.lying_sections(),
        "sixty thousand exports": pe_writer.pe(exports={f"Function{n}": "=" for n in range(60_000)}),
        "eight megabytes of one byte": b"\x90" * (8 << 20),
    }


def _documents() -> dict[str, bytes]:
    """Documents that keep those busy who look for attacks and macros."""
    office = {"[Content_Types].xml": b"<Types/>"}
    bomb = b"\x01" + (struct.pack("<H", 0xB003) + b"\x02a\xff\x0f") * 20_000
    streams = {f"VBA/M{n}": bomb for n in range(30)}
    modules = {"VBA/dir": macro_writer.directory([f"M{n}" for n in range(30)]), "VBA/_VBA_PROJECT": bytes(99)}
    begin = b'<w:fldChar w:fldCharType="begin"/><w:instrText>DDE</w:instrText>'
    far = relation("oleObject", "http://192.0.2.7/a").replace(b"<?xml", b"<!--xml")
    return {
        "macros that unpack to gigabytes": cfb({**modules, **streams}),
        "formulas without end": macro_writer.xlsm(["GOTO(A2)", "GOTO(A1)"]),
        "fields in fields": b"<?xml version='1.0'?><w:document>" + begin * 200_000,
        "fields in fields of RTF": b"{\\rtf1" + b"{\\fldinst \\u1 " * 500_000,
        "fifty thousand relationships": zipped(
            {**office, "word/_rels/a.xml.rels": b"<?xml?>" + far * 50_000}
        ),
        "controls by the thousand": exploit_writer.activex(400, 64 << 10, True),
        "dictionaries in dictionaries": b"%PDF-1.4\n1 0 obj"
        + b"<</AA" * 100_000
        + b">>" * 100_000
        + b"endobj\ntrailer<</Root 1 0 R>>",
        "equation of a million records": cfb(
            {"Equation Native": exploit_writer.native(b"\x03\x01\x01\x03\x0a" + b"\x0a\x0b" * 500_000)}
        ),
        "picture of endless tables": exploit_writer.tiff([1], count=0x3FFFFFFF),
    }


def _stream(data: bytes) -> bytes:
    head = b"%%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS 2 0 R>>>>endobj\n2 0 obj<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n"
    return head % len(data) + data + b"\nendstream endobj\ntrailer<</Root 1 0 R>>"


def figures(places: Any) -> list[Figure]:
    """How many are wrongly clean, what the slowest takes, what the largest worker needs."""
    wrong, slowest, name_of = 0, 0.0, ""
    wish = Wish()
    for name, data in cases().items():
        before = time.monotonic()
        (found,) = inspect([Submission(f"{name}.bin", data=data, size=len(data))], wish)
        seconds = time.monotonic() - before
        word = found.verdict.word
        gap = found.verdict.gaps[0].reason if found.verdict.gaps else ""
        print(f"{name:<36} {word:<14} {seconds:6.1f} s  {gap[:90]}", file=sys.stderr)
        wrong += word == "clean" and name not in _MAY_BE_CLEAN
        if seconds > slowest:
            slowest, name_of = seconds, name
    escaped = sum(Path(path).exists() for path in ("/tmp/kazami-escaped", "kazami-escaped"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"slowest: {name_of}", file=sys.stderr)
    return [
        told("hostile, files", len(cases())),
        at_most("hostile, clean because something failed", wrong, 0),
        at_most("hostile, seconds of the slowest", slowest, wish.limits.submission_seconds + 10),
        at_most("hostile, MB of the largest worker", peak, (wish.limits.memory >> 20) + 512),
        at_most("hostile, files written where a name led", escaped, 0),
    ]

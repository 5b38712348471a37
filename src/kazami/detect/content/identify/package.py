"""What a zip or an OLE storage is used for: names in its directory, without unpacking anything."""

from __future__ import annotations

import re

_END = b"PK\x05\x06"
_TAIL = 66_000
_DIRECTORY = 4 << 20

#: Names of parts that tell what a package is, the first that is there.
_PARTS: tuple[tuple[bytes, str], ...] = (
    (b"xl/workbook.bin", "xlsb"), (b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"), (b"visio/", "vsdx"),
    (b"Contents/content.hpf", "hwp"), (b"META-INF/MANIFEST.MF", "jar"), (b"AndroidManifest.xml", "jar"),
)  # fmt: skip

_ODF = re.compile(rb"mimetypeapplication/vnd\.oasis\.opendocument")
_OPC = b"[Content_Types].xml"


def _wide(name: str) -> bytes:
    return name.encode("utf-16-le") + b"\0\0"


#: Names of streams, in the order in which they decide.
_STREAMS: tuple[tuple[bytes, str], ...] = (
    (_wide("EncryptedPackage"), "encrypted_office"), (_wide("__properties_version1.0"), "msg"), (_wide("WordDocument"), "doc"),
    (_wide("Workbook"), "xls"), (_wide("Book"), "xls"), (_wide("PowerPoint Document"), "ppt"), (_wide("DocumentText"), "jtd"),
    (_wide("BodyText"), "hwp"),
)  # fmt: skip
_MSI = (
    bytes.fromhex("8410 0c00 0000 0000 c000 0000 0000 0046"),
    bytes.fromhex("8610 0c00 0000 0000 c000 0000 0000 0046"),
)


def kind(data: bytes, magic: str) -> str:
    """The kind of a ``zip`` or ``ole``; `magic` itself where it is nothing more."""
    return _zip(data) if magic == "zip" else _ole(data)


def _zip(data: bytes) -> str:
    if _ODF.search(data[:200]):
        return "odf"
    names = _directory(data) or data[:4096]
    if b"META-INF/manifest.xml" in names and b"content.xml" in names:  # its type is not where it should be
        return "odf"
    for part, name in _PARTS:
        if part in names and (name not in ("docx", "xlsx", "pptx", "vsdx", "xlsb") or _OPC in names):
            return name
    return "zip"


def _directory(data: bytes) -> bytes:
    """The central directory, as its end announces it; b"" where that is not there."""
    at = data.rfind(_END, max(0, len(data) - _TAIL))
    if at < 0 or len(data) < at + 20:
        return b""
    size = int.from_bytes(data[at + 12 : at + 16], "little")
    return data[max(0, at - min(size, _DIRECTORY)) : at]


def _ole(data: bytes) -> str:
    """By names in the sectors of the directory, which may lie anywhere, so all of the file is searched for them."""
    shift = int.from_bytes(data[30:32], "little")
    first = (int.from_bytes(data[48:52], "little") + 1) << shift if 7 <= shift <= 12 else 512
    root = data[first : first + 128]
    if root[80:96] in _MSI:
        return "msi"
    return next((name for stream, name in _STREAMS if stream in data), "ole")

"""Files that pass in a flow: fields of Zeek's ``files`` for bodies of HTTP and certificates, as far as their bytes are there."""

from __future__ import annotations

import hashlib
from typing import Any

_KINDS = (
    (b"MZ", "application/x-dosexec"), (b"PK\x03\x04", "application/zip"), (b"%PDF-", "application/pdf"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"\x1f\x8b", "application/x-gzip"), (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"), (b"Rar!\x1a\x07", "application/x-rar"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"), (b"\x7fELF", "application/x-executable"), (b"GIF8", "image/gif"),
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"\xca\xfe\xba\xbe", "application/x-java-applet"), (b"{\\rtf", "text/rtf"),
    (b"CWS", "application/x-shockwave-flash"), (b"FWS", "application/x-shockwave-flash"), (b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (b"BZh", "application/x-bzip2"), (b"\xfd7zXZ\0", "application/x-xz"), (b"#!", "text/x-shellscript"),
)  # fmt: skip
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


def mime_type(data: bytes) -> str | None:
    """What bytes begin like; None where they say nothing."""
    for mark, kind in _KINDS:
        if data.startswith(mark):
            return kind
    start = data[:256].lstrip().lower()
    if start.startswith(_HTML):
        return "text/html"
    if start.startswith(b"<?xml"):
        return "application/xml"
    if start[:1] in (b"{", b"[") and b'"' in start:
        return "application/json"
    return "text/plain" if data and b"\0" not in data[:512] and data[:512].isascii() else None


def fields_of(
    source: str, data: bytes, total: int | None, from_originator: bool, kind: str | None = None
) -> dict[str, Any]:
    """Fields of ``files``; hashes only where all of `total` bytes are there."""
    fields: dict[str, Any] = {
        "source": source, "depth": 0, "is_orig": from_originator, "seen_bytes": len(data), "missing_bytes": 0, "overflow_bytes": 0, "timedout": False,
    }  # fmt: skip
    if kind or (kind := mime_type(data)):
        fields["mime_type"] = kind
    if total is not None:
        fields |= {"total_bytes": total, "missing_bytes": max(0, total - len(data))}
    if total == len(data):
        fields |= {
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    return fields

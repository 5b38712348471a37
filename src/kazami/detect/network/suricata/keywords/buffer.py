"""Sticky buffers, their transforms, and whether they are there at all."""

from __future__ import annotations

import re
import zlib

from kazami.detect.network.suricata import transform
from kazami.detect.network.suricata.buffers import ALIASES, BUFFERS
from kazami.detect.network.suricata.builder import Builder
from kazami.detect.network.suricata.fault import RuleError
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.pcre import compiled
from kazami.detect.network.suricata.rule import Transform


def _sticky(name: str) -> Handler:
    def select(builder: Builder, value: str) -> None:
        builder.select(name)

    return select


def _plain(name: str, function: Transform) -> Handler:
    def handle(builder: Builder, value: str) -> None:
        builder.transform(name, function)

    return handle


def _xor(builder: Builder, value: str) -> None:
    digits = value.strip().strip('"')
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2}){1,255}", digits):
        raise RuleError(f"xor: {value[:40]!r}")
    builder.transform(f"xor {digits}", transform.xor(bytes.fromhex(digits)))


def _from_base64(builder: Builder, value: str) -> None:
    mode, offset, count = "rfc4648", 0, 0
    for word in (part.strip() for part in value.split(",")):
        name, _, given = word.partition(" ")
        if name == "mode":
            mode = given.strip().lower()
        elif name == "offset" and given.strip().isdecimal():
            offset = int(given)
        elif name == "bytes" and given.strip().isdecimal():
            count = int(given)
        elif name:
            raise RuleError(f"from_base64: {word[:40]!r}")
    if mode not in ("rfc4648", "rfc2045", "strict"):
        raise RuleError(f"from_base64: mode {mode!r}")
    builder.transform(f"from_base64 {mode} {offset} {count}", transform.from_base64(mode, offset, count))


def _pcrexform(builder: Builder, value: str) -> None:
    pattern = value.strip().strip('"').replace("\\;", ";")
    if not pattern:
        raise RuleError("pcrexform without an expression")
    search = compiled(pattern, "")

    def change(data: bytes) -> bytes:
        try:
            found = search.group(data)
        except TimeoutError:
            return b""
        return b"" if found is None else found

    builder.transform(f"pcrexform {pattern}", change)


def _absent(builder: Builder, value: str) -> None:
    if value.strip() not in ("", "or_else"):
        raise RuleError(f"absent: {value[:40]!r}")
    if builder.chosen is None:
        raise RuleError("absent without a sticky buffer before it")
    builder.chosen.absent = value.strip() or "only"


KEYWORDS: dict[str, Handler] = {
    **{name: _sticky(name) for name in BUFFERS},
    **{name: _sticky(own) for name, own in ALIASES.items()},
    "dotprefix": _plain("dotprefix", transform.dotprefix), "strip_whitespace": _plain("strip_whitespace", transform.strip_whitespace),
    "compress_whitespace": _plain("compress_whitespace", transform.compress_whitespace),
    "url_decode": _plain("url_decode", transform.url_decode), "to_lowercase": _plain("to_lowercase", transform.to_lowercase),
    "to_uppercase": _plain("to_uppercase", transform.to_uppercase),
    "header_lowercase": _plain("header_lowercase", transform.header_lowercase),
    "strip_pseudo_headers": _plain("strip_pseudo_headers", transform.strip_pseudo_headers),
    "to_md5": _plain("to_md5", transform.digest("md5")), "to_sha1": _plain("to_sha1", transform.digest("sha1")),
    "to_sha256": _plain("to_sha256", transform.digest("sha256")),
    "gunzip": _plain("gunzip", transform.inflate(zlib.MAX_WBITS | 16)),
    "zlib_deflate": _plain("zlib_deflate", transform.inflate(zlib.MAX_WBITS)),
    "xor": _xor, "from_base64": _from_base64, "pcrexform": _pcrexform, "absent": _absent,
}  # fmt: skip

"""Shell scripts: words cut by quotes and backslashes, variables, and what pipes decode, written out without running anything."""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import io
import re
import zlib
from functools import partial

from kazami.detect.content.script.record import TEXT, Ended, Meter, Record

_SET = re.compile(
    r"(?:^|[;&|\n])[ \t]*(?:export[ \t]+|readonly[ \t]+|local[ \t]+)?([A-Za-z_]\w*)=(\"[^\"\n]*\"|'[^'\n]*'|\$'[^'\n]*'|[^\s;&|()<>]*)"
)
_USED = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::(\d+):(\d+))?\}|([A-Za-z_]\w*))")
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'")
_QUOTED = re.compile(r"(?<=[A-Za-z0-9_/.-])(?:''|\"\")(?=[A-Za-z0-9_/.-])")
_SLASHED = re.compile(r"(?<![\"'\w\\])[A-Za-z]+(?:\\[A-Za-z]+)+(?=[\s;|&])")
_PIPED = re.compile(
    r"(?:echo|printf|cat)(?:\s+-[neE]+)*\s*(?:<<<\s*)?[\"']?([A-Za-z0-9+/=_\\%x \n-]{16,})[\"']?\s*\|(?=\s*(?:base64|openssl|xxd|rev|tr|gunzip|gzip|python|perl|(?:ba|z|da)?sh))([^\n;]{1,400})"
)
_HERE = re.compile(r"base64\s+(?:-d|-D|--decode)\s*<<<\s*[\"']?([A-Za-z0-9+/=]{16,})[\"']?([^\n;]{0,200})")
_PRINTF = re.compile(r"(?:printf|echo\s+-e)\s+[\"']((?:\\x[0-9a-fA-F]{2}|\\[0-7]{3}){4,})[\"']")
_MOST = 200


def run(source: str, meter: Meter | None = None) -> Record:
    """What a shell script comes to. Never raises for what it says."""
    record, meter = Record(), meter or Meter()
    try:
        plain = _written(source, meter)
        record.folded = plain if plain != source else ""
        for text in dict.fromkeys((source, plain)):
            _pipes(text, record, meter)
    except Ended as ended:
        record.stop(str(ended), ended.kind)
    return record


def _written(source: str, meter: Meter) -> str:
    """With variables of one value, quotes within words and escapes written out."""
    text = _ANSI.sub(lambda match: "'" + _unescaped(match[1]) + "'", source)
    text = _SLASHED.sub(lambda match: match[0].replace("\\", ""), _QUOTED.sub("", text))
    values: dict[str, set[str]] = {}
    for match in _SET.finditer(text):
        values.setdefault(match[1], set()).add(match[2].strip("'\""))
    known = {name: next(iter(of)) for name, of in values.items() if len(of) == 1}
    for _ in range(4):
        meter.room(len(text))
        before, text = text, _USED.sub(partial(_value, known), text)
        if text == before:
            break
        if len(text) > TEXT:
            raise Ended("too much text comes out", "memory")
        values_of = partial(_value, known)
        known = {name: _USED.sub(values_of, value)[:4096] for name, value in known.items()}
    return text


def _value(known: dict[str, str], match: re.Match[str]) -> str:
    value = known.get(match[1] or match[4])
    if value is None or "$(" in value or "`" in value:
        return match[0]
    return value[int(match[2]) : int(match[2]) + int(match[3])] if match[2] else value


def _unescaped(text: str) -> str:
    try:
        return codecs.decode(text.encode("latin-1", "replace"), "unicode_escape")
    except (UnicodeDecodeError, ValueError):
        return text


def _pipes(text: str, record: Record, meter: Meter) -> None:
    """What ``echo ... | base64 -d | sh`` and the like would run."""
    for pattern in (_PIPED, _HERE):
        for match, _ in zip(pattern.finditer(text), range(_MOST), strict=False):
            meter.room(len(match[0]))
            tools = match[2] if pattern is _PIPED else f"base64 -d {match[2]}"
            data = _through(match[1], tools)
            if data:
                record.layer(data, _extension(tools), tools.strip()[:100])
    for match, _ in zip(_PRINTF.finditer(text), range(_MOST), strict=False):
        record.layer(_unescaped(match[1]).encode("latin-1", "replace"), "sh", "printf")


def _extension(tools: str) -> str:
    return "py" if "python" in tools else "pl" if "perl" in tools else "sh"


def _through(text: str, tools: str) -> bytes:
    """A text through tools, one after the other; b"" where it does not come out."""
    data = text.strip().encode("latin-1", "replace")
    try:
        for tool in tools.split("|"):
            data = _one(data, tool.split())
    except (binascii.Error, ValueError, OSError, EOFError, zlib.error):
        return b""
    return data if data != text.strip().encode("latin-1", "replace") else b""


def _one(data: bytes, words: list[str]) -> bytes:
    tool = words[0].rpartition("/")[2] if words else ""
    if tool == "base64" or (
        tool == "openssl" and ("-d" in words and ("base64" in words or "-base64" in words))
    ):
        return base64.b64decode(re.sub(rb"\s|\\n", b"", data))
    if tool == "xxd" and any(word.startswith("-r") for word in words):
        return bytes.fromhex(re.sub(r"[^0-9a-fA-F]", "", data.decode("latin-1")))
    if tool == "rev":
        return b"\n".join(line[::-1] for line in data.split(b"\n"))
    if tool in ("gunzip", "zcat") or (tool == "gzip" and any("d" in word for word in words[1:])):
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return stream.read(TEXT)
    return data

"""Access logs of web servers: the common and the combined log format, with or without the virtual host before it. And Squid's own.

After the documentation of Apache's mod_log_config, nginx's ngx_http_log_module and Squid's ``logformat squid``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kazami.model.evidence import Evidence
from kazami.sources import clock
from kazami.sources.columns import Columns, reading
from kazami.sources.encoding import in_utf8
from kazami.sources.json_frames import first_lines, line_blocks
from kazami.sources.network import words

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r"(?:([\w.*-]{1,255}(?::\d{1,5})?) )?"
    r"([\da-fA-F.:]{3,45}|[\w.-]{1,255}) (\S{1,255}) (\S(?:[^\[]{0,254}\S)?) \[([^\]]{10,40})\] "
    rf"{_QUOTED} (\d{{3}}) (\d{{1,19}}|-)(?: {_QUOTED} {_QUOTED})?(?: .*)?\Z"
)
_SQUID = re.compile(
    r"(\d{9,11}\.\d{3}) +(\d{1,12}) (\S{3,255}) ([A-Z_]{3,40})/(\d{3}) (\d{1,19}) ([A-Za-z_:-]{1,32}) (\S+) (\S{1,255}) [A-Z_]{4,40}/(\S{1,255}) (\S{1,255})\s*\Z"
)
_SQUID_NAMES = ("#time", "elapsed", "c-ip", "s-action", "sc-status", "sc-bytes", "cs-method", "url", "cs-username", "r-ip",
                "rs(Content-Type)")  # fmt: skip
_BY_SQUID = re.compile(r" (?:TCP|UDP|NONE)[A-Z_]{0,40}:[A-Z_]{4,40}\s*\Z")
_REQUEST = re.compile(r"([A-Za-z_-]{1,32}) (\S.*?)(?: HTTP/(\d(?:\.\d)?))?\Z")
_NAMES = ("host", "id.orig_h", "ident", "username", "#time", "method", "uri", "version", "status_code",
          "response_body_len", "referrer", "user_agent")  # fmt: skip

#: Characters of one line that are looked at.
MAX_LINE = 1 << 17

_micros = lru_cache(4096)(clock.parse)


def confidence(name: str, head: bytes) -> float:
    """By how many of the first lines are of this form."""
    if b"\0" in head[:1024]:
        return 0.0
    lines = head[:16384].decode("utf-8", "replace").split("\n")
    sample = [line.rstrip("\r") for line in (lines[:-1] if len(head) > 16384 else lines) if line.strip()][:10]
    known = sum(record(line) is not None for line in sample)
    return 0.6 + 0.38 * known / len(sample) if sample and 2 * known > len(sample) else 0.0


def parse(line: str) -> dict[str, Any] | None:
    """The fields of one line, in Zeek's words; None where it is of another form."""
    if len(line) > MAX_LINE or (found := _LINE.match(line)) is None:
        return None
    host, client, ident, user, time, request, status, size, referrer, agent = found.groups()
    asked = _REQUEST.match(request)
    method, uri, version = asked.groups() if asked else (None, request, None)
    values = (host, client, ident, user, _micros(time), method, uri, version, status, size, referrer, agent)
    return {n: v for n, v in zip(_NAMES, values, strict=True) if v is not None and v != "-"}


def _squid(line: str) -> dict[str, Any] | None:
    """The fields of one line of Squid's own format; None where it is of another form."""
    found = _SQUID.match(line) if len(line) <= MAX_LINE else None
    if found is None:
        return None
    return {
        n: v
        for n, v in zip(_SQUID_NAMES, found.groups(), strict=True)
        if v != "-" and (n, v) != ("sc-status", "000")
    }


def record(line: str) -> tuple[str, dict[str, Any]] | None:
    """Kind and fields of one line of any of these forms."""
    fields = parse(line)
    if fields is None:
        fields = _squid(line)
        return None if fields is None else ("proxy", fields)
    return "forwarded" if _BY_SQUID.search(line) else "access", fields


def feed(evidence: Evidence, columns: Columns) -> Iterator[int]:
    """Add every line of `evidence`; yields the bytes read since the last time."""
    with evidence.open() as stream:
        source = in_utf8(stream)
        for block in line_blocks(source, first_lines(source), columns.reject):
            for number, text in zip(block.numbers, block.texts, strict=True):
                line = text.rstrip("\r\0")
                if not line.strip():
                    continue
                found = record(line)
                if found is None:
                    columns.reject(f"line {number}", "not of the common or combined log format", 1, line)
                else:
                    kind, fields = found
                    columns.add(words.plan(kind, (*fields,)), (*fields.values(),), line, number)
            yield block.size


read = reading(feed)

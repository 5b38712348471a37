"""Blocks as rules of Suricata 5 and later: ``drop`` by address, name (DNS, TLS, HTTP), URL, JA3 and certificate."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from kazami.model.block import Block
from kazami.respond.block import file
from kazami.respond.block.indicator import host_of
from kazami.respond.text import safe

#: Rules get numbers from here on: a block has the same one in every file, unless two of a file fall together.
FIRST, SPAN = 1_100_000, 800_000


def takes(block: Block) -> bool:
    """All but certificates by SHA-256, for which Suricata has no keyword."""
    return block.kind != "certificate" or len(block.value) == 40


def plan(tenant: str, blocks: Sequence[Block], now: datetime) -> dict[str, str]:
    """The file of rules, by its name."""
    lines = [file.heading(tenant)]
    used: set[int] = set()
    for block in sorted(blocks, key=lambda one: (one.kind, one.value)):
        for number, (head, options) in enumerate(_rules(block)):
            sid = FIRST + (zlib.crc32(f"{block.block_uid}{number}".encode()) % SPAN)
            while sid in used:
                sid = FIRST + (sid + 1 - FIRST) % SPAN
            used.add(sid)
            lines.append(f"drop {head} ({_options(block, options, sid, now)})")
    return {f"kazami-block-{file.slug(tenant)}.rules": "\n".join(lines) + "\n"}


def _options(block: Block, options: str, sid: int, now: datetime) -> str:
    words = safe(block.reason.en).encode("ascii", "replace").decode()
    until = f"until {now.timestamp() + block.left(now):.0f}"
    message = "".join(char if char not in '";\\:|' else " " for char in f"Kazami block, {words}")[:200]
    return f'msg:"{message}"; {options}metadata:kazami {block.block_uid}, {until}; classtype:trojan-activity; sid:{sid}; rev:1;'


def _rules(block: Block) -> list[tuple[str, str]]:
    """Head and options of each rule."""
    anywhere, value = "any any -> any any", block.value
    if block.kind == "address":
        return [(f"ip any any <> [{value}] any", "")]
    if block.kind == "domain":
        name = f'dotprefix; content:".{value}"; nocase; endswith; '
        return [
            (f"dns {anywhere}", f"dns.query; {name}"),
            (f"tls {anywhere}", f"tls.sni; {name}"),
            (f"http {anywhere}", f"http.host; {name}".replace(" nocase;", "")),
        ]
    if block.kind == "url":
        host = host_of(value)
        path = value.split("://", 1)[1].partition("/")[2]
        return [(f"http {anywhere}", f'http.host; content:"{host}"; bsize:{len(host)}; '
                 f'http.uri.raw; content:"{_content("/" + path)}"; startswith; ')]  # fmt: skip
    if block.kind == "ja3":
        return [(f"tls {anywhere}", f'ja3.hash; content:"{value}"; ')]
    pairs = ":".join(value[at : at + 2] for at in range(0, 40, 2))
    return [(f"tls {anywhere}", f'tls.cert_fingerprint; content:"{pairs}"; ')]


def _content(text: str) -> str:
    return "".join(
        char if char.isalnum() or char in "/._-~=&%+,@!*()$" else f"|{ord(char):02x}|" for char in text
    )


apply = undo = partial(file.put, plan)

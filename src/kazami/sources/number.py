"""Numbers, marks and hashes in the words of Sigma's taxonomy. Texts in, one text out; None is no fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Text: TypeAlias = str | None


def number(value: Text) -> int | None:
    """`value` as an integer, decimal or hexadecimal with 0x; None where it is neither."""
    if value is None or len(value) > 40:
        return None
    value = value.strip()
    try:
        return int(value, 16 if value[:2].lower() == "0x" else 10)
    except ValueError:
        return None


def decimal(value: Text) -> Text:
    """``0x1a4`` as ``420``: process ids of Security events as Sysmon writes them. Others stay."""
    parsed = number(value)
    return value if parsed is None else str(parsed)


def hexadecimal(value: Text) -> Text:
    """64-bit masks as EVTX writes them (``0x8020000000000000``), also from a signed decimal."""
    parsed = number(value)
    return value if parsed is None else f"0x{parsed & 0xFFFF_FFFF_FFFF_FFFF:x}"


_KEYWORDS = {
    "audit success": "0x8020000000000000",
    "audit failure": "0x8010000000000000",
    "classic": "0x80000000000000",
}


_LEVELS = {"critical": "1", "error": "2", "warning": "3", "information": "4", "info": "4", "verbose": "5"}


def keywords(value: Text) -> Text:
    """The mask of an event's keywords, from a number or from the words that Windows renders it with."""
    return hexadecimal(value) if value is None else _KEYWORDS.get(value.strip().lower(), hexadecimal(value))


def level(value: Text) -> Text:
    """The number of an event's level, from the word that Windows renders it with."""
    return value if value is None else _LEVELS.get(value.strip().lower(), value)


def capital(value: Text) -> Text:
    """A word with a capital letter: ``high`` as ``High``."""
    return value if value is None else value[:1].upper() + value[1:]


def flag(value: Text) -> Text:
    """``True``, ``1``, ``yes`` and the like as ``true`` / ``false``; other texts stay."""
    if value is None:
        return None
    return {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}.get(
        value.lower(), value
    )


#: Names of message strings (msobjs.dll) that Security events carry as %%NNNN.
_DIRECTIONS = {
    "%%14592": "false", "inbound": "false", "ingress": "false",
    "%%14593": "true", "outbound": "true", "egress": "true",
}  # fmt: skip


_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp"}


def initiated(direction: Text) -> Text:
    """Whether a connection was initiated from here: Sysmon's ``true`` / ``false`` of a direction."""
    return None if direction is None else _DIRECTIONS.get(direction.strip().lower())


def protocol(value: Text) -> Text:
    """A transport protocol's number as Sysmon's name; names in lower case."""
    return None if value is None else _PROTOCOLS.get(value, value.lower())


def is_ipv6(address: Text) -> Text:
    """``true`` or ``false``, as Sysmon says of an address."""
    return None if address is None else "true" if ":" in address else "false"


def one_hash(algorithm: str) -> Callable[[Text], Text]:
    """A transform that takes one algorithm out of ``SHA1=...,MD5=...,SHA256=...,IMPHASH=...``."""
    start = f"{algorithm.upper()}="

    def extract(hashes: Text) -> Text:
        for part in hashes.split(",") if hashes else ():
            if part.startswith(start) or part.strip().upper().startswith(start):
                return part.strip()[len(start) :]
        return None

    return extract


def hashes(md5: Text = None, sha1: Text = None, sha256: Text = None, imphash: Text = None) -> Text:
    """Single hashes as Sysmon's ``Hashes``."""
    named = (("SHA1", sha1), ("MD5", md5), ("SHA256", sha256), ("IMPHASH", imphash))
    return ",".join(f"{name}={value}" for name, value in named if value) or None

"""Palo Alto's logs: CSV behind syslog, after ``paloalto.yml``. Connections, requests, alerts, sessions of GlobalProtect."""

from __future__ import annotations

import csv
from typing import Any

from kazami.sources import mapping
from kazami.sources.network import phrase
from kazami.sources.network.phrase import Said

_SESSIONS, _SYSTEM = "GLOBALPROTECT", "SYSTEM"


def said(message: str, kind: str) -> Said | None:
    """What a message of one of the types of ``paloalto.yml`` says."""
    cells = next(csv.reader((message,)), [])[3:]
    names: list[str] = mapping.load("network/paloalto.yml")["paloalto"][kind]
    found: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}
    if time := found.get("start") or found.get("generate_time"):
        found["#time"] = time
    found.pop("#type", None)
    if kind == _SYSTEM:
        told = phrase.told(None, found.pop("#message", ""))
        return None if told is None else Said("vpn", found | told.fields)
    if kind == "THREAT":
        return _threat(found)
    return Said("vpn" if kind == _SESSIONS else "firewall", found)


def _threat(found: dict[str, Any]) -> Said:
    """A request that was looked up, or what was recognised in a connection."""
    if found.get("subtype") == "url":
        return Said("proxy", found | {"method": found.get("method", "").upper() or None})
    title = found.get("threat") or found.get("url") or found.get("subtype")
    return Said(
        "paloalto.threat",
        found | {"alert.title": title, "alert.id": title, "alert.level": found.get("severity")},
    )

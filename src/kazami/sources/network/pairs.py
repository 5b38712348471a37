"""Logs of appliances that consist of pairs: ``key=value`` (Fortinet, Sophos, SonicWall, WELF), ``key:"value"`` (Check Point), ``Key: value`` (Cisco FTD), structured data of syslog (Juniper)."""

from __future__ import annotations

import re
from typing import Any

#: Pairs of one line, and pairs that make a line one of pairs.
MAX_PAIRS, LEAST_PAIRS = 300, 6

_FORMS = (
    re.compile(r'(?:^|(?<=[\s,;]))([A-Za-z_][\w.-]{0,63})=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*))'),
    re.compile(r'(?:^\[|(?<=; ))(\w{1,64}):"((?:[^"\\]|\\.)*)"()'),
    re.compile(r"(?:(?<=^)|(?<=, )|(?<=\d: ))([A-Z]\w{1,40}): ()([^,]*)(?=, [A-Z]\w{1,40}: |$)"),
)
_CELL = re.compile(r'"([A-Za-z_][\w.-]{0,63})=((?:[^"]|"")*)"(?:,|$)')
_MARKS = ("=", ':"', ": ")
_NOTHING = ("", "N/A", "NA")


def read(message: str) -> dict[str, Any]:
    """The pairs of a message that consists of them; empty where it does not."""
    if message[:1] == '"' and '","' in message:  # as a row of cells
        message = _CELL.sub(r'\1="\2" ', message)
    for mark, form in zip(_MARKS, _FORMS, strict=True):
        if message.count(mark) >= LEAST_PAIRS and (found := _read(form, message)):
            return _completed(found)
    return {}


def _read(form: re.Pattern[str], message: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    covered = 0
    for number, pair in enumerate(form.finditer(message)):
        if number == MAX_PAIRS:
            break
        covered += pair.end() - pair.start() + 1
        value = pair[2] or pair[3]
        if value not in _NOTHING:
            found.setdefault(pair[1], value)
    return found if len(found) >= LEAST_PAIRS and covered * 10 >= len(message) * 8 else {}


def _completed(found: dict[str, Any]) -> dict[str, Any]:
    """With its time, and apart what some makers write into one value."""
    if "date" in found and "time" in found:
        found["#time"] = f"{found['date']} {found['time']}{found.get('tz', '')}"
    if "sn" in found and "fw" in found:  # SonicWall: address:port:interface, and protocol/service
        for end, port in (("src", "spt"), ("dst", "dpt")):
            found[end], _, rest = found.get(end, "").partition(":")
            found[port] = rest.partition(":")[0]
        found["proto"], _, found["service"] = found.get("proto", "").partition("/")
        if "arg" in found:
            found |= {
                "url": f"{found.get('dstname', '')}{found['arg']}",
                "method": found.get("op"),
                "status": found.get("result"),
            }
    if "s_port" in found and found.get("service", "").isdecimal():  # Check Point
        found["dport"] = found.pop("service")
    if found.get("type") == "utm" and (title := found.get("attack") or found.get("virus")):  # Fortinet
        found |= {
            "alert.title": title,
            "alert.id": found.get("attackid") or title,
            "alert.level": found.get("severity") or found.get("crlevel"),
        }
    return {name: value for name, value in found.items() if value}


def kind_of(found: dict[str, Any]) -> str:
    """A kind of ``words.yml`` that the pairs say themselves; "" where it is told by their names."""
    kind, sub = found.get("type", ""), found.get("subtype", "")
    if "vpn" in (sub, kind, found.get("log_component", "").lower()[-3:]):
        return "vpn"
    if "devid" in found and kind == "event":
        return "fortigate.event"
    if "alert.title" in found:
        return "fortigate.utm"
    if kind in ("utm", "dns") and "qname" in found:
        return "resolver"
    return (
        "proxy"
        if "url" in found and (sub == "webfilter" or found.get("log_type") == "Content Filtering")
        else ""
    )

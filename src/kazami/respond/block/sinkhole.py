"""Blocks for name servers: a response policy zone (RPZ), and lines for unbound and for hosts files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address

from kazami.model.block import Block
from kazami.model.tenant import parsed
from kazami.respond.block import file

#: Seconds that a resolver may keep an answer: short, so that an undo is felt.
TTL = 60


def takes(block: Block) -> bool:
    """Names; and addresses, as far as an answer leads there (RPZ only)."""
    return block.kind in ("domain", "address")


def plan(tenant: str, blocks: Sequence[Block], now: datetime) -> dict[str, str]:
    """Three files: ``.rpz``, ``.unbound.conf`` and ``.hosts``; an answer is that there is no such name."""
    stem = f"kazami-block-{file.slug(tenant)}"
    names = sorted(one.value for one in blocks if one.kind == "domain")
    serial = int(now.timestamp())  # grows with every change, as secondaries want it (RFC 1982)
    zone = [
        file.heading(tenant, ";"),
        f"$TTL {TTL}",
        f"@ IN SOA localhost. kazami.localhost. {serial} 300 60 604800 {TTL}",
        "@ IN NS localhost.",
    ]
    for name in names:
        zone += [f"{name} CNAME .", f"*.{name} CNAME ."]
    zone += [f"{_reversed(one.value)}.rpz-ip CNAME ." for one in blocks if one.kind == "address"]
    unbound = [
        file.heading(tenant),
        "server:",
        *(f'    local-zone: "{name}." always_nxdomain' for name in names),
    ]
    hosts = [file.heading(tenant), *(f"0.0.0.0 {name}\n:: {name}" for name in names)]
    return {
        f"{stem}.rpz": _joined(zone),
        f"{stem}.unbound.conf": _joined(unbound),
        f"{stem}.hosts": _joined(hosts),
    }


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _reversed(value: str) -> str:
    """An address as RPZ names it: its prefix length, then its parts from the last to the first, ``zz`` for a run of zeros."""
    found = parsed(value)
    if isinstance(found, IPv4Address):
        return "32." + ".".join(reversed(value.split(".")))
    before, gap, after = str(found).partition("::")
    parts = [*before.split(":"), *(["zz"] if gap else []), *after.split(":")]
    return "128." + ".".join(reversed([part for part in parts if part]))


apply = undo = partial(file.put, plan)

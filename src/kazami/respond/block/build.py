"""Indicators into blocks: a reason, a time to live, a warning; or why nothing is done. Pure: equal data give equal blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from kazami.model.block import HOURS, MOST_HOURS, Block, Indicator, sure
from kazami.model.incident import Text
from kazami.respond.block.allow import Allow
from kazami.respond.block.indicator import below
from kazami.respond.text import safe

_WEAK = Text(
    "not sure enough: {confidence}, {least} is asked for",
    "確度が足りない（{confidence}、{least} 以上が必要）",
)

_BELOW = Text("lies below {name}, which is blocked", "遮断する {name} の下位である")


def build(
    indicators: Iterable[Indicator],
    allow: Allow,
    *,
    least: str = "medium",
    hours: int = 0,
    owner: Callable[[str], str] = lambda _: "",
) -> list[Block]:
    """A block for each indicator, in their order; `hours` is 0 for those of its confidence.

    `owner` gives who lends an address to many, "" where that is not known. What is spared comes first: it is refused however sure one is.
    """
    made = [_block(one, allow, least, hours, owner) for one in indicators]
    lasting = {
        one.value: one.seconds for one in made if one.kind == "domain" and not one.refused and not one.warning
    }
    return [_covered(one, lasting) for one in made]


def _covered(one: Block, lasting: Mapping[str, int]) -> Block:
    """A name below one that is blocked for as long is blocked with it."""
    if one.kind != "domain" or one.refused:
        return one
    above = next((name for name in below(one.value, lasting) if lasting[name] >= one.seconds), "")
    refused = Text(_BELOW.en.format(name=above), _BELOW.ja.format(name=above)) if above else None
    return replace(one, refused=refused)


def block_uid(tenant: str, kind: str, value: str) -> str:
    """32 hex digits: the same block in every plan."""
    return hashlib.sha256(f"{tenant}\0{kind}\0{value}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _block(one: Indicator, allow: Allow, least: str, hours: int, owner: Callable[[str], str]) -> Block:
    refused = allow.never(one.kind, one.value)
    if refused is None and sure(one.confidence) < sure(least):
        said = {"confidence": one.confidence, "least": least}
        refused = Text(_WEAK.en.format(**said), _WEAK.ja.format(**said))
    lender = owner(one.value) if one.kind == "address" else ""
    return Block(
        block_uid(one.tenant, one.kind, one.value),
        one.tenant,
        one.kind,
        one.value,
        one.confidence,
        min(hours or HOURS[one.confidence], MOST_HOURS) * 3600,
        one.findings,
        _reason(one),
        refused,
        allow.warned(one.kind, one.value, one.names, lender),
    )


def _reason(one: Indicator) -> Text:
    titles = list(dict.fromkeys(safe(title)[:120] for title in one.titles))
    more = len(titles) - 3
    told = "; ".join(titles[:3])
    uid, count = one.findings[0], len(one.findings)
    return Text(
        f"{told}{f' and {more} more' if more > 0 else ''} ({count} finding{'s' * (count > 1)}, {uid})",
        f"{told}{f' ほか {more} 件' if more > 0 else ''}（検知 {count} 件、{uid}）",
    )

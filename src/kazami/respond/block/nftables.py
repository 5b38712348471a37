"""Blocks as a table of nftables of its own: sets with time-outs, and chains that drop what goes to or comes from them.

``nft -f FILE`` puts it in place of the one before, in one step; what the tenant spares passes first. Removing the table is the whole undo.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from kazami.model.block import Block
from kazami.model.tenant import parsed
from kazami.respond.block import file


def takes(block: Block) -> bool:
    """Addresses."""
    return block.kind == "address"


def table(tenant: str) -> str:
    """The name of a tenant's table."""
    return f"kazami_block_{file.mark(tenant)}"


def plan(tenant: str, blocks: Sequence[Block], now: datetime) -> dict[str, str]:
    """The file for ``nft -f``."""
    return {f"kazami-block-{file.slug(tenant)}.nft": text(tenant, blocks, now)}


def text(tenant: str, blocks: Sequence[Block], now: datetime, spared: Sequence[str] = ()) -> str:
    """Commands that make the table what `blocks` say, whatever it was; without blocks there is none. Addresses `spared` pass first."""
    name = table(tenant)
    lines = [file.heading(tenant), f"table inet {name}", f"delete table inet {name}"]
    wanted = [block for block in blocks if takes(block)]
    if not wanted:
        return "\n".join(lines) + "\n"
    lines.append(f"table inet {name} {{")
    for version in (4, 6):
        lines += _set(version, [block for block in wanted if _version(block) == version], now)
    for chain in ("forward", "input", "output"):
        lines += [
            f"\tchain on_{chain} {{",
            f"\t\ttype filter hook {chain} priority filter - 10; policy accept;",
        ]
        for version, family in ((4, "ip"), (6, "ip6")):
            own = [one for one in spared if (found := parsed(one)) and found.version == version]
            lines += [f"\t\t{family} {end} {one} accept" for one in own for end in ("daddr", "saddr")]
            lines += [f"\t\t{family} {end} @bad{version} counter drop" for end in ("daddr", "saddr")]
        lines.append("\t}")
    return "\n".join([*lines, "}"]) + "\n"


def _version(block: Block) -> int:
    found = parsed(block.value)
    return found.version if found else 0


def _set(version: int, blocks: Sequence[Block], now: datetime) -> list[str]:
    lines = [f"\tset bad{version} {{", f"\t\ttype ipv{version}_addr", "\t\tflags timeout"]
    if blocks:
        lines.append("\t\telements = {")
        lines += [f'\t\t\t{one.value} timeout {one.left(now)}s comment "{one.block_uid}",' for one in blocks]
        lines.append("\t\t}")
    return [*lines, "\t}"]


apply = undo = partial(file.put, plan)

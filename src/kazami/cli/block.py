"""``kazami block``: what findings name as bad is planned, then blocked where somebody says so, and undone."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.case import CasePath
from kazami.cli.exit_code import DONE, UNREADABLE
from kazami.cli.notify import KeyFile, TenantsFile, signer
from kazami.cli.rows import table
from kazami.cli.scan import Language
from kazami.respond.text import safe

if TYPE_CHECKING:
    from kazami.model.block import Block
    from kazami.pipeline.blocks import Told

app = typer.Typer(help="Blocks: plan, apply, undo, status.", no_args_is_help=True)

#: Lines of a difference that are shown.
MOST_LINES = 200


class Least(StrEnum):
    """Confidence."""

    low = "low"
    medium = "medium"
    high = "high"


Enforce = Annotated[bool, typer.Option("--enforce", help="Really do it; without it nothing changes.")]
Only = Annotated[str, typer.Option("--tenant", help="This tenant's blocks.")]
Sink = Annotated[
    str,
    typer.Option("--sink", help="suricata, nftables, sinkhole, proxy, stix, or nft (this machine's kernel)."),
]
Place = Annotated[
    str, typer.Option("--to", help="Folder; of nft a network namespace (default: the machine's own).")
]
_NAMES = [
    "tenant",
    "kind",
    "value",
    "confidence",
    "state",
    "said",
    "reason",
    "until",
    "sink",
    "place",
    "block",
]


@app.command()
def plan(
    case: CasePath,
    tenants: TenantsFile = None,
    tenant: Only = "",
    confidence: Annotated[Least, typer.Option(help="Block from this confidence on.")] = Least.medium,
    hours: Annotated[
        int, typer.Option(min=0, max=2160, help="How long; 0 means by confidence: 6, 24 or 168 hours.")
    ] = 0,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Write the plan of what would be blocked, and what not and why; nothing is blocked."""
    from kazami.pipeline.blocks import FOLDER
    from kazami.pipeline.blocks import plan as planned
    from kazami.store.case import Case
    from kazami.tenants import find

    now = datetime.now(UTC)
    with Case.open(case, read_only=True) as opened:
        made = planned(opened, find(tenants), least=confidence.value, hours=hours, tenant=tenant, now=now)
    told: list[Told] = [(one, "", "", *_state(one, lang.value)) for one in made]
    _show(told, lang.value, ("sink", "place"))
    states = [state for *_, state, _ in told]
    counts = ", ".join(f"{states.count(one):,} {one}" for one in ("planned", "held back", "not blocked"))
    sys.stderr.write(f"{case / FOLDER}: {counts}\n")
    return DONE


@app.command()
def apply(
    case: CasePath,
    sink: Sink = "nftables",
    place: Place = "",
    tenant: Only = "",
    shared: Annotated[bool, typer.Option("--shared", help="Also those that could hit others.")] = False,
    enforce: Enforce = False,
    tenants: TenantsFile = None,
    key: KeyFile = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Block what is planned; without --enforce only say what would be, and how files would change."""
    from kazami.pipeline.blocks import apply as carried_out
    from kazami.pipeline.blocks import difference
    from kazami.tenants import find

    now = datetime.now(UTC)
    told = list(
        carried_out(
            case, find(tenants), signer(key), sink=sink, place=place, now=now, tenant=tenant, shared=shared, enforce=enforce,
        )
    )  # fmt: skip
    _show(told, lang.value)
    if not enforce:
        _changes(difference(case, told, now))
        sys.stderr.write("nothing was blocked; --enforce blocks\n")
    return _code(told)


@app.command()
def undo(
    case: CasePath,
    sink: Annotated[str, typer.Option("--sink", help="Only through this sink.")] = "",
    place: Place = "",
    tenant: Only = "",
    block: Annotated[str, typer.Option("--block", help="Only this block (its id, or how it begins).")] = "",
    expired: Annotated[bool, typer.Option("--expired", help="Only what is over.")] = False,
    enforce: Enforce = False,
    key: KeyFile = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
) -> int:
    """Take back what is in force; without --enforce only say what would be."""
    from kazami.pipeline.blocks import undo as undone

    told = list(
        undone(
            case, signer(key), now=datetime.now(UTC), tenant=tenant, sink=sink, place=place, block=block, expired=expired,
            enforce=enforce,
        )
    )  # fmt: skip
    _show(told, lang.value)
    if not told:
        sys.stderr.write("nothing of that is in force\n")
    elif not enforce:
        sys.stderr.write("nothing was undone; --enforce undoes\n")
    return _code(told)


@app.command()
def status(case: CasePath, lang: Annotated[Language, typer.Option(help="Language.")] = Language.en) -> int:
    """Show each block and whether it is in force; the log is checked line by line."""
    from kazami.pipeline.blocks import status as standing

    told = list(standing(case, datetime.now(UTC)))
    _show(told, lang.value)
    over = sum(state == "over" for *_, state, _ in told)
    if over:
        sys.stderr.write(f"{over:,} are over: kazami block undo {case} --expired --enforce\n")
    return DONE


def _state(block: Block, lang: str) -> tuple[str, str]:
    why = block.refused or block.warning
    state = "not blocked" if block.refused else "held back" if block.warning else "planned"
    return state, why.spoken(lang) if why else ""


def _show(told: Sequence[Told], lang: str, left_out: Collection[str] = ()) -> None:
    names = [name for name in _NAMES if name not in left_out]
    rows = (dict(zip(_NAMES, _row(*one, lang), strict=True)) for one in told)
    table(names, ([row[name] for name in names] for row in rows))


def _row(block: Block, sink: str, place: str, state: str, said: str, lang: str) -> tuple[str, ...]:
    until = block.until.isoformat(timespec="seconds") if block.until else f"{block.seconds // 3600} h"
    reason = block.reason.spoken(lang)
    return (
        block.tenant, block.kind, block.value, block.confidence, state, said, reason, until, sink, place, block.block_uid,
    )  # fmt: skip


def _changes(lines: Sequence[str]) -> None:
    for line in lines[:MOST_LINES]:
        sys.stderr.write(f"{safe(line)}\n")
    if len(lines) > MOST_LINES:
        sys.stderr.write(f"... and {len(lines) - MOST_LINES:,} lines more\n")


def _code(told: Sequence[Told]) -> int:
    return UNREADABLE if any(state in ("failed", "not undone") for *_, state, _ in told) else DONE

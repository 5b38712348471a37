"""``kazami rare``: what a tenant usually has, learned from its own cases, and what is rare by that."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kazami.cli.case import CasePath
from kazami.cli.exit_code import DONE
from kazami.cli.rows import table
from kazami.cli.terminal import say

app = typer.Typer(help="What is rare at a tenant: learn, show.", no_args_is_help=True, rich_markup_mode=None)

Tenant = Annotated[str, typer.Option("--tenant", help="Whose; nothing is learned from others.")]
Memories = Annotated[Path | None, typer.Option("--memories", help="Where memories are (default: the user's).")]  # fmt: skip


@app.command()
def learn(case: CasePath, tenant: Tenant = "default", memories: Memories = None) -> int:
    """Remember what the hosts of a tenant had on each day of a case; days on which something grave was found are left out."""
    from kazami.pipeline.rarity import learn as learned
    from kazami.pipeline.rarity import usual
    from kazami.store.case import Case
    from kazami.store.memories import default

    with Case.open(case, read_only=True) as opened:
        units, left = usual(opened, tenant)
    known = learned(memories or default(), tenant, units)
    say(f"{len(units):,} days of hosts learned; {len(known.units):,} remembered of {tenant}")
    if left:
        say(f"{len(left):,} left out, for something grave was found there: {', '.join(left[:5])}", "yellow")
    return DONE


@app.command()
def show(case: CasePath, tenant: Tenant = "default", memories: Memories = None) -> int:
    """Show what is rare in a case by what the tenant had before, the rarest first; with few days learned nothing is."""
    from kazami.pipeline.rarity import memory_of, of_case
    from kazami.store.case import Case
    from kazami.store.memories import default

    known = memory_of(memories or default(), tenant)
    with Case.open(case, read_only=True) as opened:
        told = of_case(opened, tenant, known)
    names = ["p", "host", "day", "what", "thing", "seen", "of", "event"]
    rows = [
        [round(one.p, 4), each.host, each.day, one.facet, one.thing, one.seen, one.units, event]
        for each in told
        for one, event in zip(each.rare, each.events, strict=True)
    ]
    table(names, sorted(rows, key=lambda row: row[0]))
    for each in told:
        if each.unlike:
            say(f"{each.host} {each.day}: unlike any day learned, so single things say nothing: {', '.join(each.unlike)}", "yellow")  # fmt: skip
    if len(known.units) < 50:
        say(f"{len(known.units):,} days of hosts learned: too few for anything to be rare; from 50 on a new thing can be", "yellow")  # fmt: skip
    return DONE

"""``kazami actors``: who the packs are about, what they are called, and how rare what they do is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kazami.cli.exit_code import DONE
from kazami.cli.output import own_packs
from kazami.cli.rows import table as rows
from kazami.cli.scan import Language

app = typer.Typer(help="Actors: list, show.", no_args_is_help=True)

Lang = Annotated[Language, typer.Option(help="Language.")]


@app.command("list")
def list_actors(lang: Lang = Language.en) -> int:
    """List the actors of the packs, with their names."""
    from kazami.intel.actor import actors

    own_packs()
    rows(
        ["group", "name", "pack", "weather", "names"],
        [
            (
                one.group,
                one.name,
                one.pack,
                one.weather(lang.value),
                [n.name for n in one.names if n.kind == "actor"],
            )
            for one in actors()
        ],
    )
    return DONE


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name, an alias, ATT&CK's id of the group, or a pack.")],
    lang: Lang = Language.en,
) -> int:
    """Show one actor: names with their kind, habits, and techniques and software with how many groups use them."""
    from kazami.intel.actor import find, habits
    from kazami.intel.shelf import attack

    own_packs()
    actor, table = find(name), attack()
    found: list[tuple[Any, ...]] = [
        ("name", one.name, one.kind, ", ".join(filter(None, (one.by, one.note)))) for one in actor.names
    ]
    found += [("weather", actor.weather(lang.value), "Microsoft", "")] if actor.weather(lang.value) else []
    found += [("origin", actor.origin[lang.value], "", ""), ("aim", actor.aim[lang.value], "", "")]
    found += [("habit", text[lang.value], about, "") for about, text in actor.habits.items()]
    for one in habits(actor.group, table):
        kind = "technique" if one.id[0] == "T" else table.piece[one.id].kind
        through = f" through {one.through}" if one.through else ""
        found.append(
            (
                kind,
                f"{one.id} {one.name}",
                one.rarity,
                f"{one.groups} groups, ATT&CK {table.version}{through}",
            )
        )
    found += [("reference", reference, "", "") for reference in actor.references]
    rows(["what", "value", "kind", "more"], found)
    return DONE

"""``kazami tenants``: whether a file of tenants can be used, and what it says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kazami.cli.exit_code import DONE
from kazami.cli.rows import table

app = typer.Typer(help="Tenants: check a file, show what it says.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The file (default: tenants.toml).")]


@app.command()
def check(file: File = Path("tenants.toml")) -> int:
    """Say whether a file of tenants can be used, and what cannot be judged with it."""
    from kazami.tenants import load, said

    directory = load(file)
    notes = said(directory)
    table(["place", "remark"], (note.partition(": ")[::2] for note in notes))
    sys.stderr.write(f"{file}: {len(directory.tenants):,} tenants, {len(notes):,} remarks\n")
    return DONE


@app.command()
def show(file: File = Path("tenants.toml")) -> int:
    """Show the tenants of a file."""
    from kazami.tenants import load

    names = ["tenant", "title", "hosts", "domains", "networks", "tools", "contract", "contacts"]
    rows = []
    for one in load(file).tenants.values():
        contract = one.contract
        hours = f"{contract.opens:%H:%M}-{contract.closes:%H:%M} {contract.zone}"
        rows.append(
            [
                one.name,
                one.title,
                ", ".join(one.hosts),
                ", ".join(one.domains),
                ", ".join(map(str, one.networks)),
                ", ".join(one.tools),
                f"{contract.start or '…'} to {contract.end or '…'} {hours}",
                ", ".join(f"{who.name} ({who.role})" for who in one.contacts),
            ]
        )
    table(names, rows)
    return DONE

"""``kazami intel``: which ATT&CK is in use, and how another one comes in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.exit_code import DONE
from kazami.cli.rows import table as rows

if TYPE_CHECKING:
    from kazami.intel.build import Built

app = typer.Typer(help="ATT&CK: show the table in use, add one, update it.", no_args_is_help=True)

Version = Annotated[
    str, typer.Option("--attack-version", help="Its version, where the bundle does not say it: 18.1.")
]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A STIX 2.1 bundle of ATT&CK Enterprise, also in gzip.")],
    attack_version: Version = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the table here instead of using it.")
    ] = None,
) -> int:
    """Make the compact table out of a STIX bundle, and use it from now on."""
    from kazami.intel.shelf import derive

    return _take(derive(file, attack_version), output)


@app.command()
def update(
    url: Annotated[str, typer.Option(help="Where the bundle is (default: MITRE's newest).")] = "",
    attack_version: Version = "",
) -> int:
    """Fetch MITRE's newest bundle, make the table out of it, and use it. The only step that asks the network."""
    from kazami.intel.shelf import NEWEST, fetch

    return _take(fetch(url or NEWEST, attack_version), None)


@app.command()
def show(
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Techniques, groups, software, campaigns, mitigations: T1003.003."),
    ] = None,
) -> int:
    """Say which table is in use and what is in it; with ids, what is known about them."""
    from kazami.intel.described import contents, described
    from kazami.intel.shelf import attack

    if not ids:
        rows(["what", "value"], contents(attack()))
        return DONE
    rows(["id", "attack", "kind", "name", "more"], [described(attack(), one) for one in ids])
    return DONE


def _take(built: Built, output: Path | None) -> int:
    from kazami.cli.output import written
    from kazami.intel.described import contents
    from kazami.intel.shelf import keep
    from kazami.intel.table import pack

    if output is None:
        path = keep(built.table)
    else:
        with written(output) as path:
            path.write_bytes(pack(built.table))
    for reason, count in sorted(built.left_out.items()):
        sys.stderr.write(f"left out: {count:,} {reason}\n")
    rows(["what", "value"], [("file", str(path)), *contents(built.table)])
    return DONE

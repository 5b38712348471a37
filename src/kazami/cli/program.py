"""The commands, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any

import typer

from kazami import __version__
from kazami.cli.exit_code import DONE, INTERNAL, STOPPED, USAGE
from kazami.cli.terminal import deaf, speaking
from kazami.errors import KazamiError
from kazami.respond.text import safe_lines

#: What a wrong command line raises: older versions of Typer have Click beside them, newer ones within.
WRONG: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    name="kazami",
    help="Reads logs, finds intruders, and tells the story with its proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kazami {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and exit.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No color on the terminal.")] = False,
) -> None:
    """Options of all commands."""
    if no_color:
        from kazami.cli.terminal import plain

        plain()


def _register() -> None:
    from kazami.cli.case import register
    from kazami.cli.doctor import doctor
    from kazami.cli.intel import app as intel
    from kazami.cli.rules import app as rules
    from kazami.cli.scan import scan
    from kazami.cli.tenants import app as tenants

    app.command("scan")(scan)
    app.add_typer(rules, name="rules")
    app.add_typer(tenants, name="tenants")

"""The commands, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any

import typer

from kazami import __version__
from kazami.cli.exit_code import DONE, INTERNAL, STOPPED, USAGE
from kazami.cli.quick import QuickCommand, QuickGroup
from kazami.cli.terminal import deaf, speaking
from kazami.errors import KazamiError
from kazami.respond.text import safe_lines

#: What a wrong command line raises: older versions of Typer have Click beside them, newer ones within.
WRONG: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

#: Each command's module here, and what it is called there; what is a Typer itself has commands of its own.
COMMANDS = {
    "scan": ("scan", "scan"),
    "inspect": ("inspect", "inspect"),
    "evaluate": ("evaluate", "evaluate"),
    "rules": ("rules", "app"),
    "incidents": ("incidents", "app"),
    "suppress": ("suppress", "app"),
    "hunt": ("hunt", "app"),
    "list": ("listing", "list_what"),
    "coverage": ("coverage", "coverage"),
    "tenants": ("tenants", "app"),
    "campaigns": ("campaigns", "app"),
    "notify": ("notify", "app"),
    "block": ("block", "app"),
    "inline": ("inline", "inline"),
    "baseline": ("baseline", "baseline"),
    "changes": ("changes", "changes"),
    "approve": ("changes", "app"),
    "rare": ("rare", "app"),
    "reputation": ("reputation", "app"),
    "intel": ("intel", "app"),
    "actors": ("actors", "app"),
    "attribute": ("attribute", "attribute"),
    "findings": ("case", "findings"),
    "summary": ("case", "summary"),
    "report": ("case", "report"),
    "sql": ("case", "sql"),
    "serve": ("serve", "serve"),
    "doctor": ("doctor", "doctor"),
}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kazami {__version__}")
        raise typer.Exit


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


def program(words: Sequence[str] = ()) -> typer.Typer:
    """The program; with the one command that `words` begin with, or all: the rest of them need not be loaded then."""
    app = typer.Typer(
        name="kazami",
        cls=QuickGroup,
        help="Reads logs, finds intruders, and tells the story with its proof.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(options)
    first = next((word for word in words if not word.startswith("-")), None)
    for name in [first] if first in COMMANDS else COMMANDS:
        module, attribute = COMMANDS[name]
        command: Any = getattr(import_module(f"kazami.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, cls=QuickCommand if name == "scan" else None)(command)
    return app


def run(arguments: list[str]) -> int:
    """Carry out a command line; errors are said on standard error, in one line that names the file."""
    try:
        with speaking(sys.stdout):
            code: Any = program(arguments)(arguments, standalone_mode=False, obj=arguments)
        if code == STOPPED:  # what newer versions of Typer make of Ctrl-C, and a scan that kept what it had
            _say("stopped")
        return code if isinstance(code, int) else DONE
    except (typer.Abort, KeyboardInterrupt):
        _say("stopped")
        return STOPPED
    except WRONG as error:
        with speaking(sys.stderr):
            error.show()
        return USAGE
    except typer.Exit as error:
        return error.exit_code
    except KazamiError as error:
        _say(str(error))
        return USAGE
    except (BrokenPipeError, SystemExit):  # Click makes the latter of the former: the reader has left
        deaf(sys.stdout)
        return DONE
    except Exception as error:  # noqa: BLE001 - the last line of defense: said in one line, kept in full
        return _internal(error)


def _say(message: str) -> None:
    with speaking(sys.stderr):
        sys.stderr.write(f"kazami: {safe_lines(message)}\n")


def _internal(error: Exception) -> int:
    log = Path(gettempdir()) / f"kazami-error-{os.getpid()}.txt"
    text = "".join(traceback.format_exception(error))
    try:
        with log.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError:
        sys.stderr.write(safe_lines(text))
        log = Path("standard error")
    _say(f"an error inside Kazami: {type(error).__name__}: {error} (details in {log})")
    return INTERNAL

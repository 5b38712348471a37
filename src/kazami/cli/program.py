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
from kazami.cli.quick import QuickCommand, QuickGroup
from kazami.cli.terminal import deaf, speaking
from kazami.errors import KazamiError
from kazami.respond.text import safe_lines

#: What a wrong command line raises: older versions of Typer have Click beside them, newer ones within.
WRONG: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    name="kazami",
    cls=QuickGroup,
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
    from kazami.cli.actors import app as actors
    from kazami.cli.attribute import attribute
    from kazami.cli.baseline import baseline
    from kazami.cli.block import app as block
    from kazami.cli.campaigns import app as campaigns
    from kazami.cli.case import register
    from kazami.cli.changes import app as approvals
    from kazami.cli.changes import changes
    from kazami.cli.coverage import coverage
    from kazami.cli.doctor import doctor
    from kazami.cli.evaluate import evaluate
    from kazami.cli.hunt import app as hunts
    from kazami.cli.incidents import app as incidents
    from kazami.cli.inline import inline
    from kazami.cli.inspect import inspect
    from kazami.cli.intel import app as intel
    from kazami.cli.listing import list_what
    from kazami.cli.notify import app as notify
    from kazami.cli.rare import app as rare
    from kazami.cli.reputation import app as reputation
    from kazami.cli.rules import app as rules
    from kazami.cli.scan import scan
    from kazami.cli.serve import serve
    from kazami.cli.suppress import app as suppress
    from kazami.cli.tenants import app as tenants

    app.command("scan", cls=QuickCommand)(scan)
    app.command("inspect")(inspect)
    app.command("evaluate")(evaluate)
    app.add_typer(rules, name="rules")
    app.add_typer(incidents, name="incidents")
    app.add_typer(suppress, name="suppress")
    app.add_typer(hunts, name="hunt")
    app.command("list")(list_what)
    app.command("coverage")(coverage)
    app.add_typer(tenants, name="tenants")
    app.add_typer(campaigns, name="campaigns")
    app.add_typer(notify, name="notify")
    app.add_typer(block, name="block")
    app.command("inline")(inline)
    app.command("baseline")(baseline)
    app.command("changes")(changes)
    app.add_typer(approvals, name="approve")
    app.add_typer(rare, name="rare")
    app.add_typer(reputation, name="reputation")
    app.add_typer(intel, name="intel")
    app.add_typer(actors, name="actors")
    app.command("attribute")(attribute)
    register(app)
    app.command("serve")(serve)
    app.command("doctor")(doctor)


_register()


def run(arguments: list[str]) -> int:
    """Carry out a command line; errors are said on standard error, in one line that names the file."""
    try:
        with speaking(sys.stdout):
            code: Any = app(arguments, standalone_mode=False, obj=arguments)
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

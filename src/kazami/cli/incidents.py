"""The incidents of a case: ``kazami incidents list | show | merge | split | close | export``."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.case import CasePath
from kazami.cli.scan import Language
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.model.incident import Incident
    from kazami.store.case import Case

app = typer.Typer(
    help="Incidents: findings that belong together.", no_args_is_help=True, rich_markup_mode=None
)

Uid = Annotated[str, typer.Argument(help="Id of the incident, or its beginning.")]
Who = Annotated[str | None, typer.Option("--who", help="Who decides (default: the user's name).")]
Note = Annotated[str, typer.Option("--note", help="Why, for the log.")]
Lang = Annotated[Language, typer.Option(help="Language.")]


class Form(StrEnum):
    """Forms of exported incidents."""

    jsonl = "jsonl"
    ocsf = "ocsf"


@app.command("list")
def list_incidents(
    case: CasePath,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed and merged ones, too.")] = False,
    lang: Lang = Language.en,
) -> int:
    """List the incidents of a case, the gravest first."""
    from kazami.cli.rows import table
    from kazami.respond.export.incident import COLUMNS, NARROW, narrow, row
    from kazami.store.case import Case
    from kazami.store.incidents import incidents

    with Case.open(case, read_only=True) as opened:
        found = incidents(opened, tenant=tenant, redirected=closed)
        shown = (one for one in found if closed or one.state == "open")
        if sys.stdout.isatty():
            table(NARROW, (narrow(one, lang.value) for one in shown))
        else:
            table(COLUMNS, (row(one, lang.value) for one in shown))
    return 0


@app.command("show")
def show(case: CasePath, incident: Uid, lang: Lang = Language.en) -> int:
    """Tell one incident: its steps, what ties them, what to ask next; as JSON in a pipe."""
    from kazami.cli.terminal import out, speaking
    from kazami.respond.export.incident import json_line, text
    from kazami.store.case import Case

    with Case.open(case, read_only=True) as opened, speaking(sys.stdout):
        found = _found(opened, incident)
        told = text(found, lang.value) if sys.stdout.isatty() else json_line(found) + "\n"
        out().write(told)
    return 0


@app.command("merge")
def merge(
    case: CasePath,
    into: Uid,
    others: Annotated[list[str], typer.Argument(help="Ids of those that become part of it.")],
    who: Who = None,
    note: Note = "",
) -> int:
    """Make one incident of several; never of several tenants."""
    from kazami.pipeline import incidents

    return _changed(case, "merge", lambda opened: incidents.merge(opened, into, others, who or user(), note))


@app.command("split")
def split(
    case: CasePath,
    incident: Uid,
    step: Annotated[list[int], typer.Option("--step", help="Number of a step that leaves it; repeatable.")],
    who: Who = None,
    note: Note = "",
) -> int:
    """Make an incident of its own of some steps of another."""
    from kazami.pipeline import incidents

    return _changed(
        case, "split", lambda opened: incidents.split(opened, incident, step, who or user(), note)
    )


@app.command("close")
def close(
    case: CasePath,
    incident: Uid,
    verdict: Annotated[
        str | None, typer.Option(help="true positive, false positive, benign or test.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
    reopen: Annotated[bool, typer.Option("--open", help="Open it (again) instead.")] = False,
    who: Who = None,
    note: Note = "",
) -> int:
    """Close an incident, with what it was; it takes no more findings."""
    from kazami.pipeline import incidents

    said = {"state": "open" if reopen else "closed", "verdict": verdict, "owner": owner}
    return _changed(
        case, "close", lambda opened: incidents.judge(opened, incident, who or user(), note=note, **said)
    )


@app.command("export")
def export(
    case: CasePath,
    form: Annotated[Form, typer.Option("--format", help="jsonl: all we know; ocsf: OCSF 2005.")] = Form.jsonl,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="Write to this file.")] = None,
) -> int:
    """Write all incidents, one a line, with their links."""
    from kazami.cli.output import target
    from kazami.cli.terminal import speaking
    from kazami.respond.export.incident import json_line, ocsf_line
    from kazami.store.case import Case
    from kazami.store.incidents import incidents

    line = ocsf_line if form is Form.ocsf else json_line
    with (
        Case.open(case, read_only=True) as opened,
        speaking(sys.stdout),
        target(output_file) as stream,
    ):
        for one in incidents(opened, tenant=tenant, redirected=True, links=True):
            stream.write(line(one) + "\n")
    return 0


def _changed(case: Path, action: str, change: Callable[[Case], Incident]) -> int:
    """Change incidents of a case, and say the id of the one that came of it."""
    from kazami.store.case import Case

    with Case.open(case, command=f"kazami incidents {action}") as opened:
        typer.echo(change(opened).incident_uid)
    return 0


def _found(case: Case, incident: str) -> Incident:
    from kazami.store.incidents import incident as find

    found = find(case, incident)
    if found is None:
        raise UsageError(f"{incident}: no incident of this case, or the beginning of several ids")
    return found


def user() -> str:
    """Who is at the keyboard, for the log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"

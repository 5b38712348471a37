"""``kazami list``: what analysts ask of a case first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kazami.cli.exit_code import DONE
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Rows on a terminal, where none were asked for; and of each kind of pivot.
SHOWN, PIVOTS_SHOWN = 100, 20


class What(StrEnum):
    """What can be listed."""

    logons = "logons"
    hosts = "hosts"
    eventids = "eventids"
    pivots = "pivots"
    base64 = "base64"
    remote_tools = "remote-tools"


def list_what(
    what: Annotated[What, typer.Argument(help="What to list.")],
    case: Annotated[Path, typer.Argument(help="Folder of the case.")],
    limit: Annotated[
        int | None, typer.Option(min=0, help="Rows at most, of pivots of each kind; 0 for all.")
    ] = None,
) -> int:
    """List what analysts ask first: logons, hosts, eventids, pivots, base64, remote-tools."""
    from kazami.cli.rows import table
    from kazami.store.case import Case

    most = limit if limit is not None else SHOWN if sys.stdout.isatty() else 0
    with Case.open(case, read_only=True) as opened:
        rows = _rows(what, opened, limit)
        first = next(rows, None)
        if first is None:
            sys.stderr.write("kazami: nothing to list\n")
            return DONE
        every = chain([first], rows)
        shown = islice(every, most) if most and what is not What.pivots else every
        table(list(first), (list(row.values()) for row in shown))
        if next(rows, None) is not None:
            sys.stderr.write(f"kazami: more than {most:,} rows; --limit 0 gives all\n")
    return DONE


def _rows(what: What, case: Case, limit: int | None) -> Iterator[dict[str, Any]]:
    from kazami.survey import lists

    if what is What.pivots:
        each = PIVOTS_SHOWN if limit is None and sys.stdout.isatty() else limit
        return lists.pivots(case, each or (1_000 if limit is None else 1 << 40))
    if what is What.remote_tools:
        return _remote_tools(case)
    asked: dict[What, Callable[[Case], Iterator[dict[str, Any]]]] = {
        What.logons: lists.logons,
        What.hosts: lists.hosts,
        What.eventids: lists.event_ids,
        What.base64: lists.base64,
    }
    return asked[what](case)


def _remote_tools(case: Case) -> Iterator[dict[str, Any]]:
    from kazami.intel.remote import installed
    from kazami.intel.remote_match import Matcher
    from kazami.survey import lists

    tools = installed()
    if tools is None:
        raise UsageError(
            "no indicators of remote-management tools are installed; get LOLRMM (https://lolrmm.io), then: "
            "kazami intel lolrmm FOLDER"
        )
    return lists.remote_tools(case, Matcher(tools).kinds)

"""``kazami reputation``: what is known of files by their hashes."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.exit_code import DONE, FINDINGS
from kazami.cli.rows import table
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.intel.reputation.label import Known
    from kazami.intel.reputation.shelf import Shelf

app = typer.Typer(help="Reputation of files: add, look, stats, serve.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Option("--shelf", help="Folder of the shelf (default: the user's).")]


class Said(StrEnum):
    """What a source says of its hashes, where it does not say it of each."""

    known = "known"
    good = "good"
    tool = "tool"
    unwanted = "unwanted"
    bad = "bad"


@app.command()
def add(
    files: Annotated[
        list[Path], typer.Argument(help="NSRL, MISP, STIX, CSV, or anything with hashes in it.")
    ],
    standing: Annotated[Said, typer.Option("--as", help="What the source says of its hashes.")],
    source: Annotated[str, typer.Option(help="Who says so (default: the file's name).")] = "",
    date: Annotated[str, typer.Option(help="Since when (default: today).")] = "",
    form: Annotated[
        str, typer.Option("--format", help="nsrl, misp, stix, csv or text (default: by content).")
    ] = "",
    shelf: Folder = None,
) -> int:
    """Add what others publish to the shelf; more than 200,000 hashes make a new generation of it."""
    from kazami.intel.reputation.formats import read
    from kazami.intel.reputation.label import Label
    from kazami.intel.reputation.shelf import add as added
    from kazami.intel.reputation.shelf import default

    for file in files:
        about = Label(source or file.name, standing.value, date or datetime.now(UTC).date().isoformat())
        taken, none = added(shelf or default(), read(file, about, form))
        sys.stderr.write(f"{file}: {taken:,} hashes" + (f", {none:,} that are none" if none else "") + "\n")
        if not taken:
            raise UsageError(f"{file}: no hash in it")
    return DONE


@app.command()
def look(
    what: Annotated[
        list[str] | None, typer.Argument(help="Hashes or files; from standard input without any.")
    ] = None,
    shelf: Folder = None,
) -> int:
    """Look hashes up, or the hashes of files; exit code 1 where one is bad."""
    from kazami.intel.reputation.shelf import Shelf

    given = what if what else (line.strip() for line in sys.stdin if line.strip())
    bad = False
    with Shelf(shelf) as opened:
        rows = []
        for one, found in _looked(opened, given):
            bad |= found is not None and found.standing == "bad"
            rows.append(
                (
                    one,
                    found.standing if found else "unknown",
                    "; ".join(
                        " ".join(filter(None, (x.source, x.standing, x.date, x.product)))
                        for x in found.labels
                    )
                    if found
                    else "",
                    "" if found is None or found.trusted else "weak hash",
                )
            )
        table(["what", "standing", "labels", "note"], rows)
    return FINDINGS if bad else DONE


def _looked(opened: Shelf, given: Iterable[str]) -> Iterator[tuple[str, Known | None]]:
    """What is known of each, some thousand at a time."""
    waiting = iter(given)
    while some := list(islice(waiting, 10_000)):
        digests = [one if not Path(one).is_file() else _digest(Path(one)) for one in some]
        yield from zip(some, opened.look_many(digests), strict=True)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@app.command()
def stats(shelf: Folder = None) -> int:
    """Say how many hashes the shelf holds, and who says something of them."""
    from kazami.intel.reputation.shelf import Shelf

    with Shelf(shelf) as opened:
        table(["kind", "hashes"], list(opened.stats().items()))
        _sources(opened)
    return DONE


def _sources(opened: Shelf) -> None:
    seen = sorted({(one.source, one.standing) for one in opened.labels})
    for source, standing in seen[:200]:
        sys.stderr.write(f"{source}: {standing}\n")


@app.command()
def serve(
    shelf: Folder = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.", min=0, max=65535)] = 8471,
    token: Annotated[
        str,
        typer.Option(
            envvar="KAZAMI_REPUTATION_TOKEN",
            help="What who asks must present; beyond this machine it must be there.",
        ),
    ] = "",
) -> int:
    """Answer look-ups of other machines over HTTP: one hash, or up to 10,000 at a time."""
    if host not in ("127.0.0.1", "localhost", "::1") and len(token) < 16:
        raise UsageError(f"{host}: beyond this machine only with --token, of 16 signs or more")
    try:
        from kazami.web import server
        from kazami.web.lookup import create_lookup, run
    except ModuleNotFoundError as error:
        raise UsageError(f"the service needs {error.name}: pip install 'kazami[console]'") from error
    from kazami.intel.reputation.shelf import default

    with server.bound(server.Listen(host, port)) as (socket, real):
        sys.stderr.write(f"http://{host}:{real}/\n")
        run(create_lookup(shelf or default(), token), socket)
    return DONE

"""``kazami baseline``: what a folder or a host has today, kept to be held against later."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.exit_code import DONE, FINDINGS
from kazami.cli.incidents import Who, user
from kazami.cli.notify import KeyFile, signer
from kazami.cli.rows import table
from kazami.cli.terminal import say
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.model.change import Bounds, Header, Snapshot
    from kazami.pipeline.baseline import Kept

CaseOf = Annotated[Path | None, typer.Option("--case", help="A case: what its events say of a host.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose it is.")]
Host = Annotated[str, typer.Option("--host", help="Of which host the folder is (default: this one).")]
At = Annotated[str, typer.Option("--at", help="Where the folder lay on its host: var/www (default: its root).")]  # fmt: skip
Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="Leave out paths like this: 'var/cache/*'. May be repeated.")]  # fmt: skip
Most = Annotated[int, typer.Option("--most", min=1, help="Entries that are read at most.")]
Largest = Annotated[int, typer.Option("--largest", min=1, help="MB of one file that are hashed.")]
StoreFolder = Annotated[Path | None, typer.Option("--store", help="Where baselines are kept (default: the user's).")]  # fmt: skip

_NAMES = ["baseline", "tenant", "host", "made", "who", "source", "items", "unread", "note"]


def baseline(
    what: Annotated[
        str, typer.Argument(help="A folder; with --case a host, or nothing for all of them.")
    ] = "",
    case: CaseOf = None,
    tenant: Tenant = "default",
    host: Host = "",
    until: Annotated[datetime | None, typer.Option(help="Of a case: only what it says before (UTC).")] = None,
    note: Annotated[str, typer.Option(help="What it is a baseline of.")] = "",
    at: At = "",
    exclude: Exclude = None,
    most: Most = 1_000_000,
    largest: Largest = 256,
    store: StoreFolder = None,
    key: KeyFile = None,
    who: Who = None,
    listed: Annotated[bool, typer.Option("--list", help="List the baselines of the tenant.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look whether any baseline of the tenant was changed.")
    ] = False,
) -> int:
    """Keep what a folder holds, or what events say that a host has: hashed, signed, and dated."""
    kept = kept_of(store, tenant, key)
    if check:
        faults = kept.faults()
        for fault in faults:
            say(fault, "red")
        say(f"{len(kept.headers()):,} baselines, {len(faults):,} faults")
        return FINDINGS if faults else DONE
    if listed:
        table(_NAMES, [_row(header) for header in kept.headers()])
        return DONE
    if case is not None:
        taken = _of_case(case, what, tenant, until)
    else:
        if not what:
            raise UsageError("what is to be the baseline: a folder, or --case CASE")
        bounds = bounds_of(most, largest, exclude)
        taken = [folder_snapshot(what, kept, host, at, bounds)]
    headers = [kept.add(one, who or user(), note) for one in taken]
    table(_NAMES, [_row(header) for header in headers])
    for one in taken:
        tell_unread(one)
    return DONE


def kept_of(store: Path | None, tenant: str, key: Path | None) -> Kept:
    """The baselines of a tenant."""
    from kazami.pipeline.baseline import Kept, default

    return Kept(store or default(), tenant, signer(key))


def bounds_of(most: int, largest: int, exclude: list[str] | None) -> Bounds:
    """How a folder is to be read."""
    from kazami.model.change import Bounds

    return Bounds(most, largest << 20, tuple(exclude or ()))


def folder_snapshot(folder: str, kept: Kept, host: str, at: str, bounds: Bounds) -> Snapshot:
    """What lies in a folder now."""
    from kazami.pipeline.baseline import secret
    from kazami.sources.folder.listing import read

    return read(
        Path(folder), tenant=kept.tenant, host=host or platform.node() or "unnamed", bounds=bounds, at=at,
        secret=secret(kept.signer),
    )  # fmt: skip


def _of_case(case: Path, host: str, tenant: str, until: datetime | None) -> list[Snapshot]:
    from kazami.pipeline.changes import snapshots
    from kazami.store.case import Case

    until = until.replace(tzinfo=UTC) if until else None
    with Case.open(case, read_only=True) as opened:
        found = [one for one in snapshots(opened, host, until) if one.tenant == tenant]
    if not found:
        raise UsageError(f"{case}: its events say nothing of {host or 'any host'} of tenant {tenant}")
    return found


def tell_unread(one: Snapshot) -> None:
    """Say what could not be looked at; the first ten by name."""
    lost = sum(max(missed.count, 1) for missed in one.unread)
    if lost:
        say(f"{one.source}: {lost:,} entries not looked at, or not wholly:", "yellow")
    for missed in one.unread[:10]:
        say(f"  {missed.name}: {missed.reason}", "yellow")
    sys.stderr.flush()


def _row(one: Header) -> list[object]:
    unread = sum(max(missed.count, 1) for missed in one.unread)
    return [one.uid, one.tenant, one.host, one.made, one.who, one.source, one.items, unread, one.note]

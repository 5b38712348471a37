"""``kazami changes``: what is new, altered or gone since a baseline, the gravest first; and ``kazami approve``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kazami import config
from kazami.cli import output
from kazami.cli.baseline import (  # fmt: skip
    At,
    CaseOf,
    Exclude,
    Host,
    Largest,
    Most,
    StoreFolder,
    Tenant,
    bounds_of,
    folder_snapshot,
    kept_of,
    tell_unread,
)
from kazami.cli.exit_code import DONE, FINDINGS
from kazami.cli.incidents import Lang, Note, Who, user
from kazami.cli.notify import KeyFile
from kazami.cli.rows import table
from kazami.cli.scan import Language, Level
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.model.change import Approval
    from kazami.pipeline.baseline import Kept
    from kazami.pipeline.changes import Told


class ChangesForm(StrEnum):
    """Forms of changes."""

    table = "table"
    jsonl = "jsonl"
    html = "html"


def changes(
    what: Annotated[str, typer.Argument(help="A folder; with --case a host, or nothing for all.")] = "",
    case: CaseOf = None,
    tenant: Tenant = "default",
    host: Host = "",
    baseline: Annotated[str, typer.Option("--baseline", help="Id of the baseline (default: the newest of the host).")] = "",
    since: Annotated[datetime | None, typer.Option(help="Of a case: what came from then on (UTC).")] = None,
    at: At = "",
    exclude: Exclude = None,
    most: Most = 1_000_000,
    largest: Largest = 256,
    inspect: Annotated[bool, typer.Option(help="Look into new and altered files that could run.")] = True,
    into: Annotated[Path | None, typer.Option("--into", help="Keep what nothing approves as findings in this case.")] = None,
    least: Annotated[Level, typer.Option("--level", help="Show from this level on.")] = Level.low,
    every: Annotated[bool, typer.Option("--all", help="Show approved and informational changes, too.")] = False,
    store: StoreFolder = None,
    key: KeyFile = None,
    form: Annotated[ChangesForm | None, typer.Option("--format", help="Form (terminal: table, else jsonl).")] = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="Write to this file.")] = None,
    fail_on: Annotated[Level, typer.Option(help="Exit with 1 at a change of this level that nothing approves.")] = Level.high,
    lang: Lang = Language.en,
) -> int:  # fmt: skip
    """Show what is new, altered or gone since a baseline, the gravest first; approved changes are marked."""
    from kazami.cli.changed import show

    output.check(output_file)
    kept = kept_of(store, tenant, key)
    if case is not None:
        told = _of_case(case, what, kept, baseline, since)
    elif what:
        told = [_of_folder(what, kept, host, baseline, at, bounds_of(most, largest, exclude), inspect)]
    else:
        raise UsageError("what may have changed: a folder, or --case CASE")
    show(
        told,
        form.value if form else "",
        output_file,
        lang.value,
        "informational" if every else least.value,
        every,
    )
    if into is not None:
        _keep(into, told)
    return _exit_code(told, fail_on)


def _of_folder(what: str, kept: Kept, host: str, baseline: str, at: str, bounds: Any, inspect: bool) -> Told:
    import platform

    from kazami.model.change import Bounds
    from kazami.pipeline.changes import of_folder
    from kazami.pipeline.inspect import Wish

    if not Path(what).is_dir():
        raise UsageError(f"{what}: is no folder")
    header = kept.find(baseline, host or ("" if baseline else platform.node() or "unnamed"))
    before = kept.items(header)
    bounds = Bounds(bounds.most, bounds.largest, (*bounds.exclude, *header.bounds.exclude))
    now = folder_snapshot(what, kept, host or header.host, at, bounds)
    settings = config.load()
    wish = (
        Wish(passwords=settings.passwords, settings=settings.content, cache=settings.cache)
        if inspect
        else None
    )
    told = of_folder(now, header, before, kept.approvals(), wish, at=at)
    tell_unread(now)
    return told


def _of_case(case: Path, host: str, kept: Kept, baseline: str, since: datetime | None) -> list[Told]:
    from kazami.correlate.entity import host as short
    from kazami.pipeline.changes import of_case
    from kazami.store.case import Case

    headers = {short(one.host): one for one in kept.headers() if one.uid.startswith(baseline) and one.events}
    if baseline and not headers:
        raise UsageError(f"baseline {baseline}: there is none of events")
    if since is None and not headers:
        raise UsageError("--since: has to be said where no baseline of events is kept: what came from then on is held against what was before")  # fmt: skip
    held = {(kept.tenant, name): (header, kept.items(header)) for name, header in headers.items()}
    with Case.open(case, read_only=True) as opened:
        found = of_case(
            opened,
            since=since.replace(tzinfo=UTC) if since else None,
            host=host,
            kept=held if baseline or since is None else None,
            approvals={kept.tenant: kept.approvals()},
        )
    return [one for one in found if one.tenant == kept.tenant]


def _keep(into: Path, told: list[Told]) -> None:
    from kazami.cli.terminal import say
    from kazami.pipeline.change_findings import keep
    from kazami.store.case import Case

    with Case.open(into, create=True, command="kazami changes") as opened:
        number = keep(opened, told)
    say(f"{number:,} changes kept in {into}")


def _exit_code(told: list[Told], fail_on: Level) -> int:
    from kazami.model.finding import level_rank

    worst = max((level_rank(change.level) for one in told for change in one.open), default=-1)
    return FINDINGS if worst >= level_rank(fail_on.value) else DONE


app = typer.Typer(help="Changes that are allowed: add, list, remove.", no_args_is_help=True, rich_markup_mode=None)  # fmt: skip


@app.command()
def add(
    reason: Annotated[str, typer.Option("--reason", help="Why this may change.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")] = "",
    tenant: Tenant = "default",
    kind: Annotated[str, typer.Option("--kind", help="Of this kind: driver, service, web_root ...")] = "",
    host: Annotated[str, typer.Option("--host", help="On this host; * is anything.")] = "",
    name: Annotated[str, typer.Option("--name", help="Of this path or name; * is anything.")] = "",
    sha256: Annotated[str, typer.Option("--sha256", help="Where the file is this one afterwards.")] = "",
    begins: Annotated[datetime | None, typer.Option("--from", help="Change window: from then on (UTC).")] = None,
    ends: Annotated[datetime | None, typer.Option("--to", help="Change window: until then (UTC).")] = None,
    expires: Annotated[datetime | None, typer.Option("--expires", help="Until then (UTC; default: 30 days, at most 366).")] = None,
    store: StoreFolder = None,
    key: KeyFile = None,
    who: Who = None,
) -> int:  # fmt: skip
    """Allow changes of one tenant: signed, with reason, owner and an end."""
    import hashlib

    from kazami.model.change import Approval
    from kazami.pipeline.baseline import DAYS, LONGEST
    from kazami.pipeline.changes import check

    now = datetime.now(UTC)
    until = expires.replace(tzinfo=UTC) if expires else now + timedelta(days=DAYS)
    if not now < until <= now + timedelta(days=LONGEST):
        raise UsageError(f"--expires: has to be in the future, and at most {LONGEST} days away")
    window = [moment.replace(tzinfo=UTC) if moment else None for moment in (begins, ends)]
    words = (tenant, reason, owner, now, until, kind, host, name, sha256, *window)
    uid = hashlib.sha256(repr(words).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    one = Approval(uid, tenant, reason, owner, now, until, kind, host, name, sha256, *window)
    check(one)
    kept_of(store, tenant, key).approve(one, who or user())
    typer.echo(uid)
    return DONE


@app.command("list")
def list_approvals(
    tenant: Tenant = "default",
    every: Annotated[bool, typer.Option("--all", help="The whole log: removed and expired ones, too.")] = False,
    store: StoreFolder = None,
    key: KeyFile = None,
) -> int:  # fmt: skip
    """List what is allowed, each with its reason, its owner and its end."""
    kept = kept_of(store, tenant, key)
    if every:
        lines = kept.approval_log()
        names = ["time", "who", "what", "note", "approval"]
        table(names, [[line[name] for name in names] for line in lines])
        return DONE
    names = ["approval", "tenant", "what", "reason", "owner", "expires"]
    table(names, [[one.uid, one.tenant, _meant(one), one.reason, one.owner, one.expires] for one in kept.approvals()])  # fmt: skip
    return DONE


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Id of the approval, or the beginning of it.")],
    tenant: Tenant = "default",
    note: Note = "",
    store: StoreFolder = None,
    key: KeyFile = None,
    who: Who = None,
) -> int:
    """End an approval: what it allowed counts again."""
    kept = kept_of(store, tenant, key)
    found = [one for one in kept.approvals() if one.uid.startswith(name)]
    if len(found) != 1:
        raise UsageError(f"{name}: no approval of this tenant, or the beginning of several ids")
    kept.approve(found[0], who or user(), "removed", note)
    sys.stderr.write(f"kazami: {found[0].uid} allows nothing any more\n")
    return DONE


def _meant(one: Approval) -> str:
    asked = {"kind": one.kind, "host": one.host, "name": one.name, "sha256": one.sha256, "from": one.begins, "to": one.ends}  # fmt: skip
    return ", ".join(f"{name}={value}" for name, value in asked.items() if value)

"""``kazami suppress``: findings that are kept and marked, but count for nothing; with reason, owner and an end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kazami.cli.case import CasePath
from kazami.cli.exit_code import DONE
from kazami.cli.incidents import Note, Who, user
from kazami.cli.rows import table
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.model.suppression import Suppression
    from kazami.pipeline.suppress import Preview
    from kazami.store.case import Case

app = typer.Typer(
    help="Suppressions: kept, marked, not counted.", no_args_is_help=True, rich_markup_mode=None
)

Tenant = Annotated[str, typer.Option("--tenant", help="Whose findings; needed where the case has several.")]
Rule = Annotated[str, typer.Option("--rule", help="Of this rule: its id or its title.")]
Host = Annotated[str, typer.Option("--host", help="On this host; * is anything.")]
Account = Annotated[str, typer.Option("--account", help="By this account; * is anything.")]
Entity = Annotated[
    str, typer.Option("--entity", help="With this value: a host, an account, or what a rule looked at.")
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="Where FIELD=VALUE matched; * is anything. May be repeated."),
]
Expires = Annotated[
    datetime | None, typer.Option("--expires", help="Until then (UTC; default: 90 days, at most 366).")
]


@app.command()
def add(
    case: CasePath,
    reason: Annotated[str, typer.Option("--reason", help="Why this may be ignored.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")] = "",
    tenant: Tenant = "",
    rule: Rule = "",
    host: Host = "",
    account: Account = "",
    entity: Entity = "",
    where: Where = None,
    expires: Expires = None,
    who: Who = None,
) -> int:
    """Silence findings of one tenant from now on, and tell the incidents anew; warns of what it costs."""
    from kazami.pipeline import suppress
    from kazami.store.case import Case

    with Case.open(case, command="kazami suppress add") as opened:
        one = _planned(opened, tenant, rule, host, account, entity, where, expires, reason, owner)
        seen = suppress.preview(opened, one)
        suppress.add(opened, one, who or user())
    _warn(seen)
    typer.echo(one.uid)
    return DONE


@app.command()
def preview(
    case: CasePath,
    tenant: Tenant = "",
    rule: Rule = "",
    host: Host = "",
    account: Account = "",
    entity: Entity = "",
    where: Where = None,
) -> int:
    """Show what would go silent: findings by rule, incidents that would vanish or shrink, tactics that would be blind."""
    from kazami.pipeline import suppress
    from kazami.store.case import Case

    with Case.open(case, read_only=True) as opened:
        one = _planned(opened, tenant, rule, host, account, entity, where)
        seen = suppress.preview(opened, one)
    table(["what", "name", "level", "findings", "left"], _rows(seen))
    _warn(seen)
    return DONE


@app.command("list")
def list_suppressions(
    case: CasePath,
    every: Annotated[
        bool, typer.Option("--all", help="The whole log: removed and expired ones, too.")
    ] = False,
) -> int:
    """List the suppressions of a case, each with its reason, its owner, its end and what it silences."""
    from kazami.store import suppressed
    from kazami.store.case import Case

    with Case.open(case, read_only=True) as opened:
        names = ["suppression", "state", "tenant", "what", "reason", "owner", "expires"]
        if every:
            rows = [
                [*_row(entry.suppression, entry.action), entry.time, entry.who, entry.note]
                for entry in suppressed.entries(opened.path)
            ]
            table([*names, "time", "who", "note"], rows)
            return DONE
        now, counts = datetime.now(UTC), suppressed.counts(opened)
        table(
            [*names, "findings"],
            [
                [*_row(one, "active" if now < one.expires else "expired"), counts.get(one.uid, 0)]
                for one in suppressed.standing(opened.path)
            ],
        )
    return DONE


@app.command()
def remove(
    case: CasePath,
    suppression: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    who: Who = None,
    note: Note = "",
) -> int:
    """End a suppression: what it silenced counts again, and the incidents are told anew."""
    from kazami.pipeline import suppress
    from kazami.store.case import Case

    with Case.open(case, command="kazami suppress remove") as opened:
        typer.echo(suppress.remove(opened, suppression, who or user(), note).uid)
    return DONE


def _planned(
    case: Case,
    tenant: str,
    rule: str,
    host: str,
    account: str,
    entity: str,
    where: list[str] | None,
    expires: datetime | None = None,
    reason: str = "",
    owner: str = "",
) -> Suppression:
    from kazami.pipeline import suppress

    fields = {}
    for text in where or ():
        name, found, value = text.partition("=")
        if not found or not name or not value:
            raise UsageError(f"--where {text}: has to be FIELD=VALUE")
        fields[name] = value
    return suppress.planned(
        case,
        tenant,
        rule=rule,
        host=host,
        account=account,
        entity=entity,
        where=fields,
        reason=reason,
        owner=owner,
        expires=expires.replace(tzinfo=UTC) if expires else None,
    )


def _row(one: Suppression, state: str) -> list[Any]:
    asked = {"rule": one.rule, "host": one.host, "account": one.account, "entity": one.entity} | dict(
        one.where
    )
    what = ", ".join(f"{name}={value}" for name, value in asked.items() if value)
    return [one.uid, state, one.tenant, what, one.reason, one.owner, one.expires]


def _rows(seen: Preview) -> Iterator[list[Any]]:
    for one in seen.rules:
        yield ["chain" if one.kind == "correlation" else "rule", one.title, one.level, one.count, 0]
    for incident in seen.vanish:
        yield ["incident vanishes", incident.title.en, incident.severity, incident.findings, 0]
    for incident, left in seen.shrink:
        yield ["incident shrinks", incident.title.en, incident.severity, incident.findings - left, left]
    for tactic in seen.tactics:
        yield ["tactic goes silent", tactic, "", "", 0]


def _warn(seen: Preview) -> None:
    """What a person should think twice about, on standard error."""
    from kazami.cli.terminal import say

    say(
        f"{seen.findings:,} findings silenced, {len(seen.vanish):,} incidents vanish, {len(seen.shrink):,} shrink"
    )
    if seen.tactics:
        say(f"warning: nothing is left of {', '.join(seen.tactics)} in this tenant", "yellow")
    for one in seen.chains[:5]:
        say(f"warning: silences a chain of several events: {one.title} ({one.count:,})", "yellow")
    for incident in seen.vanish[:5]:
        if incident.severity in ("high", "critical"):
            say(f"warning: an incident of level {incident.severity} vanishes: {incident.title.en}", "yellow")
    sys.stderr.flush()

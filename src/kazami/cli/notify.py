"""``kazami notify``: notices to tenants, planned, then sent where somebody says so, and withdrawn."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.case import CasePath
from kazami.cli.exit_code import DONE, UNREADABLE
from kazami.cli.rows import table

if TYPE_CHECKING:
    from kazami.respond.notify.sign import Signer

app = typer.Typer(help="Notices to tenants: plan, apply, undo, status.", no_args_is_help=True)


class Marking(StrEnum):
    """TLP 2.0."""

    clear = "CLEAR"
    green = "GREEN"
    amber = "AMBER"
    strict = "AMBER+STRICT"
    red = "RED"


TenantsFile = Annotated[Path | None, typer.Option("--tenants", help="Who the tenants are (tenants.toml).")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="Key to sign with; made where there is none (default: the user's)."),
]
KeysFile = Annotated[Path | None, typer.Option("--keys", help="Keys of the digests (default: the user's).")]
Only = Annotated[str, typer.Option("--tenant", help="Only this tenant's notices.")]
Send = Annotated[bool, typer.Option("--send", help="Really send; without it nothing leaves.")]
_NAMES = ["tenant", "channel", "target", "state", "said", "notice", "path"]


def signer(path: Path | None) -> Signer:
    """Who signs: the key in `path`, else the user's."""
    from kazami.respond.notify.sign import Signer, default_key

    return Signer(path or default_key())


@app.command()
def plan(
    case: CasePath,
    tenants: TenantsFile = None,
    key: KeyFile = None,
    keys: KeysFile = None,
    tlp: Annotated[Marking, typer.Option(help="Marking of the notices (TLP 2.0).")] = Marking.amber,
) -> int:
    """Write the notices of a case and the plan of who gets which; nothing leaves."""
    from kazami.pipeline.campaigns import Keys, default_keys
    from kazami.pipeline.notices import FOLDER
    from kazami.pipeline.notices import plan as planned
    from kazami.store.case import Case
    from kazami.tenants import find

    own = signer(key)
    with Case.open(case, read_only=True) as opened:
        made = planned(opened, find(tenants), Keys(keys or default_keys()), own, tlp.value)
    table(_NAMES, [(a.tenant, a.channel, a.target, "planned", a.why, a.notice_uid, a.path) for a in made])
    sys.stderr.write(f"{case / FOLDER}: {len(made):,} actions; public key {own.public}\n")
    return DONE


@app.command()
def apply(
    case: CasePath,
    send: Send = False,
    tenant: Only = "",
    tenants: TenantsFile = None,
    key: KeyFile = None,
) -> int:
    """Send what is planned and was not sent yet; without --send only say what would be."""
    return _carried_out(case, send, tenant, tenants, key, undo=False)


@app.command()
def undo(
    case: CasePath,
    send: Send = False,
    tenant: Only = "",
    tenants: TenantsFile = None,
    key: KeyFile = None,
) -> int:
    """Withdraw what was sent, over the way that it went; without --send only say what would be."""
    return _carried_out(case, send, tenant, tenants, key, undo=True)


@app.command()
def status(case: CasePath) -> int:
    """Show each action and what became of it; the log is checked line by line."""
    from kazami.pipeline.notices import status as told

    keys = ("tenant", "channel", "target", "state", "said", "notice_uid", "path")
    table(_NAMES, [[one[key] for key in keys] for one in told(case)])
    return DONE


def _carried_out(
    case: Path, send: bool, tenant: str, tenants: Path | None, key: Path | None, *, undo: bool
) -> int:
    from kazami.pipeline.notices import apply as carried_out
    from kazami.tenants import find

    done = list(carried_out(case, find(tenants), signer(key), send=send, undo=undo, tenant=tenant))
    table(
        _NAMES,
        [(a.tenant, a.channel, a.target, state, said, a.notice_uid, a.path) for a, state, said in done],
    )
    if not send and done:
        sys.stderr.write("nothing was sent; --send sends\n")
    return UNREADABLE if any(state == "failed" for _, state, _ in done) else DONE

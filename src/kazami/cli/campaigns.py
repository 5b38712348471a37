"""``kazami campaigns``: incidents of several tenants that rare shared things tie. For the provider's eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.case import CasePath
from kazami.cli.exit_code import DONE
from kazami.cli.rows import table
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.model.campaign import Campaign

app = typer.Typer(help="Campaigns over several tenants: list, show.", no_args_is_help=True)

TenantsFile = Annotated[Path | None, typer.Option("--tenants", help="Who the tenants are (tenants.toml).")]
KeysFile = Annotated[Path | None, typer.Option("--keys", help="Keys of the digests (default: the user's).")]


def _found(case: Path, tenants: Path | None, keys: Path | None) -> list[Campaign]:
    from kazami.pipeline.campaigns import Keys, campaigns, default_keys
    from kazami.store.case import Case
    from kazami.tenants import find

    with Case.open(case, read_only=True) as opened:
        return campaigns(opened, Keys(keys or default_keys()), find(tenants))


@app.command("list")
def list_campaigns(case: CasePath, tenants: TenantsFile = None, keys: KeysFile = None) -> int:
    """List the campaigns of a case, the strongest first."""
    table(
        ["campaign", "score", "tenants", "incidents", "first", "last", "tied by"],
        [
            (
                one.campaign_uid,
                round(one.score, 2),
                ", ".join(one.tenants),
                len(one.incidents),
                str(one.first),
                str(one.last),
                ", ".join(sorted({tie.kind for tie in one.ties})),
            )
            for one in _found(case, tenants, keys)
        ],
    )
    return DONE


@app.command()
def show(
    case: CasePath,
    campaign: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    tenants: TenantsFile = None,
    keys: KeysFile = None,
) -> int:
    """Show one campaign: its incidents, and what ties them, as digests."""
    found = [one for one in _found(case, tenants, keys) if one.campaign_uid.startswith(campaign)]
    if len(found) != 1 or not campaign:
        raise UsageError(f"{campaign}: no campaign of this case, or the beginning of several ids")
    rows = [("incident", uid, tenant, "") for uid, tenant in found[0].incidents]
    rows += [
        (f"shared {tie.kind}", tie.digest, ", ".join(tie.tenants), f"{tie.weight:.2f}")
        for tie in found[0].ties
    ]
    table(["what", "id", "tenants", "weight"], rows)
    return DONE

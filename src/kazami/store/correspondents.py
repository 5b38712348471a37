"""Domains that the mails of a tenant came from in earlier scans of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Of one tenant that are kept.
MOST = 50_000

_TABLE = (
    "CREATE TABLE IF NOT EXISTS correspondent (tenant VARCHAR, domain VARCHAR, PRIMARY KEY (tenant, domain))"
)


def known(case: Case) -> dict[str, tuple[str, ...]]:
    """Domains by tenant."""
    found: dict[str, list[str]] = {}
    if "correspondent" in case.database.tables:
        for row in case.database.rows("SELECT tenant, domain FROM correspondent ORDER BY ALL"):
            found.setdefault(row["tenant"], []).append(row["domain"])
    return {tenant: tuple(domains) for tenant, domains in found.items()}


def remember(case: Case, seen: Mapping[str, set[str]]) -> None:
    """Keep what mails came from; beyond `MOST` of a tenant nothing more is learned."""
    had = known(case)
    rows = [
        {"tenant": tenant, "domain": domain}
        for tenant, domains in seen.items()
        for domain in sorted(domains - set(had.get(tenant, ())))[: max(0, MOST - len(had.get(tenant, ())))]
    ]
    if not rows:
        return
    with case.require_writer().changing(), case.database.transaction():
        case.database.run(_TABLE)
        case.database.insert(
            "INSERT INTO correspondent SELECT tenant, domain FROM new", pa.Table.from_pylist(rows)
        )

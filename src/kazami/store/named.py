"""How many different names led to an address, by what a tenant's own sensors and hosts saw."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from kazami.store.names import identifier, literal
from kazami.store.views import Views

if TYPE_CHECKING:
    from kazami.store.case import Case

#: Views in which a name stands beside the address that it led to.
_BESIDE = (
    ("tls", "server_name", "id.resp_h"),
    ("http", "host_", "id.resp_h"),
    ("network_connection", "DestinationHostname", "DestinationIp"),
)


def names_at(case: Case, tenant: str, addresses: Collection[str]) -> dict[str, int]:
    """Different names by address, of those asked for; addresses that no name led to are left out."""
    asked, found = [], Views(case.database, case.root)
    for view, name, address in _BESIDE:
        sql = found.sql(view)
        have = set() if sql is None else _columns(case, sql)
        if name.lower() in have and address.lower() in have:
            asked.append(
                f"SELECT {identifier(address)}::VARCHAR AS a, lower({identifier(name)}::VARCHAR) AS n FROM ({sql}) "  # noqa: S608 - quoted
                f"WHERE tenant = {literal(tenant)}"
            )
    if not asked or not addresses:
        return {}
    wanted = ", ".join(map(literal, addresses))
    rows = case.database.rows(
        f"SELECT a, count(DISTINCT n) AS c FROM ({' UNION ALL '.join(asked)}) "  # noqa: S608 - quoted
        f"WHERE n IS NOT NULL AND n <> '' AND n <> a AND a IN ({wanted}) GROUP BY a"
    )
    return {row["a"]: row["c"] for row in rows}


def _columns(case: Case, sql: str) -> set[str]:
    rows = case.database.rows(f"DESCRIBE SELECT * FROM ({sql}) LIMIT 0")  # noqa: S608 - ours
    return {row["column_name"].lower() for row in rows}

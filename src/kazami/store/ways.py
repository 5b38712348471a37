"""The logons that opened the sessions of incidents, and the tunnels through which these came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kazami.model.incident import Way
from kazami.store.views import Views

if TYPE_CHECKING:
    from kazami.store.case import Case

_LOGON = ("EventID", "TargetLogonId", "TargetUserName", "LogonType", "IpAddress", "WorkstationName")
_TUNNEL = ("TunnelIp", "SourceIp", "Gateway")

#: Texts of a way, and how they are said: nothing for null and a dash.
_TEXTS = {
    "account": "w.account",
    "kind": "w.kind",
    "address": "w.address",
    "machine": "CASE WHEN lower(split_part(w.workstation, '.', 1)) <> w.machine THEN w.workstation END",
    "gateway": "v.gateway",
    "caller": "v.caller",
    "outside": "v.outside",
}
_SAID = "coalesce(nullif(left({}, 200), '-'), '')"

#: The sessions of the machine itself begin with it.
_OWN = "('0x0', '0x3e3', '0x3e4', '0x3e5', '0x3e7')"


def ways(case: Case, members: pa.Table) -> dict[str, Way]:
    """By incident, the logon of its first session that was logged; `members` are `model.incident.MEMBER`.

    A session is one of a host: its number, and the last logon (4624) of that number before the finding. The tunnel is the one that had the
    logon's address last, on the day before it.
    """
    if not members.num_rows:
        return {}
    views = Views(case.database, case.root)
    if views.sql("security") is None:
        return {}
    sql = f"""WITH s AS (
        SELECT m.incident_uid, f.tenant, lower(split_part(f.host, '.', 1)) AS machine, lower(f.logon_id) AS session,
            min(f.time) AS seen
        FROM member m JOIN kase.finding f ON f.finding_uid = m.finding_uid
        WHERE f.host <> '' AND f.logon_id <> '' AND lower(f.logon_id) NOT IN {_OWN} GROUP BY ALL),
    l AS (SELECT tenant, lower(split_part(host, '.', 1)) AS machine, lower("TargetLogonId") AS session, time,
            "TargetUserName" AS account, "LogonType" AS kind, "IpAddress" AS address, "WorkstationName" AS workstation
        FROM ({views.filled("security", _LOGON)}) WHERE "EventID" = '4624' AND "TargetLogonId" <> ''),
    w AS (SELECT s.incident_uid, l.* FROM s JOIN l ON l.tenant = s.tenant AND l.machine = s.machine
            AND l.session = s.session AND l.time <= s.seen + INTERVAL 1 MINUTE
        QUALIFY row_number() OVER (PARTITION BY s.incident_uid ORDER BY s.seen, l.time DESC) = 1),
    v AS (SELECT tenant, time AS given, "user" AS caller, "TunnelIp" AS inner_address, "SourceIp" AS outside, "Gateway" AS gateway
        FROM ({views.filled("vpn", _TUNNEL)}) WHERE "TunnelIp" <> '' AND "SourceIp" <> '')
    SELECT w.incident_uid, w.time, v.given, {", ".join(f"{_SAID.format(text)} AS {name}" for name, text in _TEXTS.items())}
    FROM w LEFT JOIN v ON v.tenant = w.tenant AND v.inner_address = w.address
        AND v.given BETWEEN w.time - INTERVAL 1 DAY AND w.time
    QUALIFY row_number() OVER (PARTITION BY w.incident_uid ORDER BY v.given DESC NULLS LAST) = 1"""  # noqa: S608 - ours
    found = case.database.stream(sql, member=members.select(["incident_uid", "finding_uid"]))
    return {row.pop("incident_uid"): Way(**row) for batch in found for row in batch.to_pylist()}

"""What logs say themselves of having been cleared, switched off, or written by a clock that was set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kazami.store.case import Case
from kazami.store.sql import Fill

#: Least difference of a clock that is told, in seconds: what time services correct each hour is less.
SET = 60

_FILL: Fill = {
    "security": (
        *("EventID", "SubjectUserName", "PreviousTime", "NewTime", "ProcessName", "AuditPolicyChanges"),
        *("SubcategoryGuid", "SubcategoryId"),
    ),
    "system": ("EventID", "Provider_Name", "SubjectUserName", "OldTime", "NewTime", "param1"),
    "sysmon": ("EventID", "State"),
    "windefend": ("EventID",),
}

_SQL = rf"""
with clock as (
  select time, tenant, host, "user", ProcessName as detail, try_cast(PreviousTime as timestamptz) as before,
    try_cast(NewTime as timestamptz) as after, event_uid
  from security where EventID = '4616'
  union all
  select time, tenant, host, "user", null, try_cast(OldTime as timestamptz), try_cast(NewTime as timestamptz), event_uid
  from system where EventID = '1' and Provider_Name ilike '%Kernel-General%'
)
select time, tenant, host, 'cleared' as kind, 'Security' as log, coalesce("user", SubjectUserName) as "user", null as detail, event_uid
from security where EventID = '1102'
union all
select time, tenant, host, 'cleared', coalesce(nullif(regexp_extract(raw, 'LogFileCleared.*?Channel\W+([A-Za-z][\w /.-]+)', 1, 's'), ''),
    nullif(regexp_extract(raw, 'The ([\w /.-]+) log file was cleared', 1), ''), '?'),
  coalesce("user", SubjectUserName), null, event_uid
from system where EventID = '104' and coalesce(Provider_Name, 'Eventlog') ilike '%eventlog%'
union all
select time, tenant, host, 'audit policy', 'Security', "user", AuditPolicyChanges, event_uid
from security where EventID = '4719' and regexp_matches(coalesce(AuditPolicyChanges, '%%8448'), '8448|8450|[Rr]emoved')
union all
select time, tenant, host, 'switched off', 'Microsoft-Windows-Sysmon/Operational', "user", State, event_uid
from sysmon where EventID = '4' and State ilike 'stopped'
union all
select time, tenant, host, 'switched off', 'Microsoft-Windows-Windows Defender/Operational', "user", EventID, event_uid
from windefend where EventID in ('5001', '5010', '5012')
union all
select time, tenant, host, 'clock set', '', "user", concat_ws(' ', before::varchar, '->', after::varchar, detail), event_uid
from clock where abs(epoch(after - before)) >= {SET}
order by time"""  # noqa: S608 - no value of anybody else


def tampering(case: Case) -> Iterator[dict[str, Any]]:
    """Rows of ``time``, ``tenant``, ``host``, ``kind``, ``log``, ``user``, ``detail`` and ``event_uid``.

    Kinds are ``cleared``, ``audit policy`` (auditing was taken away), ``switched off`` and ``clock set`` (by a minute
    or more).
    """
    _, batches = case.sql(_SQL, fill=_FILL)
    for batch in batches:
        yield from batch.to_pylist()


def starts(case: Case) -> dict[tuple[str, str], list[int]]:
    """When each machine was started, in microseconds since 1970: Eventlog 6005, Kernel-General 12, Security 4608."""
    sql = """select tenant, host, epoch_us(time)::bigint as time from system
        where (EventID = '6005' or (EventID = '12' and Provider_Name ilike '%Kernel-General%')) and time is not null
        union all select tenant, host, epoch_us(time)::bigint from security where EventID = '4608' and time is not null"""
    found: dict[tuple[str, str], list[int]] = {}
    _, batches = case.sql(sql, fill=_FILL)
    for batch in batches:
        for row in batch.to_pylist():
            found.setdefault((row["tenant"], row["host"]), []).append(row["time"])
    return found

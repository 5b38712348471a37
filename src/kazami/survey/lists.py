"""Lists that analysts ask for first: logons, hosts, event ids, pivots, base64, remote-management tools.

Each is SQL over the views of the case; a log source or a column that the case does not have adds nothing. Rows come as
dictionaries, the most telling first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from kazami.store.case import Case
from kazami.store.names import identifier, literal
from kazami.store.seen import tables
from kazami.store.sql import NO_FILL, Fill
from kazami.survey import fields
from kazami.survey.base64 import LONGEST, MOST, RUN, Decoded, decoded

Row = dict[str, Any]

#: Distinct values in which base64 is looked for, and distinct values that are held against indicators.
_TEXTS, _VALUES = 50_000, 200_000

_LOGONS: Fill = {
    "security": (
        *(
            "EventID",
            "TargetUserName",
            "TargetDomainName",
            "SubjectUserName",
            "SubjectDomainName",
            "LogonType",
        ),
        *(
            "IpAddress",
            "WorkstationName",
            "Workstation",
            "TargetServerName",
            "Status",
            "SubStatus",
            "FailureReason",
        ),
    ),
    "sshd": ("Action", "User_1", "SourceIp", "AuthMethod"),
    "vpn": ("Action", "User_1", "SourceIp", "Reason"),
    "terminalservices-localsessionmanager": ("EventID", "User_1", "Address"),
}
_LOGON_SQL = r"""
with logons as (
  select time, tenant, host,
    case when EventID = '4648' then concat_ws('\', nullif(SubjectDomainName, '-'), SubjectUserName) || ' as '
        || concat_ws('\', nullif(TargetDomainName, '-'), TargetUserName)
      else concat_ws('\', nullif(nullif(TargetDomainName, '-'), ''), TargetUserName) end as account,
    case EventID when '4648' then 'explicit' when '4768' then 'kerberos' when '4769' then 'kerberos' when '4771' then 'kerberos'
      when '4776' then 'ntlm' else case LogonType when '2' then 'interactive' when '3' then 'network' when '4' then 'batch'
      when '5' then 'service' when '7' then 'unlock' when '8' then 'network, clear text' when '9' then 'new credentials'
      when '10' then 'remote desktop' when '11' then 'cached' else 'type ' || coalesce(LogonType, '?') end end as kind,
    coalesce(nullif(nullif(replace(IpAddress, '::ffff:', ''), '-'), ''), nullif(nullif(WorkstationName, '-'), ''), nullif(Workstation, ''),
      nullif(TargetServerName, 'localhost')) as source,
    not (EventID in ('4625', '4771') or (EventID in ('4768', '4769', '4776') and lower(coalesce(Status, '0x0')) not in ('0x0', '0x00000000'))) as ok,
    case when EventID in ('4625', '4771', '4768', '4769', '4776') then nullif(nullif(coalesce(nullif(SubStatus, '0x0'), Status), '0x0'), '-') end as reason
  from security where EventID in ('4624', '4625', '4648', '4768', '4769', '4771', '4776')
  union all
  select time, tenant, host, User_1, 'ssh', SourceIp, lower(Action) = 'accepted', case when lower(Action) <> 'accepted' then AuthMethod end
  from sshd where lower(Action) in ('accepted', 'failed')
  union all
  select time, tenant, host, User_1, 'vpn', SourceIp, Action = 'accepted', case when Action <> 'accepted' then Reason end
  from vpn where Action in ('accepted', 'failed')
  union all
  select time, tenant, host, User_1, case EventID when '21' then 'remote desktop session' else 'remote desktop session, again' end,
    nullif(Address, 'LOCAL'), true, null
  from "terminalservices-localsessionmanager" where EventID in ('21', '25')
)
select tenant, host, account, kind, source, count(*) filter (ok) as granted, count(*) filter (not ok) as failed,
  min(time) as first, max(time) as last, list_sort(list(distinct reason) filter (reason is not null))[1:5] as reasons
from logons group by tenant, host, account, kind, source order by granted + failed desc, tenant, host, account, kind, source"""

_HOST_SQL = """
with events as (
  select tenant, host, count(*) as events, list_sort(list(distinct "table")) as logs, min(time) as first, max(time) as last,
    count(distinct "user") as accounts
  from event group by tenant, host
),
findings as (
  select tenant, host, count(*) as findings, arg_max(level, list_position(['informational', 'low', 'medium', 'high', 'critical'], level)) as worst
  from finding group by tenant, host
)
select e.tenant, e.host, e.events, coalesce(f.findings, 0) as findings, f.worst, e.accounts, e.first, e.last, e.logs
from events e left join findings f on f.tenant = e.tenant and f.host is not distinct from e.host
order by list_position(['informational', 'low', 'medium', 'high', 'critical'], f.worst) desc nulls last, findings desc, events desc, e.host"""


def logons(case: Case) -> Iterator[Row]:
    """Logons by host, account, kind and source: granted, failed, first, last, and the codes of failures."""
    return _asked(case, _LOGON_SQL, _LOGONS)


def hosts(case: Case) -> Iterator[Row]:
    """Hosts with their findings, logs, accounts and time."""
    return _asked(case, _HOST_SQL)


def event_ids(case: Case) -> Iterator[Row]:
    """Kinds of events by channel, provider and id, the rarest last."""
    found: list[Row] = []
    for table in tables(case):
        if "EventID" in table.columns and not table.fed:
            sql = f"""select tenant, Channel as channel, max(Provider_Name) as provider, EventID as event_id, count(*) as events,
                count(distinct host) as hosts, min(time) as first, max(time) as last
                from {identifier(table.view)} where EventID is not null group by tenant, Channel, EventID"""  # noqa: S608
            found.extend(_asked(case, sql, {table.view: ("Channel", "Provider_Name")}))
    return iter(sorted(found, key=lambda row: (-row["events"], row["channel"] or "", row["event_id"])))


def pivots(case: Case, each: int = 1000) -> Iterator[Row]:
    """Users, addresses, processes, files, hashes and domains: when, how often, and how often in what has a finding.

    Of each kind the `each` first: those with findings, then the rarest by host.
    """
    for kind, known in fields.PIVOTS.items():
        parts = [
            _counted(case, table.view, column, fields.SQL.get(kind, "{}"))
            for table in tables(case)
            for column in known
            if (column in table.columns and column != "user") or (column == "user" and not table.fed)
        ]
        if parts:
            yield from ({"kind": kind, **row} for row in _joined(parts, each))


def _counted(case: Case, name: str, column: str, spelled: str) -> pa.Table:
    value = spelled.format(identifier(column))
    sql = f"""select {value} as value, tenant, host, count(*)::bigint as times, count(f.event_uid)::bigint as in_findings,
        min(time) as first, max(time) as last from {identifier(name)}
        left join (select distinct unnest(event_uids) as event_uid from finding) f using (event_uid)
        where {identifier(column)} is not null and {value} not in ('', '-', '::1', '127.0.0.1', '0.0.0.0', '::')
        group by {value}, tenant, host"""  # noqa: S608 - names are quoted
    _, batches = case.sql(sql)
    return pa.Table.from_batches(batches, _COUNTED)


_COUNTED: pa.Schema = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("value", "tenant", "host")),
        *(pa.field(name, pa.int64()) for name in ("times", "in_findings")),
        *(pa.field(name, pa.timestamp("us", "UTC")) for name in ("first", "last")),
    ]
)


def _joined(parts: Sequence[pa.Table], each: int) -> Iterator[Row]:
    """One row a value out of counts by column and host."""
    table = pa.concat_tables(parts).group_by("value", use_threads=False)
    sums = [("times", "sum"), ("in_findings", "sum"), ("host", "count_distinct"), ("tenant", "distinct")]
    summed = table.aggregate([*sums, ("first", "min"), ("last", "max")])
    order = [("in_findings_sum", "descending"), ("host_count_distinct", "ascending")]
    chosen = summed.sort_by([*order, ("times_sum", "descending"), ("value", "ascending")]).slice(0, each)
    for row in chosen.to_pylist():
        yield {
            "value": row["value"],
            "times": row["times_sum"],
            "in_findings": row["in_findings_sum"],
            "hosts": row["host_count_distinct"],
            "tenants": sorted(row["tenant_distinct"]),
            "first": row["first_min"],
            "last": row["last_max"],
        }


def base64(case: Case) -> Iterator[Row]:
    """Base64 in command lines, scripts, registry values and requests, with what it says; each run once."""
    found: dict[str, Row] = {}
    nothing: set[str] = set()
    for table in tables(case):
        if table.fed:
            continue
        # PowerShell's classic log says the same in both
        for column in sorted(
            table.columns & fields.TEXTS - ({"Message"} if "Data" in table.columns else set())
        ):
            for row in _runs(case, table.view, column):
                run = row["run"]
                if run in nothing:
                    continue
                said = None if run in found else decoded(run)
                if run not in found and said is None:
                    nothing.add(run)
                    continue
                _seen(found, said, row, f"{table.name}.{column}")
    return iter(sorted(found.values(), key=lambda row: (row["first"] is None, row["first"])))


def _runs(case: Case, name: str, column: str) -> Iterator[Row]:
    quoted = identifier(column)
    sql = f"""select run, min(time) as first, max(time) as last, count(*)::bigint as times, arg_min(tenant, time) as tenant,
        arg_min(host, time) as host, arg_min("user", time) as user, any_value(event_uid) as event_uid
        from (select time, tenant, host, "user", event_uid, unnest(regexp_extract_all({quoted}, {literal(RUN)})[1:{MOST}]) as run
            from {identifier(name)} where regexp_matches({quoted}, {literal(RUN)}))
        where length(run) <= {LONGEST} group by run order by first limit {_TEXTS}"""  # noqa: S608 - names are quoted
    return _asked(case, sql)


def _seen(found: dict[str, Row], said: Decoded | None, row: Row, where: str) -> None:
    known = found.get(row["run"])
    if known is None:
        assert said is not None
        told = {
            "layers": list(said.layers),
            "length": len(row["run"]),
            "text": said.text,
            "inner": said.inner,
        }
        kept = {key: row[key] for key in ("first", "last", "tenant", "host", "user", "times")}
        found[row["run"]] = {**kept, "where": [where], **told, "event_uid": row["event_uid"]}
        return
    known["times"] += row["times"]
    known["where"].append(where)
    known["last"] = max((time for time in (known["last"], row["last"]) if time), default=None)
    if row["first"] and (known["first"] is None or row["first"] < known["first"]):
        known |= {key: row[key] for key in ("first", "tenant", "host", "user", "event_uid")}


def remote_tools(case: Case, match: Mapping[str, Callable[[str], Sequence[str]]]) -> Iterator[Row]:
    """Remote-management tools by host. `match` gives for each kind of value the tools that it belongs to."""
    found: dict[tuple[str, str | None, str], Row] = {}
    answers: dict[tuple[str, str], list[str]] = {}
    for table in tables(case):
        for column, kinds in fields.TOOLS.items():
            if column not in table.columns:
                continue
            for row in _values(case, table.view, column):
                for kind in kinds:
                    key = kind, row["value"]
                    if key not in answers:
                        answers[key] = sorted(match[kind](row["value"]))
                    for tool in answers[key]:
                        _add(found, tool, kind, row)
    return iter(sorted(found.values(), key=lambda row: (row["tool"], row["tenant"], row["host"] or "")))


def _values(case: Case, name: str, column: str) -> Iterator[Row]:
    quoted = identifier(column)
    return _asked(
        case,
        f"""select tenant, host, {quoted} as value, count(*) as events, min(time) as first, max(time) as last
        from {identifier(name)} where {quoted} is not null and {quoted} <> '' group by all limit {_VALUES}""",  # noqa: S608
    )


def _add(found: dict[tuple[str, str | None, str], Row], tool: str, kind: str, row: Row) -> None:
    key = row["tenant"], row["host"], tool
    known = found.setdefault(
        key,
        {
            "tool": tool,
            "tenant": row["tenant"],
            "host": row["host"],
            "events": 0,
            "first": None,
            "last": None,
            "by": [],
            "examples": [],
        },
    )
    known["events"] += row["events"]
    times = [time for time in (known["first"], row["first"]) if time is not None]
    known["first"] = min(times, default=None)
    known["last"] = max([time for time in (known["last"], row["last"]) if time is not None], default=None)
    if kind not in known["by"]:
        known["by"].append(kind)
    if len(known["examples"]) < 5 and row["value"] not in known["examples"]:
        known["examples"].append(row["value"][:500])


def _asked(case: Case, sql: str, fill: Fill = NO_FILL) -> Iterator[Row]:
    names, batches = case.sql(sql, fill=fill)
    for batch in batches:
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield dict(zip(names, row, strict=True))

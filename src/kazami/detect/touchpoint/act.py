"""Acts: what accounts, tools and hosts did where, in few rows of plain words, whatever log said so.

Answers to `QUESTIONS` become acts. Equal acts within ten minutes count as one, so that a server with millions of
logons costs no more than its users and their sources.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kazami.model.question import Question, asked
from kazami.model.tenant import account_name

#: Equal acts within so many microseconds are one.
BUCKET = 600_000_000

#: Acts that are kept; what comes after them is counted, and said.
MOST = 1_000_000

ARCHIVES = r"\.(zip|rar|7z|cab|tar|tgz|gz|arj|lzh)$"
#: Programs whose command lines are looked at: copying, packing, doing something elsewhere, looking around.
LOOKED_AT = (
    r"\b(robocopy|xcopy|rar|winrar|7z|7za|7zr|makecab|schtasks|at|psexec|psexec64|wmic|sc|net|net1|whoami|ipconfig|"
    r"systeminfo|tasklist|nltest|dsquery|quser|query|netstat|arp|route|nslookup|netsh|hostname|qwinsta|csvde|adfind)"
    r"(\.exe)?\b"
)
_NOBODY = frozenset(
    {
        "",
        "-",
        "system",
        "local service",
        "network service",
        "anonymous logon",
        "iusr",
        "system@",
    }
)
_SERVICE_ACCOUNT = re.compile(r"(\$|^dwm-\d+|^umfd-\d+)$|^(dwm|umfd)-\d+$")

QUESTIONS: tuple[Question, ...] = (
    Question(
        "security",
        {
            "target_name": ("TargetUserName",),
            "target_domain": ("TargetDomainName",),
            "subject_name": ("SubjectUserName",),
            "subject_domain": ("SubjectDomainName",),
            "address": ("IpAddress", "SourceAddress"),
            "logon_type": ("LogonType",),
            "workstation": ("WorkstationName", "TargetServerName"),
            "name": ("ShareName", "TaskName", "ServiceName"),
            "detail": (
                "RelativeTargetName",
                "ServiceFileName",
                "MemberName",
                "MemberSid",
            ),
        },
        (
            "4624",
            "4625",
            "4648",
            "4697",
            "4698",
            "4728",
            "4732",
            "4756",
            "5140",
            "5145",
        ),
    ),
    Question("system", {"name": ("ServiceName",), "detail": ("ImagePath",)}, ("7045",)),
    Question(
        "process_creation",
        {
            "path": ("Image",),
            "command": ("CommandLine",),
            "parent": ("ParentImage",),
            "hash": ("sha256", "SHA256", "md5", "Hashes"),
        },
    ),
    Question("file_event", {"path": ("TargetFilename",)}, like=("path", ARCHIVES)),
    Question(
        "signinlogs",
        {
            "address": (
                "ipAddress",
                "IPAddress",
                "callerIpAddress",
                "CallerIPAddress",
                "properties.ipAddress",
            ),
            "name": ("ResultType", "resultType"),
            "detail": ("ClientApp", "clientAppUsed", "ClientAppUsed"),
        },
    ),
    Question("vpn", {"address": ("SourceIp",), "name": ("Action",)}, like=("name", "accepted|failed")),
    Question(
        "network_connection",
        {"address": ("DestinationIp",), "path": ("Image",)},
    ),
    Question(
        "flow",
        {
            "address": ("id.resp_h",),
            "source": ("id.orig_h",),
            "size": ("orig_bytes", "orig_ip_bytes"),
        },
        like=("size", r"^\d{7,}$"),  # what is smaller carries no archive
    ),
    Question(
        "finding",
        {
            "rule": ("rule_id",),
            "level": ("level",),
            "tactics": ("tactics",),
            "matched": ("matched",),
        },
        like=("tactics", "command-and-control"),
    ),
)


class Act(NamedTuple):
    """One act. `time` is in microseconds since 1970, `size` in bytes; `name` and `detail` depend on `kind`.

    ===========  ==============================  ==============================
    kind         name                            detail
    ===========  ==============================  ==============================
    logon        type of logon, ``cloud``, vpn   workstation, or client
    failed       type, or code of the failure    the same
    explicit     the server that is meant
    share        the share                       path below it
    task         the task
    service      the service                     its program
    group        the group                       (`account` is the new member)
    process      program                         command line, where looked at
    archive      name of the file
    flow         program
    control      rule that saw it
    ===========  ==============================  ==============================
    """

    time: int
    tenant: str
    host: str
    kind: str
    account: str = ""
    address: str = ""
    name: str = ""
    detail: str = ""
    path: str = ""
    parent: str = ""
    hash: str = ""
    size: int = 0
    times: int = 1
    uid: str = ""
    table: str = ""
    evidence: str = ""
    record: int = 0


class Acts:
    """Acts by kind, each in order of time; and since when each tenant is seen at all."""

    def __init__(self, found: Iterable[Act]) -> None:
        self._by_kind: dict[str, list[Act]] = defaultdict(list)
        self.since: dict[str, int] = {}
        self.dropped = 0
        kept = 0
        for act in found:
            if kept >= MOST:
                self.dropped += 1
                continue
            kept += 1
            self._by_kind[act.kind].append(act)
            self.since[act.tenant] = min(act.time, self.since.get(act.tenant, act.time))
        for acts in self._by_kind.values():
            acts.sort(key=lambda act: (act.time, act.tenant, act.uid))

    def __getitem__(self, kinds: str | tuple[str, ...]) -> list[Act]:
        """The acts of one kind, or of several, in order of time."""
        if isinstance(kinds, str):
            return self._by_kind.get(kinds, [])
        return sorted(act for kind in kinds for act in self._by_kind.get(kind, []))


def acts(batches: Iterable[pa.RecordBatch]) -> Acts:
    """The acts that answers to `QUESTIONS` tell of, in whatever order they come."""
    waiting: dict[str, list[pa.Table]] = defaultdict(list)
    for batch in batches:
        table = asked(batch)
        if table in _MAKERS:
            waiting[table].append(_reduced(table, pa.Table.from_batches([batch])))
    return Acts(act for table, parts in waiting.items() for act in _made(table, pa.concat_tables(parts)))


def _reduced(name: str, table: pa.Table) -> pa.Table:
    """Equal rows of one bucket of time as one, with the first event and how many there were."""
    table = table.filter(pc.is_valid(table["time"]))
    if name == "process_creation":
        looked = pc.match_substring_regex(pc.fill_null(table["path"], ""), LOOKED_AT, ignore_case=True)
        command = pc.if_else(looked, table["command"], pa.scalar(None, pa.string()))
        table = table.set_column(table.schema.get_field_index("command"), "command", command)
    time = table["time"].cast(pa.int64())
    table = table.set_column(table.schema.get_field_index("time"), "time", time)
    table = table.append_column("bucket", pc.divide(time, pa.scalar(BUCKET, pa.int64())))
    count = table["count"] if "count" in table.column_names else pa.array([1] * len(table), pa.int64())
    if "count" not in table.column_names:
        table = table.append_column("count", count)
    table = table.sort_by([("time", "ascending"), ("event_uid", "ascending")])
    where = ("event_uid", "time", "evidence", "record")
    keys = [one for one in table.column_names if one not in (*where, "count")]
    found = table.group_by(keys, use_threads=False).aggregate(
        [*((one, "first") for one in where), ("count", "sum")]
    )
    return found.rename_columns(
        [one.removesuffix("_first").removesuffix("_sum") for one in found.column_names]
    )


def _made(name: str, table: pa.Table) -> Iterator[Act]:
    for row in table.to_pylist():
        values = {key: value if value is not None else "" for key, value in row.items()}
        yield from _MAKERS[name](values)


def _act(row: dict[str, Any], table: str, kind: str, **more: Any) -> Act:
    return Act(
        row["time"], row["tenant"], row["host"], kind,
        uid=row["event_uid"], table=table, evidence=row["evidence"], record=row["record"] or 0, times=row["count"],
        **more,
    )  # fmt: skip


def _person(user: str, domain: str = "") -> str:
    """An account, as `account_name` writes it; empty for what is no person's or service's account."""
    bare = user.rpartition("\\")[2].strip().lower()
    if bare in _NOBODY or _SERVICE_ACCOUNT.search(bare):
        return ""
    return account_name(user, domain)


def _address(text: str) -> str:
    text = text.strip().removeprefix("::ffff:")
    return "" if text in ("-", "::1", "127.0.0.1", "0.0.0.0", "::") else text  # noqa: S104 - not bound to


_LOGONS = {"4624": "logon", "4625": "failed", "4648": "explicit"}
_DONE = {"4697": "service", "4698": "task", "5140": "share", "5145": "share"}


def _security(row: dict[str, Any]) -> Iterator[Act]:
    number = row["EventID"]
    target = _person(row["target_name"], row["target_domain"])
    subject = _person(row["subject_name"], row["subject_domain"])
    address = _address(row["address"])
    if number in _LOGONS and target:
        name = row["workstation"] if number == "4648" else row["logon_type"]
        yield _act(
            row,
            "security",
            _LOGONS[number],
            account=target,
            address=address,
            name=name,
            detail=row["workstation"],
        )
    elif number in _DONE:
        yield _act(
            row,
            "security",
            _DONE[number],
            account=subject,
            address=address,
            name=row["name"],
            detail=row["detail"],
        )
    elif number in ("4728", "4732", "4756"):
        member = re.sub(r"^cn=([^,]+),.*$", r"\1", row["detail"], flags=re.I)
        yield _act(
            row,
            "security",
            "group",
            account=_person(member, row["target_domain"]),
            name=row["target_name"],
            detail=subject,
        )


def _system(row: dict[str, Any]) -> Iterator[Act]:
    yield _act(row, "system", "service", name=row["name"], detail=row["detail"])


def _process(row: dict[str, Any]) -> Iterator[Act]:
    path = row["path"]
    yield _act(
        row,
        "process_creation",
        "process",
        account=_person(row["user"]),
        name=_base(path),
        detail=row["command"],
        path=path.lower(),
        parent=_base(row["parent"]),
        hash=_digest(row["hash"]),
    )


def _file(row: dict[str, Any]) -> Iterator[Act]:
    yield _act(
        row,
        "file_event",
        "archive",
        account=_person(row["user"]),
        name=_base(row["path"]),
        path=row["path"].lower(),
    )


def _signin(row: dict[str, Any]) -> Iterator[Act]:
    account = _person(row["user"])
    if account:
        good = row["name"] in ("0", "")
        yield _act(
            row,
            "signinlogs",
            "logon" if good else "failed",
            account=account,
            address=_address(row["address"]),
            name="cloud" if good else row["name"],
            detail=row["detail"],
        )


def _private(row: dict[str, Any]) -> Iterator[Act]:
    account = _person(row["user"])
    if account:
        kind = "logon" if row["name"] == "accepted" else "failed"
        yield _act(row, "vpn", kind, account=account, address=_address(row["address"]), name="vpn")


def _connection(row: dict[str, Any]) -> Iterator[Act]:
    yield _act(
        row,
        "network_connection",
        "flow",
        address=_address(row["address"]),
        name=_base(row["path"]),
    )


def _conn(row: dict[str, Any]) -> Iterator[Act]:
    size = row["size"]
    sent = int(size) if size.isdecimal() and len(size) < 18 else 0
    made = _act(row, "flow", "flow", address=_address(row["address"]), size=sent)
    yield made._replace(host=row["source"] or made.host)


_SEEN = re.compile(
    r'"(?:DestinationIp|DestinationHostname|QueryName|query|id\.resp_h|server_name|host|dst_ip|c-ip|cs-host)"'
    r'\s*:\s*"([^"]{3,255})"',
    re.I,
)


def _finding(row: dict[str, Any]) -> Iterator[Act]:
    if row["level"] in ("high", "critical"):
        for place in sorted({match.lower() for match in _SEEN.findall(row["matched"])}):
            yield _act(row, "finding", "control", address=place, name=row["rule"])


_MAKERS: dict[str, Callable[[dict[str, Any]], Iterator[Act]]] = {
    "security": _security,
    "system": _system,
    "process_creation": _process,
    "file_event": _file,
    "signinlogs": _signin,
    "vpn": _private,
    "network_connection": _connection,
    "flow": _conn,
    "finding": _finding,
}


def _base(path: str) -> str:
    return path.replace("/", "\\").rpartition("\\")[2].lower()


def _digest(text: str) -> str:
    """SHA-256, else MD5, out of Sysmon's list of hashes; a single hash is itself."""
    low = text.lower()
    for name in ("sha256", "sha1", "md5"):
        found = re.search(rf"{name}=([0-9a-f]{{32,64}})", low)
        if found:
            return found[1]
    return low if re.fullmatch(r"[0-9a-f]{32,64}", low) else ""

"""What only many connections together show: rhythm, tunnels, relays, scans, movement from machine to machine.

Judged at the end of a scan over the tables of a case, whatever evidence they came from. Each module is one question, with
its formulas and where they come from; it has `RULES`, the tables that it `NEEDS`, and ``judge(traffic)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

import pyarrow as pa

from kazami.detect.network.traffic import (
    beacon,
    dns,
    exfiltration,
    exploit,
    http,
    icmp,
    kerberos,
    ldap,
    long,
    ntlm,
    rare,
    rdp,
    relay,
    rpc,
    scan,
    shell,
    smb,
    ssh,
    strobe,
    tls,
    tunnel,
    winrm,
)
from kazami.detect.network.traffic.hit import Hit, findings
from kazami.detect.network.traffic.table import QUESTIONS, Tables, filled
from kazami.detect.network.traffic.traffic import Expected, Traffic
from kazami.detect.network.traffic.twoway import paired
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo
from kazami.model.tenant import Directory

__all__ = ["JUDGES", "QUESTIONS", "RULES", "judge", "tables"]

JUDGES: tuple[ModuleType, ...] = (
    beacon,
    dns,
    exfiltration,
    exploit,
    http,
    icmp,
    kerberos,
    ldap,
    long,
    ntlm,
    rare,
    rdp,
    relay,
    rpc,
    scan,
    shell,
    smb,
    ssh,
    strobe,
    tls,
    tunnel,
    winrm,
)

RULES: dict[str, RuleInfo] = {key: rule for judge in JUDGES for key, rule in judge.RULES.items()}

tables = QUESTIONS


def judge(batches: Iterable[pa.RecordBatch], directory: Directory) -> tuple[pa.Table, list[str]]:
    """Findings (`model.finding.FINDING`) of all questions, tenant by tenant, and notes on what could not be judged."""
    gathered = filled(batches)
    found, notes = [FINDING.empty_table()], gathered.notes
    tenants = gathered.tenants
    for tenant in tenants:
        traffic = _traffic(gathered, tenant, directory, last=tenant == tenants[-1])
        failed: list[str] = []
        made, said = findings(tenant, _hits(traffic, failed), RULES)
        found.append(made)
        notes += [*failed, *said, *_expected(traffic), *_unread(traffic)]
    return pa.concat_tables(found), notes


def _hits(traffic: Traffic, failed: list[str]) -> Iterator[Hit]:
    """What every question finds, as it finds it; one that fails is named in `failed`, and the others go on."""
    for one in JUDGES:
        if not any(len(traffic[table]) for table in one.NEEDS):
            continue
        try:
            yield from one.judge(traffic)
        except Exception as error:  # noqa: BLE001 - what one question stumbles over must not silence the others
            failed.append(f"network: {one.ABOUT} failed in {traffic.tenant}: {type(error).__name__}: {error}")


def _traffic(gathered: Tables, tenant: str, directory: Directory, *, last: bool) -> Traffic:
    expected = Expected(directory.tenant(tenant).expected)
    tables, allowed = {}, {}
    for question in QUESTIONS:
        rows = gathered.take(question.table, tenant, last=last)
        if question.table == "flow":
            rows = paired(rows)
        if expected.networks or expected.names:
            mask = expected.mask(rows)
            if mask.any():
                allowed[question.table] = int(mask.sum())
                rows = rows.where(~mask)
        tables[question.table] = rows
    return Traffic(tenant, tables, directory.tenant(tenant).networks, allowed)


def _expected(traffic: Traffic) -> Iterator[str]:
    if traffic.allowed:
        said = ", ".join(f"{count:,} of {table}" for table, count in traffic.allowed.items())
        yield f"network: {traffic.tenant} expects some destinations (tenants.toml): {said} were not judged"


def _unread(traffic: Traffic) -> Iterator[str]:
    """Questions that had nothing to read, in one sentence."""
    empty: dict[str, list[str]] = {}
    for one in JUDGES:
        if not any(len(traffic[table]) for table in one.NEEDS):
            empty.setdefault(" or ".join(one.NEEDS), []).append(one.ABOUT)
    if empty:
        said = "; ".join(f"{', '.join(names)} (no {table})" for table, names in empty.items())
        yield f"network: not judged in {traffic.tenant} for want of evidence: {said}"

"""Touchpoints of paths: which way a session goes, over borders and upwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kazami.detect.touchpoint.account import SESSIONS, planned
from kazami.detect.touchpoint.act import Act, Acts
from kazami.detect.touchpoint.hit import DAY, HOUR, Hit
from kazami.model.tenant import Directory, within

#: Programs that tell where one is, and who is there; so many different ones are looking around.
DISCOVERY = frozenset(
    [
        "whoami.exe",
        "ipconfig.exe",
        "systeminfo.exe",
        "tasklist.exe",
        "nltest.exe",
        "dsquery.exe",
        "quser.exe",
        "query.exe",
        "netstat.exe",
        "arp.exe",
        "route.exe",
        "nslookup.exe",
        "net.exe",
        "net1.exe",
        "hostname.exe",
        "qwinsta.exe",
        "csvde.exe",
        "adfind.exe",
        "netsh.exe",
    ]
)
DISCOVERED = 3


def reversed_(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J3: a session from a tenant into the provider, and on from there; or from one tenant into another.

    Source: TA18-276B (watch both directions); the path in time is ours. Where it comes from is told by a network or a host
    that one tenant only has. Agents of monitoring (`two_way`) connect rightly.
    """
    provider = directory.provider
    inward: dict[tuple[str, str, int], list[Act]] = defaultdict(list)
    for act in acts[SESSIONS]:
        origin = _origin(act, directory)
        if not origin or origin == act.tenant or within(act.address, provider.two_way):
            continue
        if not planned(act, directory):
            inward[origin, act.tenant, act.time // DAY].append(act)
    for (origin, into, _), some in inward.items():
        onward = _onward(some, acts, directory, {origin, into}) if into == provider.tenant else []
        beyond = sorted({act.tenant for act in onward})
        matched = {"from": origin, "into": into, "onward": ", ".join(beyond)}
        yield Hit("J3", provider.tenant or into, [*some, *onward], matched)


def _origin(act: Act, directory: Directory) -> str:
    """The tenant that a session came from, where it can be told."""
    by_address = directory.tenant_at(act.address) if act.address else ""
    named = act.kind == "logon" and act.detail
    return by_address or (directory.tenant_of_host(act.detail) if named else "")


def _onward(some: list[Act], acts: Acts, directory: Directory, passed: set[str]) -> list[Act]:
    """Sessions within a day, in further tenants, from the hosts that were entered or by the accounts that entered."""
    first = min(act.time for act in some)
    hosts = {act.host.lower().partition(".")[0] for act in some}
    accounts = {act.account for act in some}
    return [
        act
        for act in acts[SESSIONS]
        if act.tenant not in passed
        and 0 <= act.time - first <= DAY
        and (act.detail.lower().partition(".")[0] in hosts or act.account in accounts)
    ]


def upward(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J8: a first session of the provider's on an ordinary machine, a look around, then a first session on a high one.

    Source: the sequence that the advisories describe for Cloud Hopper (a machine of little value first), within 14 days.
    Needs tiers. A help desk case that is passed on lacks the look around, or the first-ever edges.
    """
    owns, firsts = directory.provider.owns, _firsts(acts)
    looks: dict[tuple[str, str], list[Act]] = defaultdict(list)
    highs: dict[str, list[Act]] = defaultdict(list)
    for act in firsts:
        if directory.tenant(act.tenant).tier(act.host) < 2:
            highs[act.tenant].append(act)
    for act in acts["process"]:
        if act.name in DISCOVERY:
            looks[act.tenant, act.host].append(act)
    for landed in firsts:
        tenant = directory.tenant(landed.tenant)
        if landed.tenant == directory.provider.tenant or not owns(landed.account):
            continue
        if not tenant.tiers or tenant.tier(landed.host) < 2 or planned(landed, directory):
            continue
        around = [
            act
            for act in looks[landed.tenant, landed.host]
            if 0 <= act.time - landed.time <= 24 * HOUR
        ]  # fmt: skip
        if len({act.name for act in around}) < DISCOVERED:
            continue
        here = {
            act.account
            for act in firsts
            if (act.tenant, act.host) == (landed.tenant, landed.host) and act.time >= landed.time
        }
        high = [
            act
            for act in highs[landed.tenant]
            if act.account in here and around[0].time < act.time <= landed.time + 14 * DAY
        ]
        if high:
            matched = {
                "from": landed.host,
                "to": high[0].host,
                "account": high[0].account,
            }
            yield Hit("J8", landed.tenant, [landed, *around[:20], *high[:20]], matched)


def _firsts(acts: Acts) -> list[Act]:
    """The first session of each account on each host."""
    found: dict[tuple[str, str, str], Act] = {}
    for act in acts["logon"]:
        found.setdefault((act.tenant, act.account, act.host), act)
    return list(found.values())

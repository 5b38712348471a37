"""Touchpoints of hosts: where the provider starts things, and what manages the host from afar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kazami.detect.touchpoint.account import planned
from kazami.detect.touchpoint.act import Act, Acts
from kazami.detect.touchpoint.hit import DAY, MINUTE, Hit
from kazami.detect.touchpoint.remote import tool_of
from kazami.model.tenant import Directory, matches

#: Accounts come to hosts that they manage; a host that none came to in so long is not managed.
MANAGED = 30 * DAY


def started(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J7: a task or service made by an account of the provider on a host that it does not manage.

    Source: AA22-131A and the reports on Cloud Hopper (tasks and services on machines of no importance first). Managed is what the
    tenant's `managed` says, else where accounts of the provider were on earlier days. A service without an account is its
    who came over the network within two minutes before. Patch jobs have tickets.
    """
    owns = directory.provider.owns
    came: dict[tuple[str, str], list[Act]] = defaultdict(list)
    for act in acts["logon"]:
        if owns(act.account):
            came[act.tenant, act.host].append(act)
    for act in acts[("task", "service")]:
        sessions = came.get((act.tenant, act.host), [])
        who = act
        if not act.account:
            near = [one for one in sessions if one.name == "3" and 0 <= act.time - one.time <= 2 * MINUTE]
            if not near:
                continue
            who = near[-1]
        tenant = directory.tenant(act.tenant)
        if act.tenant == directory.provider.tenant or not owns(who.account) or planned(who, directory):
            continue
        if tool_of(act.name) in {tool_of(one) or one.lower() for one in tenant.tools} - {""}:
            continue
        if tenant.managed:
            managed = matches(act.host, tenant.managed)
        else:
            young = act.time - acts.since[act.tenant] < MANAGED
            managed = young or any(one.time // DAY < act.time // DAY for one in sessions)
        if not managed:
            what = {"account": who.account, act.kind: act.name, "program": act.detail}
            yield Hit("J7", act.tenant, [who, act] if who is not act else [act], what)


def managed_from_afar(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J10: a remote-management tool that is not on the tenant's list, once a tool and host.

    Source: AA23-025A and AA22-131A. Judged for tenants that name their tools. Tools are told by programs and services.
    """
    seen = set()
    for act in acts[("process", "service")]:
        tenant = directory.tenant(act.tenant)
        if not tenant.tools:
            continue
        text = act.name if act.kind == "process" else f"{act.name} {act.detail}"
        found = tool_of(text)
        agreed = {tool_of(one) or one.lower() for one in tenant.tools}
        key = (act.tenant, act.host, found)
        if found and found not in agreed and key not in seen and not _planned(act, directory):
            seen.add(key)
            yield Hit(
                "J10",
                act.tenant,
                [act],
                {"tool": found, "account": act.account, "program": act.name},
            )


def _planned(act: Act, directory: Directory) -> bool:
    return bool(act.account) and planned(act, directory)

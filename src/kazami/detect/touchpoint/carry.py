"""Touchpoints of things: tools and archives that are carried over a border, and the servers that control them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from kazami.detect.touchpoint.act import Act, Acts
from kazami.detect.touchpoint.hit import DAY, Hit
from kazami.model.address import is_inside
from kazami.model.tenant import Directory, moment, within

#: Where programs lie that were installed, or came with the system; what is new elsewhere was put there.
_INSTALLED = re.compile(
    r"^[a-z]:\\(windows\\(system32|syswow64|winsxs|servicing|softwaredistribution|microsoft\.net|installer|"
    r"systemapps|immersivecontrolpanel|ccm|ccmcache|explorer\.exe)|program files( \(x86\))?\\|programdata\\microsoft\\)"
)
#: Of a tenant's evidence: what is first seen later is new, and not only unknown.
WARMED = 7 * DAY

_PASSWORD = re.compile(r"\s-(hp|p)\S+", re.I)
_PACKERS = ("rar.exe", "winrar.exe", "7z.exe", "7za.exe", "7zr.exe")
_COPIERS = ("robocopy.exe", "xcopy.exe", *_PACKERS)
_ADMIN_SHARE = re.compile(r"\\(admin|[a-z])\$$", re.I)

#: Names that anybody gives an archive.
_ORDINARY = re.compile(
    r"^(backup|logs?|archive|data|export|files?|new|temp|update|setup|package|download)?[\d_\-. ]*\."
    r"(tar\.)?(zip|rar|7z|cab|tar|tgz|gz|arj|lzh)$"
)


def tool(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J4: the same rare program, by its hash, new in several tenants within a week.

    Source: the join is ours, after T1570 and what the reports on Cloud Hopper say of tools. Programs where software is
    installed count only if a path is new after a week of evidence; updates of what is there do not. What the provider rolls out (`software`, a ticket) is
    allowed.
    """
    first: dict[str, dict[str, Act]] = defaultdict(dict)
    paths: dict[tuple[str, str], int] = {}
    for act in acts["process"]:
        paths.setdefault((act.tenant, act.path), act.time)
        if act.hash:
            first[act.hash].setdefault(act.tenant, act)
    allowed = {one.lower() for one in directory.provider.software}
    for digest, by_tenant in first.items():
        found = sorted(by_tenant.values())
        if len(found) < 2 or allowed & {digest, found[0].name} or not _is_new(found, acts, paths):
            continue
        near = [act for act in found if act.time - found[0].time <= 7 * DAY]
        if len(near) > 1 and not all(_covered(act, directory) for act in near):
            tenants = ", ".join(act.tenant for act in near)
            matched = {
                "hash": digest,
                "name": near[0].name,
                "tenants": tenants,
                "parent": near[0].parent,
            }
            yield Hit("J4", directory.provider.tenant or "provider", near, matched)


def _is_new(found: list[Act], acts: Acts, paths: dict[tuple[str, str], int]) -> bool:
    """Whether a program was put there: not where software lies, or on paths that a week of evidence did not have."""
    if not any(_INSTALLED.match(act.path) for act in found):
        return True
    return all(
        act.time - acts.since[act.tenant] >= WARMED and paths[act.tenant, act.path] == act.time
        for act in found
    )


def _covered(act: Act, directory: Directory) -> bool:
    """A ticket covers what its accounts do; where evidence names no account, whatever happens there then."""
    time = moment(act.time)
    if act.account:
        return bool(directory.planned(act.account, act.tenant, time))
    return any(
        one.start <= time <= one.end and ("*" in one.tenants or act.tenant in one.tenants)
        for one in directory.changes
    )


def staged(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J5: an archive made in one tenant, within three days another of that name at the provider or another tenant.

    Source: T1074.002 as PwC reported it of Cloud Hopper. What left for the internet from there within a day is added. Accounts
    of backup are allowed; names that anybody gives say nothing, nor do names that most tenants have.
    """
    named: dict[str, list[Act]] = defaultdict(list)
    for act in acts["archive"]:
        if act.account not in {
            one.lower() for one in directory.provider.backup_accounts
        } and not _ORDINARY.match(act.name):
            named[act.name].append(act)
    several = max(2, len(acts.since) // 2)
    for name, some in named.items():
        start = some[0]
        later = [act for act in some if act.tenant != start.tenant and act.time - start.time <= 3 * DAY]
        if not later or len({act.tenant for act in some}) > several + 1:
            continue
        there = later[-1]
        out = [
            act
            for act in acts["flow"]
            if act.tenant == there.tenant
            and 0 <= act.time - there.time <= DAY
            and act.address
            and not is_inside(act.address)
            and (act.host.lower() == there.host.lower() or act.table == "flow")
            and act.size >= (1 << 20) * (act.table == "flow")
        ][:20]
        if any(_covered(act, directory) for act in (start, there)):
            continue
        matched = {
            "name": name,
            "from": start.tenant,
            "at": there.tenant,
            "host": there.host,
        }
        matched["sent to"] = ", ".join(sorted({act.address for act in out})[:10])
        yield Hit(
            "J5",
            directory.provider.tenant or "provider",
            [start, *later, *out],
            matched,
        )


def copied(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J6: administrative shares opened by an account of the provider, then copying, and packing with a password.

    Source: PwC on how Cloud Hopper staged (net use, robocopy, then RAR). All in one tenant: its own finding; packed at the
    provider: the provider's. Moving files lacks the password.
    """
    provider = directory.provider
    shares: dict[str, list[Act]] = defaultdict(list)
    for act in acts["share"]:
        if provider.owns(act.account) and _ADMIN_SHARE.search(act.name) and act.tenant != provider.tenant:
            shares[act.account].append(act)
    packed = [act for act in acts["process"] if act.name in _COPIERS]
    for act in packed:
        if act.name not in _PACKERS or not _PASSWORD.search(act.detail):
            continue
        opened = [one for one in shares.get(act.account, []) if abs(act.time - one.time) <= DAY]
        same = [one for one in opened if one.tenant == act.tenant]
        if act.tenant == provider.tenant:
            same = opened
        if same and not all(
            bool(directory.planned(one.account, one.tenant, moment(one.time))) for one in same
        ):
            tools = [one for one in packed if one.account == act.account and one.tenant == act.tenant]
            near = [one for one in tools if abs(one.time - act.time) <= DAY]
            matched = {
                "account": act.account,
                "share": same[0].name,
                "command": act.detail,
            }
            yield Hit("J6", act.tenant, [*same[:20], *near[:20], act], matched)


def control(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J13: what findings of command and control name, in several networks within a week; or in the provider's own.

    Source: FireEye, April 2017 (addresses of providers as relays). Judged on findings of level high and above.
    """
    first: dict[str, dict[str, Act]] = defaultdict(dict)
    for act in acts["control"]:
        if not is_inside(act.address):
            first[act.address].setdefault(act.tenant, act)
    provider = directory.provider
    for place, by_tenant in first.items():
        found = sorted(by_tenant.values())
        near = [act for act in found if act.time - found[0].time <= 7 * DAY]
        own = within(place, provider.networks)
        if len(near) > 1 or own:
            tenants = ", ".join(act.tenant for act in near)
            matched = {
                "control": place,
                "tenants": tenants,
                "relay": "provider" if own else "",
            }
            yield Hit("J13", provider.tenant or "provider", near, matched)

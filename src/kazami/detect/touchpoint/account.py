"""Touchpoints of accounts: whose account it is, where it works, from where, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kazami.detect.touchpoint.act import Act, Acts
from kazami.detect.touchpoint.hit import DAY, HOUR, MINUTE, Hit
from kazami.model.tenant import Directory, account_name, matches, moment, within

SESSIONS = ("logon", "explicit")

#: Usual tenants are learned over so long, where nobody said them, and an account may rest so long.
LEARNED, RESTED = 30 * DAY, 45 * DAY

#: Days of a month on which an account was there, for it to be one that always comes.
REGULAR = 3

#: Groups whose members rule a domain; English and Japanese Windows name them alike, others by their ids.
_RULERS = (
    "domain admins",
    "enterprise admins",
    "schema admins",
    "administrators",
    "account operators",
)

#: Failures in a quarter of an hour; of second factors fewer, because a person has to touch each.
FAILURES, DENIALS = 10, 5

#: Entra ID: the second factor was asked for and denied, not done, or reported as fraud.
_DENIED = frozenset({"50074", "50076", "50158", "500121"})

#: Client programs of Entra ID sign-ins that cannot do a second factor.
_LEGACY = (
    "imap",
    "pop",
    "smtp",
    "exchange activesync",
    "other clients",
    "authenticated smtp",
)


def sessions(acts: Acts, directory: Directory) -> list[Act]:
    """What the provider's accounts did in tenants that are not the provider, in order of time."""
    provider = directory.provider
    return [
        act for act in acts[SESSIONS] if provider.owns(act.account) and act.tenant != provider.tenant
    ]  # fmt: skip


def planned(act: Act, directory: Directory) -> bool:
    """Whether a ticket covers an act."""
    return bool(directory.planned(act.account, act.tenant, moment(act.time)))


def strange(acts: Acts, directory: Directory) -> list[Act]:
    """Sessions in tenants that are not usual for the account, first ones of a day, and not planned.

    Usual is what `provider.technicians` says; of accounts that it does not name, where they were on an earlier day within
    the last 30. In the first 30 days of a tenant's evidence nothing is learned yet, so nothing is strange.
    """
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    found: dict[tuple[str, str, str, int], Act] = {}
    for act in sessions(acts, directory):
        usual = directory.provider.usual(act.account)
        days = seen[act.account, act.tenant]
        if usual is not None:
            known = act.tenant in usual or "*" in usual
        else:
            young = act.time - acts.since[act.tenant] < LEARNED
            known = young or any(DAY <= act.time - day <= LEARNED for day in days)
        if not days or days[-1] != act.time // DAY * DAY:
            days.append(act.time // DAY * DAY)
        if not known and not planned(act, directory):
            found.setdefault((act.account, act.tenant, act.host, act.time // DAY), act)
    return list(found.values())


def stolen(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J1: one account of the provider in several tenants within an hour, one of them not its own.

    Source: AA22-131A and TA18-276B (credentials shared between environments); the join is ours. Shift handover is the
    look-alike: usual tenants and tickets clear it. The provider's finding has all, J1T what each tenant saw itself.
    """
    odd = strange(acts, directory)
    by_day: dict[tuple[str, str, int], list[Act]] = defaultdict(list)
    for act in odd:
        by_day[act.tenant, act.account, act.time // DAY].append(act)
    for (tenant, account, _), some in by_day.items():
        yield Hit("J1T", tenant, some, {"account": account, "address": _addresses(some)})
    everything: dict[str, list[Act]] = defaultdict(list)
    for act in sessions(acts, directory):
        everything[act.account].append(act)
    reported: dict[str, int] = {}
    for act in odd:
        if act.time - reported.get(act.account, -DAY) < DAY:
            continue
        near = [
            other
            for other in everything[act.account]
            if abs(other.time - act.time) <= HOUR
            and (not act.address or not other.address or other.address == act.address)
        ]
        tenants = sorted({one.tenant for one in near})
        if len(tenants) > 1:
            reported[act.account] = act.time
            yield Hit(
                "J1",
                directory.provider.tenant,
                near,
                {
                    "account": act.account,
                    "address": act.address,
                    "tenants": ", ".join(tenants),
                },
            )


def unapproved(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J2: an account of the provider from a source that was not agreed on.

    Source: TA18-276B, only known paths. A hop inside the tenant is no new source, where the account came in by an agreed
    one within the last twelve hours.
    """
    provider = directory.provider
    if not provider.sources and not provider.jump_hosts:
        return
    entered: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str, str, int], list[Act]] = defaultdict(list)
    for act in sessions(acts, directory):
        if not act.address:
            continue
        key = (act.account, act.tenant)
        jump = act.detail and matches(act.detail, provider.jump_hosts)
        if within(act.address, provider.sources) or (jump and within(act.address, provider.networks)):
            entered[key] = act.time
            continue
        inside = within(act.address, directory.tenant(act.tenant).networks)
        if inside and act.time - entered.get(key, -DAY) <= 12 * HOUR:
            continue
        if not planned(act, directory):
            found[act.tenant, act.account, act.address, act.time // DAY].append(act)
    for (tenant, account, address, _), some in found.items():
        yield Hit("J2", tenant, some, {"account": account, "address": address})


def untimely(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J9: outside the contract's hours, before or after it, or after 45 days of rest in this tenant.

    Source: TA18-276B (time limits), AA22-131A (disable unused accounts). Who stands by for all tenants ("*") may come at any hour, and rests only
    where it is in no tenant;
    nobody may come after the end. Tickets clear emergencies. Those who came on `REGULAR` days of the month before the end, from the provider's
    networks, and go on as before are told once a tenant: that is a contract that nobody acted on, and not each time a stranger.
    """
    last: dict[tuple[str, str], int] = {}
    days: dict[tuple[str, str], list[int]] = defaultdict(list)
    found: dict[tuple[str, str, str, int], list[Act]] = defaultdict(list)
    for act in sessions(acts, directory):
        why = directory.tenant(act.tenant).contract.outside(moment(act.time))
        everywhere = "*" in (directory.provider.usual(act.account) or ())
        if why in ("day", "hour") and everywhere:
            why = ""
        place = (act.account, "" if everywhere else act.tenant)
        before = last.get(place)
        if before is not None and act.time - before >= RESTED:
            why = "rested"
        last[place] = act.time
        ours = days[act.account, act.tenant]
        if not why:
            ours.append(act.time // DAY)
        regular = why == "ended" and within(act.address, directory.provider.sources) and _regular(ours)
        if why and not planned(act, directory):
            key = ("", "goes on", 0) if regular else (act.account, why, act.time // DAY)
            found[act.tenant, *key].append(act)
    for (tenant, _, why, _), some in found.items():
        accounts = sorted({act.account for act in some})
        yield Hit(
            "J9", tenant, some, {"account": ", ".join(accounts[:10]), "why": why, "address": _addresses(some)}
        )


def _regular(days: list[int]) -> bool:
    """Whether an account was there on so many different days of the month before the last of `days`, and lately."""
    return len({day for day in days if days[-1] - day <= 30}) >= REGULAR if days else False


def ruling(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J11: an account of the provider becomes an administrator of the domain, or sits at a domain controller.

    Source: TA18-276B (accounts of a provider do not belong in administrators' groups). A controller is what tier 0 names.
    """
    for act in acts["group"]:
        ours = directory.provider.owns(act.account) or _technician(act.account, directory)
        if ours and act.name.lower() in _RULERS and not planned(act, directory):
            yield Hit(
                "J11",
                act.tenant,
                [act],
                {"account": act.account, "group": act.name, "by": act.detail},
            )
    seen = set()
    for act in sessions(acts, directory):
        sits = act.kind == "logon" and act.name in ("2", "10", "11")
        key = (act.tenant, act.account, act.host, act.time // DAY)
        if not sits or key in seen or directory.tenant(act.tenant).tier(act.host) != 0:
            continue
        if not planned(act, directory):
            seen.add(key)
            yield Hit(
                "J11",
                act.tenant,
                [act],
                {"account": act.account, "address": act.address},
            )


def _technician(member: str, directory: Directory) -> bool:
    """Logs name a new member by its name alone: then it is the provider's if a technician has that name."""
    user = member.rpartition("\\")[2]
    names = (account_name(name).rpartition("\\")[2] for name in directory.provider.technicians)
    return bool(user) and user in names


def failing(acts: Acts, directory: Directory) -> Iterator[Hit]:
    """J12: failures in a row, second factors denied in a row, or an old protocol right after a denied one.

    Source: AA22-131A (second factors on all access of providers, and watch failures). A changed telephone fails a few times.
    """
    provider = directory.provider
    by_account: dict[tuple[str, str], list[Act]] = defaultdict(list)
    for act in acts["failed"]:
        if provider.owns(act.account):
            by_account[act.tenant, act.account].append(act)
    for (tenant, account), some in by_account.items():
        denied = [act for act in some if act.name in _DENIED]
        burst = _burst(some, FAILURES) or _burst(denied, DENIALS)
        if burst:
            times = sum(act.times for act in burst)
            yield Hit(
                "J12", tenant, burst, {"account": account, "failures": str(times), "address": _addresses(burst)}
            )  # fmt: skip
    for act in acts["logon"]:
        if act.name == "cloud" and provider.owns(act.account) and act.detail.lower().startswith(_LEGACY):
            before = [
                one
                for one in by_account.get((act.tenant, act.account), [])
                if one.name in _DENIED and 0 <= act.time - one.time <= HOUR
            ]
            if before:
                yield Hit(
                    "J12",
                    act.tenant,
                    [*before, act],
                    {"account": act.account, "client": act.detail},
                )


def _burst(some: list[Act], least: int) -> list[Act]:
    """The first acts within a quarter of an hour that come to `least`."""
    start = 0
    for end, act in enumerate(some):
        while act.time - some[start].time > 15 * MINUTE:
            start += 1
        if sum(one.times for one in some[start : end + 1]) >= least:
            return some[start : end + 1]
    return []


def _addresses(some: Iterable[Act]) -> str:
    return ", ".join(sorted({act.address for act in some if act.address})[:10])

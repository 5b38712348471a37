"""Tenants and their provider: what logs do not carry, and what cannot be judged without it.

Names of accounts, hosts and domains are compared without regard to case; an account is ``domain\\user`` with the
first label of its domain, whether evidence writes ``MSP\\adm``, ``adm@msp.example`` or both parts apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from zoneinfo import ZoneInfo

Network = IPv4Network | IPv6Network

#: Who a contact is: notices are written for the one or the other.
ROLES: tuple[str, ...] = ("executive", "administrator")

#: A host that no tier names: neither a domain controller (0), nor a server (1), nor an ordinary machine (2) for sure.
UNKNOWN_TIER = 3


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call. `independent`: does not depend on the provider's accounts, mail or telephones."""

    name: str
    role: str = "administrator"
    mail: str = ""
    phone: str = ""
    webhook: str = ""
    lang: str = "en"
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """When the provider may work for a tenant. `days` counts from 0 (Monday); `opens` and `closes` are in `zone`."""

    start: date | None = None
    end: date | None = None
    days: frozenset[int] = frozenset(range(7))
    opens: time = time(0)
    closes: time = time(23, 59, 59, 999999)
    zone: str = "UTC"

    def outside(self, moment: datetime) -> str:
        """Why `moment` is outside the contract: ``before``, ``ended``, ``day`` or ``hour``; empty where it is inside."""
        local = moment.astimezone(ZoneInfo(self.zone))
        if self.start is not None and local.date() < self.start:
            return "before"
        if self.end is not None and local.date() > self.end:
            return "ended"
        inside = self.opens <= local.time() <= self.closes
        day = local.weekday()
        if self.opens > self.closes:  # over midnight: the morning belongs to the day before
            inside = local.time() >= self.opens or local.time() <= self.closes
            day = (day - 1) % 7 if local.time() <= self.closes else day
        if day not in self.days:
            return "day"
        return "" if inside else "hour"


@dataclass(frozen=True, slots=True)
class Change:
    """Work that was agreed on: between `start` and `end` these accounts may act on these tenants."""

    ticket: str
    start: datetime
    end: datetime
    accounts: tuple[str, ...] = ("*",)
    tenants: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Places:
    """Networks, and names of hosts and domains (in lower case; a domain means all below it, too)."""

    networks: tuple[Network, ...] = ()
    names: tuple[str, ...] = ()

    def holds(self, place: str) -> bool:
        """Whether an address lies in one of the networks, or a name is or lies below one of the names."""
        if parsed(place) is not None:
            return within(place, self.networks)
        name = place.lower().rstrip(".")
        return any(name == one or name.endswith(f".{one}") for one in self.names)


@dataclass(frozen=True, slots=True)
class Spared:
    """What is never blocked: gateways, name servers, and what else was listed."""

    gateways: Places = Places()
    resolvers: Places = Places()
    never: Places = Places()


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose data this is. `hosts` and those of `tiers` and `managed` are names or patterns with ``*``.

    `tiers` maps 0 (domain controllers and what is as strong), 1 (servers) and 2 (other machines) to hosts.
    `managed` are the hosts on which the provider works as a rule; none means that it is not known. `tools` are the
    remote-management tools that are agreed on. `expected` are destinations that connections may keep going to.
    """

    name: str
    title: str = ""
    lang: str = "en"
    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    tiers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    managed: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    contract: Contract = Contract()
    contacts: tuple[Contact, ...] = ()
    spared: Spared = Spared()

    def has_host(self, host: str) -> bool:
        """Whether a host is named here, with or without its domain, or lies in one of the domains."""
        return matches(host, self.hosts) or any(host.lower().endswith(f".{name}") for name in self.domains)

    def tier(self, host: str) -> int:
        """0 to 2, or `UNKNOWN_TIER`."""
        return next(
            (tier for tier, hosts in sorted(self.tiers.items()) if matches(host, hosts)), UNKNOWN_TIER
        )


@dataclass(frozen=True, slots=True)
class Provider:
    """Who works in many tenants. `tenant` is the channel of its own evidence; empty where there is no provider.

    `technicians` maps accounts (or patterns) to the tenants that they usually work for; `sources` are the networks
    from which the provider works: jump hosts and pools of its VPN. `two_way` are addresses of tenants that rightly
    connect to the provider (agents of monitoring). `software` are names or SHA-256 of what it rolls out.
    """

    tenant: str = ""
    title: str = ""
    accounts: tuple[str, ...] = ()
    technicians: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    jump_hosts: tuple[str, ...] = ()
    sources: tuple[Network, ...] = ()
    networks: tuple[Network, ...] = ()
    two_way: tuple[Network, ...] = ()
    backup_accounts: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()

    def owns(self, account: str) -> bool:
        """Whether `account` is one of the provider's."""
        return account_matches(account, self.accounts)

    def usual(self, account: str) -> tuple[str, ...] | None:
        """The tenants that `account` usually works for (``*`` is all); None where nobody said."""
        said = [names for pattern, names in self.technicians.items() if account_matches(account, (pattern,))]
        return tuple({name for names in said for name in names}) if said else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How mail leaves: `security` is ``starttls``, ``tls`` or ``none``; the password is in a file of its own."""

    host: str = ""
    port: int = 587
    security: str = "starttls"
    sender: str = ""
    user: str = ""
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class Directory:
    """All tenants of one provider, by name; `changes` is the work that was agreed on."""

    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    provider: Provider = Provider()
    changes: tuple[Change, ...] = ()
    source: str = ""
    delivery: Delivery = Delivery()
    independent: Delivery = Delivery()  # does not pass through the provider's accounts
    spared: Spared = Spared()  # for all tenants
    shared: Places = Places()  # where many unlike things live under one address

    @property
    def known(self) -> bool:
        """Whether anybody said anything: without it only what evidence itself says can be judged."""
        return bool(self.tenants)

    def tenant(self, name: str) -> Tenant:
        """The tenant of a channel; one that nobody described is known by its name only."""
        return self.tenants.get(name) or Tenant(name)

    def planned(self, account: str, tenant: str, moment: datetime) -> str:
        """The ticket under which `account` may act on `tenant` at `moment`; empty where there is none."""
        return next(
            (
                one.ticket
                for one in self.changes
                if one.start <= moment <= one.end
                and ("*" in one.tenants or tenant in one.tenants)
                and account_matches(account, one.accounts)
            ),
            "",
        )

    def tenant_at(self, address: str) -> str:
        """The one tenant whose network holds `address`; empty where it is none, or several (private ranges repeat)."""
        found = {one.name for one in self.tenants.values() if within(address, one.networks)}
        return found.pop() if len(found) == 1 else ""

    def tenant_of_host(self, host: str) -> str:
        """The one tenant that names `host`; empty where it is none, or several."""
        found = {one.name for one in self.tenants.values() if one.has_host(host)}
        return found.pop() if len(found) == 1 else ""


def claimed_twice(tenants: Iterable[Tenant]) -> tuple[str, str, str] | None:
    """A host that one tenant names and another one means, too: by its first label, by a pattern, by a domain; with the names of both.

    Such a host would tell neither. None where there is none.
    """
    everything = list(tenants)
    short = {
        name: one.name for one in everything for name in one.hosts if "." not in name and "*" not in name
    }
    short = {name.lower(): owner for name, owner in short.items()}
    wide = [(one, tuple(name for name in one.hosts if "*" in name)) for one in everything]
    wide = [(one, patterns) for one, patterns in wide if patterns or one.domains]
    for one in everything:
        for host in (name.lower() for name in one.hosts if "*" not in name):
            owner = short.get(host.partition(".")[0], one.name)
            others = (
                other.name
                for other, patterns in wide
                if other is not one
                and (matches(host, patterns) or any(host.endswith(f".{domain}") for domain in other.domains))
            )
            other = owner if owner != one.name else next(others, "")
            if other:
                return host, one.name, other
    return None


def account_name(user: str, domain: str = "") -> str:
    """``domain\\user`` in lower case, of whatever parts and spellings evidence has."""
    user, domain = user.strip().lower(), domain.strip().lower()
    if "\\" in user:
        domain, _, user = user.rpartition("\\")
    elif "@" in user:
        user, _, domain = user.partition("@")
    return f"{domain.partition('.')[0]}\\{user}"


@lru_cache(maxsize=65536)
def account_matches(account: str, patterns: tuple[str, ...]) -> bool:
    """Whether an account, as `account_name` writes it, is meant by one of `patterns`; one without domain means any."""
    user = account.rpartition("\\")[2]
    for pattern in patterns:
        wanted = account_name(pattern)
        if wanted.startswith("\\"):
            if fnmatchcase(user, wanted[1:]):
                return True
        elif fnmatchcase(account, wanted.replace("[", "[[]")):
            return True
    return False


@lru_cache(maxsize=65536)
def matches(host: str, patterns: tuple[str, ...]) -> bool:
    """Whether a host is meant by one of `patterns`: by its whole name, or by its first label."""
    name = host.lower()
    short = name.partition(".")[0]
    return any(fnmatchcase(name, wanted) or fnmatchcase(short, wanted) for wanted in map(str.lower, patterns))


@lru_cache(maxsize=65536)
def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An address as a number; None where it is none. IPv4 within IPv6 is IPv4."""
    try:
        found = ip_address(address.strip().removeprefix("[").partition("]")[0].partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of `networks`."""
    found = parsed(address)
    return found is not None and any(found in network for network in networks)


def moment(microseconds: int) -> datetime:
    """A time of evidence, which is in microseconds since 1970, with its zone."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)

"""Tenants: read once, at the edge, from ``tenants.toml``; below the pipeline nobody reads it.

[provider]                                      # who works in many tenants; may be left out
tenant = "msp"                                  # the channel of the provider's own evidence
accounts = ['MSP\\*', "adm-*@msp.example"]
jump_hosts = ["JUMP01"]
sources = ["10.99.0.0/24"]                      # jump hosts and VPN pools, as addresses or networks
networks = ["203.0.113.0/24"]
two_way = ["10.1.0.20"]                         # of tenants, that rightly connect to the provider
backup_accounts = ['MSP\\svc-backup']
software = ["agent.exe"]                        # what is rolled out, by name or SHA-256

[provider.technicians]                          # the tenants that an account usually works for
'MSP\\sato' = ["north", "south"]
'MSP\\oncall' = ["*"]

[[provider.changes]]                            # work that was agreed on
ticket = "CHG-1207"
start = 2026-11-01T20:00:00Z
end = 2026-11-02T02:00:00Z

[tenants.north]                                 # the name is that of the channel: --tenant, or a folder
title = "North Waterworks"
lang = "ja"
hosts = ["FS01.north.example", "WS-N*"]
domains = ["north.example"]
networks = ["10.1.0.0/16"]
managed = ["FS01"]
tools = ["ScreenConnect"]

[tenants.north.tiers]
0 = ["DC*"]
1 = ["FS01"]

[tenants.north.contract]
start = 2026-01-01
days = ["mon", "tue", "wed", "thu", "fri"]
hours = "08:00-18:00"
zone = "Asia/Tokyo"

[[tenants.north.contacts]]
name = "Control room"
role = "administrator"
mail = "ot@north.example"
independent = true

[blocking]                                      # for all tenants; a tenant may have gateways, resolvers and never as well
gateways = ["192.0.2.1"]                        # addresses, networks, names: none of these is ever blocked
resolvers = ["192.0.2.53"]
never = ["updates.example", "198.51.100.0/24"]
shared = ["203.0.113.128/25"]                   # content networks and shared hosting: blocked when asked for by name only
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from kazami.errors import UsageError
from kazami.model.tenant import (
    ROLES,
    Change,
    Contact,
    Contract,
    Delivery,
    Directory,
    Network,
    Places,
    Provider,
    Spared,
    Tenant,
    claimed_twice,
    within,
)

NAME = "tenants.toml"

#: Of the file, in bytes: a thousand tenants with a hundred hosts each take less than a third of it.
LARGEST = 8 << 20

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")

Texts = tuple[str, ...]
T = TypeVar("T")


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the file, before it is understood."""


class _Contact(_Strict, frozen=True):
    name: str
    role: str = "administrator"
    mail: str = ""
    phone: str = ""
    webhook: str = ""
    lang: str = ""
    independent: bool = False


class _Contract(_Strict, frozen=True):
    start: dt.date | None = None
    end: dt.date | None = None
    days: Texts = _DAYS
    hours: str = ""
    zone: str = "UTC"


class _Tenant(_Strict, frozen=True):
    title: str = ""
    lang: str = "en"
    hosts: Texts = ()
    domains: Texts = ()
    networks: Texts = ()
    tiers: dict[str, Texts] = {}
    managed: Texts = ()
    tools: Texts = ()
    expected: Texts = ()
    contract: _Contract = _Contract()
    contacts: tuple[_Contact, ...] = ()
    gateways: Texts = ()
    resolvers: Texts = ()
    never: Texts = ()


class _Change(_Strict, frozen=True):
    ticket: str
    start: dt.datetime
    end: dt.datetime
    accounts: Texts = ("*",)
    tenants: Texts = ("*",)


class _Provider(_Strict, frozen=True):
    tenant: str
    title: str = ""
    accounts: Texts = ()
    technicians: dict[str, Texts] = {}
    jump_hosts: Texts = ()
    sources: Texts = ()
    networks: Texts = ()
    two_way: Texts = ()
    backup_accounts: Texts = ()
    software: Texts = ()
    changes: tuple[_Change, ...] = ()
    contacts: tuple[_Contact, ...] = ()


class _Blocking(_Strict, frozen=True):
    gateways: Texts = ()
    resolvers: Texts = ()
    never: Texts = ()
    shared: Texts = ()


class _Delivery(_Strict, frozen=True):
    host: str = ""
    port: int = 587
    security: str = "starttls"
    sender: str = ""
    user: str = ""
    password_file: str = ""


class _Deliveries(_Strict, frozen=True):
    usual: _Delivery = _Delivery()
    independent: _Delivery = _Delivery()


class _WrongError(Exception):
    """A place in the file, and what is wrong there."""


def load(path: Path) -> Directory:
    """The tenants in the file `path`. Raises UsageError that names the file, the place in it, and what is wrong."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: is larger than {LARGEST:,} bytes")
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8: {error}") from error
    return parse(text, str(path))


def find(path: Path | None = None) -> Directory:
    """The tenants in `path`, else in ``./tenants.toml``, else nobody said who they are."""
    if path is None and not Path(NAME).is_file():
        return Directory()
    return load(path or Path(NAME))


def parse(text: str, name: str = NAME) -> Directory:
    """The tenants in a text; `name` is what errors call it."""
    try:
        document = tomllib.loads(text)
        return _directory(document, name)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        twice = "declare" in str(error) or "overwrite" in str(error)
        raise UsageError(f"{name}: {'something stands there twice: ' if twice else ''}{error}") from error
    except _WrongError as error:
        raise UsageError(f"{name}: {error}") from error


def _directory(document: dict[str, Any], name: str) -> Directory:
    for key in document:
        if key not in ("provider", "tenants", "delivery", "blocking"):
            raise _WrongError(f"unknown section {key!r}; known: provider, tenants, delivery, blocking")
    tables = document.get("tenants", {})
    if not isinstance(tables, dict) or not tables:
        raise _WrongError("names no tenant: write [tenants.NAME]")
    raw = {key: _convert(f"tenants.{key}", value, _Tenant) for key, value in tables.items()}
    tenants = {key: _tenant(key, one) for key, one in raw.items()}
    _once("tenant", ((key.casefold(), key) for key in tenants))
    said = _convert("provider", document.get("provider", {"tenant": ""}), _Provider)
    ways = _convert("delivery", document.get("delivery", {}), _Deliveries)
    usual, independent = _delivery("delivery", ways.usual), _delivery("delivery", ways.independent)
    blocking = _convert("blocking", document.get("blocking", {}), _Blocking)
    spared, shared = _spared("blocking", blocking), _places("blocking.shared", blocking.shared)
    directory = Directory(tenants, _provider(said), _changes(said), name, usual, independent, spared, shared)
    _check(directory)
    return directory


def _convert(where: str, value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        raise _WrongError(f"{where}{place.rstrip('`')}: {said}") from error


def _tenant(name: str, raw: _Tenant) -> Tenant:
    where = f"tenants.{name}"
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise _WrongError(f"{where}: a tenant's name has 1 to 200 printable characters")
    unknown = sorted(set(raw.tiers) - {"0", "1", "2"})
    if unknown:
        raise _WrongError(f"{where}.tiers: unknown tier {unknown[0]!r}; known: 0, 1, 2")
    _once(
        f"host in {where}.tiers",
        ((host.lower(), f"tier {key}") for key, hosts in raw.tiers.items() for host in hosts),
    )
    return Tenant(
        name=name,
        title=raw.title or name,
        lang=_lang(where, raw.lang),
        hosts=_filled(f"{where}.hosts", raw.hosts),
        domains=tuple(one.lower().strip(".") for one in _filled(f"{where}.domains", raw.domains)),
        networks=_networks(f"{where}.networks", raw.networks),
        tiers={int(key): _filled(f"{where}.tiers", hosts) for key, hosts in raw.tiers.items()},
        managed=_filled(f"{where}.managed", raw.managed),
        tools=_filled(f"{where}.tools", raw.tools),
        expected=_filled(f"{where}.expected", raw.expected),
        contract=_contract(f"{where}.contract", raw.contract),
        contacts=_contacts(f"{where}.contacts", raw.contacts, raw.lang),
        spared=_spared(where, raw),
    )


def _spared(where: str, raw: _Tenant | _Blocking) -> Spared:
    return Spared(
        _places(f"{where}.gateways", raw.gateways),
        _places(f"{where}.resolvers", raw.resolvers),
        _places(f"{where}.never", raw.never),
    )


def _places(where: str, texts: Texts) -> Places:
    """What reads as an address or network is one; the rest are names."""
    networks, names = [], []
    for text in _filled(where, texts):
        try:
            networks.append(ip_network(text.strip()))
        except ValueError as error:
            name = text.strip().lower().strip(".").removeprefix("*.")
            if not re.fullmatch(r"(?!.*\.\d+$)[\w-]+(\.[\w-]+)*", name, re.ASCII):
                raise _WrongError(f"{where}: {text!r} is no address, network or name") from error
            names.append(name)
    return Places(tuple(networks), tuple(names))


def _provider(raw: _Provider) -> Provider:
    return Provider(
        tenant=raw.tenant,
        title=raw.title or raw.tenant,
        accounts=_filled("provider.accounts", raw.accounts),
        technicians=raw.technicians,
        jump_hosts=_filled("provider.jump_hosts", raw.jump_hosts),
        sources=_networks("provider.sources", raw.sources),
        networks=_networks("provider.networks", raw.networks),
        two_way=_networks("provider.two_way", raw.two_way),
        backup_accounts=_filled("provider.backup_accounts", raw.backup_accounts),
        software=_filled("provider.software", raw.software),
        contacts=_contacts("provider.contacts", raw.contacts, "en"),
    )


def _changes(raw: _Provider) -> tuple[Change, ...]:
    made = []
    for number, one in enumerate(raw.changes, 1):
        where = f"provider.changes, number {number}"
        if one.start.tzinfo is None or one.end.tzinfo is None:
            raise _WrongError(f"{where}: start and end need a zone: write 2026-11-01T20:00:00Z")
        if one.end <= one.start:
            raise _WrongError(f"{where}: ends before it starts")
        made.append(Change(one.ticket, one.start, one.end, one.accounts, one.tenants))
    return tuple(made)


def _contract(where: str, raw: _Contract) -> Contract:
    if raw.start and raw.end and raw.end < raw.start:
        raise _WrongError(f"{where}: ends on {raw.end}, before it starts on {raw.start}")
    unknown = [day for day in raw.days if day not in _DAYS]
    if unknown or not raw.days:
        raise _WrongError(f"{where}.days: {unknown[0] if unknown else 'no day'!r}; known: {', '.join(_DAYS)}")
    try:
        ZoneInfo(raw.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _WrongError(f"{where}.zone: {raw.zone!r} is no time zone") from error
    days = frozenset(map(_DAYS.index, raw.days))
    if not raw.hours:
        return Contract(raw.start, raw.end, days, zone=raw.zone)
    found = _HOURS.match(raw.hours)
    if not found:
        raise _WrongError(f"{where}.hours: {raw.hours!r}; write 08:00-18:00")
    first, second, third, fourth = map(int, found.groups())
    opens, closes = dt.time(first, second), dt.time(third, fourth)
    if opens == closes:
        raise _WrongError(f"{where}.hours: {raw.hours!r} is no time at all")
    return Contract(raw.start, raw.end, days, opens, closes, raw.zone)


def _contacts(where: str, raw: Iterable[_Contact], lang: str) -> tuple[Contact, ...]:
    made = []
    for number, one in enumerate(raw, 1):
        place = f"{where}, number {number}"
        if one.role not in ROLES:
            raise _WrongError(f"{place}: role {one.role!r}; known: {', '.join(ROLES)}")
        if one.mail and not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", one.mail):
            raise _WrongError(f"{place}: {one.mail!r} is no mail address")
        if one.webhook and not re.fullmatch(r"https?://[^\s/]+\S*", one.webhook):
            raise _WrongError(f"{place}: {one.webhook!r} is no web address")
        if not (one.mail or one.phone or one.webhook):
            raise _WrongError(f"{place}: has neither mail, nor phone, nor webhook")
        spoken = _lang(place, one.lang or lang)
        made.append(Contact(one.name, one.role, one.mail, one.phone, one.webhook, spoken, one.independent))
    return tuple(made)


def _delivery(where: str, raw: _Delivery) -> Delivery:
    if raw.security not in ("starttls", "tls", "none"):
        raise _WrongError(f"{where}: security {raw.security!r}; known: starttls, tls, none")
    if not 0 < raw.port < 65536:
        raise _WrongError(f"{where}: {raw.port} is no port")
    if raw.host and not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", raw.sender):
        raise _WrongError(f"{where}: {raw.sender!r} is no mail address to send from")
    return Delivery(raw.host, raw.port, raw.security, raw.sender, raw.user, raw.password_file)


def _lang(where: str, lang: str) -> str:
    if lang not in ("en", "ja"):
        raise _WrongError(f"{where}: language {lang!r}; known: en, ja")
    return lang


def _filled(where: str, texts: Texts) -> Texts:
    for text in texts:
        if not text.strip() or not text.isprintable():
            raise _WrongError(f"{where}: {text!r} names nothing")
    return texts


def _networks(where: str, texts: Texts) -> tuple[Network, ...]:
    made = []
    for text in texts:
        try:
            made.append(ip_network(text.strip()))
        except ValueError as error:
            raise _WrongError(f"{where}: {error}") from error
    return tuple(made)


def _once(what: str, named: Iterable[tuple[str, str]]) -> None:
    """Each of `named`, which says where it stands, must stand there once."""
    places: Mapping[str, list[str]] = defaultdict(list)
    for key, place in named:
        places[key].append(place)
    for key, found in places.items():
        if len(found) > 1:
            raise _WrongError(f"{what} {key!r} stands there twice: {', '.join(found[:5])}")


def _check(directory: Directory) -> None:
    """What one part says must not be denied by another."""
    tenants, provider = directory.tenants.values(), directory.provider
    _once("host", ((host.lower(), f"tenants.{one.name}") for one in tenants for host in set(one.hosts)))
    if (both := claimed_twice(tenants)) is not None:
        raise _WrongError("tenants.{1}: host {0!r} is meant by tenants.{2}, too".format(*both))
    _once(
        "domain", ((domain, f"tenants.{one.name}") for one in tenants for domain in sorted(set(one.domains)))
    )
    _public_once(directory)
    if provider.tenant and provider.tenant.casefold() in {name.casefold() for name in directory.tenants}:
        raise _WrongError(f"provider.tenant: {provider.tenant!r} is a tenant, too")
    named = [(f"provider.technicians.{key}", names) for key, names in provider.technicians.items()]
    named += [(f"provider.changes, {one.ticket}", one.tenants) for one in directory.changes]
    for where, names in named:
        unknown = sorted(set(names) - set(directory.tenants) - {"*", provider.tenant})
        if unknown:
            raise _WrongError(f"{where}: there is no tenant {unknown[0]!r}")
    for account in provider.technicians:
        if provider.accounts and "*" not in account and not provider.owns(_account(account)):
            raise _WrongError(f"provider.technicians: {account!r} is not among provider.accounts")
    for one in tenants:
        for host in provider.jump_hosts:
            if host.lower() in map(str.lower, one.hosts):
                raise _WrongError(f"provider.jump_hosts: {host!r} is a host of tenants.{one.name}, too")


def _account(text: str) -> str:
    from kazami.model.tenant import account_name

    return account_name(text)


def _public_once(directory: Directory) -> None:
    """Private ranges may repeat in networks that never meet; a public network is one party's only."""
    owners = [(f"tenants.{one.name}", one.networks) for one in directory.tenants.values()]
    owners.append(("provider", directory.provider.networks))
    seen: list[tuple[Network, str]] = []
    for owner, networks in owners:
        for network in networks:
            if network.is_private:
                continue
            for other, place in seen:
                if network.version == other.version and network.overlaps(other) and place != owner:
                    raise _WrongError(f"{owner}.networks: {network} is in {place}, too ({other})")
            seen.append((network, owner))


def said(directory: Directory) -> list[str]:
    """What is missing, and what cannot be judged for it; empty where everything was said."""
    notes = []
    provider = directory.provider
    if not provider.accounts:
        notes.append("provider.accounts: not said; touchpoints J1, J2, J3 and J6 to J12 are not judged")
    if not provider.sources and not provider.jump_hosts:
        notes.append("provider.sources: not said; J2 is not judged")
    if not provider.technicians:
        notes.append(
            "provider.technicians: not said; J1 learns usual tenants from the first 30 days of evidence"
        )
    for one in directory.tenants.values():
        missing = {
            "tiers (J8, J11)": one.tiers,
            "contacts (notices)": one.contacts,
            "tools (J10)": one.tools,
            "hosts, domains or networks (J3)": one.hosts or one.domains or one.networks,
        }
        lacking = [what for what, value in missing.items() if not value]
        if lacking:
            notes.append(f"tenants.{one.name}: not said: {', '.join(lacking)}")
        for network in one.networks:
            shared = [
                other.name
                for other in directory.tenants.values()
                if other is not one and any(within(str(network[0]), (net,)) for net in other.networks)
            ]
            if shared:
                notes.append(
                    f"tenants.{one.name}: {network} is {shared[0]}'s, too; its addresses tell no tenant"
                )
    return notes

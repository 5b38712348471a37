"""`kazami.tenants`: what a file may say, and what is said where it cannot mean anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kazami import tenants
from kazami.errors import UsageError
from kazami.model.tenant import account_matches, account_name

HEAD = """
[provider]
tenant = "msp"
accounts = ['MSP\\*']
sources = ["10.99.0.0/24"]
[provider.technicians]
'MSP\\sato' = ["north"]
"""
NORTH = """
[tenants.north]
hosts = ["fs01.north.example", "WS-N*"]
domains = ["north.example"]
networks = ["10.1.0.0/16", "198.51.100.0/24"]
tiers = {0 = ["DC*"], 1 = ["fs01"]}
contract = {days = ["mon"], hours = "22:00-06:00", zone = "Asia/Tokyo"}
contacts = [{name = "Room", mail = "room@north.example", independent = true}]
"""
SOUTH = "[tenants.south]\nnetworks = ['10.1.0.0/16']\n"


def test_what_the_page_shows_can_be_read() -> None:
    shown = tenants.__doc__ or ""
    directory = tenants.parse(shown[shown.index("[provider]") :].replace('["north", "south"]', '["north"]'))
    assert directory.tenants["north"].contract.zone == "Asia/Tokyo"
    assert directory.changes[0].ticket == "CHG-1207"


def test_a_host_of_two_tenants_is_told_apart_by_its_domain() -> None:
    hosts = "[tenants.a]\nhosts = ['fs1.a.example']\n[tenants.b]\nhosts = ['fs1.b.example']"
    directory = tenants.parse(hosts)
    assert directory.tenant_of_host("FS1.B.example") == "b"
    assert directory.tenant_of_host("fs1") == ""


def test_a_file_says_what_it_says() -> None:
    directory = tenants.parse(HEAD + NORTH + SOUTH)
    north = directory.tenants["north"]
    assert [north.tier(host) for host in ("dc7.north.example", "FS01", "WS-N3")] == [0, 1, 3]
    assert directory.tenant_of_host("x.north.example") == "north"
    assert directory.tenant_at("198.51.100.7") == "north"
    assert directory.tenant_at("10.1.2.3") == ""  # two tenants have it: it tells neither
    assert directory.provider.usual("msp\\sato") == ("north",)
    assert directory.provider.usual("msp\\other") is None
    assert directory.provider.owns(account_name("sato@msp.example"))
    assert not directory.provider.owns(account_name("sato", "NORTH"))


@pytest.mark.parametrize(
    ("hour", "day", "why"),
    [(14, 2, ""), (20, 2, ""), (22, 2, "day"), (9, 2, "hour"), (14, 1, "day"), (20, 1, "day")],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens(hour: int, day: int, why: str) -> None:
    contract = tenants.parse(NORTH).tenants["north"].contract
    assert contract.outside(datetime(2026, 11, day, hour, tzinfo=UTC)) == why  # the second is a Monday


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no tenant"),
        ("x = ", "Invalid value"),
        ("[tenant.a]", "unknown section 'tenant'"),
        ("[tenants.a]\n[tenants.a]", "stands there twice"),
        ("[tenants.a]\n[tenants.A]", "tenant 'a' stands there twice: a, A"),
        ("[tenants.a]\nhost = ['x']", "tenants.a: Object contains unknown field `host`"),
        ("[tenants.a]\nhosts = 'x'", "tenants.a.hosts: Expected `array`, got `str`"),
        ("[tenants.a]\nhosts = ['x', 7]", "tenants.a.hosts[1]: Expected `str`, got `int`"),
        (
            "[tenants.a]\nhosts = ['FS1']\n[tenants.b]\nhosts = ['fs1']",
            "host 'fs1' stands there twice: tenants.a, tenants.b",
        ),
        (
            "[tenants.a]\nhosts = ['fs1']\n[tenants.b]\nhosts = ['FS1.b.example']",
            "tenants.b: host 'fs1.b.example' is meant by tenants.a, too",
        ),
        (
            "[tenants.a]\nhosts = ['fs*']\n[tenants.b]\nhosts = ['fs1']",
            "tenants.b: host 'fs1' is meant by tenants.a, too",
        ),
        (
            "[tenants.a]\ndomains = ['a.example']\n[tenants.b]\nhosts = ['x.a.example']",
            "tenants.b: host 'x.a.example' is meant by tenants.a, too",
        ),
        ("[tenants.a]\ndomains = ['x.y']\n[tenants.b]\ndomains = ['X.Y']", "domain 'x.y' stands there twice"),
        ("[tenants.a]\ntiers = {0 = ['h'], 1 = ['H']}", "'h' stands there twice: tier 0, tier 1"),
        ("[tenants.a]\ntiers = {9 = ['h']}", "unknown tier '9'"),
        ("[tenants.a]\nnetworks = ['10.0.0.1/8']", "has host bits set"),
        (
            "[tenants.a]\nnetworks = ['8.8.0.0/16']\n[tenants.b]\nnetworks = ['8.8.8.0/24']",
            "8.8.8.0/24 is in tenants.a",
        ),
        ("[tenants.a]\ncontract = {start = 2026-02-01, end = 2026-01-01}", "before it starts"),
        ("[tenants.a]\ncontract = {zone = 'Mars/Olympus'}", "is no time zone"),
        ("[tenants.a]\ncontract = {hours = '8-18'}", "write 08:00-18:00"),
        ("[tenants.a]\ncontract = {days = ['monday']}", "known: mon"),
        ("[tenants.a]\ncontacts = [{name = 'x'}]", "has neither mail"),
        ("[tenants.a]\ncontacts = [{name = 'x', mail = 'a@b, c@d'}]", "no mail address"),
        ("[tenants.a]\ncontacts = [{name = 'x', mail = 'a@b', role = 'boss'}]", "role 'boss'"),
        ("[tenants.a]\nlang = 'fr'", "language 'fr'"),
        ("[provider]\ntenant = 'A'\n[tenants.a]", "provider.tenant: 'A' is a tenant, too"),
        (HEAD + "[tenants.b]", "there is no tenant 'north'"),
        (
            "[provider]\ntenant='m'\naccounts=['MSP\\*']\ntechnicians={'X\\a' = ['a']}\n[tenants.a]".replace(
                "'MSP\\*'", "'MSP\\*'"
            ),
            "is not among provider.accounts",
        ),
        (
            "[provider]\ntenant='m'\njump_hosts=['J1']\n[tenants.a]\nhosts=['j1']",
            "is a host of tenants.a, too",
        ),
        (
            "[provider]\ntenant='m'\nchanges=[{ticket='t', start=2026-01-02T00:00:00, end=2026-01-03T00:00:00}]\n[tenants.a]",
            "need a zone",
        ),
        (
            "[provider]\ntenant='m'\nchanges=[{ticket='t', start=2026-01-02T00:00:00Z, end=2026-01-01T00:00:00Z}]\n[tenants.a]",
            "ends before it starts",
        ),
        ("x = " + "[" * 10_000, ""),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        tenants.parse(text, "t.toml")
    assert str(error.value).startswith("t.toml: ")
    assert said in str(error.value)


def test_what_is_missing_is_said() -> None:
    notes = tenants.said(tenants.parse(SOUTH + NORTH))
    assert any(note.startswith("provider.accounts: not said") for note in notes)
    assert any("is north's, too" in note for note in notes)
    assert not any("contacts" in note for note in notes if note.startswith("tenants.north"))


def test_a_pattern_without_a_domain_means_every_domain() -> None:
    assert account_matches("msp\\adm-1", ("adm-*",))
    assert not account_matches("north\\adm-1", ("msp\\adm-*",))

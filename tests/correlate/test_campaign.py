"""Campaigns: what ties incidents of several tenants, and what does not."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest

from kazami.correlate.campaign import EPOCH, bands, campaigns, digest, epochs, tokens
from kazami.model.campaign import Campaign
from kazami.model.incident import Skeleton

DAY = datetime(2026, 11, 20, tzinfo=UTC)
HASH, OTHER, PUBLIC = "a" * 64, "b" * 64, "185.220.101.7"


def key_of(epoch: int) -> bytes:
    return f"key {epoch}".encode()


def seen(tenant: str, kind: str, value: str, day: int = 0, incident: str = "") -> Skeleton:
    when = DAY + timedelta(days=day)
    return Skeleton(tenant, kind, value, incident or f"i-{tenant}", when, when, 1.0)


def tied(*skeletons: Skeleton, accounts: frozenset[str] = frozenset()) -> list[Campaign]:
    return campaigns(tokens(skeletons, key_of, accounts))


def both(tenant: str, day: int = 0) -> list[Skeleton]:
    return [seen(tenant, "hash", HASH, day), seen(tenant, "address", PUBLIC, day)]


def test_a_tool_and_its_server_tie_two_tenants() -> None:
    (found,) = tied(*both("a"), *both("b", 3), seen("c", "hash", OTHER))
    assert found.tenants == ("a", "b")
    assert found.incidents == (("i-a", "a"), ("i-b", "b"))
    assert {tie.kind for tie in found.ties} == {"hash", "address"}


def test_no_value_is_in_a_campaign_or_a_token() -> None:
    given = [*both("a"), *both("b")]
    text = repr([astuple(one) for one in campaigns(tokens(given, key_of))]) + repr(
        list(tokens(given, key_of))
    )
    assert HASH not in text
    assert PUBLIC not in text


def test_ten_teams_that_attack_alike_are_no_campaign() -> None:
    teams = [f"team{number}" for number in range(10)]
    alike = [
        one
        for team in teams
        for one in (
            seen(team, "hash", HASH),
            seen(team, "hash", OTHER),
            seen(team, "service", "psexesvc"),
            seen(team, "account", "administrator"),
            seen(team, "address", "10.0.0.5"),
            seen(team, "address", f"185.220.101.{team[4:]}"),
        )
    ]
    assert tied(*alike) == []
    one_crew = [seen(team, "domain", "c2.example.test") for team in teams[:3]]
    (found,) = tied(*alike, *one_crew, *[seen(team, "address", "45.9.9.9") for team in teams[:3]])
    assert found.tenants == ("team0", "team1", "team2")


@pytest.mark.parametrize(
    "skeletons",
    [
        [],
        both("a"),
        [seen("a", "hash", HASH), seen("b", "hash", HASH)],  # one thing in a small house
        [seen("a", "host", "dc1"), seen("b", "host", "dc1"), seen("a", "rule", "r"), seen("b", "rule", "r")],
        [seen("a", "account", "administrator"), seen("b", "account", "administrator")],
        [seen(t, k, v) for t in "ab" for k, v in (("hash", HASH), ("address", "10.0.0.7"))],
        [*both("a"), *both("b", 15)],  # more than two weeks apart
        [
            seen("a", "hash", HASH, incident="1"),
            seen("a", "address", PUBLIC, incident="1"),
            seen("a", "hash", HASH, incident="2"),
            seen("a", "address", PUBLIC, incident="2"),
        ],
    ],
)
def test_what_ties_nothing(skeletons: list[Skeleton]) -> None:
    assert tied(*skeletons) == []


def test_the_providers_account_counts_and_others_of_that_name_do_not() -> None:
    given = [*(seen(t, "account", "sato") for t in "ab"), *(seen(t, "address", PUBLIC) for t in "ab")]
    assert tied(*given) == []
    assert len(tied(*given, accounts=frozenset({"sato"}))) == 1


def test_the_border_of_two_epochs_divides_nothing() -> None:
    border = datetime.fromordinal((DAY.toordinal() // EPOCH + 1) * EPOCH).replace(tzinfo=UTC)
    day = (border - DAY).days
    assert len(tied(*both("a", day - 2), *both("b", day + 2))) == 1
    assert len(epochs(border.date(), border.date())) == 2
    assert digest(key_of(1), "hash", HASH) != digest(key_of(2), "hash", HASH)
    assert digest(key_of(1), "hash", HASH) != digest(key_of(1), "service", HASH)


def test_another_tenant_is_heard_of_from_three_on_and_only_as_a_band() -> None:
    houses = [seen(name, "hash", HASH) for name in "abcd"]
    assert bands(tokens(houses[:3], key_of)) == {}
    assert bands(tokens(houses, key_of))["i-a"] == {"hash"}


def test_a_thing_that_everybody_has_costs_nothing() -> None:
    hot = [seen(f"t{n % 20}", "hash", HASH, incident=f"i{n}") for n in range(5000)]
    assert tied(*hot) == []

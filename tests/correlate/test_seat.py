"""Which host had an address when, and that what the network saw of a host is tied to what it logged."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.correlate.made_findings import NOON, finding, shares, told

from kazami.correlate.link import LIMITS
from kazami.correlate.seat import QUESTIONS, Seats, seats, wanted
from kazami.model.finding import FINDING

START = int(NOON.timestamp() * 1_000_000)
MINUTE = 60_000_000
HOUR = 60 * MINUTE


def answers(table: str, *rows: dict[str, Any]) -> pa.RecordBatch:
    """What the case answers to the question of a table."""
    schema = next(one for one in QUESTIONS if one.table == table).schema()
    envelope = {"event_uid": "0", "evidence": "e", "record": 1, "tenant": "acme"}
    return pa.RecordBatch.from_pylist(
        [{name: (envelope | row).get(name) for name in schema.names} for row in rows], schema
    )


def seated(*places: tuple[str, str, int]) -> dict[str, Seats]:
    """Seats of the tenant of all tests: address, host, minute."""
    found: dict[str, Seats] = defaultdict(Seats)
    for address, host, minute in places:
        found["acme"].add(address, host, START + minute * MINUTE, START + minute * MINUTE)
    return found


def connection(
    rule: str, minute: float, source: str = "10.0.0.5", target: str = "10.0.0.9", **given: Any
) -> dict[str, Any]:
    return finding(rule, minute, host=source, matched={"id.orig_h": source, "id.resp_h": target}, **given)


@pytest.mark.parametrize(
    ("table", "row", "address", "host"),
    [
        ("network_connection", {"host": "WS5.acme.test", "near": "10.0.0.5", "far": "10.0.0.9", "began": "true"}, "10.0.0.5", "ws5"),
        ("network_connection", {"host": "WS5.acme.test", "near": "10.0.0.9", "far": "10.0.0.5", "began": "false"}, "10.0.0.5", "ws5"),
        ("network_connection", {"host": "WS5", "near": "2001:470:1f0b:0::31", "far": "2001:470::9", "began": "true"}, "2001:470:1f0b::31", "ws5"),
        ("security", {"name": "WS5", "account": "sato", "address": "10.0.0.5"}, "10.0.0.5", "ws5"),
        ("security", {"name": "-", "account": "WS5$", "address": "::ffff:10.0.0.5"}, "10.0.0.5", "ws5"),
        ("kerberos", {"account": "WS5$/ACME.TEST", "address": "10.0.0.5"}, "10.0.0.5", "ws5"),
        ("ntlm", {"name": "WS5", "address": "10.0.0.5"}, "10.0.0.5", "ws5"),
        ("ntlm", {"server": "SRV9", "far": "10.0.0.9"}, "10.0.0.9", "srv9"),
        ("zeek.dhcp", {"name": "ws5", "address": "10.0.0.5"}, "10.0.0.5", "ws5"),
        ("smb_mapping", {"share": r"\\SRV9.acme.test\ADMIN$", "far": "10.0.0.9"}, "10.0.0.9", "srv9"),
        ("dns", {"query": "srv9.acme.test", "answers": '["10.0.0.9"]'}, "10.0.0.9", "srv9"),
    ],
)  # fmt: skip
def test_records_that_name_a_host_with_its_address(
    table: str, row: dict[str, Any], address: str, host: str
) -> None:
    found = seats([answers(table, row | {"time": NOON})])
    assert found["acme"].at(address, START) == host


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (
            "security",
            {"name": "WS5", "account": "sato", "address": "203.0.113.5"},
        ),  # a home, not a machine of ours
        ("security", {"name": "-", "account": "sato", "address": "10.0.0.5"}),  # a person, no machine
        ("security", {"name": "WS5", "account": "sato", "address": "127.0.0.1"}),
        (
            "network_connection",
            {"host": "WS5", "near": "10.0.0.4", "far": "255.255.255.255", "began": "false"},
        ),
        ("network_connection", {"host": "WS5", "near": "fe80::1", "far": "ff02::fb", "began": "false"}),
        ("smb_mapping", {"share": r"\\10.0.0.9\ADMIN$", "far": "10.0.0.9"}),  # an address is no name
        (
            "dns",
            {"query": "farm.acme.test", "answers": '["10.0.0.9","10.0.0.10"]'},
        ),  # several stand behind the name
        ("kerberos", {"account": "sato/ACME.TEST", "address": "10.0.0.5"}),
    ],
)
def test_records_that_name_none(table: str, row: dict[str, Any]) -> None:
    found = seats([answers(table, row | {"time": NOON})])
    assert not any(one.seen for one in found.values())


def test_an_address_that_changed_hands_is_told_by_time() -> None:
    found = seated(("10.0.0.5", "ws5", 0), ("10.0.0.5", "ws6", 600))["acme"]
    assert found.at("10.0.0.5", START + 10 * MINUTE) == "ws5"
    assert found.at("10.0.0.5", START + 590 * MINUTE) == "ws6"
    assert found.at("10.0.0.5", START + 300 * MINUTE) == ""  # both are as near
    assert found.at("10.0.0.5", START + 100 * HOUR) == ""  # nobody knows


def test_an_address_that_changes_hands_within_the_hour_is_told_by_the_minute() -> None:
    rows = [
        {"host": "WS5", "near": "10.0.0.5", "time": NOON + timedelta(minutes=minute)} for minute in (1, 50)
    ]
    rows += [{"host": "WS6", "near": "10.0.0.5", "time": NOON + timedelta(minutes=55)}]
    found = seats([answers("network_connection", *rows)])["acme"]
    assert [found.at("10.0.0.5", START + minute * MINUTE) for minute in (30, 52, 54)] == ["ws5", "ws5", "ws6"]


def test_who_got_an_address_by_a_lease_did_not_have_it_before() -> None:
    leases = [("WS5", 0), ("WS6", 120), ("WS5", 240)]
    rows = [
        {"name": host, "address": "10.0.0.5", "time": NOON + timedelta(minutes=minute)}
        for host, minute in leases
    ]
    found = seats([answers("zeek.dhcp", *rows)])["acme"]
    told = [found.at("10.0.0.5", START + minute * MINUTE) for minute in (-5, 1, 119, 121, 239, 241)]
    assert told == ["ws5", "ws5", "ws5", "ws6", "ws6", "ws5"]


def test_an_address_that_never_changed_is_told_always_and_a_gateway_never() -> None:
    one = seated(("10.0.0.5", "ws5", 0))["acme"]
    assert one.at("10.0.0.5", START + 10_000 * HOUR) == "ws5"
    many = seated(*(("10.0.0.1", f"ws{number}", number) for number in range(12)))["acme"]
    assert many.at("10.0.0.1", START) == ""


def test_what_the_network_did_to_a_host_and_what_it_logged_are_one_incident() -> None:
    rows = [connection("rpc", 0), finding("service installed", 2, host="SRV9.acme.test")]
    apart = told(rows)
    assert len(shares(apart)) == 2
    found = told(rows, seats=seated(("10.0.0.9", "srv9", 0), ("10.0.0.5", "ws5", 0)))
    assert shares(found) == {frozenset(row["finding_uid"] for row in rows)}
    assert {row["kind"] for row in pa.concat_tables(found.links).to_pylist()} >= {"contact"}
    assert set(found.incidents[0].hosts) == {"ws5", "srv9"}  # the address has its name
    assert [(move.source, move.target) for move in found.incidents[0].moves] == [("ws5", "srv9")]


def test_the_machine_that_began_is_tied_as_well() -> None:
    rows = [finding("tool run", -1, host="WS5"), connection("rpc", 0)]
    assert len(shares(told(rows, seats=seated(("10.0.0.5", "ws5", 0))))) == 1


@pytest.mark.parametrize(
    ("minute", "host", "place"),
    [
        (30, "srv8", ("10.0.0.9", "srv9", 0)),  # another host
        (30, "srv9", ("10.0.0.9", "srv9", 0)),  # half an hour later, and not rare enough for the host alone
        (1, "srv9", ("10.0.0.9", "srv8", 0)),  # another host had the address
    ],
)
def test_what_is_not_tied(minute: int, host: str, place: tuple[str, str, int]) -> None:
    rows = [connection("rpc", 0), finding("service installed", minute, host=host)]
    assert LIMITS["contact"].gap == 5 * MINUTE
    assert len(shares(told(rows, seats=seated(place)))) == 2


def test_an_address_that_changed_hands_ties_nothing_of_both_hosts() -> None:
    rows = [connection("beacon", 0, target="203.0.113.9"), connection("tunnel", 70, target="198.51.100.9")]
    assert len(shares(told(rows))) == 1
    assert len(shares(told(rows, seats=seated(("10.0.0.5", "ws5", 0))))) == 1
    assert len(shares(told(rows, seats=seated(("10.0.0.5", "ws5", 0), ("10.0.0.5", "ws6", 70))))) == 2
    stays = seated(("10.0.0.5", "ws5", 0), ("10.0.0.5", "ws5", 70), ("10.0.0.5", "ws6", 700))
    (incident,) = told(rows, seats=stays).incidents
    assert "10.0.0.5" in incident.addresses


def test_hosts_are_not_tied_to_each_other_by_it() -> None:
    """Findings that hosts logged are as apart with seats as without."""
    rows = [finding("a", 0, host="srv9"), finding("b", 4, host="srv9"), connection("rpc", 500)]
    without, with_seats = told(rows), told(rows, seats=seated(("10.0.0.9", "srv9", 0)))
    assert shares(without) == shares(with_seats)


def test_another_tenant_has_its_own_seats() -> None:
    rows = [
        connection("rpc", 0, tenant="other"),
        finding("service installed", 1, host="srv9", tenant="other"),
    ]
    assert len(shares(told(rows, seats=seated(("10.0.0.9", "srv9", 0))))) == 2


def test_seats_are_asked_for_where_findings_are_about_connections() -> None:
    assert wanted(pa.Table.from_pylist([connection("rpc", 0)], FINDING))
    assert not wanted(pa.Table.from_pylist([finding("a", 0, host="srv9"), finding("b", 0)], FINDING))

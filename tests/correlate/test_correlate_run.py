"""What holds for all incidents, whatever the findings: order, repetition, tenants, people's decisions, size."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.correlate.made_findings import finding, rule, shares, told

from kazami.correlate import channel, link
from kazami.correlate.keep import Known
from kazami.correlate.run import FIELDS, Correlated
from kazami.model.incident import Incident

_NAMES = st.sampled_from([None, "a", "b", "c"])
_FINDING = st.builds(
    lambda **words: finding(words.pop("rule"), words.pop("minute"), **words),
    rule=st.sampled_from(["r1", "r2", "r3", "low"]),
    minute=st.one_of(st.none(), st.integers(0, 5000)),
    tenant=st.sampled_from(["t1", "t2"]),
    host=_NAMES,
    user=st.sampled_from([None, "mori", "SYSTEM"]),
    logon_id=st.sampled_from([None, "0x1", "0x3e7"]),
    process_uid=_NAMES,
    parent_uid=_NAMES,
    matched=st.sampled_from([{}, {"IpAddress": "10.0.0.1"}, {"ServiceName": "svc"}]),
)
_FINDINGS = st.lists(_FINDING, max_size=25, unique_by=lambda row: row["finding_uid"])
_LOW = rule("low", "low", "discovery")


def known(found: Correlated, *touched: str) -> Known:
    return Known(
        {one.incident_uid: one for one in found.incidents},
        pa.concat_tables(found.members),
        frozenset(touched),
    )


def plain(found: Correlated) -> list[dict[str, Any]]:
    return sorted((dataclasses.asdict(one) for one in found.incidents), key=lambda one: one["incident_uid"])


@settings(max_examples=60, deadline=None)
@given(_FINDINGS, st.randoms(use_true_random=False))
def test_the_order_of_findings_changes_nothing(rows: list[dict[str, Any]], dice: random.Random) -> None:
    mixed = rows[:]
    dice.shuffle(mixed)
    one, other = told(rows, _LOW), told(mixed, _LOW)
    assert plain(one) == plain(other)
    assert pa.concat_tables(one.links).equals(pa.concat_tables(other.links))
    assert pa.concat_tables(one.skeleton).equals(pa.concat_tables(other.skeleton))


@settings(max_examples=60, deadline=None)
@given(_FINDINGS)
def test_what_is_correlated_again_stays_as_it_is(rows: list[dict[str, Any]]) -> None:
    first = told(rows, _LOW)
    again = told(rows, _LOW, known=known(first))
    assert plain(again) == plain(first)
    assert again.changes == []
    assert plain(told(rows + rows, _LOW)) == plain(first)


@settings(max_examples=60, deadline=None)
@given(_FINDINGS)
def test_a_tenant_is_the_same_with_and_without_others(rows: list[dict[str, Any]]) -> None:
    together, alone = told(rows, _LOW), told([row for row in rows if row["tenant"] == "t1"], _LOW)
    ours = [one for one in plain(together) if one["tenant"] == "t1"]
    assert ours == plain(alone)
    of_finding = {row["finding_uid"]: row["tenant"] for row in rows}
    assert all(len({of_finding[uid] for uid in group}) == 1 for group in shares(together))


@settings(max_examples=60, deadline=None)
@given(_FINDINGS, st.integers(0, 25))
def test_findings_that_come_later_keep_the_ids(rows: list[dict[str, Any]], cut: int) -> None:
    before = told(rows[:cut], _LOW)
    after = told(rows, _LOW, known=known(before))
    there = {one.incident_uid: one for one in after.incidents}
    closed = {one.incident_uid for one in after.changes if one.action == "closed"}
    for one in before.incidents:
        assert one.incident_uid in there or one.incident_uid in closed
    for one in there.values():
        assert not one.redirect or there[one.redirect].state == "open"
    assert sum(len(group) for group in shares(after)) == len(set().union(*shares(after), set()))


def pair(host: str, minute: float = 0, **more: Any) -> list[dict[str, Any]]:
    return [
        finding("r1", minute, host=host, process_uid=f"{host}-p", **more),
        finding("r2", minute + 1, host=host, process_uid=f"{host}-p", **more),
    ]


def bridged() -> list[dict[str, Any]]:
    """Two incidents, and what shows later that they are one: a process of the second started by one of the first."""
    return [
        *pair("h1"),
        *pair("h2", 300),
        finding("r4", 301, host="h2", process_uid="h2-p", parent_uid="h1-p"),
    ]


def test_two_incidents_that_turn_out_to_be_one_are_merged_into_the_older() -> None:
    before = told(bridged()[:4])
    old, young = sorted(before.incidents, key=lambda one: one.first or 0)  # type: ignore[arg-type, return-value]
    after = told(bridged(), known=known(before))
    there = {one.incident_uid: one for one in after.incidents}
    assert there[old.incident_uid].findings == 5
    assert (there[young.incident_uid].state, there[young.incident_uid].redirect) == (
        "redirected",
        old.incident_uid,
    )
    assert [(one.action, one.other) for one in after.changes if one.action == "merged"] == [
        ("merged", young.incident_uid)
    ]


@pytest.mark.parametrize(
    "held",
    [{"state": "closed"}, {"owner": "aki"}, {"verdict": "false positive"}],
    ids=lambda said: next(iter(said)),
)
def test_what_people_decided_is_not_merged(held: dict[str, str]) -> None:
    before = told(bridged()[:4])
    first, second = sorted(before.incidents, key=lambda one: one.hosts)
    changed = Correlated([dataclasses.replace(first, **held), dataclasses.replace(second, owner="ben")])
    changed.members = before.members
    after = told(bridged(), known=known(changed, first.incident_uid, second.incident_uid))
    assert {one.incident_uid: one.findings for one in after.incidents}.keys() == {
        first.incident_uid,
        second.incident_uid,
    }
    assert not any(one.redirect for one in after.incidents)
    assert any("kept apart" in why.en for one in after.incidents for why in one.why)
    assert {one.owner for one in after.incidents} >= {"ben"}


def test_new_findings_of_a_closed_incident_make_a_new_one() -> None:
    before = told(pair("h1"))
    closed = Correlated([dataclasses.replace(before.incidents[0], state="closed")], before.members)
    rows = [*pair("h1"), *pair("h1", 600)]
    after = told(rows, known=known(closed))
    states = {one.incident_uid: (one.state, one.findings) for one in after.incidents}
    assert states.pop(before.incidents[0].incident_uid) == ("closed", 2)
    assert list(states.values()) == [("open", 2)]


def test_an_entity_of_everything_is_hot_and_ties_nothing() -> None:
    rows = [finding(f"r{n}", 600 * n, host=f"h{n}", matched={"IpAddress": "10.0.0.1"}) for n in range(30)]
    found = told(rows)
    assert found.hot == {"acme": ["10.0.0.1"]}
    assert all(len(group) == 1 for group in shares(found))


def test_an_incident_that_grows_too_large_is_cut_at_its_weakest_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kazami.correlate.tie.LARGEST", 3)
    rows = [*pair("h1", user="mori"), *pair("h2", 20, user="mori")]
    assert len(shares(told(rows))) == 2
    monkeypatch.setattr("kazami.correlate.tie.LARGEST", 4)
    assert len(shares(told(rows))) == 1


def test_a_process_tree_of_one_host_stays_whole_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kazami.correlate.tie.LARGEST", 3)
    tree = [finding(f"r{n}", 20 * n, host="h1", process_uid="p1") for n in range(8)]
    assert [len(group) for group in shares(told(tree))] == [8]
    spread = [
        finding(f"r{n}", 20 * n, host=f"h{n}", process_uid=f"p{n}", parent_uid=f"p{n - 1}") for n in range(8)
    ]
    assert len(shares(told(spread))) > 1


def every(
    minutes: int, hours: int, name: str = "dns", host: str = "srv1", start: int = 0
) -> list[dict[str, Any]]:
    count = hours * 60 // minutes
    return [finding(name, start + minutes * n, host=host, uid=f"{host}{n}") for n in range(count)]


DNS = rule("dns", "low", "command-and-control")


def test_what_never_sleeps_is_a_channel_on_its_own() -> None:
    rows = [*every(15, 48), *every(15, 48, host="firewall", start=1), *pair("srv1", 600)]
    found = told(rows, DNS)
    channels = [one for one in found.incidents if "dns" in {step.rule_id for step in one.steps}]
    assert [one.title.en for one in channels] == ["Ceaseless command and control from srv1, firewall"]
    assert channels[0].findings == 2 * 48 * 4
    assert len(found.incidents) == 2
    assert "day and night" in channels[0].why[0].en


@pytest.mark.parametrize(
    "rows",
    [
        every(15, 20),
        [*every(15, 9), *every(15, 9, start=1440), *every(15, 9, start=2880)],
        every(15, 48, name="other"),
        [row for host in "abcd" for row in every(15, 48, host=host)],
    ],
    ids=["less than a day", "office hours", "not about the outside", "many hosts"],
)
def test_what_sleeps_or_is_everywhere_is_no_channel(rows: list[dict[str, Any]]) -> None:
    assert told(rows, DNS, rule("other", "low", "discovery")).incidents == []


def test_fields_of_events_tie_findings_of_their_tenant_only() -> None:
    rows = [
        finding("r1", 0, host="h1"),
        finding("r2", 300, host="h2"),
        finding("r2", 300, host="h2", tenant="t2"),
    ]
    fields = [{"finding_uid": row["finding_uid"], "field": "IpAddress", "value": "10.0.0.7"} for row in rows]
    strangers = [{"finding_uid": "nobody", "field": "IpAddress", "value": "10.0.0.8"}]
    found = told(rows, fields=pa.Table.from_pylist([*fields, *strangers], FIELDS))
    assert sorted(map(len, shares(found))) == [1, 2]
    assert {one.addresses for one in found.incidents} == {("10.0.0.7",)}


def test_a_move_is_an_arrow_from_host_to_host() -> None:
    rows = [finding("r1", 0, host="h1", user="mori"), finding("r2", 30, host="h2", user="mori")]
    moves = told(rows).incidents[0].moves
    assert [(one.source, one.target, one.account, one.step) for one in moves] == [("h1", "h2", "mori", 2)]
    assert moves[0].words.ja == "h1 から h2 へ"


def test_braces_and_long_texts_of_rules_are_only_text() -> None:
    title = "{where} {0} %s " + "x" * 5000
    found = told([finding("evil", 0, host="{h}")], dataclasses.replace(rule("evil"), title=title))
    assert isinstance(found.incidents[0], Incident)
    assert "{where} {0} %s" in found.incidents[0].title.en
    assert len(found.incidents[0].steps[0].title) == 300


def test_one_entity_with_very_many_findings_is_quick_and_whole() -> None:
    rows = [finding("r1", n / 1000, host="h1", process_uid="p1", uid=str(n)) for n in range(20_000)]
    found = told([*rows, finding("r2", 1, host="h1", process_uid="p1")])
    assert [one.findings for one in found.incidents] == [20_001]
    assert [step.findings for step in found.incidents[0].steps] == [20_000, 1]
    assert len(found.incidents[0].steps[0].finding_uids) == 100


def test_limits_name_only_kinds_that_can_be_said() -> None:
    from kazami.correlate.words import LINKS

    assert set(link.LIMITS) <= set(LINKS)
    assert channel.LASTS > channel.SILENCE

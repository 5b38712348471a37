"""What is found months later: it joins the incident that it belongs to, and what people decided holds."""

from __future__ import annotations

import dataclasses
from typing import Any

import pyarrow as pa
import pytest
from tests.correlate.made_findings import finding, rule, told

from kazami.correlate.keep import Known
from kazami.correlate.run import Correlated
from kazami.model.incident import Incident

MONTH = 30 * 24 * 60
MEDIUM = rule("later", "medium", "collection")
CONTROL, INSIDE = {"IpAddress": "203.0.113.9"}, {"IpAddress": "10.0.0.9"}


def intrusion(said: dict[str, str], count: int = 20) -> list[dict[str, Any]]:
    """An incident that is long enough for its address to be nothing rare."""
    rows = [finding(f"r{n % 4}", 10 * n, host="h1", matched=said, uid=str(n)) for n in range(count)]
    return [*rows, *background()]


def background() -> list[dict[str, Any]]:
    """Hours in which no rule of the intrusion was true."""
    return [finding("noise", 60 * hour, host="elsewhere") for hour in range(-200, 0)]


NOISE = rule("noise", "informational")


def kept(found: Correlated, *touched: str, **said: Any) -> Known:
    """What the case has of it; `said` is what people said of each that they touched."""
    incidents = {
        one.incident_uid: dataclasses.replace(one, **(said if one.incident_uid in touched else {}))
        for one in found.incidents
    }
    return Known(
        incidents, pa.concat_tables(found.members), frozenset(touched), pa.concat_tables(found.skeleton)
    )


def of(found: Correlated) -> list[Incident]:
    return sorted((one for one in found.incidents if not one.redirect), key=lambda one: one.incident_uid)


def test_three_scans_months_apart_are_one_incident() -> None:
    rows = intrusion(CONTROL)
    first = told(rows, MEDIUM, NOISE)
    (old,) = of(first)
    rows = [*rows, finding("later", 4 * MONTH, host="h7", matched=CONTROL)]
    second = told(rows, MEDIUM, NOISE, known=kept(first))
    assert [one.incident_uid for one in of(second)] == [old.incident_uid]
    rows = [*rows, finding("r9", 9 * MONTH, host="h8", matched=CONTROL)]
    third = told(rows, MEDIUM, NOISE, known=kept(second))
    (one,) = of(third)
    assert (one.incident_uid, one.findings, one.hosts) == (old.incident_uid, 22, ("h1", "h7", "h8"))
    assert {"skeleton"} <= {row["kind"] for row in pa.concat_tables(third.links).to_pylist()}
    assert [change.action for change in third.changes] == ["joined"]
    again = told(rows, MEDIUM, NOISE, known=kept(third))
    assert (of(again), again.changes) == (of(third), [])


@pytest.mark.parametrize(
    "rows",
    [
        [*intrusion(INSIDE), finding("later", 4 * MONTH, host="h7", matched=INSIDE)],
        [
            *intrusion(CONTROL),
            *(finding("noise", 3 * MONTH + 60 * n, host="h2", matched=CONTROL) for n in range(30)),
            finding("later", 5 * MONTH, host="h7", matched=CONTROL),
        ],
        [*intrusion(CONTROL), finding("noise", 4 * MONTH, host="h7", matched=CONTROL)],
    ],
    ids=["an address that is given out anew", "mostly outside of incidents", "says too little"],
)
def test_what_anybody_may_have_later_joins_nothing(rows: list[dict[str, Any]]) -> None:
    (one,) = of(told(rows, MEDIUM, NOISE))
    assert one.hosts == ("h1",)


def test_an_account_of_incidents_joins_after_months() -> None:
    rows = [
        *(finding(f"r{n % 4}", 10 * n, host="h1", user="corp\\mori", uid=str(n)) for n in range(20)),
        finding("later", 4 * MONTH, host="h7", user="mori@corp.example"),
        *background(),
    ]
    (one,) = of(told(rows, MEDIUM, NOISE))
    assert one.hosts == ("h1", "h7")


def test_another_tenant_joins_nothing_whatever_it_shares() -> None:
    rows = [
        *intrusion(CONTROL),
        finding("later", 4 * MONTH, host="h7", matched=CONTROL, tenant="other"),
        finding("r0", 4 * MONTH, host="h7", matched=CONTROL, tenant="other"),
    ]
    assert {one.tenant: one.findings for one in of(told(rows, MEDIUM, NOISE))} == {"acme": 20, "other": 2}


def test_an_incident_whose_findings_are_gone_is_found_again_by_its_skeleton() -> None:
    first = told(intrusion(CONTROL), MEDIUM, NOISE)
    (old,) = of(first)
    held = kept(first, old.incident_uid, owner="aki")
    late = [finding("later", 4 * MONTH, host="h7", matched=CONTROL), *background()]
    second = told(late, MEDIUM, NOISE, known=held)
    (one,) = of(second)
    assert (one.incident_uid, one.owner, one.hosts) == (old.incident_uid, "aki", ("h1", "h7"))
    assert [(step.number, step.gone) for step in one.steps] == [(n, n < 5) for n in range(1, 6)]
    assert one.findings == 21
    assert "119 days" in one.why[-1].en
    members = pa.concat_tables(second.members).to_pylist()
    assert [(row["finding_uid"], row["step"]) for row in members] == [(late[0]["finding_uid"], 5)]
    again = told(late, MEDIUM, NOISE, known=kept(second, old.incident_uid, owner="aki"))
    assert of(again) == of(second)
    assert again.changes == []
    third = told(
        [*late, finding("r9", 9 * MONTH, host="h8", matched=CONTROL)],
        MEDIUM,
        NOISE,
        known=kept(again, old.incident_uid, owner="aki"),
    )
    assert [(one.incident_uid, one.findings) for one in of(third)] == [(old.incident_uid, 22)]


def test_a_closed_one_whose_findings_are_gone_takes_nothing_and_is_named() -> None:
    first = told(intrusion(CONTROL), MEDIUM, NOISE)
    (old,) = of(first)
    held = kept(first, old.incident_uid, state="closed")
    second = told([*background(), finding("later", 4 * MONTH, host="h7", matched=CONTROL)], known=held)
    new = next(one for one in of(second) if one.incident_uid != old.incident_uid)
    assert (new.hosts, new.state) == (("h7",), "open")
    assert new.why[-1].en == f"it is kept apart from {old.incident_uid[:12]}, which is closed"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"state": "closed"}, "which is closed"),
        ({"owner": "ben"}, "which belongs to ben"),
        ({"verdict": "benign"}, "which was judged benign"),
        ({}, "in which a person had a hand"),
    ],
    ids=["closed", "owner", "verdict", "touched"],
)
def test_a_refusal_says_why(said: dict[str, str], words: str) -> None:
    """Two incidents that an address ties months apart; both are held by people."""
    rows = [*intrusion(INSIDE), finding("r8", 4 * MONTH, host="h7", matched=INSIDE)]
    first = told(rows, MEDIUM, NOISE)
    uids = [one.incident_uid for one in sorted(of(first), key=lambda one: one.hosts)]
    known = kept(first, *uids)
    incidents = {**known.incidents, uids[1]: dataclasses.replace(known.incidents[uids[1]], **said)}
    known = dataclasses.replace(known, incidents=incidents)
    bridge = finding("r5", 4 * MONTH, host="h7", process_uid="p")
    tied = [bridge, *(finding("r6", 5, host="h1", process_uid="p", uid=str(n)) for n in range(2))]
    tied += [finding("r7", 4 * MONTH, host="h7", user="kudo"), finding("r7", 10, host="h1", user="kudo")]
    rows = [*rows, *tied, finding("r7", 4 * MONTH + 1, host="h7", user="kudo", matched=INSIDE)]
    rows += [finding("r7", 11, host="h1", user="kudo", matched=INSIDE)]
    second = told(rows, MEDIUM, NOISE, known=known)
    assert any(words in why.en for one in of(second) for why in one.why)


def test_what_too_many_share_is_named_where_it_was_met() -> None:
    rows = [finding(f"r{n}", 600 * n, host=f"h{n}", matched=INSIDE) for n in range(30)]
    found = told(rows)
    assert len(of(found)) == 30
    assert all(one.why[-1].en == "what too many hosts share ties nothing here: 10.0.0.9" for one in of(found))

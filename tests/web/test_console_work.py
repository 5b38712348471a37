"""Work at the console: logging and its gaps, what rules cost, merging out of a list, tokens of programs."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import PASSWORD

from kazami.errors import CaseError
from kazami.pipeline.incidents import correlated, known_of
from kazami.store.case import Case
from kazami.store.incidents import changes
from kazami.web.app import create_app
from kazami.web.aside import Soon
from kazami.web.site import Site
from kazami.web.state import audit


def signed_in(client: TestClient, name: str) -> str:
    """Somebody signs in: the proof of their session."""
    assert client.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
    found = re.search(r'name="proof" value="(\w+)"', client.get("/incidents").text)
    assert found
    return found[1]


def made_aside(client: TestClient, path: str, ready: Any) -> dict[str, Any]:
    for _ in range(120):
        data: dict[str, Any] = client.get(path).json()["data"]
        if ready(data):
            return data
        time.sleep(0.5)
    raise AssertionError(f"{path} was never ready")


def test_logging_is_told_by_setting_and_by_machine_behind_the_wall(client: TestClient) -> None:
    signed_in(client, "ana")
    data = made_aside(client, "/evidence/logging.json", lambda data: data["ready"])
    creation = next(row for row in data["settings"] if row["id"] == "process-creation")
    assert creation["on"] == len(data["hosts"]) > 5
    assert any(row["blind"] for row in data["settings"])
    assert {row["kind"] for row in data["tampering"]} == {"cleared"}
    assert data["holes"]
    host = data["tampering"][0]["host"]
    one = client.get("/evidence/logging.json", params={"host": host}).json()["data"]
    assert {row["state"] for row in one["machine"]} >= {"on", "unknown"}
    assert {row["host"] for row in one["tampering"] + one["holes"]} <= {host}
    signed_in(client, "water")
    mine = client.get("/evidence/logging.json").json()["data"]
    assert {row["tenant"] for row in mine["tampering"] + mine["holes"]} == {"aoba-water"}
    assert mine["hosts"]
    assert not set(mine["hosts"]) & {one for one in data["hosts"] if not one.startswith("AOBA")}
    foreign = client.get("/evidence/logging.json?tenant=kumo-msp").json()["data"]
    assert (foreign["hosts"], foreign["settings"], foreign["holes"]) == ([], [], [])


def test_what_rules_cost_is_measured_over_the_events_of_the_case(client: TestClient) -> None:
    signed_in(client, "ana")
    data = made_aside(client, "/rules.json?show=cost", lambda data: data["cost"]["ready"])["cost"]
    assert data["events"] > 1000
    shares = [row["share"] for row in data["rows"]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1.01
    assert any(row["matches"] for row in data["rows"])
    assert "%" in client.get("/rules?show=cost").text


def test_what_is_made_aside_is_made_once_and_a_failure_is_told_once() -> None:
    soon, calls = Soon(), []

    def make() -> int:
        calls.append(1)
        time.sleep(0.2)
        return 7

    assert soon.get("a", "1", make, 0.0) is None
    assert soon.get("a", "1", make, 5.0) == 7
    assert soon.get("a", "1", make, 0.0) == 7
    assert len(calls) == 1
    assert soon.get("a", "2", make, 5.0) == 7
    assert len(calls) == 2

    def fails() -> int:
        raise CaseError("gone")

    with pytest.raises(CaseError, match="gone"):
        soon.get("b", "1", fails, 5.0)
    assert soon.get("b", "1", lambda: 1, 5.0) == 1


def test_a_tenant_told_alone_is_told_as_among_all(example_case: Path) -> None:
    with Case.open(example_case, read_only=True) as case:
        whole = correlated(case, known_of(case)).incidents
        tenants = {one.tenant for one in whole}
        assert len(tenants) > 2
        for tenant in tenants:
            alone = correlated(case, known_of(case, tenant), tenant=tenant).incidents
            assert alone == [one for one in whole if one.tenant == tenant]


def test_a_preview_is_made_aside_and_what_cannot_be_previewed_says_why(client: TestClient) -> None:
    signed_in(client, "ana")
    tenant, host = "aoba-water", "AOBA-*"
    asked = f"/suppressions.json?tenant={tenant}&host="
    seen = made_aside(client, asked + host, lambda data: data["ready"])["preview"]
    assert seen["findings"] == sum(count for *_, count in seen["rules"]) > 0
    assert {one["left"] for one in seen["incidents"]} == {0}
    wrong = made_aside(client, asked + "*", lambda data: data["ready"])
    assert (wrong["preview"], "silences everything" in wrong["wrong"]) == (None, True)


def test_chosen_incidents_of_one_tenant_become_the_gravest_of_them(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        rows = client.get("/incidents.json").json()["data"]["rows"]
        tenant = max((row["tenant"] for row in rows), key=[row["tenant"] for row in rows].count)
        mine = [row["uid"] for row in rows if row["tenant"] == tenant]
        other = next(row["uid"] for row in rows if row["tenant"] != tenant)
        first, second = mine[:2]
        for wrong, code in (([first], 400), ([first, other], 400), ([first, "f" * 32], 404)):
            form = {"proof": proof, "uids": wrong}
            assert client.post("/incidents/merge", data=form).status_code == code
        form = {"proof": proof, "uids": [second, first], "note": "one intrusion", "verdict": "true positive"}
        assert client.post("/incidents/merge", data=form).status_code == 303
        after = client.get("/incidents.json").json()["data"]["rows"]
        assert len(after) == len(rows) - 1
        assert second not in {row["uid"] for row in after}
        assert next(row for row in after if row["uid"] == first)["verdict"] == "true positive"
    line = audit.lines(changeable.state)[0]
    assert (line.act, line.what) == ("merge", {"others": [second]})
    with Case.open(changeable.desk(None).case, read_only=True) as case:  # type: ignore[union-attr]
        assert ("merged", "one intrusion") in {(c.action, c.note) for c in changes(case, first)}


def test_a_token_is_shown_once_listed_used_and_ended(client: TestClient) -> None:
    proof = signed_in(client, "ana")
    answer = client.post("/me/token", data={"proof": proof, "label": "nightly", "days": "30"})
    assert answer.status_code == 200
    token = re.search(r'value="([\w-]{43})"', answer.text)
    assert token
    page = client.get("/me").text
    assert "nightly" in page
    assert token[1] not in page
    headers = {"authorization": f"Bearer {token[1]}"}
    client.cookies.clear()
    assert client.get("/incidents.json", headers=headers).status_code == 200
    other = signed_in(client, "chief")
    uid = re.search(r'name="id" value="(\w+)"', page)
    assert uid
    assert client.post("/me/token/end", data={"proof": other, "id": uid[1]}).status_code == 404
    mine = signed_in(client, "ana")
    assert client.post("/me/token/end", data={"proof": mine, "id": uid[1]}).status_code == 303
    client.cookies.clear()
    assert client.get("/incidents.json", headers=headers).status_code == 401

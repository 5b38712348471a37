"""Every page and its JSON twin; the wall; decisions; words."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import PASSWORD

from kazami.respond.language import words
from kazami.store.case import Case
from kazami.store.incidents import changes, incident
from kazami.web.acts import ACTS
from kazami.web.app import create_app
from kazami.web.face import catalog
from kazami.web.pages import RESOURCES
from kazami.web.site import Site
from kazami.web.state import people

OPEN = ["/", "/incidents", "/findings", "/entities", "/rules", "/evidence"]
TEMPLATES = Path(__file__).parents[2] / "src" / "kazami" / "web" / "templates"


def signed_in(client: TestClient, name: str) -> TestClient:
    assert client.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
    return client


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_page_has_its_twin(client: TestClient, lang: str) -> None:
    signed_in(client, "chief")
    first = client.get("/incidents.json").json()["data"]["rows"][0]["uid"]
    finding = client.get("/findings.json").json()["data"]["rows"][0]
    uids = {"incidents": first, "findings": finding["uid"], "rules": finding["rule"]}
    campaigns = client.get("/campaigns.json").json()["data"]
    uids["campaigns"] = campaigns[0]["campaign_uid"]
    for resource in RESOURCES:
        kind = resource.path.split("/")[1]
        if resource.path in ("/jobs/{uid}", "/files/{sha256}"):  # have their tests where there is one
            continue
        path = resource.path.format(uid=uids.get(kind), name="G1017", id="H4")
        page = client.get(f"{path}?lang={lang}")
        assert (page.status_code, path) == (200, path)
        assert len(page.content) < 300_000
        twin = client.get(f"{'/index' if path == '/' else path}.json")
        assert twin.status_code == 200
        assert set(twin.json()) == {"data", "meta"}


def test_lists_are_paged_to_their_end(client: TestClient) -> None:
    signed_in(client, "ana")
    seen: list[str] = []
    after = ""
    while True:
        data = client.get(f"/findings.json?limit=40&after={after}").json()["data"]
        seen += [row["uid"] for row in data["rows"]]
        if not data["next"]:
            break
        after = data["next"]
    assert len(seen) == len(set(seen)) > 200
    total = client.get("/incidents.json?state=all").json()["data"]["total"]
    walked = 0
    after = ""
    for _ in range(total):
        data = client.get(f"/incidents.json?state=all&limit=1&after={after}").json()["data"]
        walked += len(data["rows"])
        after = data["next"]
    assert (walked, after) == (total, None)


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=9999",
        "?after=%00",
        "?after=W10",
        "?level=loud",
        "?since=yesterday",
        "?unknown=1",
        "?limit=x",
    ],
)
def test_what_cannot_be_asked_is_said(client: TestClient, query: str) -> None:
    signed_in(client, "ana")
    answer = client.get(f"/findings.json{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_words_that_matched_are_found(client: TestClient) -> None:
    signed_in(client, "ana")
    rows = client.get("/findings.json?text=orders.7z").json()["data"]["rows"]
    assert rows
    assert all("orders.7z" in str(row["matched"]) for row in rows)
    assert client.get('/findings.json?text="*^NEAR(').status_code == 200
    assert client.get("/findings.json?text=nowhere-to-be-found-at-all").json()["data"]["rows"] == []


def test_a_reader_sees_its_own_tenant_alone(client: TestClient, program: Any) -> None:
    all_of_it = client.get("/findings.json?limit=500", headers=program("ana")).json()["data"]["rows"]
    others = [row for row in all_of_it if row["tenant"] != "aoba-water"]
    incidents = client.get("/incidents.json?state=all", headers=program("ana")).json()["data"]["rows"]
    foreign = [row for row in incidents if row["tenant"] != "aoba-water"]
    assert others
    assert foreign
    signed_in(client, "water")
    secrets = {value for row in others for value in (row["tenant"], row["host"]) if value} | {
        r["uid"] for r in foreign
    }
    for path in OPEN:
        for text in (client.get(path).text, client.get(f"{'/index' if path == '/' else path}.json").text):
            assert not [secret for secret in secrets if secret in text]
    for row in others[:20]:
        assert client.get(f"/findings/{row['uid']}.json").status_code == 404
        assert client.get(f"/findings.json?tenant={row['tenant']}").json()["data"]["rows"] == []
    for row in foreign:
        assert client.get(f"/incidents/{row['uid']}.json").status_code == 404
        headers = program("water")
        assert (
            client.post(f"/incidents/{row['uid']}/comment", json={"text": "x"}, headers=headers).status_code
            == 404
        )
    for act in ACTS:
        path = act.path.replace("{uid}", incidents[0]["uid"])
        if act.may(people.Person(9, "water", "reader", frozenset({"aoba-water"}))):
            continue
        assert client.post(path, json={}, headers=program("water")).status_code == 403, path


def test_decisions_reach_the_case_and_the_page_at_once(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        signed_in(client, "ana")
        rows = client.get("/incidents.json").json()["data"]["rows"]
        proof = re.search(r'name="proof" value="(\w+)"', client.get("/incidents").text)
        assert proof
        first, second, third = (row["uid"] for row in rows[:3])
        form = {"proof": proof[1], "uids": [first, second], "state": "closed", "verdict": "benign"}
        assert client.post("/incidents/mark", data=form).status_code == 303
        assert client.get("/incidents.json").json()["data"]["total"] == len(rows) - 2
        one = client.get(f"/incidents/{first}.json").json()["data"]
        assert (one["incident"]["state"], one["incident"]["verdict"]) == ("closed", "benign")
        assert one["history"][0]["who"] == "ana"
        assert client.post("/incidents/mark", data={**form, "uids": [third, "f" * 32]}).status_code == 404
        assert client.get("/incidents.json").json()["data"]["total"] == len(rows) - 2
    with Case.open(changeable.desk(None).case, read_only=True) as case:  # type: ignore[union-attr]
        kept = incident(case, first)
        assert kept is not None
        assert (kept.state, kept.verdict) == ("closed", "benign")
        assert [c.action for c in changes(case, first)][-2:] == ["closed", "judged"]


def test_notices_are_drafted_shown_and_sent_only_when_somebody_is_sure(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        signed_in(client, "ana")
        headers = {"x-kazami-proof": ""}
        one = client.get("/incidents.json?tenant=aoba-water").json()["data"]["rows"][0]["uid"]
        path = f"/incidents/{one}/notices"
        assert client.get(f"{path}.json").json()["data"]["actions"] == []
        assert client.post(f"{path}/plan", json={}, headers=headers).status_code == 403
        proof = re.search(r'name="proof" value="(\w+)"', client.get(path).text)
        assert proof
        headers = {"x-kazami-proof": proof[1]}
        assert client.post(f"{path}/plan", json={"tlp": "RED"}, headers=headers).status_code == 200
        data = client.get(f"{path}.json").json()["data"]
        assert {action["tenant"] for action in data["actions"]} == {"aoba-water"}
        assert data["drafts"]
        assert all("RED" in draft["text"] for draft in data["drafts"])
        assert not any("minato" in draft["text"] for draft in data["drafts"])
        assert client.post(f"{path}/send", json={}, headers=headers).status_code == 400
        told = client.post(f"{path}/send", json={"sure": True}, headers=headers).json()["data"]["actions"]
        assert {action["tenant"] for action in told} == {"aoba-water"}
        signed_in(client, "water")
        assert client.get(f"{path}.json").status_code == 403


def test_questions_in_sql_read_and_nothing_else(client: TestClient) -> None:
    signed_in(client, "ana")
    good = client.get(
        "/ask.json", params={"query": "select host, count(*) as n from finding group by 1 order by 2 desc"}
    )
    assert good.json()["data"]["names"] == ["host", "n"]
    for bad in (
        "drop table finding",
        "select * from read_csv('/etc/passwd')",
        "copy finding to '/tmp/x'",
        "select (",
    ):
        answer = client.get("/ask.json", params={"query": bad}).json()["data"]
        assert answer["wrong"]
        assert answer["rows"] == []


def test_a_case_that_vanishes_is_told(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        signed_in(client, "ana")
        finding = client.get("/findings.json").json()["data"]["rows"][0]["uid"]
        shutil.rmtree(changeable.desk(None).case)  # type: ignore[union-attr]
        answer = client.get(f"/findings/{finding}.json")
        assert answer.status_code == 200
        assert "there is no case" in answer.json()["data"]["note"]


def test_catalogs_have_the_same_words_and_all_that_templates_say() -> None:
    english, japanese, report = catalog("en"), catalog("ja"), words("en").texts
    assert english.keys() == japanese.keys()
    for key in english:
        assert sorted(re.findall(r"{\w*}", english[key])) == sorted(re.findall(r"{\w*}", japanese[key])), key
    for template in TEMPLATES.glob("*.html"):
        for key in re.findall(r'w\("([a-z_.]+)"[),]', template.read_text()):
            assert key in english or key in report, (template.name, key)

"""What people find by hunting becomes findings: with who and when, in an incident at once, and kept by later scans."""

from __future__ import annotations

import re
from typing import Any

from starlette.testclient import TestClient
from tests.web.conftest import EXAMPLE, PASSWORD

from kazami.pipeline.request import Request
from kazami.pipeline.scan import scan
from kazami.web.app import create_app
from kazami.web.quiet import Quiet
from kazami.web.site import Site
from kazami.web.state import audit

QUERY = "select time, host, CommandLine, event_uid from process_creation where tenant = 'minato-foods' and CommandLine ilike '%whoami%'"


def signed_in(client: TestClient, name: str) -> str:
    assert client.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
    found = re.search(r'name="proof" value="(\w+)"', client.get("/incidents").text)
    assert found
    return found[1]


def found(client: TestClient, rule: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/findings.json", params={"rule": rule}).json()["data"]["rows"]
    return rows


def test_rows_of_an_answer_become_findings_of_an_incident(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        page = client.get("/ask", params={"query": QUERY})
        events = re.findall(r'name="events" value="(\w+)"', page.text)
        assert events
        form = {"proof": proof, "query": QUERY, "title": "Who am I", "level": "high", "note": "by hand"}
        assert client.post("/ask/findings", data={**form, "events": ["f" * 32]}).status_code == 400
        assert (
            client.post("/ask/findings", data={**form, "events": events, "level": "loud"}).status_code == 400
        )
        assert client.post("/ask/findings", data=form).status_code == 400
        answer = client.post("/ask/findings", data={**form, "events": events})
        assert answer.status_code == 303
        rule = answer.headers["location"].partition("rule=")[2]
        rows = found(client, rule)
        assert len(rows) == len(events)
        assert all(row["incident"] for row in rows)
        assert {(row["matched"]["asserted by"], row["matched"]["note"], row["level"]) for row in rows} == {
            ("ana", "by hand", "high")
        }
        again = client.post("/ask/findings", data={**form, "events": events[:1]})
        assert again.status_code == 303
        assert len(found(client, rule)) == len(rows)
        line = audit.lines(changeable.state)[0]
        assert (line.who, line.act, line.what["new"], line.what["source"]) == (
            "ana",
            "assert findings",
            0,
            QUERY,
        )
        desk = next(iter(changeable.desks.values()))
        scan(Request((EXAMPLE,), desk.case, tenant_from_folder=True), Quiet())
        desk.refresh(force=True)
        assert {row["uid"] for row in found(client, rule)} == {row["uid"] for row in rows}
        assert {row["tenant"] for row in rows} == {"minato-foods"}
        signed_in(client, "water")
        assert client.get(f"/rules/{rule}").status_code == 404
        assert "Who am I" not in client.get("/rules?show=use&text=who+am").text
        assert client.post("/ask/findings", data=form).status_code == 403


def test_a_hunt_keeps_its_words_and_its_techniques(changeable: Site) -> None:
    with TestClient(create_app(changeable), follow_redirects=False) as client:
        proof = signed_in(client, "ana")
        for hunt in (row["id"] for row in client.get("/hunts.json").json()["data"]):
            data = client.get(f"/hunts/{hunt}.json").json()["data"]
            if "event_uid" in data["names"] and data["rows"]:
                break
        uid = data["rows"][0][data["names"].index("event_uid")]
        form = {"proof": proof, "events": uid, "level": "critical"}
        answer = client.post(f"/hunts/{hunt}/findings", data=form)
        assert answer.headers["location"] == f"/findings?rule=hunt.{hunt}.critical"
        told = client.get(f"/rules/hunt.{hunt}.critical.json").json()["data"]
        assert (told["title"], told["kind"]) == (data["hunt"]["title"], "hunt")
        assert told["techniques"] == data["hunt"]["techniques"]
        assert client.post("/hunts/H999/findings", data=form).status_code == 404

"""Who gets in, and how; what every answer carries."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import PASSWORD

from kazami.errors import UsageError
from kazami.web.app import create_app
from kazami.web.site import Site
from kazami.web.state import audit, people, sessions
from kazami.web.state.state import State


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **headers: str) -> Any:
    return client.post("/sign-in", data={"name": name, "password": password}, headers=headers)


def test_nobody_sees_anything_without_signing_in(client: TestClient) -> None:
    assert client.get("/incidents.json").status_code == 401
    answer = client.get("/incidents?state=all")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Fincidents%3Fstate%3Dall",
    )


def test_a_session_begins_with_the_right_password_and_ends_when_told(client: TestClient, site: Site) -> None:
    assert sign_in(client, "ana", "not the password").status_code == 401
    assert sign_in(client, "nobody at all").status_code == 401
    answer = sign_in(client, "ana")
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/incidents").status_code == 200
    session = sessions.of(site.state, client.cookies["kazami"])
    assert session is not None
    assert client.post("/sign-out", data={"proof": session.proof}).status_code == 303
    assert client.get("/incidents").status_code == 303
    assert [line.act for line in audit.lines(site.state)] == ["sign in", "sign in refused", "sign in refused"]


def test_names_are_not_tried_without_end(client: TestClient) -> None:
    codes = [sign_in(client, "ana", "wrong wrong wrong").status_code for _ in range(9)]
    assert codes[:6] == [401] * 6
    assert set(codes[6:]) == {429}


def test_only_our_own_pages_sign_in_and_change(client: TestClient) -> None:
    assert sign_in(client, "ana", origin="https://evil.example").status_code == 403
    assert sign_in(client, "ana").status_code == 303
    for body in ({"proof": "x"}, {"proof": "0" * 64}, {"none": "x"}):
        assert client.post("/seen", data=body).status_code == 403
    assert client.post("/seen", json={}, headers={"accept": "application/json"}).status_code == 403


def test_the_way_back_never_leaves_the_console(client: TestClient) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = client.post("/sign-in", data={"name": "ana", "password": PASSWORD, "next": target})
        assert answer.headers.get("location") in ("/", None)


def test_every_answer_is_strict(client: TestClient) -> None:
    for path in ("/sign-in", "/nowhere", "/incidents.json", "/static/style.css"):
        answer = client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_other_names_and_large_bodies_are_refused(client: TestClient, program: Any) -> None:
    assert client.get("/sign-in", headers={"host": "evil.example"}).status_code == 421
    headers = {**program("ana"), "content-type": "application/json"}
    assert client.post("/seen", content=b" " * (1 << 21), headers=headers).status_code == 413
    assert (
        client.post("/seen", content=iter([b" " * (1 << 20), b" " * (1 << 20)]), headers=headers).status_code
        == 413
    )
    assert client.get("/incidents?text=" + "x" * 9000).status_code == 414


def test_the_first_account_needs_the_link_and_works_once(site: Site, tmp_path: Any) -> None:
    fresh = Site(site.desks, State(tmp_path / "fresh.sqlite"), ("testserver",))
    token = sessions.setup(fresh.state)
    with TestClient(create_app(fresh), follow_redirects=False) as browser:
        form = {"token": token, "name": "first", "password": PASSWORD}
        assert browser.get("/sign-in").status_code == 200
        assert browser.post("/setup", data={**form, "token": "guess"}).status_code == 403
        assert browser.post("/setup", data={**form, "password": "short"}).status_code == 400
        assert browser.post("/setup", data=form).status_code == 303
        assert browser.post("/setup", data={**form, "name": "second"}).status_code == 403
    assert [p.name for p in people.everybody(fresh.state)] == ["first"]
    fresh.state.close()


def test_accounts_end_and_the_last_administrator_stays(site: Site) -> None:
    secret = sessions.begin(site.state, people.named(site.state, "ana"))
    people.end(site.state, "ana")
    assert sessions.of(site.state, secret) is None
    people.add(site.state, "ana", "analyst", PASSWORD)
    with pytest.raises(UsageError, match="last administrator"):
        people.end(site.state, "chief")


def test_the_log_tells_when_it_was_changed(site: Site) -> None:
    for number in range(4):
        audit.note(site.state, "ana", "comment", f"incident/{number}")
    assert audit.broken(site.state) is None
    site.state.run("DROP TRIGGER audit_kept")
    site.state.run("UPDATE audit SET who = 'somebody else' WHERE seq = 2")
    assert audit.broken(site.state) == 2

"""Signing in with an OpenID Connect provider: a small one of our own, and what a wrong one may try."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import PASSWORD

from kazami.errors import UsageError
from kazami.web import oidc
from kazami.web.app import create_app
from kazami.web.site import Site
from kazami.web.state import audit, people, sessions

pytest.importorskip("authlib", reason="the extra `oidc` is not installed")
jwt = pytest.importorskip("joserfc.jwt")
jwk = pytest.importorskip("joserfc.jwk")


class Provider:
    """Knows one client and one person; `claims` is what it says of them, `spoil` changes the token it signs."""

    def __init__(self) -> None:
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "k1"})
        self.claims: dict[str, Any] = {"sub": "u-17", "preferred_username": "sora", "groups": ["soc"]}
        self.spoil: dict[str, Any] = {}
        self.signer, self.algorithm = self.key, "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""

    def consent(self, url: str) -> dict[str, str]:
        """What a browser brings back from the page of the provider, where somebody said yes."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert given["response_type"] == "code"
        assert given["code_challenge_method"] == "S256"
        code = f"code{len(self.codes)}"
        self.codes[code] = given
        return {"code": code, "state": given["state"]}

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        begun = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = plain(digest)
        if (
            begun is None
            or begun["code_challenge"] != challenge
            or begun["redirect_uri"] != form["redirect_uri"]
        ):
            return None
        now = int(time.time())
        said = {
            "iss": self.issuer, "aud": "kazami", "iat": now, "exp": now + 60, "nonce": begun["nonce"],
            **self.claims, **self.spoil,
        }  # fmt: skip
        header = {"alg": self.algorithm, "kid": "k1"}
        signed = (
            jwt.encode(header, said, self.signer) if self.algorithm == "RS256" else self.forged(header, said)
        )
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}

    def forged(self, *parts: dict[str, Any]) -> str:
        """Signed with what everybody knows, or not at all."""
        text = ".".join(plain(json.dumps(part).encode()) for part in parts)
        made = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{plain(made) if self.algorithm == 'HS256' else ''}"


def plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def say(self, status: int, data: Any) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            at = made.issuer
            about = {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/keys",
            }
            keys = {"keys": [made.key.as_dict(private=False)]}
            self.say(200, keys if self.path == "/keys" else about)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            told = made.token({name: values[0] for name, values in form.items()})
            self.say(200 if told else 400, told or {"error": "invalid_grant"})

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


SETTINGS = """issuer = "{issuer}"
client = "kazami"
label = "Harbor"
[roles]
administrator = ["chiefs"]
analyst = ["soc"]
reader = ["customers"]
[tenants]
claim = "org.units"
[tenants.named]
water-17 = "aoba-water"
"""


@pytest.fixture
def browser(site: Site, provider: Provider, tmp_path: Path) -> Iterator[TestClient]:
    file = tmp_path / "oidc.toml"
    file.write_text(SETTINGS.format(issuer=provider.issuer))
    site.oidc = oidc.read(file)
    with TestClient(create_app(site), follow_redirects=False) as made:
        yield made


def go(browser: TestClient, provider: Provider, target: str = "/incidents") -> Any:
    out = browser.get("/oidc", params={"next": target})
    assert out.status_code == 303
    assert out.headers["location"].startswith(f"{provider.issuer}/authorize?")
    return browser.get("/oidc/back", params=provider.consent(out.headers["location"]))


def test_somebody_of_the_provider_gets_in_with_the_role_of_today(
    browser: TestClient, provider: Provider, site: Site
) -> None:
    assert "Harbor" in browser.get("/sign-in").text
    answer = go(browser, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    assert browser.get("/incidents.json").json()["data"]["total"] > 1
    sora = people.named(site.state, "sora")
    assert (sora.role, sora.outside) == ("analyst", True)
    assert "m-old" not in browser.get("/me").text
    provider.claims |= {"groups": ["customers"], "org": {"units": ["water-17", "other"]}}
    assert go(browser, provider).status_code == 303
    rows = browser.get("/incidents.json?state=all").json()["data"]["rows"]
    assert {row["tenant"] for row in rows} == {"aoba-water"}
    assert people.named(site.state, "sora").id == sora.id
    provider.claims["groups"] = ["nobody"]
    token = browser.cookies["kazami"]
    assert go(browser, provider).status_code == 403
    assert sessions.of(site.state, token) is None
    assert [line.act for line in audit.lines(site.state)] == ["sign in refused", "sign in", "sign in"]


def test_local_accounts_work_on_and_are_not_taken_over(
    browser: TestClient, provider: Provider, site: Site
) -> None:
    provider.claims["preferred_username"] = "chief"
    assert go(browser, provider).status_code == 403
    provider.claims["preferred_username"] = "sora"
    assert go(browser, provider).status_code == 303
    for password in ("", PASSWORD):
        assert browser.post("/sign-in", data={"name": "sora", "password": password}).status_code == 401
    assert browser.post("/sign-in", data={"name": "chief", "password": PASSWORD}).status_code == 303
    people.end(site.state, "sora")
    assert go(browser, provider).status_code == 403


@pytest.mark.parametrize(
    "spoil",
    [
        {"nonce": "another"},
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1_700_000_000},
        {"sub": None},
        {"azp": "somebody-else", "aud": ["kazami", "somebody-else"]},
    ],
)
def test_a_token_that_is_not_for_us_lets_nobody_in(
    browser: TestClient, provider: Provider, site: Site, spoil: dict[str, Any]
) -> None:
    provider.spoil = spoil
    assert go(browser, provider).status_code == 403
    assert "sora" not in {person.name for person in people.everybody(site.state)}


@pytest.mark.parametrize("how", ["another key", "secret", "none"])
def test_a_signature_that_is_not_the_providers_lets_nobody_in(
    browser: TestClient, provider: Provider, how: str
) -> None:
    if how == "another key":
        provider.signer = jwk.RSAKey.generate_key(2048, {"kid": "k1"})
    else:
        provider.algorithm = "HS256" if how == "secret" else "none"
    assert go(browser, provider).status_code == 403


def test_who_did_not_begin_here_does_not_end_here(browser: TestClient, provider: Provider) -> None:
    out = browser.get("/oidc").headers["location"]
    given = provider.consent(out)
    assert browser.get("/oidc/back", params={**given, "state": "guess"}).status_code == 403
    with TestClient(browser.app, follow_redirects=False) as other:  # the victim of a forged link
        assert other.get("/oidc/back", params=given).status_code == 403
    assert browser.get("/oidc/back", params=given).status_code == 403  # a state works once, whoever brings it
    fresh = provider.consent(browser.get("/oidc").headers["location"])
    denied = {"state": fresh["state"], "error": "access_denied"}
    assert browser.get("/oidc/back", params=denied).status_code == 403
    stolen = provider.consent(browser.get("/oidc").headers["location"])
    provider.codes[stolen["code"]]["code_challenge"] = "another"
    assert browser.get("/oidc/back", params=stolen).status_code == 403
    answer = go(browser, provider, target="//evil.example")
    assert answer.headers["location"] == "/"


def test_what_a_provider_says_of_itself_has_to_fit(site: Site, provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "oidc.toml"
    for text, why in (
        (SETTINGS.format(issuer="http://login.example"), "https"),
        ("issuer = 1", "issuer|int"),
        (SETTINGS.format(issuer=provider.issuer) + "\nunknown = 1", "unknown|str"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError, match=why):
            oidc.read(file)
    file.write_text(SETTINGS.format(issuer=provider.issuer + "/realm"))
    site.oidc = oidc.read(file)
    with TestClient(create_app(site), follow_redirects=False) as client:
        assert client.get("/oidc").status_code == 403
    file.write_text(SETTINGS.format(issuer="http://127.0.0.1:1"))
    site.oidc = oidc.read(file)
    with TestClient(create_app(site), follow_redirects=False) as client:
        assert client.get("/oidc").status_code == 502
    site.oidc = None
    with TestClient(create_app(site), follow_redirects=False) as client:
        assert client.get("/oidc").status_code == 404

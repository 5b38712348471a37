"""Signing in with an OpenID Connect provider: the code flow with PKCE, state and nonce; roles and tenants by claims.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9700 (best practice). Which provider it is stands in a file
(`Provider`); nothing is asked of anybody unless that file is given.
"""

from __future__ import annotations

import hmac
import os
import secrets
import threading
import time
import tomllib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kazami.errors import UsageError
from kazami.web.errors import RefusedError, forbidden
from kazami.web.state import people
from kazami.web.state.people import Person
from kazami.web.state.state import State

#: The environment variable of the client's secret.
SECRET = "KAZAMI_OIDC_SECRET"  # noqa: S105 - its name

#: Signatures of tokens that are believed: none that are made with a secret both sides know, and never none.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]

#: Seconds that a provider may take; that people may; that what it says of itself is believed; that a clock may be wrong.
WAIT, WHILE, FRESH, LEEWAY = 10.0, 600.0, 3600.0, 60

#: People who are on their way to the provider and back, and bytes of one of its answers.
UNDERWAY, ANSWER = 1000, 1 << 20

#: Where a provider sends people back to.
BACK = "/oidc/back"


class Roles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which values of the claim make which role; the strongest counts."""

    claim: str = "groups"
    administrator: list[str] = []
    analyst: list[str] = []
    reader: list[str] = []


class Tenants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tenants a reader sees: the values of the claim, by another name where `named` has one for them."""

    claim: str = "tenants"
    named: dict[str, str] | None = None


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider, as its file says it. `name` is the claim that people are called by, `label` stands on the button."""

    issuer: str
    client: str
    roles: Roles
    tenants: Tenants = Tenants()
    label: str = "OpenID Connect"
    name: str = "preferred_username"
    scopes: str = "openid profile email"
    secret_file: str = ""


@dataclass(frozen=True, slots=True)
class _Underway:
    nonce: str
    verifier: str
    target: str
    back: str
    begun: float


def read(file: Path) -> Oidc:
    """The provider that `file` names. Raises UsageError that says what is wrong with it, or missing."""
    try:
        import authlib.integrations.requests_client  # noqa: F401 - said now, not when somebody signs in
    except ModuleNotFoundError as error:
        raise UsageError(f"--oidc needs {error.name}: pip install 'kazami[oidc]'") from error
    try:
        provider = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Provider)
        secret = Path(provider.secret_file).read_text("utf-8").strip() if provider.secret_file else ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{file}: {error}") from error
    parts = urlsplit(provider.issuer)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(f"{file}: issuer: has to begin with https://")
    return Oidc(provider, secret or os.environ.get(SECRET, ""))


class Oidc:
    """The provider, and who is on the way to it."""

    def __init__(self, provider: Provider, secret: str = "") -> None:
        self.provider = provider
        self._secret = secret
        self._lock = threading.Lock()
        self._underway: OrderedDict[str, _Underway] = OrderedDict()
        self._about: tuple[float, dict[str, Any]] = (0.0, {})

    def begin(self, origin: str, target: str) -> tuple[str, str]:
        """Where to send somebody who wants to sign in, and the state that their browser has to bring back."""
        one = _Underway(
            secrets.token_urlsafe(24), secrets.token_urlsafe(48), target, origin + BACK, time.monotonic()
        )
        state = secrets.token_urlsafe(24)
        endpoint = self._endpoint("authorization_endpoint")
        url, _ = self._session(one.back).create_authorization_url(
            endpoint, state=state, nonce=one.nonce, code_verifier=one.verifier
        )
        with self._lock:
            self._underway[state] = one
            while len(self._underway) > UNDERWAY:
                self._underway.popitem(last=False)
        return str(url), state

    def end(self, given: Mapping[str, str], brought: str) -> tuple[dict[str, Any], str]:
        """The claims of who comes back, and where they wanted to go. Raises RefusedError; each state works once."""
        state = given.get("state", "")
        with self._lock:
            one = self._underway.pop(state, None)
        fits = one is not None and hmac.compare_digest(state.encode(), brought.encode())
        if one is None or not fits or time.monotonic() - one.begun > WHILE:
            raise _wrong("this sign-in was not begun here, or too long ago; begin again")
        if "error" in given or not given.get("code"):
            raise _wrong(f"the provider says: {given.get('error', 'nothing')[:100]}")
        return self._claims(given["code"], one), one.target

    def _claims(self, code: str, one: _Underway) -> dict[str, Any]:
        """What the token says that the provider gives for the code; checked as OpenID Connect Core 3.1.3.7 wants it."""
        from authlib.common.errors import AuthlibBaseError
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from requests import RequestException

        try:
            answer = self._session(one.back).fetch_token(
                self._endpoint("token_endpoint"), code=code, code_verifier=one.verifier, allow_redirects=False
            )
            keys = KeySet.import_key_set(self._get(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            token = jwt.decode(str(answer.get("id_token", "")), keys, algorithms=ALGORITHMS)
            wanted = {"iss": {"value": self.provider.issuer}, "aud": {"value": self.provider.client}}
            params = {
                "nonce": one.nonce,
                "client_id": self.provider.client,
                "access_token": answer.get("access_token"),
            }
            claims = CodeIDToken(token.claims, token.header, options=wanted, params=params)
            claims.validate(leeway=LEEWAY)
        except (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, TypeError) as error:
            raise _wrong(f"the provider's answer cannot be used: {type(error).__name__}") from error
        return dict(claims)

    def _session(self, back: str) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            self.provider.client,
            self._secret or None,
            scope=self.provider.scopes,
            redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            default_timeout=WAIT,
        )

    def _endpoint(self, name: str) -> str:
        """What the provider says of itself. Raises RefusedError where it is another, or cannot be reached."""
        asked, about = self._about
        if not about or time.monotonic() - asked > FRESH:
            issuer = self.provider.issuer
            about = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != issuer:
                raise _wrong("the provider is another than the one that was named")
            self._about = (time.monotonic(), about)
        place = about.get(name)
        secure = urlsplit(self.provider.issuer).scheme
        if not isinstance(place, str) or urlsplit(place).scheme not in ("https", secure):
            raise _wrong(f"the provider has no {name}")
        return place

    def _get(self, url: str) -> dict[str, Any]:
        import requests

        try:
            with requests.get(url, timeout=WAIT, allow_redirects=False, stream=True) as answer:
                answer.raise_for_status()
                return msgspec.json.decode(answer.raw.read(ANSWER, decode_content=True), type=dict[str, Any])
        except (requests.RequestException, msgspec.DecodeError) as error:
            raise RefusedError(
                502, "provider", f"the provider cannot be asked: {type(error).__name__}"
            ) from error


def admitted(state: State, provider: Provider, claims: Mapping[str, Any]) -> Person:
    """The person with these claims, as they are today: an account is made or follows them. Raises RefusedError."""
    key = f"{provider.issuer} {claims['sub']}"
    role = _role(provider.roles, claims)
    if not role:
        people.sign_out(state, key)
        raise forbidden("the provider gives you no role here")
    tenants = frozenset(_tenants(provider.tenants, claims)) if role == "reader" else None
    name = str(claims.get(provider.name) or claims["sub"])[:64]
    try:
        return people.from_outside(state, key, name, role, tenants)
    except UsageError as error:
        raise forbidden(str(error)) from error


def _role(roles: Roles, claims: Mapping[str, Any]) -> str:
    have = _values(claims, roles.claim)
    return next((role for role in people.ROLES if have & set(getattr(roles, role))), "")


def _tenants(tenants: Tenants, claims: Mapping[str, Any]) -> set[str]:
    have = _values(claims, tenants.claim)
    return have if tenants.named is None else {tenants.named[one] for one in have if one in tenants.named}


def _values(claims: Mapping[str, Any], path: str) -> set[str]:
    """The texts of a claim; dots lead into it (``realm_access.roles``)."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return {one for one in listed if isinstance(one, str) and one}


def _wrong(why: str) -> RefusedError:
    return RefusedError(403, "not_signed_in_there", why)

"""What every request passes before anything else looks at it: is it for us, how big is it, who is asking."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kazami.web.answer import failure
from kazami.web.errors import RefusedError
from kazami.web.site import Site
from kazami.web.state import sessions
from kazami.web.state.sessions import Session

COOKIE, SECURE_COOKIE = "kazami", "__Host-kazami"

#: Bytes of a request that is no upload, and of a name that is asked for.
BODY, URL = 1 << 20, 8192

#: Seconds in which a body has to be there; of an upload, in which more of it has to come.
PATIENCE = 30.0

#: No script, style, picture or connection but our own; no frame around us; nothing is sent to others.
POLICY = "; ".join(
    [
        *(
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
        ),
        *("connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"),
    ]
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # without any, browsers hide from us where a form came from
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        try:
            self._check(scope)
        except RefusedError as error:
            await failure(error)(scope, receive, self._headed(scope, send))
            return
        await self.app(scope, _bounded(scope, receive), self._headed(scope, send))

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() not in self.site.hosts:
            raise RefusedError(421, "wrong_host", "this console is not known by that name")
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > URL:
            raise RefusedError(414, "too_long", "the address is too long")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > _most(scope, self.site):
            raise RefusedError(413, "too_large", "the request is too large")

    def _headed(self, scope: Scope, send: Send) -> Send:
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("server-timing", f"total;dur={(time.perf_counter() - begun) * 1000:.1f}")
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
                if message["status"] in (408, 413):  # what else comes is not waited for
                    headers["connection"] = "close"
                if self.site.secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        return sending


def _most(scope: Scope, site: Site) -> int:
    return site.upload_bytes if scope["path"].endswith("/evidence/upload") else BODY


def _bounded(scope: Scope, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """The body, refused where it is larger than it said it would be, comes too slowly, or ends too early.

    Uploads count their own bytes, and may take their time as long as something comes.
    """
    upload = scope["path"].endswith("/evidence/upload")
    end = time.monotonic() + PATIENCE
    total, whole = 0, False

    async def receiving() -> Message:
        nonlocal total, whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(
                receive(), PATIENCE if upload else max(end - time.monotonic(), 0.01)
            )
        except TimeoutError:
            raise RefusedError(408, "too_slow", "the request came too slowly") from None
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "incomplete", "the request ended before it was whole")
        total += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if total > BODY and not upload:
            raise RefusedError(413, "too_large", "the request is too large")
        return message

    return receiving


def cookie_name(site: Site) -> str:
    """The session's cookie; over TLS one that no other host can set."""
    return SECURE_COOKIE if site.secure else COOKIE


def session_of(request: Request, site: Site) -> Session | None:
    """Who is asking: by a token of a program, or by the cookie of a browser."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        found = sessions.of(site.state, token.strip())
        return found if found and found.kind == "token" else None
    secret = request.cookies.get(cookie_name(site), "")
    found = sessions.of(site.state, secret) if secret else None
    return found if found and found.kind == "browser" else None


def check_origin(request: Request, session: Session, proof: str) -> None:
    """Refuse a change that another site asked for in this person's name. Raises RefusedError."""
    if session.kind == "token":
        return
    same_site = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    origin = request.headers.get("origin")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not (same_site and ours and hmac.compare_digest(proof.encode(), session.proof.encode())):
        raise RefusedError(
            403, "wrong_origin", "this did not come from a page of this console; reload it and try again"
        )

"""The pages without a case: signing in and out, the first account, one's own page, choosing a case, language and theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kazami.errors import CaseError, KazamiError
from kazami.model.finding import LEVELS
from kazami.store.browse.counts import opened
from kazami.web import answer
from kazami.web.desk import Desk
from kazami.web.errors import RefusedError, missing
from kazami.web.face import THEMES, page, refusal
from kazami.web.guard import check_origin, cookie_name, session_of
from kazami.web.oidc import BACK, Oidc, admitted
from kazami.web.rate import Rate
from kazami.web.site import Site
from kazami.web.state import audit, people, sessions
from kazami.web.state.people import Person

#: Tries to sign in, by address and by name: at once, and one in so many seconds.
TRIES, SECONDS = 6, 15.0

#: The cookie of who is on the way to a provider and back.
OUT = "kazami-oidc"


def sign_in_url(request: Request) -> str:
    """Where who is not signed in goes first, and back from there."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(wanted, safe='')}" if request.method == "GET" else "/sign-in"


def ours(target: str) -> str:
    """`target` where it is a path of this console, else the first page."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if plain and not urlsplit(target).netloc else "/"


class Door:
    """The handlers of these pages."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rate = Rate(TRIES, 1 / SECONDS)

    def sign_in_page(self, request: Request) -> Response:
        """The form."""
        if not people.anybody(self.site.state) and self.site.oidc is None:
            return page(request, self.site, "welcome", None)
        return self._sign_in_page(request, ours(request.query_params.get("next", "/")))

    def _sign_in_page(self, request: Request, target: str, *, wrong: bool = False) -> Response:
        elsewhere = self.site.oidc.provider.label if self.site.oidc else ""
        status = 401 if wrong else 200
        return page(
            request, self.site, "sign_in", None, status=status, next=target, wrong=wrong, elsewhere=elsewhere
        )

    def sign_in(self, request: Request, form: dict[str, str]) -> Response:
        """A name and a password; or the link of a demonstration, which works once."""
        _same_site(request)
        name, address = form.get("name", ""), request.client.host if request.client else ""
        if not (self.rate.takes(f"address {address}") and self.rate.takes(f"name {name.lower()[:64]}")):
            raise RefusedError(429, "too_many", "too many tries; wait a minute")
        person = people.signed_in(self.site.state, name, form.get("password", ""))
        target = ours(form.get("next", "/"))
        if person is None:
            audit.note(self.site.state, "", "sign in refused", "door", name=name[:64], address=address)
            return self._sign_in_page(request, target, wrong=True)
        audit.note(self.site.state, person.name, "sign in", "door", address=address)
        return self._in(person, target)

    def go_out(self, request: Request) -> Response:
        """To the provider that signs people in."""
        oidc = self._oidc()
        if not self.rate.takes(f"address {request.client.host if request.client else ''}"):
            raise RefusedError(429, "too_many", "too many tries; wait a minute")
        origin = f"{'https' if self.site.secure else 'http'}://{request.headers['host']}"
        url, state = oidc.begin(origin, ours(request.query_params.get("next", "/")))
        answered = RedirectResponse(url, status_code=303)
        answered.set_cookie(
            OUT, state, max_age=600, path="/oidc", secure=self.site.secure, httponly=True, samesite="lax"
        )
        return answered

    def come_back(self, request: Request) -> Response:
        """From the provider, with a code."""
        oidc = self._oidc()
        claims, target = oidc.end(request.query_params, request.cookies.get(OUT, ""))
        try:
            person = admitted(self.site.state, oidc.provider, claims)
        except RefusedError as error:
            audit.note(
                self.site.state, "", "sign in refused", "door", sub=str(claims["sub"])[:64], why=str(error)
            )
            raise
        audit.note(self.site.state, person.name, "sign in", "door", issuer=oidc.provider.issuer)
        answered = self._in(person, target, sessions.OUTSIDE)
        answered.delete_cookie(OUT, path="/oidc", secure=self.site.secure, httponly=True)
        return answered

    def _oidc(self) -> Oidc:
        if self.site.oidc is None:
            raise missing()
        return self.site.oidc

    def _in(self, person: Person, target: str, seconds: float = sessions.LONGEST) -> Response:
        answered = RedirectResponse(target, status_code=303)
        answered.set_cookie(
            cookie_name(self.site),
            sessions.begin(self.site.state, person, seconds=seconds),
            max_age=int(seconds),
            path="/",
            secure=self.site.secure,
            httponly=True,
            samesite="lax",
        )
        return answered

    def setup_page(self, request: Request) -> Response:
        """The form of the first account; or, of a demonstration, the way in."""
        token = request.query_params.get("token", "")
        if self.site.demo:
            return self._demo(request, token)
        if people.anybody(self.site.state):
            return RedirectResponse("/sign-in", status_code=303)
        return page(request, self.site, "setup", None, token=token, wrong="")

    def _demo(self, request: Request, token: str) -> Response:
        first = next(iter(people.everybody(self.site.state)), None)
        if first is None or not token or token != self.site.demo_token:
            raise RefusedError(
                403, "wrong_link", "this link has been used; start `kazami serve --demo` again"
            )
        self.site.demo_token = ""
        return self._in(first, "/")

    def setup(self, request: Request, form: dict[str, str]) -> Response:
        """Make the first account."""
        _same_site(request)
        if not self.rate.takes("setup"):
            raise RefusedError(429, "too_many", "too many tries; wait a minute")
        token = form.get("token", "")
        try:
            person = sessions.set_up(self.site.state, token, form.get("name", ""), form.get("password", ""))
        except KazamiError as error:
            return page(request, self.site, "setup", None, status=400, token=token, wrong=str(error))
        if person is None:
            raise RefusedError(
                403, "wrong_link", "this link does not work any more; start the console again for a new one"
            )
        audit.note(self.site.state, person.name, "set up", "door")
        return self._in(person, "/")

    def sign_out(self, request: Request, form: dict[str, str]) -> Response:
        """End the session."""
        session = session_of(request, self.site)
        if session is not None:
            check_origin(request, session, form.get("proof", ""))
            sessions.end(self.site.state, session.secret)
        answered = RedirectResponse("/sign-in", status_code=303)
        answered.delete_cookie(cookie_name(self.site), path="/", secure=self.site.secure, httponly=True)
        return answered

    def look(self, request: Request, form: dict[str, str]) -> Response:
        """Choose a language or a theme; kept by the browser."""
        answered = RedirectResponse(ours(form.get("next", "/")), status_code=303)
        for name, values in (("lang", ("en", "ja")), ("theme", THEMES)):
            if form.get(name) in values:
                answered.set_cookie(
                    name,
                    form[name],
                    max_age=31536000,
                    path="/",
                    secure=self.site.secure,
                    httponly=True,
                    samesite="lax",
                )
        return answered

    def me(self, request: Request) -> Response:
        """One's own page."""
        session = session_of(request, self.site)
        if session is None:
            return RedirectResponse(sign_in_url(request), status_code=303)
        return page(
            request, self.site, "me", session, tokens=sessions.tokens(self.site.state, session.person)
        )

    def choose(self, request: Request) -> Response:
        """The cases, where there are several; who may know of one alone is taken there."""
        session = session_of(request, self.site)
        if session is None:
            if answer.wants_json(request):
                raise RefusedError(401, "not_signed_in", "sign in first")
            return RedirectResponse(sign_in_url(request), status_code=303)
        names = self.site.cases(session.person.tenants)
        if len(names) == 1 and not answer.wants_json(request):
            return RedirectResponse(f"/cases/{quote(names[0], safe='')}/", status_code=303)
        rows = [_standing(self.site.desks[name], session.person) for name in names]
        rows.sort(key=lambda one: ([-one.open.get(level, 0) for level in reversed(LEVELS)], one.name))
        if answer.wants_json(request):
            return answer.success(rows)
        return page(request, self.site, "cases", session, data=rows)


class Standing(msgspec.Struct, frozen=True):
    """How a case stands: its open incidents by severity, the gravest first; `wrong` says why it cannot be read."""

    name: str
    tenants: int
    open: dict[str, int]
    wrong: str = ""


def _standing(desk: Desk, person: Person) -> Standing:
    try:
        with desk.reader(person.tenants) as reader:
            return Standing(desk.name, len(reader.tenant_names()), opened(reader))
    except CaseError as error:
        return Standing(desk.name, 0, {}, str(error))


def _same_site(request: Request) -> None:
    """Nobody is signed in by another site's form. Raises RefusedError."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    ):
        raise RefusedError(403, "wrong_origin", "this did not come from a page of this console")


def routes(site: Site) -> list[Route]:
    """The routes of these pages."""
    door = Door(site)
    found = [
        Route("/sign-in", _page(site, door.sign_in_page), methods=["GET"]),
        Route("/sign-in", _form(site, door.sign_in), methods=["POST"]),
        Route("/setup", _page(site, door.setup_page), methods=["GET"]),
        Route("/setup", _form(site, door.setup), methods=["POST"]),
        Route("/oidc", _page(site, door.go_out), methods=["GET"]),
        Route(BACK, _page(site, door.come_back), methods=["GET"]),
        Route("/sign-out", _form(site, door.sign_out), methods=["POST"]),
        Route("/look", _form(site, door.look), methods=["POST"]),
        Route("/me", _page(site, door.me), methods=["GET"]),
    ]
    if len(site.desks) > 1:
        found += [Route(path, _page(site, door.choose), methods=["GET"]) for path in ("/", "/index.json")]
    return found


def _page(site: Site, handler: Callable[[Request], Response]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_guarded, request, site, handler, request)

    return endpoint


def _form(site: Site, handler: Callable[[Request, dict[str, str]], Response]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=20)
        given = {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(_guarded, request, site, handler, request, given)

    return endpoint


def _guarded(request: Request, site: Site, handler: Callable[..., Response], *given: Any) -> Response:
    try:
        return handler(*given)
    except KazamiError as error:
        if answer.wants_json(request):
            return answer.failure(error)
        return refusal(request, site, error, None)

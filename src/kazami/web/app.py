"""All of it as one ASGI application: each resource with its two faces, each act, and the few pages without a case."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio.to_thread
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kazami.attribute.measured import measured
from kazami.attribute.profile import profiles
from kazami.errors import KazamiError, UsageError
from kazami.intel.actor import recognizes
from kazami.intel.shelf import attack
from kazami.respond.report.page import track_style
from kazami.store import database
from kazami.web import answer, door, openapi, upload
from kazami.web.acts import ACTS
from kazami.web.desk import Desk
from kazami.web.errors import RefusedError, forbidden, missing
from kazami.web.face import language_of, page, refusal, warm
from kazami.web.guard import Guard, check_origin, session_of
from kazami.web.pages import RESOURCES
from kazami.web.rate import Rate
from kazami.web.resource import Act, Asking, Resource, decoded, writers
from kazami.web.site import Site
from kazami.web.state.sessions import Session

log = logging.getLogger(__name__)

#: Requests that are worked on at once: more would only take memory.
THREADS = 8

#: Requests of one session: at once, and a second.
BURST, PER_SECOND = 120, 30.0

_CASE = "/cases/{case}"


def create_app(site: Site) -> Starlette:
    """The application of a console."""
    rate = Rate(BURST, PER_SECOND)
    routes: list[Any] = [
        *door.routes(site),
        Route("/openapi.json", _described, methods=["GET"]),
        Route("/track.css", _track),
    ]
    for prefix in ("", _CASE):
        routes.append(Route(f"{prefix}/evidence/upload", _uploading(site, rate), methods=["POST"]))
        routes.append(Route(f"{prefix}/jobs/{{uid}}/events", _watching(site, rate), methods=["GET"]))
        for act in ACTS:
            routes.append(Route(prefix + act.path, _acting(site, act, rate), methods=["POST"]))
        for resource in RESOURCES:
            reading = _reading(site, resource, rate)
            twin = "/index.json" if resource.path == "/" else f"{resource.path}.json"
            routes.append(Route(prefix + twin, reading, methods=["GET"]))
        for resource in RESOURCES:
            routes.append(Route(prefix + resource.path, _reading(site, resource, rate), methods=["GET"]))
    routes.append(Mount("/static", StaticFiles(packages=[("kazami.web", "static")]), name="static"))
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, site=site)],
        lifespan=_lifespan,
        exception_handlers={
            404: _lost(site, "not_found", "there is nothing here"),
            405: _lost(site, "not_allowed", "this cannot be done here"),
            RefusedError: _refused(site),
            Exception: _broken(site),
        },
    )


@contextlib.asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    warm()
    profiles(attack())
    recognizes()
    measured()
    database.prepare()
    yield


def _described(_: Request) -> Response:
    return Response(openapi.text(RESOURCES, ACTS), media_type="application/json")


def _track(_: Request) -> Response:
    """How tracks look, in the report as here."""
    return Response(track_style(), media_type="text/css")


def _lost(site: Site, code: str, message: str) -> Callable[[Request, Exception], Response]:
    def handler(request: Request, error: Exception) -> Response:
        status = int(getattr(error, "status_code", 404))
        return _told(request, site, RefusedError(status, code, message))

    return handler


def _refused(site: Site) -> Callable[[Request, Exception], Response]:
    def handler(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return _told(request, site, error)

    return handler


def _broken(site: Site) -> Callable[[Request, Exception], Response]:
    """What must not happen: kept in the log in full, told to people without its insides."""

    def handler(request: Request, error: Exception) -> Response:
        log.error("%s %s", request.method, request.url.path, exc_info=error)
        return _told(
            request, site, RefusedError(500, "internal", "an error inside Kazami; its log says more")
        )

    return handler


def _told(request: Request, site: Site, error: KazamiError, session: Session | None = None) -> Response:
    """An error in the face that was asked for; who is not signed in is shown the door."""
    if answer.wants_json(request):
        return answer.failure(error)
    if isinstance(error, RefusedError) and error.status == 401:
        return RedirectResponse(door.sign_in_url(request), status_code=303)
    return refusal(request, site, error, session or session_of(request, site))


def _reading(site: Site, resource: Resource, rate: Rate) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(read, request)

    def read(request: Request) -> Response:
        session = None
        try:
            session = _session(request, site, resource.may, rate)
            given = {k: v for k, v in request.query_params.multi_items() if k not in ("lang",)}
            with _asking(request, site, session, decoded(given, resource.query)) as asking:
                data = resource.fetch(asking)
            if request.url.path.endswith(".json") or answer.wants_json(request):
                return answer.success(data)
            return page(request, site, resource.template, session, data=data)
        except KazamiError as error:
            return _told(request, site, error, session)

    return endpoint


def _acting(site: Site, act: Act, rate: Rate) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            given, proof = await _body(request)
        except KazamiError as error:
            return _told(request, site, error)
        return await run_in_threadpool(carry_out, request, given, proof)

    def carry_out(request: Request, given: dict[str, Any], proof: str) -> Response:
        session = None
        try:
            session = _session(request, site, act.may, rate)
            check_origin(request, session, proof)
            body = decoded(given, act.body)
            with _asking(request, site, session, body, anywhere=act.anywhere) as asking:
                data = act.carry_out(asking)
            if answer.wants_json(request):
                return answer.success(data)
            if act.template:
                return page(request, site, act.template, session, data=data)
            return RedirectResponse(_back(request, act, given, data), status_code=303)
        except KazamiError as error:
            return _told(request, site, error, session)

    return endpoint


def _uploading(site: Site, rate: Rate) -> Callable[[Request], Any]:
    """Evidence comes as a form too large to be read before it is known who sends it: the proof stands in the address."""

    async def endpoint(request: Request) -> Response:
        session = None
        try:
            session = await run_in_threadpool(_session, request, site, writers, rate)
            proof = request.headers.get("x-kazami-proof", "") or request.query_params.get("proof", "")
            check_origin(request, session, proof)
            desk = _desk(request, site, session)
            job = await upload.received(request, site, desk, session)
            await run_in_threadpool(
                site.jobs.start, job, desk.case, site.directory, lambda: desk.refresh(force=True)
            )
        except KazamiError as error:
            return await run_in_threadpool(_told, request, site, error, session)
        if answer.wants_json(request):
            return answer.success({"uid": job.uid, "files": job.files})
        return RedirectResponse(f"{request.scope['kazami.base']}/jobs/{job.uid}", status_code=303)

    return endpoint


def _watching(site: Site, rate: Rate) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            session = await run_in_threadpool(_session, request, site, writers, rate)
            job = site.jobs.one(_desk(request, site, session).name, request.path_params["uid"])
            if job is None:
                raise missing("there is no such scan")
        except KazamiError as error:
            return answer.failure(error)
        return upload.events(job)

    return endpoint


def _back(request: Request, act: Act, given: dict[str, Any], data: msgspec.Struct) -> str:
    """Where a browser goes afterwards: the page it came from where the form says so, and it is one of ours."""
    base = request.scope.get("kazami.base", "")
    wanted = given.get("next")
    if isinstance(wanted, str) and wanted.startswith(("/", "?")) and not wanted.startswith(("//", "/\\")):
        return wanted
    return str(base) + act.back.format(**{**msgspec.structs.asdict(data), **request.path_params})


async def _body(request: Request) -> tuple[dict[str, Any], str]:
    """What a form or a program sent, and the proof of where it came from."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            given = msgspec.json.decode(await request.body() or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"body: {error}") from error
        if not isinstance(given, dict):
            raise UsageError("body: an object")
        return given, request.headers.get("x-kazami-proof", "")
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise RefusedError(415, "unknown_kind", "send a form, or application/json")
    form: FormData = await request.form(max_files=0, max_fields=2000)
    sent: dict[str, Any] = {}
    for name, value in form.multi_items():
        text = str(value)
        if name in sent:
            known = sent[name]
            sent[name] = [*known, text] if isinstance(known, list) else [known, text]
        else:
            sent[name] = text
    proof = sent.pop("proof", "")
    return sent, proof if isinstance(proof, str) else ""


def _session(request: Request, site: Site, may: Callable[[Any], bool], rate: Rate) -> Session:
    session = session_of(request, site)
    if session is None:
        raise RefusedError(401, "not_signed_in", "sign in first")
    if not rate.takes(session.secret):
        raise RefusedError(429, "too_many", "too many requests; wait a moment")
    if not may(session.person):
        raise forbidden()
    return session


@contextlib.contextmanager
def _asking(request: Request, site: Site, session: Session, query: Any, *, anywhere: bool = False) -> Any:
    desk = next(iter(site.desks.values())) if anywhere else _desk(request, site, session)
    with desk.reader(session.person.tenants) as reader:
        path = {key: str(value) for key, value in request.path_params.items() if key != "case"}
        yield Asking(site, desk, reader, session, query, path, language_of(request))


def _desk(request: Request, site: Site, session: Session) -> Desk:
    """The case that the address names, or the only one. Raises RefusedError where there is none such for this person."""
    name = request.path_params.get("case")
    desk = site.desk(name)
    if desk is None or (name is not None and not desk.concerns(session.person.tenants)):
        raise missing("there is no such case")
    request.scope["kazami.base"] = f"/cases/{name}" if name else ""
    request.scope["kazami.case"] = desk.name
    return desk

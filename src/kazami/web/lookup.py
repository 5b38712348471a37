"""Look-ups of file reputation for other machines: small, without a case, without people.

``GET /look/HASH`` gives what is known of one hash; ``POST /look`` with a JSON list of up to 10,000 gives a list in the same
order, null for what is not known; ``GET /stats`` counts. The envelope is the console's.
"""

from __future__ import annotations

import contextlib
import hmac
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kazami.errors import KazamiError, UsageError
from kazami.intel.reputation.label import Known
from kazami.intel.reputation.shelf import Shelf
from kazami.web.answer import failure, success
from kazami.web.errors import RefusedError
from kazami.web.rate import Rate

#: Hashes of one request, and bytes of it.
MOST, BODY = 10_000, 1 << 20

#: Requests of one address: at once, and a second.
BURST, PER_SECOND = 200, 50.0


class _Shelves:
    """The shelf, opened anew where it has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None
        self._seen: tuple[Any, ...] = ()

    @contextlib.contextmanager
    def opened(self) -> Iterator[Shelf]:
        with self._lock:
            seen = tuple(sorted((f.name, f.stat().st_mtime_ns) for f in self.folder.glob("*") if f.is_file()))
            if self._shelf is None or seen != self._seen:
                if self._shelf is not None:
                    self._shelf.close()
                self._shelf, self._seen = Shelf(self.folder), seen
            yield self._shelf

    def close(self) -> None:
        with self._lock:
            if self._shelf is not None:
                self._shelf.close()
                self._shelf = None


class _Lookup:
    """The handlers, over one shelf."""

    def __init__(self, shelves: _Shelves, token: str) -> None:
        self.shelves, self.token = shelves, token
        self.rate = Rate(BURST, PER_SECOND)

    def check(self, request: Request) -> None:
        """Raises RefusedError for who has no token, or asks too often."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.token and not hmac.compare_digest(given.encode(), self.token.encode()):
            raise RefusedError(401, "not_signed_in", "present the token")
        if not self.rate.takes(request.client.host if request.client else ""):
            raise RefusedError(429, "too_many", "too many requests; wait a moment")

    def look(self, texts: list[str]) -> list[Known | None]:
        """What is known of each."""
        with self.shelves.opened() as shelf:
            return shelf.look_many(texts)

    def counted(self) -> dict[str, int]:
        """How much the shelf holds."""
        with self.shelves.opened() as shelf:
            return shelf.stats()

    async def one(self, request: Request) -> Response:
        """``GET /look/HASH``."""
        return await self._answered(request, lambda: self.look([request.path_params["hash"]])[0])

    async def many(self, request: Request) -> Response:
        """``POST /look``."""
        try:
            texts = msgspec.json.decode(await _body(request), type=list[str])
            if len(texts) > MOST:
                raise UsageError(f"body: {MOST:,} hashes at a time")
        except msgspec.DecodeError as error:
            return failure(UsageError(f"body: {error}"))
        except KazamiError as error:
            return failure(error)
        return await self._answered(request, lambda: self.look(texts))

    async def stats(self, request: Request) -> Response:
        """``GET /stats``."""
        return await self._answered(request, self.counted)

    async def _answered(self, request: Request, make: Callable[[], Any]) -> Response:
        try:
            self.check(request)
            return success(await run_in_threadpool(make))
        except KazamiError as error:
            return failure(error)


def create_lookup(folder: Path, token: str = "") -> Starlette:
    """The service over the shelf in `folder`; with `token` for those who present it."""
    shelves = _Shelves(folder)
    made = _Lookup(shelves, token)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        shelves.close()

    routes = [
        Route("/look/{hash}", made.one, methods=["GET"]),
        Route("/look", made.many, methods=["POST"]),
        Route("/stats", made.stats, methods=["GET"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _body(request: Request) -> bytes:
    parts, total = [], 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > BODY:
            raise RefusedError(413, "too_large", "the request is too large")
        parts.append(chunk)
    return b"".join(parts)


def run(app: Starlette, found: socket.socket) -> None:
    """Serve on a socket until Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(app, server_header=False, access_log=False, log_level="warning")).run(
            [found]
        )

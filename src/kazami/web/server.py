"""The application on a socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kazami.errors import UsageError
from kazami.web.app import create_app
from kazami.web.site import Site

#: Seconds that a client may take between two requests, and that work may take when the console is told to end.
KEEP_ALIVE, ENDING = 15, 5

#: Seconds in which a client has to say what it wants, once it is connected or has begun to say it.
HEAD = 15.0

#: Connections at once.
MOST = 256


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen, and with which certificate."""

    host: str = "127.0.0.1"
    port: int = 8470
    certificate: Path | None = None
    key: Path | None = None
    proxies: str = ""  # addresses whose X-Forwarded-* headers are believed


class Patient(H11Protocol):
    """A connection that is closed where what a client wants is not said within `HEAD` seconds."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A piece of a request: what follows after the head of it is waited for by others."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._stop()

    def on_response_complete(self) -> None:
        """What was asked for is given; the next request may have begun already."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD, self._close)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.close()


@contextlib.contextmanager
def bound(listen: Listen) -> Iterator[tuple[socket.socket, int]]:
    """A socket at the address, and its port. Raises UsageError where the address is taken."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((listen.host, listen.port))
            found.listen(128)
        except OSError as error:
            raise UsageError(f"{listen.host}:{listen.port}: {error.strerror}") from error
        yield found, found.getsockname()[1]


def run(site: Site, listen: Listen, found: socket.socket) -> None:
    """Serve on a socket until Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config(site, listen)).run([found])


def config(site: Site, listen: Listen) -> uvicorn.Config:
    """The settings of the server."""
    return uvicorn.Config(
        create_app(site),
        host=listen.host,
        port=listen.port,
        http=Patient,
        ssl_certfile=listen.certificate,
        ssl_keyfile=listen.key,
        proxy_headers=bool(listen.proxies),
        forwarded_allow_ips=listen.proxies or None,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=ENDING,
        limit_concurrency=MOST,
        h11_max_incomplete_event_size=64 * 1024,
    )

"""The application on a socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from kazami.errors import UsageError
from kazami.web.app import create_app
from kazami.web.site import Site

#: Seconds that a client may take between two requests, and that work may take when the console is told to end.
KEEP_ALIVE, ENDING = 15, 5

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

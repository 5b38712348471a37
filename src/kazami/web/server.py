"""The application on a socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import uvicorn

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


def run(site: Site, listen: Listen) -> None:
    """Serve until Ctrl-C."""
    uvicorn.Server(config(site, listen)).run()


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

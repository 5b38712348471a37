"""``kazami serve``: the console and its API, on this machine unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kazami.cli.exit_code import DONE
from kazami.errors import UsageError

if TYPE_CHECKING:
    from kazami.web.server import Listen
    from kazami.web.site import Site

#: What the console needs beside the base, by the name of its extra.
EXTRA = "console"


def serve(
    place: Annotated[Path, typer.Argument(help="A case, or a folder of cases.")] = Path("kazami-case"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.", min=0, max=65535)] = 8470,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name under which others call this console; repeatable."),
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    proxy: Annotated[
        str, typer.Option(help="Address of a proxy in front that speaks TLS and is believed.")
    ] = "",
    state: Annotated[Path | None, typer.Option(help="Folder for accounts, sessions and the log.")] = None,
    tenants: Annotated[
        Path | None, typer.Option("--tenants", help="Who the tenants are (tenants.toml).")
    ] = None,
    oidc: Annotated[
        Path | None, typer.Option(help="Who else lets people in: an OpenID Connect provider (TOML).")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Open the example that comes along.")] = False,
) -> int:
    """Serve the console: read incidents, work on them, in a browser or through the API."""
    try:
        from kazami.web import oidc as provider
        from kazami.web import server
        from kazami.web.opening import demonstration, opened
    except ModuleNotFoundError as error:
        raise UsageError(f"the console needs {error.name}: pip install 'kazami[{EXTRA}]'") from error
    if (certificate is None) != (key is None):
        raise UsageError("--certificate and --key belong together")
    if host not in ("127.0.0.1", "localhost", "::1") and certificate is None and not proxy:
        raise UsageError(
            f"{host}: beyond this machine only with --certificate and --key, or behind a --proxy"
        )
    listen = server.Listen(host, port, certificate, key, proxy)
    secure = certificate is not None or bool(proxy)
    if demo:
        with demonstration() as site:
            _run(site, listen)
        return DONE
    hosts = (*(name or ()), host)
    let_in = provider.read(oidc) if oidc else None
    with opened(place, state, tenants, hosts=hosts, secure=secure, oidc=let_in) as site:
        _run(site, listen)
    return DONE


def _run(site: Site, listen: Listen) -> None:
    from kazami.web import server
    from kazami.web.opening import first_link

    with server.bound(listen) as (socket, port):
        origin = f"{'https' if site.secure else 'http'}://{_called(site, listen.host)}:{port}"
        typer.echo(first_link(site, origin) or f"{origin}/", err=True)
        server.run(site, listen, socket)


def _called(site: Site, host: str) -> str:
    """The name for the link: one that was given with ``--name``, else the address."""
    from kazami.web.site import LOOPBACK

    given = [name for name in site.hosts if name not in (*LOOPBACK, host)]
    return given[0] if given else (f"[{host}]" if ":" in host else host)

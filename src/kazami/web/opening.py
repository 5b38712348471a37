"""How a console is opened: over cases, or over the example as a demonstration."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import platformdirs

from kazami.errors import UsageError
from kazami.web.desk import Desk
from kazami.web.oidc import Oidc
from kazami.web.site import LOOPBACK, Site, cases_in
from kazami.web.state import people, sessions
from kazami.web.state.state import State

STATE = "console.sqlite"


@contextlib.contextmanager
def opened(
    place: Path,
    folder: Path | None,
    directory: Path | None,
    *,
    hosts: Sequence[str] = (),
    secure: bool = False,
    oidc: Oidc | None = None,
) -> Iterator[Site]:
    """The console over the case or cases in `place`. Raises UsageError, CaseError.

    Accounts, sessions and the log are kept in `folder`, by default one for `place` among the user's data: never in
    the case, which may be handed on.
    """
    found = cases_in(place)
    kept = folder or _default(place)
    state = State(kept / STATE)
    site: Site | None = None
    try:
        desks = {name: Desk(name, path, kept) for name, path in found.items()}
        for desk in desks.values():
            desk.refresh()
        names = tuple(dict.fromkeys([*(name.lower() for name in hosts), *LOOPBACK]))
        site = Site(desks, state, names, secure, directory=directory, oidc=oidc)
        yield site
    finally:
        if site is not None:
            site.jobs.end()
        state.close()


def _default(place: Path) -> Path:
    digest = sha256(str(place.resolve()).encode()).hexdigest()[:16]
    return Path(platformdirs.user_data_dir("kazami")) / "console" / digest


@contextlib.contextmanager
def demonstration() -> Iterator[Site]:
    """The console over the example that comes along, scanned into a folder that goes with it."""
    from kazami.pipeline.request import Request
    from kazami.pipeline.scan import scan
    from kazami.tenants import find
    from kazami.web.quiet import Quiet

    example = Path("examples/intrusion")
    if not example.is_dir():
        raise UsageError("--demo: the example is in the folder examples/ of the source; start it there")
    with tempfile.TemporaryDirectory(prefix="kazami-demo-") as made:
        folder = Path(made)
        directory = find(next(iter(sorted(example.glob("*.toml"))), None))
        request = Request((example,), folder / "example", tenant_from_folder=True, directory=directory)
        scan(request, Quiet())
        with opened(folder / "example", folder / "state", None) as site:
            people.add(site.state, "you", "administrator", secrets.token_urlsafe(24))
            site.demo = True
            site.demo_token = secrets.token_urlsafe(24)
            yield site


def first_link(site: Site, origin: str) -> str:
    """The link that whoever started the console opens first; empty where there are people already."""
    if site.demo:
        return f"{origin}/setup?token={site.demo_token}"
    if people.anybody(site.state):
        return ""
    return f"{origin}/setup?token={sessions.setup(site.state)}"

"""What is served, and how strictly."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from kazami.errors import UsageError
from kazami.pipeline.baseline import default as default_baselines
from kazami.pipeline.campaigns import default_keys
from kazami.respond.notify.sign import default_key
from kazami.store.case import is_case
from kazami.web.desk import Desk
from kazami.web.jobs import Jobs
from kazami.web.oidc import Oidc
from kazami.web.state.state import State

#: Names by which a machine knows itself.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(slots=True)
class Site:
    """One console: its cases by name, its people, and its settings. Made once, by `serve` or a test."""

    desks: dict[str, Desk]
    state: State
    hosts: tuple[str, ...] = LOOPBACK  # names that a request may call us by
    secure: bool = False  # served over TLS, here or by a proxy in front
    demo: bool = False
    demo_token: str = ""  # the way into a demonstration; used once
    oidc: Oidc | None = None  # who else lets people in
    upload_bytes: int = 20 << 30
    directory: Path | None = None  # tenants.toml
    keys: Path = field(default_factory=default_keys)  # of the digests that tie campaigns
    baselines: Path = field(default_factory=default_baselines)
    notice_key: Path = field(default_factory=default_key)
    shelf: Path | None = None  # of reputation; None: the user's
    jobs: Jobs = field(default_factory=Jobs)

    def desk(self, name: str | None) -> Desk | None:
        """The case `name`; for None the only one, or None where there are several."""
        if name is None:
            return next(iter(self.desks.values())) if len(self.desks) == 1 else None
        return self.desks.get(name)

    def cases(self, tenants: Collection[str] | None) -> list[str]:
        """The cases, by name, that who sees `tenants` (None: all) may know of."""
        return sorted(name for name, desk in self.desks.items() if desk.concerns(tenants))


def cases_in(place: Path) -> dict[str, Path]:
    """The cases that `place` is or holds, by name. Raises UsageError where there is none."""
    if is_case(place):
        return {place.resolve().name: place}
    found = {one.name: one for one in sorted(place.iterdir()) if is_case(one)} if place.is_dir() else {}
    if not found:
        raise UsageError(
            f"{place}: is no case, and holds none; `kazami scan EVIDENCE --case {place}` makes one"
        )
    return found

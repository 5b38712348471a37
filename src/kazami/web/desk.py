"""One case on the desk: its file to browse, made anew when the case changes, and whose turn it is to open the case.

Pages read the file (`store.browse`), so any number of people turn pages while a scan writes the case. The case itself
is opened only for what the file does not hold: raw events, questions in SQL, and changes; never for reading and
changing at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar, cast

from kazami.errors import CaseError
from kazami.store.browse import schema
from kazami.store.browse.build import build
from kazami.store.browse.reader import Reader
from kazami.store.case import Case
from kazami.store.database import NAME
from kazami.store.suppressed import FILE as SUPPRESSIONS
from kazami.web.aside import Soon, elsewhere, yielding

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds between two looks whether the case has changed.
LOOK = 2.0

#: Seconds that a page waits for what is made aside: those who read other pages need its thread.
PATIENCE = 0.15


class Desk:
    """A case, by the folder it is in; `folder` is where its file to browse is kept."""

    def __init__(self, name: str, case: Path, folder: Path) -> None:
        self.name = name
        self.case = case
        self.file = folder / f"{name}-{hashlib.sha256(str(case.resolve()).encode()).hexdigest()[:12]}.browse"
        self._turn = threading.Condition()
        self._readers = 0
        self._writing = False
        self._building = threading.Lock()
        self._looked = 0.0
        self._kept: dict[tuple[str, str], object] = {}
        self._making: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._soon = Soon()
        self._held = ""  # the signature that the file was made of, or changed along with

    @property
    def signature(self) -> str:
        """What the case looks like from outside: another one means that something was written."""
        parts = [str(schema.VERSION)]
        for name in (NAME, f"{NAME}.wal", SUPPRESSIONS):
            with contextlib.suppress(OSError):
                about = (self.case / name).stat()
                parts.append(f"{about.st_size}.{about.st_mtime_ns}")
        return "-".join(parts)

    @property
    def generation(self) -> str:
        """What the file was made of; what was read from it may be kept as long as this stays."""
        return self._held

    def reader(self, tenants: Collection[str] | None) -> Reader:
        """The file, behind the wall of `tenants`. Raises CaseError where there is no case (any more)."""
        self.refresh()
        try:
            return Reader(self.file, tenants)
        except CaseError:
            self._held = ""
            self.refresh(force=True)
            return Reader(self.file, tenants)

    def refresh(self, *, force: bool = False) -> None:
        """Make the file anew where the case has changed; where there is an old one in the background, unless `force`."""
        now = time.monotonic()
        if self._held and not force and now - self._looked < LOOK:
            return
        self._looked = now
        wanted = self.signature
        if wanted == self._held and self.file.exists():
            return
        if not self._held and self._fits(wanted):
            self._held = wanted
            return
        if self._held and self.file.exists() and not force:
            threading.Thread(target=self._make, args=(wanted,), daemon=True).start()
        else:
            self._make(wanted, wait=True)

    def keep(self) -> None:
        """The case was changed, and the file along with it."""
        self._held = self.signature

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives for this state of the case; made once, under `name`: who asks meanwhile waits for it."""
        key = (name, self._held)
        kept = self._kept
        if key not in kept:
            with self._making[name]:
                kept = self._kept
                if key not in kept:
                    made = make()
                    kept = {k: v for k, v in self._kept.items() if k[1] == self._held} | {key: made}
                    self._kept = kept
        return cast(T, kept[key])

    @property
    def tenants(self) -> frozenset[str]:
        """All tenants of the case; none where it cannot be read."""
        try:
            return self.kept("tenants", self._tenants)
        except CaseError:
            return frozenset()

    def _tenants(self) -> frozenset[str]:
        with self.reader(None) as reader:
            return frozenset(reader.tenant_names())

    def concerns(self, tenants: Collection[str] | None) -> bool:
        """Whether who sees `tenants` (None: all) may know that there is this case: its name says something, too."""
        return tenants is None or not self.tenants.isdisjoint(tenants)

    def soon(self, name: str, work: Callable[..., T], *given: object) -> T | None:
        """What `work` says of the case, made aside; None where it takes longer than `PATIENCE`: ask again.

        `work` is a function of a module, given the folder of the case, then what is `given`. Raises CaseError.
        """

        def make() -> T:
            with self.reading_turn():
                made: T = elsewhere(yielding, work, self.case, *given)
            return made

        return self._soon.get(name, self._held, make, PATIENCE)

    def _fits(self, wanted: str) -> bool:
        try:
            with Reader(self.file) as reader:
                return reader.meta.get("signature") == wanted
        except CaseError:
            return False

    def _make(self, wanted: str, *, wait: bool = False) -> None:
        if not self._building.acquire(blocking=wait):
            return
        try:
            if self._held == wanted and self.file.exists():
                return
            self._made(wanted)
        except CaseError:
            if not self._held:
                raise
            log.warning("%s: cannot be read anew; what is shown is older", self.name)
        finally:
            self._building.release()

    def _made(self, wanted: str) -> None:
        """In a process of its own: it takes memory that is given back, and minutes for a large case."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.reading_turn():
            elsewhere(_build, self.case, self.file, wanted)
        self._held = wanted

    @contextlib.contextmanager
    def reading_turn(self) -> Iterator[None]:
        """While inside nobody here changes the case."""
        with self._turn:
            self._turn.wait_for(lambda: not self._writing)
            self._readers += 1
        try:
            yield
        finally:
            with self._turn:
                self._readers -= 1
                self._turn.notify_all()

    @contextlib.contextmanager
    def opened(self) -> Iterator[Case]:
        """The case, to read. Raises CaseError."""
        with self.reading_turn(), Case.open(self.case, read_only=True) as case:
            yield case

    def change(self, what: str, work: Callable[..., T], *given: object) -> T:
        """What `work` gives of the case, opened to change, in a process of its own, as telling incidents takes memory;
        then the file is made anew.

        `work` is a function of a module, given the open case, then what is `given`. Raises CaseError, UsageError.
        """
        with self._writing_turn():
            done: T = elsewhere(_change, self.case, what, work, given)
        self.refresh(force=True)
        return done

    @contextlib.contextmanager
    def changing(self, what: str) -> Iterator[Case]:
        """The case, to change: one at a time. Raises CaseError where a scan is writing it."""
        with self._writing_turn(), Case.open(self.case, command=f"kazami serve: {what}") as case:
            yield case

    @contextlib.contextmanager
    def _writing_turn(self) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(lambda: not self._writing and not self._readers)
            self._writing = True
        try:
            yield
        finally:
            with self._turn:
                self._writing = False
                self._turn.notify_all()


def _change(case: Path, what: str, work: Callable[..., T], given: tuple[object, ...]) -> T:
    with Case.open(case, command=f"kazami serve: {what}") as opened:
        return work(opened, *given)


def _build(case: Path, file: Path, signature: str) -> None:
    with Case.open(case, read_only=True) as opened:
        build(opened, file, signature=signature)

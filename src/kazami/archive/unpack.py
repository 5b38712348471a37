"""Opens a container, and the containers in it, and gives each thing in them as evidence."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from kazami.archive import HEAD, Fault, Member, kind
from kazami.archive.budget import Budget, LimitError, Limits
from kazami.archive.compressed import DECODERS
from kazami.archive.name import shown
from kazami.archive.spool import fill
from kazami.archive.stream import Stream, paid, pieces, reason
from kazami.model.evidence import Evidence

#: One row in the words of `model.event.REJECT`.
Reject: TypeAlias = dict[str, Any]

#: Passwords that the trade puts on archives of evidence, tried after those that were given.
CUSTOMARY = ("infected", "infected666", "malware", "password", "virus", "evidence", "1234", "12345678")

_SUFFIXES = {"gz": (".gz", ".gzip"), "bz2": (".bz2",), "xz": (".xz",), "zst": (".zst", ".zstd")}
_TAR_SUFFIXES = {".tgz": ".tar", ".tbz2": ".tar", ".tbz": ".tar", ".txz": ".tar", ".tzst": ".tar"}
_SAME = 100  # faults of one reason in one container that are named; further ones are counted


def row(evidence: str, name: str, place: str, reason: str, count: int) -> Reject:
    """A reject without a sample."""
    return {
        "evidence": evidence,
        "name": name,
        "place": place,
        "reason": reason,
        "count": count,
        "sample": None,
    }


class Unpacking:
    """One file that was handed over, while it is unpacked."""

    def __init__(
        self, path: str, name: str, tenant: str, size: int, passwords: Sequence[str], limits: Limits
    ) -> None:
        self._path, self._name, self._tenant = path, name, tenant
        self._passwords = tuple(dict.fromkeys((*passwords, *CUSTOMARY)))
        self._limits, self._budget = limits, Budget(size, limits)
        self._stopped = False  # a limit was reached, and that was told

    @cached_property
    def _uid(self) -> str:
        """Of the file handed over; only a reject asks for it."""
        with Path(self._path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]

    def run(self, file: BinaryIO) -> Iterator[Evidence | Reject]:
        """Everything in `file`, which stands at any position."""
        file.seek(0)
        yield from self._open(self._name, Stream(pieces(file.read)), 0, None, file)
        if self._budget.spent and not self._stopped:
            yield self._row(self._name, "", self._budget.reason())

    def _open(
        self, name: str, stream: Stream, depth: int, modified: int | None, file: BinaryIO | None = None
    ) -> Iterator[Evidence | Reject]:
        """What `stream` holds. `file` is the same to seek in, where there is one."""
        form = kind(stream.peek(HEAD))
        if form and depth >= self._limits.depth:
            yield self._row(name, "", f"containers nested deeper than {depth} are not opened")
            return
        if form in DECODERS:
            content = paid(DECODERS[form](stream.read), self._budget)
            yield from self._open(_inner(name, form), Stream(content, stream), depth + 1, modified)
        elif form == "tar":
            from kazami.archive import tape

            yield from self._each(name, tape.members(stream, self._budget), stream, depth)
        elif form:
            yield from self._seekable(name, form, stream, depth, modified, file)
        else:
            yield from self._keep(name, stream, modified)
        if why := stream.tell_fault():
            yield self._row(name, f"byte {stream.position:,}", why)

    def _seekable(
        self, name: str, form: str, stream: Stream, depth: int, modified: int | None, file: BinaryIO | None
    ) -> Iterator[Evidence | Reject]:
        """A container whose directory lies at its end."""
        spool = None
        if file is None:
            spool = fill(stream, self._limits.in_memory, self._limits.folder)
            file = spool.open()
        members: Iterator[Member | Fault] | None
        if form == "zip":
            from kazami.archive import zipped

            members = zipped.members(file, self._passwords, self._budget)
        else:
            from kazami.archive import sevenzip

            members = sevenzip.members(file, self._passwords, self._budget)
        if members is None:
            file.seek(0)
            yield from self._keep(name, Stream(pieces(file.read)), modified)
        elif not self._budget.spent:
            yield from self._each(name, members, stream, depth)
        if spool is not None and spool.fault is not None:
            yield self._row(name, "", f"cannot be kept while it is read: {spool.fault.strerror}")

    def _each(
        self, name: str, members: Iterator[Member | Fault], stream: Stream, depth: int
    ) -> Iterator[Evidence | Reject]:
        more: Counter[str] = Counter()
        for member in _guarded(members):
            try:
                self._budget.count()
            except LimitError as error:
                yield self._row(name, "", str(error))
                break
            if isinstance(member, Member):
                inner = Stream(member.content, stream)
                yield from self._open(f"{name}!{shown(member.name)}", inner, depth + 1, member.modified)
            elif member.name or not stream.told:
                more[member.reason] += 1
                if more[member.reason] <= _SAME:
                    at = f"{name}!{shown(member.name)}" if member.name else name
                    yield self._row(at, member.place, member.reason, member.lost)
            if self._stopped:
                break
        for why, count in more.items():
            if count > _SAME:
                yield self._row(name, "further members", why, count - _SAME)

    def _keep(self, name: str, stream: Stream, modified: int | None) -> Iterator[Evidence | Reject]:
        spool = fill(stream, self._limits.in_memory, self._limits.folder)
        if spool.size or stream.fault is None:
            yield Evidence(name, spool.digest[:16], self._tenant, spool.size, spool.open, modified=modified)
        if spool.fault is not None:
            yield self._row(
                name, f"byte {spool.size:,}", f"cannot be kept while it is read: {spool.fault.strerror}"
            )

    def _row(self, name: str, place: str, reason: str, count: int = 1) -> Reject:
        self._stopped |= self._budget.spent and reason == self._budget.reason()
        return row(self._uid, name, place, reason, count)


def _guarded(members: Iterator[Member | Fault]) -> Iterator[Member | Fault]:
    """`members`; where a library fails in a way that nobody foresaw, that is a fault like any other."""
    try:
        yield from members
    except Exception as error:  # noqa: BLE001 - whatever a library raises on hostile bytes
        yield Fault("", "", reason(error))


def _inner(name: str, form: str) -> str:
    """A name for what is compressed in `name`: the same without the suffix."""
    last = name.rsplit("!", 1)[-1].replace("\\", "/").rsplit("/", 1)[-1]
    lower = last.lower()
    for suffix in _SUFFIXES[form]:
        if lower.endswith(suffix):
            return f"{name}!{last[: -len(suffix)]}"
    for suffix, instead in _TAR_SUFFIXES.items():
        if lower.endswith(suffix):
            return f"{name}!{last[: -len(suffix)]}{instead}"
    return f"{name}!{last}"

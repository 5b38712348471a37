"""Baselines that are kept: a folder a tenant, in it the register (signed lines, each with the hash of the one before) and the items.

A baseline that was changed does not have the hash in the register; one that is missing is in it; a line that was changed, taken out or put
between breaks the chain; a file that no line speaks of is named. A tenant's baselines are never held against another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import platformdirs

from kazami.errors import CaseError, UsageError
from kazami.model.change import Approval, Header, Item, Snapshot
from kazami.respond.notify.log import Log
from kazami.respond.notify.sign import Signer
from kazami.store import baselines
from kazami.store.names import safe_name

#: Days that an approval holds where nobody says otherwise, and at most.
DAYS, LONGEST = 30, 366

_REGISTER, _APPROVALS = "register.jsonl", "approvals.jsonl"
_HEADER = msgspec.json.Decoder(Header)
_APPROVAL = msgspec.json.Decoder(Approval)


def default() -> Path:
    """Where baselines are kept, where nobody says otherwise."""
    return Path(platformdirs.user_data_dir("kazami")) / "baselines"


def secret(signer: Signer) -> bytes:
    """What keys the digests of passwords in settings: nobody has it who does not have the signer's key."""
    return hashlib.sha256(bytes.fromhex(signer.sign(b"kazami: digests of what baselines hide"))).digest()


@dataclass(frozen=True, slots=True)
class Kept:
    """The baselines of one tenant. `folder` is of all tenants; `signer` signs, and knows what it signed."""

    folder: Path
    tenant: str
    signer: Signer

    @property
    def own(self) -> Path:
        """The folder of this tenant."""
        return self.folder / safe_name(self.tenant)

    def add(self, snapshot: Snapshot, who: str, note: str = "") -> Header:
        """Keep a snapshot. Raises UsageError, CaseError: there is nothing in it, it is another tenant's, the disk does not take it."""
        if snapshot.tenant != self.tenant:
            raise UsageError(f"{snapshot.source}: belongs to tenant {snapshot.tenant}, not {self.tenant}")
        if not snapshot.items:
            raise UsageError(f"{snapshot.source}: holds nothing that could be a baseline")
        self._make()
        said = repr((snapshot.tenant, snapshot.host, snapshot.made, snapshot.source, who))
        uid = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        header = Header(
            uid, snapshot.tenant, snapshot.host, snapshot.made, who, snapshot.source, snapshot.whole,
            len(snapshot.items), note, snapshot.bounds, snapshot.unread, snapshot.events,
        )  # fmt: skip
        digest = baselines.write(self._file(uid), snapshot.items)
        Log(self.own / _REGISTER).add(self.signer, what="baseline", sha256=digest, header=_text(header))
        return header

    def headers(self) -> list[Header]:
        """All baselines of the tenant, the newest last. Raises UsageError where the register was changed."""
        return [header for header, _ in self._register()]

    def faults(self) -> list[str]:
        """What is wrong with the baselines that the register names, and with what lies beside them."""
        known = dict(self._register_by_uid())
        found = []
        for uid, digest in known.items():
            try:
                for _ in baselines.read(self._file(uid), digest):
                    pass
            except CaseError as error:
                found.append(str(error))
        stray = {path.name.partition(".")[0] for path in self.own.glob("*.items")} - known.keys()
        return found + [f"{self._file(uid)}: the register does not know it" for uid in sorted(stray)]

    def find(self, name: str = "", host: str = "") -> Header:
        """The newest baseline of a folder of a host, or the one whose id begins with `name`. Raises UsageError where there is none."""
        fits = [
            one
            for one in self.headers()
            if one.uid.startswith(name) and not one.events and (not host or one.host.lower() == host.lower())
        ]
        if not fits or (name and len(fits) > 1):
            asked = " ".join(filter(None, (name, host and f"of {host}")))
            why = "is the beginning of several ids" if fits else "there is none; make one: kazami baseline"
            raise UsageError(f"baseline {asked or 'of this tenant'}: {why}")
        return max(fits, key=lambda one: one.made)

    def items(self, header: Header) -> list[Item]:
        """What a baseline holds. Raises CaseError where its file was changed."""
        return list(baselines.read(self._file(header.uid), dict(self._register_by_uid())[header.uid]))

    def approve(self, one: Approval, who: str, action: str = "added", note: str = "") -> None:
        """Add a line to the log of approvals."""
        self._make()
        Log(self.own / _APPROVALS).add(self.signer, what=action, who=who, note=note, time=datetime.now(UTC).isoformat(), approval=_text(one))  # fmt: skip

    def approvals(self, now: datetime | None = None) -> list[Approval]:
        """Approvals that hold at `now`. Raises UsageError where their log was changed."""
        now = now or datetime.now(UTC)
        found: dict[str, Approval] = {}
        for line in self.approval_log():
            one = _APPROVAL.decode(line["approval"])
            if line["what"] == "removed":
                found.pop(one.uid, None)
            else:
                found[one.uid] = one
        return [one for one in found.values() if now < one.expires]

    def approval_log(self) -> list[dict[str, str]]:
        """All that was done with approvals, oldest first."""
        return list(Log(self.own / _APPROVALS, self.signer.public).lines())

    def _register(self) -> Sequence[tuple[Header, str]]:
        path = self.own / _REGISTER
        try:
            lines = list(Log(path, self.signer.public).lines())
            return [(_HEADER.decode(line["header"]), line["sha256"]) for line in lines]
        except msgspec.MsgspecError as error:
            raise UsageError(f"{path}: cannot be read: {error}") from error

    def _register_by_uid(self) -> list[tuple[str, str]]:
        return [(header.uid, digest) for header, digest in self._register()]

    def _file(self, uid: str) -> Path:
        return self.own / f"{uid}.items"

    def _make(self) -> None:
        try:
            self.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.own}: cannot be made: {error.strerror}") from error


def _text(said: Header | Approval) -> str:
    return msgspec.json.encode(said).decode()

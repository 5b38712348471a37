"""Answers of a case to signals: columns first, so that ten million flows cost what their few strange ones cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kazami.detect.network.relay_host import consumer, distance, face, listed, stack
from kazami.detect.network.relay_host.consumer import Session
from kazami.detect.network.relay_host.signal import Row, Signal
from kazami.intel.networks import Networks
from kazami.intel.relays import Relays
from kazami.model.address import is_inside
from kazami.model.question import asked
from kazami.model.tenant import Directory, account_name, parsed, within

#: Signals, programs that wait for their flow, pairs of times and sessions that are kept.
MOST = 200_000

#: Signals of one kind of one address in one tenant: more say no more.
MOST_ALIKE = 20


class Gathered:
    """Takes answers (`question.QUESTIONS`), gives signals. `outside` says whether anybody logged on from outside."""

    def __init__(self, directory: Directory, owners: Networks | None, lists: Relays | None) -> None:
        self._directory, self._owners, self._lists = directory, owners, lists
        self._found: dict[tuple[str, str, str], list[Signal]] = defaultdict(list)
        self._agents: dict[tuple[str, str], str] = {}
        self._times: dict[tuple[str, str], list[tuple[float, float, Row]]] = defaultdict(list)
        self._sessions: dict[tuple[str, str], list[tuple[int, str, Row]]] = defaultdict(list)
        self._ruling: set[tuple[str, str]] = set()
        self._outer = lru_cache(1 << 18)(self._is_outer)
        self._singles = pa.array(lists.singles if lists else [], pa.string())
        self.outside = False
        self.dropped = self._count = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one answer."""
        batch = batch.filter(pc.is_valid(batch.column("time")))
        names = batch.schema.names
        table = asked(batch)
        if table == "security":
            self._security(batch)
        elif table == "signinlogs":
            self._signin(batch)
        elif table == "vpn":
            self._private(batch)
        elif table == "flow":
            (self._flow if "syn" in names else self._places)(batch)
        elif "face" in names:
            self._faces(batch)
        elif "agent" in names:
            self._talk(batch)

    def signals(self) -> list[Signal]:
        """All signals, when all answers came."""
        for (tenant, address), times in self._times.items():
            found = distance.gap([(near, far) for near, far, _ in times])
            if found is not None:
                self._keep(times[-1][2].says(address, "distance", *found), tenant)
        self._log_ons()
        return [signal for some in self._found.values() for signal in some]

    def _is_outer(self, tenant: str, address: str) -> bool:
        known = parsed(address)
        ours = is_inside(address) or known is None or within(address, self._directory.tenant(tenant).networks)
        return not ours

    def _rows(
        self, batch: pa.RecordBatch, column: str, good: Callable[[str, str], bool]
    ) -> Iterator[dict[str, Any]]:
        """Rows whose address in `column` is `good`; each different one is asked for once a batch."""
        for tenant in pc.unique(batch.column("tenant")).to_pylist():
            own = batch.filter(pc.equal(batch.column("tenant"), pa.scalar(tenant, pa.string())))
            values = pc.unique(own.column(column)).to_pylist()
            wanted = [value for value in values if value and good(tenant, value)]
            if not wanted:
                continue
            some = own.filter(pc.is_in(own.column(column), pa.array(wanted)))
            times = some.column("time").cast(pa.int64()).to_pylist()
            for row, time in zip(some.drop_columns(["time"]).to_pylist(), times, strict=True):
                yield row | {"time": time, "table": asked(batch)}

    def _flow(self, batch: pa.RecordBatch) -> None:
        for row in self._rows(batch, "source", self._outer):
            self._strange(row)

    def _places(self, batch: pa.RecordBatch) -> None:
        for column in ("source", "target"):
            for row in self._rows(self._named(batch, column), column, self._is_listed):
                self._list(_row(row), row[column])

    def _named(self, batch: pa.RecordBatch, column: str) -> pa.RecordBatch:
        """Rows that a list of single addresses names; all of them where lists name networks, too."""
        if self._lists is None or self._lists.networks:
            return batch
        return batch.filter(pc.is_in(batch.column(column), self._singles))

    def _is_listed(self, _tenant: str, place: str) -> bool:
        return self._lists is not None and bool(self._lists.of(place))

    def _strange(self, row: dict[str, Any]) -> None:
        tenant, address = row["tenant"], row["source"]
        agent = self._agents.get((tenant, row["connection"] or ""))
        found = stack.mismatch(row["syn"] or "", agent) if agent else None
        if found is not None:
            self._keep(_row(row).says(address, "stack", *found), tenant)
        prompt = any(one in distance.PROMPT for one in (row["service"] or "").split(","))
        if prompt and row["near"] is not None and row["far"] is not None and self._room():
            self._times[tenant, address].append((row["near"], row["far"], _row(row)))

    def _faces(self, batch: pa.RecordBatch) -> None:
        for row in self._rows(batch, "target", self._outer):
            found = face.seen(row["face"] or "")
            if found is not None:
                self._keep(
                    _row(row).says(row["target"], "face", found[0], f"{found[1]}: {row['face'][:120]}"),
                    row["tenant"],
                )

    def _talk(self, batch: pa.RecordBatch) -> None:
        for row in self._rows(batch, "source", self._outer):
            if row["connection"] and self._room():
                self._agents[row["tenant"], row["connection"]] = row["agent"]

    def _security(self, batch: pa.RecordBatch) -> None:
        ruling = batch.filter(pc.equal(batch.column("EventID"), pa.scalar("4672", pa.string())))
        names = (ruling.column(name).to_pylist() for name in ("tenant", "subject", "subject_domain"))
        for tenant, name, domain in zip(*names, strict=True):
            if name and not name.endswith("$") and len(self._ruling) < MOST:
                self._ruling |= {(tenant, account_name(name, domain or "")), (tenant, account_name(name))}
        logons = batch.filter(pc.equal(batch.column("EventID"), pa.scalar("4624", pa.string())))
        for row in self._rows(logons, "source", self._outer):
            if row["name"] and not row["name"].endswith("$"):
                self._session(account_name(row["name"], row["domain"] or ""), row)

    def _signin(self, batch: pa.RecordBatch) -> None:
        for row in self._rows(batch, "source", self._outer):
            if row["user"] and (row["result"] or "0") == "0":
                self._session(account_name(row["user"]), row)

    def _private(self, batch: pa.RecordBatch) -> None:
        for row in self._rows(batch, "source", self._outer):
            if row["user"]:
                self._session(account_name(row["user"]), row)

    def _session(self, account: str, row: dict[str, Any]) -> None:
        self.outside = True
        if self._room():
            self._sessions[row["tenant"], account].append((row["time"], row["source"], _row(row)))

    def _log_ons(self) -> None:
        """Sessions of administrators: on lists, and first ones from consumers' networks."""
        for (tenant, account), found in self._sessions.items():
            admin = (
                account if self._directory.provider.owns(account) or (tenant, account) in self._ruling else ""
            )
            found.sort(key=lambda one: one[0])
            for _, address, row in found:
                self._list(row, address, admin)
            if self._owners is not None and admin:
                sessions = [Session(time, address, place) for place, (time, address, _) in enumerate(found)]
                for session, weight, words in consumer.firsts(sessions, self._owners.at):
                    self._keep(
                        found[session.place][2].says(session.address, "consumer", weight, words, admin),
                        tenant,
                    )

    def _list(self, row: Row, address: str, admin: str = "") -> None:
        told = self._lists.at(address, row.time) if self._lists is not None else None
        if told is not None:
            self._keep(row.says(address, "listed", *listed.weighed(told), admin), row.tenant)

    def _keep(self, signal: Signal, tenant: str) -> None:
        alike = self._found[tenant, signal.address, signal.kind]
        if len(alike) < MOST_ALIKE and self._room():
            alike.append(signal)

    def _room(self) -> bool:
        self._count += 1
        self.dropped += self._count > MOST
        return self._count <= MOST


def _row(row: dict[str, Any]) -> Row:
    return Row(
        row["tenant"],
        row["time"],
        row["event_uid"],
        row["table"],
        row["evidence"] or "",
        row["record"] or 0,
        row["host"] or "",
    )

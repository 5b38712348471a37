"""What the first bytes of flows say, worked out once for equal bytes: scans, beacons and names that are asked for again are much of what
networks carry. It is remembered for a while; records are made for each flow all the same.
"""

from __future__ import annotations

from array import array
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from kazami.sources.columns import Plan
from kazami.sources.network.capture.application import talk
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.connection import ending
from kazami.sources.network.capture.crop import Crop
from kazami.sources.network.capture.flow import FIN, MAX_SIZES, TCP, UDP, Flow

#: First bytes of each direction that a flow's record carries, for recognisers of what no parser here knows.
CARRIED, CARRIED_TLS, CARRIED_REQUESTS = 1024, 2048, 4096

#: Bytes of conversations that are remembered, and of one of them; characters of questions with their answers.
REMEMBERED, MAX_REMEMBERED, MAX_NAMES = 12 << 20, 16384, 4 << 20


@dataclass(slots=True, eq=False)
class Group:
    """Records of one log with equal names of fields, but for what tells their flow and time. Lists have an entry each.

    `plan` is that of the whole records; ``texts`` are the ends of their original texts.
    """

    path: str
    plan: Plan
    places: list[int] = field(default_factory=list)  # in the client's first bytes
    cells: list[tuple[Any, ...]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    size: int = 0  # characters of the texts

    def add(self, place: int, cells: tuple[Any, ...], text: str) -> None:
        """One record more."""
        self.places.append(place)
        self.cells.append(cells)
        self.texts.append(text)
        self.size += len(text)


@dataclass(slots=True, eq=False)
class Told:
    """What the first bytes of a flow said. Files are named anew for each flow."""

    service: str
    groups: list[Group]
    files: list[tuple[int, dict[str, Any]]]
    carried: tuple[tuple[str, ...], tuple[str, ...]]  # names and texts of first bytes
    size: int = 0  # characters of these texts


DNS, NOTHING = Told("dns", [], [], ((), ())), Told("", [], [], ((), ()))

#: The end of a flow's key (the responder's port and the protocol; `_alone` says what else), first bytes of both sides, and sizes of
#: their packets (32 bits each).
_Talk: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes]

#: Gives the plan of a log's records with these fields behind those of their flow.
Planner = Callable[[str, tuple[str, ...]], Plan]


class Conversations:
    """Works out what flows say."""

    def __init__(self, plan: Planner, remember: int, keep: talk.Keep | None = None) -> None:
        self._plan, self._remember, self._keep = plan, remember, keep
        self._young: dict[_Talk, Told] = {}
        self._old: dict[_Talk, Told] = {}
        self._bytes = 0
        self._names: dict[tuple[int, int], tuple[Any, Any, Group]] = {}
        self._named = 0

    def told(self, flow: Flow) -> Told:
        """What a flow's first bytes say."""
        if flow.queries is not None:
            return DNS
        near, far = flow.halves
        sizes = array("I", near.sizes).tobytes(), array("I", far.sizes).tobytes()
        first, second = bytes(near.head), bytes(far.head)
        end = flow.key[-3:]
        if flow.protocol == TCP and bool(first) != bool(second):
            spoke = near if first else far
            end = _alone(flow.key, spoke.flags, spoke.payload == len(first or second))
        return self._told((end, first, second, *sizes))

    def of_rows(self, crop: Crop, rows: Numbers) -> list[Told]:
        """What those of some flows of a crop say."""
        near, far, keys, known = crop.near.head, crop.far.head, crop.keys, crop.known
        sizes = crop.pieces.length.astype(np.uint32).tobytes()
        labels = [keys[row][-3:] for row in rows.tolist()]
        for n in self._one_sided(crop, rows):
            row = int(rows[n])
            side, head = (crop.near, near[row]) if near[row] else (crop.far, far[row])
            labels[n] = _alone(keys[row], int(side.flags[row]), int(side.payload[row]) == len(head))
        places: list[list[int]] = []
        for side in (crop.near, crop.far):
            ends = np.minimum(side.begin + MAX_SIZES, side.end)
            places += [(4 * column[rows]).tolist() for column in (side.begin, ends)]
        found: list[Told] = []
        for row, label, a, b, c, d in zip(rows.tolist(), labels, *places, strict=True):
            if row in known and known[row].queries is not None:
                found.append(DNS)
                continue
            spoken = (label, near[row], far[row], sizes[a:b], sizes[c:d])
            found.append(self._young.get(spoken) or self._told(spoken))
        return found

    @staticmethod
    def _one_sided(crop: Crop, rows: Numbers) -> list[int]:
        """Those of `rows` (their places) in which one side of TCP spoke alone, and said that it is done."""
        near, far = ((side.end > side.begin)[rows] for side in (crop.near, crop.far))
        done = ((crop.near.flags | crop.far.flags)[rows] & FIN) > 0
        found: list[int] = np.flatnonzero((crop.protocol[rows] == TCP) & (near != far) & done).tolist()
        return found

    def _told(self, talk: _Talk) -> Told:
        _, first, second, _, _ = talk
        size = len(first) + len(second)
        if not size:
            return NOTHING
        if size > MAX_REMEMBERED or not self._remember:
            return self._worked_out(talk)
        told = self._young.get(talk)
        if told is None:
            told = self._old.pop(talk, None) or self._worked_out(talk)
            self._young[talk] = told
            self._bytes += size
            if self._bytes > self._remember:
                self._young, self._old, self._bytes = {}, self._young, 0
        return told

    def _worked_out(self, talk: _Talk) -> Told:
        end, first, second, *packed = talk
        sizes = [memoryview(one).cast("I").tolist() for one in packed]
        service, found = said(end, first, second, sizes, self._keep)
        groups: dict[int, Group] = {}
        files = []
        for path, fields in found:
            place = fields.pop("#at", 0)
            if path == "files":
                files.append((place, fields))
                continue
            plan = self._plan(path, tuple(fields))
            group = groups.get(id(plan)) or groups.setdefault(id(plan), Group(path, plan))
            group.add(place, tuple(fields.values()), ending(fields))
        carried = _carried(service, first, second, sizes)
        return Told(service, list(groups.values()), files, carried, sum(map(len, carried[1])))

    def name(self, question: dict[str, Any] | None, answer: dict[str, Any] | None) -> Group:
        """A question of DNS with its answer, either of which may be missing, but for its number and how long it took."""
        key = (id(question), id(answer))
        known = self._names.get(key)
        if known is not None:
            return known[2]
        fields = (question or {}) | (answer or {})
        timed = question is not None and answer is not None
        plan = self._plan("dns", ("trans_id", *fields, *(("rtt",) if timed else ())))
        group = Group("dns", plan)
        group.add(0, tuple(fields.values()), ending(fields)[:-1])
        self._named += 500 + group.size
        if self._named > MAX_NAMES:
            self._names, self._named = {}, 0
        self._names[key] = question, answer, group  # held, so that no others get their ids
        return group


def _alone(key: bytes, flags: int, complete: bool) -> bytes:
    """The end of the key of a flow in which one side spoke alone, with the originator's port where all that it said is here, to its end."""
    return key[-5:] if complete and flags & FIN else key[-3:]


def _carried(
    service: str, first: bytes, second: bytes, sizes: list[list[int]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """First bytes and sizes, for recognisers of what is not read here. They make columns, and are left out of the text."""
    if service in ("dns", "ssl", "quic") and b"Quasar" not in second:
        return (), ()
    most = CARRIED_TLS if service in ("http", "ssl") else CARRIED
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    for which, data, own in zip(("orig", "resp"), (first, second), sizes, strict=True):
        if data:
            kept = CARRIED_REQUESTS if service == "http" and which == "orig" else most
            names += (f"{which}_first_bytes", f"{which}_first_sizes")
            values += (b2a_base64(data[:kept], newline=False).decode(), ",".join(map(str, own)))
    return names, values


def said(
    end: bytes, first: bytes, second: bytes, sizes: list[list[int]], keep: talk.Keep | None = None
) -> talk.Said:
    """Which protocol a flow is, in Zeek's word, and the records in its first bytes, whose packets have `sizes`; `end` are the
    responder's port and the protocol, behind the originator's port where one side spoke alone and to its end. `keep` is given
    files that are whole."""
    if end[-1] not in (TCP, UDP) or not (first or second):
        return "", []
    told = talk.Talk(
        first,
        second,
        int.from_bytes(end[-3:-1]),
        (sizes[0], sizes[1]),
        keep,
        int.from_bytes(end[:-3]),
        len(end) > 3,
    )
    return talk.stream(told) if end[-1] == TCP else talk.datagrams(told)

"""What the first bytes of flows say, worked out once for equal bytes: scans, beacons and names that are asked for again are much of what
networks carry. It is remembered for a while; records are made for each flow all the same.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kazami.sources.columns import Plan
from kazami.sources.network.capture.application import talk
from kazami.sources.network.capture.connection import ending
from kazami.sources.network.capture.flow import TCP, UDP, Flow

#: First bytes of each direction that a flow's record carries, for recognisers of what no parser here knows.
CARRIED, CARRIED_HTTP = 1024, 2048

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


class Told(NamedTuple):
    """What the first bytes of a flow said. Files are named anew for each flow."""

    service: str
    groups: list[Group]
    files: list[tuple[int, dict[str, Any]]]
    carried: tuple[tuple[str, ...], tuple[str, ...]]  # names and texts of first bytes


DNS, NOTHING = Told("dns", [], [], ((), ())), Told("", [], [], ((), ()))

#: Gives the plan of a log's records with these fields behind those of their flow.
Planner = Callable[[str, tuple[str, ...]], Plan]


class Conversations:
    """Works out what flows say."""

    def __init__(self, plan: Planner, remember: int, keep: talk.Keep | None = None) -> None:
        self._plan, self._remember, self._keep = plan, remember, keep
        self._young: dict[Any, Told] = {}
        self._old: dict[Any, Told] = {}
        self._bytes = 0
        self._names: dict[tuple[int, int], tuple[Any, Any, Group]] = {}
        self._named = 0

    def told(self, flow: Flow) -> Told:
        """What a flow's first bytes say."""
        if flow.queries is not None:
            return DNS
        near, far = flow.halves
        first, second = bytes(near.head), bytes(far.head)
        size = len(first) + len(second)
        if not size:
            return NOTHING
        if size > MAX_REMEMBERED or not self._remember:
            return self._worked_out(flow, first, second)
        key = (flow.protocol, flow.key[-3:-1], first, second, tuple(near.sizes), tuple(far.sizes))
        told = self._young.get(key)
        if told is None:
            told = self._old.pop(key, None) or self._worked_out(flow, first, second)
            self._young[key] = told
            self._bytes += size
            if self._bytes > self._remember:
                self._young, self._old, self._bytes = {}, self._young, 0
        return told

    def _worked_out(self, flow: Flow, first: bytes, second: bytes) -> Told:
        service, found = said(flow, first, second, self._keep)
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
        return Told(service, list(groups.values()), files, _carried(flow, service, first, second))

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


def _carried(
    flow: Flow, service: str, first: bytes, second: bytes
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """First bytes and sizes, for recognisers of what is not read here. They make columns, and are left out of the text."""
    if service in ("dns", "ssl", "quic") and b"Quasar" not in second:
        return (), ()
    most = CARRIED_HTTP if service in ("http", "ssl") else CARRIED
    near, far = flow.halves
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    for which, data, half in (("orig", first, near), ("resp", second, far)):
        if data:
            names += (f"{which}_first_bytes", f"{which}_first_sizes")
            values += (b2a_base64(data[:most], newline=False).decode(), ",".join(map(str, half.sizes)))
    return names, values


def said(flow: Flow, first: bytes, second: bytes, keep: talk.Keep | None = None) -> talk.Said:
    """Which protocol a flow is, in Zeek's word, and the records in its first bytes. `keep` is given files that are whole."""
    if flow.queries is not None:
        return "dns", []
    if flow.protocol not in (TCP, UDP) or not (first or second):
        return "", []
    near, far = flow.halves
    told = talk.Talk(
        first, second, int.from_bytes(flow.key[-3:-1]), (list(near.sizes), list(far.sizes)), keep
    )
    return talk.stream(told) if flow.protocol == TCP else talk.datagrams(told)

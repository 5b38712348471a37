"""Flows that are over as records: the flow itself, and what its first bytes say. Few are made row by row, many in columns (`columnar`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kazami.model.wire import Match
from kazami.sources.columns import Columns, Plan
from kazami.sources.network import words
from kazami.sources.network.capture import columnar
from kazami.sources.network.capture.application import dns
from kazami.sources.network.capture.block import Numbers
from kazami.sources.network.capture.connection import (
    WHOSE,
    Whose,
    connection,
    ending,
    head,
    named,
    seconds,
)
from kazami.sources.network.capture.conversation import DNS, REMEMBERED, Conversations, Group, Told
from kazami.sources.network.capture.crop import Crop
from kazami.sources.network.capture.flow import Flow

#: Questions of one flow that wait for their answer.
MAX_QUESTIONS = 256

#: Ports whose datagrams are read as DNS: DNS itself, multicast, LLMNR.
DNS_PORTS = frozenset(port.to_bytes(2) for port in (53, 5353, 5355))

#: Sets of fields of one log that are remembered.
MAX_SHAPES = 4096

#: Records that wait to be handed on together, and characters of their texts; how many of one kind are too few for columns.
WAITING, MAX_WAITING, FEW = 32768, 16 << 20, 32

#: Places in a flow's first bytes whose times are looked up at once.
_MANY = 16

_FIRST = [0]


@dataclass(slots=True, eq=False)
class Waiting:
    """Records of one plan: distinct groups by their codes; the code of each that waits, and the place of its flow; times of all
    records. For DNS also a number and microseconds for each."""

    path: str
    plan: Plan
    groups: dict[Group, int] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rtts: list[int] = field(default_factory=list)


class Records:
    """Makes records of flows, and hands them on to `columns`."""

    def __init__(self, columns: Columns, remember: int = REMEMBERED, few: int = FEW) -> None:
        self._columns, self._few = columns, few
        self._plans: dict[str, dict[tuple[str, ...], Plan]] = {}
        self._said = Conversations(self._plan, remember, columns.keep)
        self._waiting: dict[int, Waiting] = {}
        self._flows = columnar.Flows()  # those whose records wait
        self._over = columnar.Over()
        self._count = self._size = self._turn = 0

    def flow(self, flow: Flow) -> None:
        """A flow that is over."""
        told = self._said.told(flow)
        place = self._place(flow)
        self._unanswered(flow)
        for group in told.groups:
            waiting = self._wait(group)
            waiting.flows.append(place)
            waiting.times += times_of(flow, group.places)
        for at, fields in told.files:
            self._file(self._flows[place], flow.time_at(at), fields)
        if flow.watch is not None:
            self._matches(self._flows[place], flow.watch.found())
        self._over.add(flow, place, told)
        self._count += 1
        self._size += told.size
        for half in flow.halves:
            half.head = b""
        if self._count >= WAITING or self._size >= MAX_WAITING:
            self.flush()

    def crop(self, crop: Crop, rows: Numbers) -> None:
        """Flows of a crop that are over."""
        told = self._said.of_rows(crop, rows)
        flows, places = self._flows, self._flows.extend(crop, rows)
        listed, begun = rows.tolist(), crop.begun[rows].tolist()
        for n, one in enumerate(told):
            row, place = listed[n], places[n]
            if one is DNS and row in crop.known:
                flow = crop.known[row]
                if flow.turn == self._turn:
                    places[n] = flow.place
                else:
                    flow.turn, flow.place = self._turn, place
                self._unanswered(flow)
                continue
            for group in one.groups:
                waiting = self._wait(group)
                waiting.flows.append(place)
                waiting.times += [begun[n]] if group.places == _FIRST else crop.times(row, group.places)
            for at, fields in one.files:
                self._file(flows[place], crop.times(row, [at])[0], fields)
            self._size += one.size
        if crop.watch is not None:
            place_of = dict(zip(listed, places, strict=True))
            for row, matches in crop.watch.finish(rows):
                self._matches(flows[place_of[row]], matches)
        self._over.extend(crop, rows, places, told)
        self._count += len(rows)
        if self._count >= WAITING or self._size >= MAX_WAITING:
            self.flush()

    def _unanswered(self, flow: Flow) -> None:
        """Questions that waited for their answers to the end."""
        if flow.queries:
            for number, (time, question) in sorted(flow.queries.items()):
                self._name(flow, time, number, question, None)
            flow.queries.clear()

    def datagram(self, flow: Flow, direction: int, data: bytes, time: int) -> None:
        """A datagram of DNS: an answer makes a record with its question, a question waits."""
        found = dns.message(data)
        if found is None:
            return
        number, fields, is_answer = found
        if flow.queries is None:
            flow.queries = {}
        asked, question = flow.queries.pop(number, (time, None))
        if is_answer:
            self._name(flow, asked, number, question, fields, max(0, time - asked))
            return
        if question is not None:
            self._name(flow, asked, number, question, None)
        if len(flow.queries) >= MAX_QUESTIONS:
            oldest = next(iter(flow.queries))
            self._name(flow, flow.queries[oldest][0], oldest, flow.queries.pop(oldest)[1], None)
        flow.queries[number] = time, fields

    def flush(self) -> None:
        """Hand on what waits."""
        waiting, flows, over = list(self._waiting.values()), self._flows, self._over
        self._waiting, self._flows, self._over = {}, columnar.Flows(), columnar.Over()
        self._count = self._size = 0
        self._turn += 1
        few = [some for some in waiting if len(some.times) < self._few]
        many = [some for some in waiting if len(some.times) >= self._few]
        if many or len(over) >= self._few:
            heads = columnar.Heads(flows)
            for some in many:
                self._columns.take(columnar.slab(some, heads, self._columns.owner))
        for some in few:
            self._rows(some, flows)
        if len(over) < self._few:
            for place, told, flow in over.flows():
                self._connection(flows[place], flow, told)
        else:
            plan = self._plan("conn", columnar.CONNECTION)
            self._columns.take(columnar.connections(over, heads, plan, self._columns.owner))

    def _place(self, flow: Flow) -> int:
        """The place of a flow among those whose records wait."""
        if flow.turn != self._turn:
            flow.turn, flow.place = self._turn, self._flows.add(flow)
        return flow.place

    def _wait(self, group: Group) -> Waiting:
        waiting = self._waiting.get(id(group.plan))
        if waiting is None:
            waiting = self._waiting[id(group.plan)] = Waiting(group.path, group.plan)
        waiting.codes.append(waiting.groups.setdefault(group, len(waiting.groups)))
        self._count += len(group.places)
        self._size += group.size
        return waiting

    def _name(
        self,
        flow: Flow,
        time: int,
        number: int,
        question: dict[str, Any] | None,
        answer: dict[str, Any] | None,
        rtt: int = 0,
    ) -> None:
        waiting = self._wait(self._said.name(question, answer))
        waiting.flows.append(self._place(flow))
        waiting.times.append(time)
        waiting.numbers.append(number)
        if question is not None and answer is not None:
            waiting.rtts.append(rtt)

    def _rows(self, some: Waiting, flows: columnar.Flows) -> None:
        """Records of one plan, one by one."""
        at, groups = 0, list(some.groups)
        for n, (code, place) in enumerate(zip(some.codes, some.flows, strict=True)):
            for cells, text in zip(groups[code].cells, groups[code].texts, strict=True):
                if some.numbers:
                    cells = (some.numbers[n], *cells)
                    text = f',"trans_id":{some.numbers[n]}{text}'
                    if some.rtts:
                        rtt = seconds(some.rtts[n])
                        cells, text = (*cells, rtt), f'{text},"rtt":"{rtt}"'
                    text += "}"
                self._add(some.plan, some.path, flows[place], some.times[at], cells, text)
                at += 1

    def _connection(self, whose: Whose, flow: Flow, told: Told) -> None:
        names, cells, text = connection(flow, told.service)
        carried, values = told.carried
        self._add(self._plan("conn", names + carried), "conn", whose, whose.first, cells + values, text)

    def _file(self, whose: Whose, time: int, fields: dict[str, Any]) -> None:
        self._put("files", whose, time, named(whose, fields))

    def _matches(self, whose: Whose, matches: list[Match]) -> None:
        for match in matches:
            self._put("rule_match", whose, match.time, match.fields)

    def _put(self, path: str, whose: Whose, time: int, fields: dict[str, Any]) -> None:
        """Add a record of a flow."""
        self._add(self._plan(path, tuple(fields)), path, whose, time, tuple(fields.values()), ending(fields))

    def _add(self, plan: Plan, path: str, whose: Whose, time: int, cells: tuple[Any, ...], text: str) -> None:
        begun, who = head(whose)
        stamp = seconds(time)
        raw = f'{{"_path":"{path}","ts":"{stamp}",{begun}{text}'
        self._columns.add(plan, (time, stamp, *who, *cells), raw, whose.number)

    def _plan(self, path: str, names: tuple[str, ...]) -> Plan:
        """The plan of records with these fields behind those of their flow."""
        known = self._plans.get(path)
        if known is None:
            known = self._plans[path] = {}
        plan = known.get(names)
        if plan is None:
            if len(known) >= MAX_SHAPES:
                known.clear()
            plan = known[names] = words.plan(f"zeek.{path}", ("#time", "ts", *WHOSE, *names))
        return plan


def times_of(flow: Flow, places: list[int]) -> list[int]:
    """When the bytes at `places` of the originator's first bytes were captured."""
    marks = flow.halves[0].marks
    if len(places) < _MANY or not marks:
        return [flow.time_at(place) for place in places]
    known = np.array(marks, np.int64)
    at = np.searchsorted(known[:, 0], np.array(places, np.int64), "right")
    found: list[int] = np.where(at > 0, known[at - 1, 1], flow.first).tolist()
    return found

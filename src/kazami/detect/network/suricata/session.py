"""One flow as the rules see it: its state, its two streams put in order, its application protocol.

A stretch of a stream is looked at when the other side answers, when enough has come together, or when the flow ends: most
requests and answers are then whole. Where segments overlap, the bytes that came first win; a gap that is not filled is stepped
over, and the application protocol is followed no further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazami.detect.network.suricata import app
from kazami.detect.network.suricata.app.parser import Said
from kazami.detect.network.suricata.kind import kind
from kazami.detect.network.suricata.opening import Call
from kazami.detect.network.suricata.order import ordered
from kazami.detect.network.suricata.packet import ACK, RST, SYN, TCP, UDP, Packet
from kazami.detect.network.suricata.plan import TOLD
from kazami.detect.network.suricata.prefilter import MOST
from kazami.detect.network.suricata.protocol import FAILED
from kazami.detect.network.suricata.steps import View
from kazami.detect.network.suricata.stream import Frame, Half, Marks, cut, fingerprint, joined

if TYPE_CHECKING:
    from kazami.detect.network.suricata.alert import Alert
    from kazami.detect.network.suricata.inspector import Inspector
    from kazami.detect.network.suricata.rule import Rule

#: Bytes of a stretch, of what is kept of the one before, and of one direction that are looked at (Suricata's depth).
STRETCH, KEPT, DEPTH = 16_384, 2_048, 1 << 20

#: Segments that wait for what comes before them, and their bytes.
MAX_WAITING, MAX_WAITING_BYTES = 64, 131_072

#: Packets of one direction that bring what was there already and are looked at.
MAX_COPIES = 16

_WORD, _HALF = 0xFFFFFFFF, 0x80000000
NEW, SENT, ANSWERED, OPEN, OVER = range(5)


class Session:
    """A flow under inspection; `addresses` and `ports` have the client's first."""

    __slots__ = (
        "_inspector", "_late", "_parser", "addresses", "alerts", "application", "beyond", "bits", "calls", "counts", "established",
        "excused", "first", "halves", "kind", "last", "mark", "muted", "packets", "passed", "phase", "ports", "protocol", "state", "touched", "turns",
    )  # fmt: skip

    def __init__(
        self,
        inspector: Inspector,
        protocol: int,
        addresses: tuple[bytes, bytes],
        ports: tuple[int, int],
        time: int,
    ) -> None:
        self._inspector = inspector
        self.protocol, self.addresses, self.ports, self.first = protocol, addresses, ports, time
        self.phase, self.established, self.passed, self.mark = NEW, False, False, 0
        self.application = ""
        self.excused: set[int] = set()  # numbers of packets that a rule lets pass
        self.bits: set[str] = set()
        self.counts: dict[str, int] = {}
        self.alerts: list[Alert] = []
        self.packets = [0, 0]
        self.halves = (Half(), Half())
        #: Whether a rule held for what it looked at; whether one asked a packet for more than its payload.
        self.touched = self.beyond = False
        self.muted = False  # what it comes to was told before
        self.calls: list[Call] | None = None  # what was told of rules that held, where it is kept
        self.turns: list[list[int]] = []  # side, and how many packets it sent before the other did
        self.last = (time, 0)
        self._parser: app.Parser | None = None
        self._late: list[Frame | None] = [None, None]
        self.kind = kind(inspector.plan, protocol, addresses, ports)
        self.state = inspector.state(self)

    def latest(self, side: int) -> Packet | None:
        """The packet of this direction that was seen last."""
        frame = self._late[side]
        return None if frame is None else self._packet(side, frame)

    @property
    def whole(self) -> bool:
        """Whether packets without a payload matter: not where no rule asks for headers alone."""
        return self.protocol != TCP or self._inspector.whole(self)

    def take(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        """One packet: `at` is where the header above IP begins, `ip` where IP's does (-1 where it is gone)."""
        self.packets[side] += 1
        if self.protocol != TCP:
            self._single(time, number, side, data, ip, at, stop)
            return
        if at + 20 > stop:
            return
        flags = data[at + 13]
        start = at + (data[at + 12] >> 4) * 4
        if start > stop or start < at + 20:
            start = stop
        if (
            self.packets[side] == 1 or self.state.watchful[side]
        ):  # the packet that opens it is not yet of an established flow
            self._headers(Packet(time, number, side, TCP, data, ip, at, start, stop, self))
        if self.phase < OPEN:
            self._handshake(side, flags, int.from_bytes(data[at + 4 : at + 8]), start < stop)
        if start < stop and not self.halves[side].dropped:
            low = ip if ip >= 0 else at
            frame = (time, number, data[low:stop], ip - low if ip >= 0 else -1, at - low, start - low)
            self._loaded(side, flags, int.from_bytes(data[at + 4 : at + 8]), frame)
        if flags & RST and self.phase >= OPEN:
            self.phase = OVER

    def _single(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        """A packet of anything but TCP."""
        start = min(stop, at + 8) if self.protocol in _EIGHT else at
        self.last, self.mark = (time, number), len(self.alerts)
        if self.packets[1 - side] and not self.established:
            self._open()
        payload = data[start:stop]
        loaded = self.protocol == UDP and stop > start
        if loaded and not self.application:
            self._listen(side, payload)
        inspector, state = self._inspector, self.state
        seen = (state, side, payload)
        if seen in inspector.past.silent and not self.bits:
            return  # the same was said before in a flow of this kind, and nothing came of it
        before = self.touched, self.beyond
        self.touched = self.beyond = False
        self._whole(Packet(time, number, side, self.protocol, data, ip, at, start, stop, self))
        if loaded and self._parser is not None:
            made = self._parser.feed(side, payload)
            if made:
                self._exchanges(made, Marks([], 0, (time, number)), View(payload))
        if not (self.touched or self.beyond or self.bits or state.watchful[side]):
            inspector.keep_silent(seen, self)
        self.touched, self.beyond = self.touched or before[0], self.beyond or before[1]

    def finish(self) -> None:
        """The flow is over: look at what waits. A conversation that was seen before, and in which nothing was found, is left."""
        self._end(self._inspector.options.remember)

    def _end(self, remember: bool) -> None:
        past = self._inspector.past
        remember = remember and bool(self.turns) and self._is_whole()
        seen = fingerprint((self.kind, self.established, self.turns), self.halves) if remember else b""
        if seen in past.quiet:
            self.turns = []
            return
        for side in (0, 1):
            if self.halves[side].waiting:
                self._skip_gap(side)
        self.flush()
        if self._parser is not None:
            self._exchanges(self._parser.finish(), Marks([], 0, self.last))
            self._parser = None
        if seen and not (self.touched or self.beyond):
            past.keep_quiet(seen)

    def _is_whole(self) -> bool:
        """Whether all that was said still waits, and nothing came of it yet."""
        waited = not any(half.first or half.waiting for half in self.halves)
        return waited and not (self.touched or self.beyond or self.bits)

    # Packets.

    def _whole(self, packet: Packet) -> None:
        """Everything that is asked of one packet alone."""
        inspector, side = self._inspector, packet.side
        plan, kind = inspector.plan, self.protocol if self.protocol in TOLD else 0
        inspector.bare(plan.begin.get((kind, side), ()) if self.packets[side] == 1 else (), packet)
        finder = plan.payload.get((kind, side)) if packet.stop > packet.start else None
        if finder is not None or self.state.bitten[side]:
            inspector.packet(finder, packet, self.state.bitten[side])

    def _listen(self, side: int, payload: bytes) -> None:
        """What a datagram is part of."""
        parser = app.datagrams(self.ports, payload)
        if parser is not None:
            self._knows(parser, self.last, side)
        elif self._inspector.plan.doubts and self.packets[1 - side]:
            self._knows(None, self.last, side)

    # TCP.

    def _headers(self, packet: Packet) -> None:
        """What is asked of headers alone; what other rules have set is known only when the payload was looked at."""
        inspector, side = self._inspector, packet.side
        if self.state.unheard and self.turns and self.turns[-1][0] != side:
            self.flush()  # what the other side said may tell which protocol is spoken
        inspector.bare(inspector.plan.begin.get((TCP, side), ()) if self.packets[side] == 1 else (), packet)
        if packet.start >= packet.stop:
            if self.state.bitten[side]:
                self.flush()  # what was said before may have set what these ask for
            for rule in self.state.bitten[side]:
                inspector.lone(rule, packet)

    def _loaded(self, side: int, flags: int, sequence: int, frame: Frame) -> None:
        """A packet with a payload."""
        if flags & RST or (self.phase < OPEN and not flags & SYN):
            self._loose(side, frame)  # what comes with a reset is part of no stream
            return
        if flags & SYN:
            sequence = (sequence + 1) & _WORD
        half = self.halves[side]
        if sequence == half.next:
            self._append(side, half, frame)
        else:
            self._segment(side, half, sequence, frame)

    def _handshake(self, side: int, flags: int, sequence: int, loaded: bool) -> None:
        half = self.halves[side]
        if flags & SYN:
            if half.next < 0 or (not half.frames and not half.first):
                half.next = half.start = (sequence + 1) & _WORD
            if flags & ACK:
                self.phase = max(self.phase, ANSWERED)
                if self.halves[1 - side].start < 0 and not (
                    self._inspector.options.midstream or self._inspector.options.one_sided
                ):
                    self.phase = NEW
            else:
                self.phase = max(self.phase, SENT)
            return
        if flags & RST:
            return
        options = self._inspector.options
        if self.phase == ANSWERED and side == 0 and flags & ACK:
            self._open()
        elif (
            self.phase == ANSWERED
            and side == 1
            and loaded
            and (bool(self.halves[0].size) or options.one_sided)
        ):
            self._open()  # what came with the first packet is answered at once, or the client is never seen
        elif (self.phase == SENT and side == 0 and options.one_sided and flags & ACK) or (
            self.phase == NEW and options.midstream and flags & ACK
        ):
            self._open()

    def _open(self) -> None:
        self.phase, self.established = OPEN, True
        self.state = self._inspector.state(self)

    def _loose(self, side: int, frame: Frame, stream: bool = False) -> None:
        """A packet of no connection that is known: looked at by itself; `stream` where it stands for its stream too."""
        finder, bitten = self._inspector.plan.payload.get((TCP, side)), self.state.bitten[side]
        if finder is not None or bitten:
            self._inspector.packet(finder, self._packet(side, frame), bitten, stream=stream)

    def _segment(self, side: int, half: Half, sequence: int, frame: Frame) -> None:
        if half.next < 0:
            half.next = half.start = sequence
        ahead = (sequence - half.next) & _WORD
        if ahead == 0:
            self._append(side, half, frame)
        elif ahead < _HALF:
            self._wait(side, half, sequence, frame)
        else:
            size = len(frame[2]) - frame[5]
            fresh = size - (_WORD + 1 - ahead)
            if fresh > 0:
                self._append(side, half, cut(frame, fresh))
            else:
                self._again(side, half, sequence, frame)

    def _again(self, side: int, half: Half, sequence: int, frame: Frame) -> None:
        """Bytes that were there already: in the way of the packets, what came first is what goes on."""
        if not self._inspector.options.inline:
            self._loose_copy(side, frame)
            return
        known = half.tail + b"".join([one[2][one[5] :] for one in half.frames])
        start = len(known) - ((half.next - sequence) & _WORD)
        if start >= 0:
            time, number, data, ip, at, begin = frame
            first = known[start : start + len(data) - begin]
            self._loose(side, (time, number, data[:begin] + first, ip, at, begin), True)

    def _loose_copy(self, side: int, frame: Frame) -> None:
        """Bytes that are there already: what a packet carries may differ from what the stream got. Looked at a few times."""
        half = self.halves[side]
        half.copies += 1
        if half.copies > MAX_COPIES:
            return
        if finder := self._inspector.plan.payload.get((TCP, side)):
            self._inspector.packet(finder, self._packet(side, frame), (), False)

    def _append(self, side: int, half: Half, frame: Frame) -> None:
        size = len(frame[2]) - frame[5]
        if self.turns and self.turns[-1][0] == side:
            self.turns[-1][1] += 1
        else:
            if self._inspector.plan.shared:
                self.flush()
            self.turns.append([side, 1])
        half.frames.append(frame)
        half.size += size
        half.next = (half.next + size) & _WORD
        if half.size >= STRETCH:
            self.flush()
        if half.waiting:
            self._drain(side, half)

    def _wait(self, side: int, half: Half, sequence: int, frame: Frame) -> None:
        if half.waiting is None:
            half.waiting = {}
        if sequence in half.waiting:
            if len(half.waiting[sequence][2]) - half.waiting[sequence][5] >= len(frame[2]) - frame[5]:
                self._loose_copy(side, frame)
                return
            half.waits -= len(half.waiting[sequence][2])
        half.waiting[sequence] = frame
        half.waits += len(frame[2])
        if len(half.waiting) > MAX_WAITING or half.waits > MAX_WAITING_BYTES:
            self._skip_gap(side)

    def _drain(self, side: int, half: Half) -> None:
        while half.waiting:
            sequence = min(half.waiting, key=lambda one: (one - half.next + _HALF) & _WORD)
            if (sequence - half.next) & _WORD and (sequence - half.next) & _WORD < _HALF:
                return
            frame = half.waiting.pop(sequence)
            half.waits -= len(frame[2])
            self._segment(side, half, sequence, frame)

    def _skip_gap(self, side: int) -> None:
        """What is missing will not come: go on behind it."""
        half = self.halves[side]
        while half.waiting:
            sequence = min(half.waiting, key=lambda one: (one - half.next) & _WORD)
            self.flush()
            half.first += (sequence - half.next) & _WORD
            half.next, half.gap, half.tail = sequence, True, b""
            if self._parser is not None:
                self._exchanges(self._parser.gap(side), Marks([], 0, self.last))
            self._drain(side, half)

    # Streams.

    def flush(self, side: int = 0) -> None:
        """Look at what has come together, turn by turn: what one side said before the other answered.

        A side in which no rule's content is found as a whole is not searched again turn by turn.
        """
        turns = self.turns
        if not turns:
            return
        self.turns = []
        if not self.application:
            self._hear(turns)
        halves = self.halves
        waiting = [halves[0].frames, halves[1].frames]
        found = [self._survey(side) if waiting[side] else {} for side in (0, 1)]
        single = len(turns) < 3
        places = [0, 0]
        for half in halves:
            half.frames, half.size = [], 0
        for side, count in turns:
            place = places[side]
            places[side] = place + count
            frames = waiting[side][place : place + count]
            candidates = found[side]
            self._turn(side, frames, candidates if single or not candidates else None)

    def _hear(self, turns: list[list[int]]) -> None:
        """Which protocol is spoken, by what the sides said first: it decides which rules are about the flow."""
        told = [False, False]
        for side, count in turns:
            half = self.halves[side]
            if told[side] or half.first > 64:
                continue
            told[side] = True
            parser = app.streams(self.ports, side, joined(half.frames[:count]))
            if parser is not None:
                self._knows(parser, half.frames[0][:2], side)
                return
        if self._inspector.plan.doubts and all(half.first or half.frames for half in self.halves):
            self._knows(None, self.halves[turns[-1][0]].frames[-1][:2], turns[-1][0])

    def _survey(self, side: int) -> dict[Rule, int]:
        """Rules whose content is in all that waits of one side."""
        half, plan = self.halves[side], self._inspector.plan
        finder = plan.payload.get((TCP, side))
        found: dict[Rule, int] = {}
        if finder is not None:
            fresh = len(half.tail)
            view = View(half.tail + joined(half.frames))
            found = self._inspector.candidates(finder, view, self, side, max(0, fresh - MOST))
        if self.state.bitten[side]:
            found |= dict.fromkeys(self.state.bitten[side], 1 << 30)
        return found

    def _turn(self, side: int, frames: list[Frame], candidates: dict[Rule, int] | None) -> None:
        """One stretch of one side; `candidates` are known, or None where they are to be sought."""
        half, self.mark = (
            self.halves[side],
            len(self.alerts),
        )  # a rule that lets pass takes back what was told behind it
        self._late[side] = frames[-1]
        self.last = frames[-1][:2]
        body = joined(frames)
        first = half.first
        half.first = first + len(body)
        if self._parser is not None:
            marks = Marks(frames, first, frames[-1][:2])
            made = self._feed(side, body)
            window = View(half.tail + body if half.tail else body, first - len(half.tail))
            if candidates is None or candidates:
                self._stretch(side, half, window, frames, marks, candidates)
            if made:
                self._exchanges(made, marks, window)
            half.tail = window.data[-KEPT:]
        elif candidates is None or candidates:
            window = View(half.tail + body if half.tail else body, first - len(half.tail))
            self._stretch(side, half, window, frames, Marks(frames, first, frames[-1][:2]), candidates)
            half.tail = window.data[-KEPT:]
        else:
            half.tail = body[-KEPT:] if len(body) >= KEPT else (half.tail + body)[-KEPT:]
        if half.first >= DEPTH:
            half.dropped = True

    def _feed(self, side: int, body: bytes) -> list[app.Exchange]:
        parser = self._parser
        assert parser is not None
        made = parser.feed(side, body)
        if parser.over:
            self.halves[0].dropped = self.halves[1].dropped = True
        if parser.name != self.application:
            self.application = parser.name
            self.state = self._inspector.state(self)
        return made

    def _knows(self, parser: app.Parser | None, place: tuple[int, int], side: int) -> None:
        """Which protocol is spoken, or that none is known: it is followed where a rule asks more of it than its name."""
        self.application = parser.name if parser is not None else FAILED
        self._parser = parser if self.application in self._inspector.plan.followed else None
        self.state = self._inspector.state(self)
        for rule in self._inspector.plan.known:
            for way in (side, 1 - side):
                if rule.side in (None, way) and self._inspector.applies(rule, self, way):
                    self._inspector.found(rule, self, way, place, "", 0, b"")
                    break

    def _stretch(
        self,
        side: int,
        half: Half,
        window: View,
        frames: list[Frame],
        marks: Marks,
        candidates: dict[Rule, int] | None,
    ) -> None:
        inspector = self._inspector
        fresh = len(half.tail)
        if candidates is None:
            finder = inspector.plan.payload.get((TCP, side))
            start = max(0, fresh - MOST)
            candidates = inspector.candidates(finder, window, self, side, start) if finder is not None else {}
            if self.state.bitten[side]:
                candidates |= dict.fromkeys(self.state.bitten[side], 1 << 30)
        for rule in ordered(candidates):
            if half.matched is not None and rule.index in half.matched and candidates[rule] <= fresh:
                continue
            if self._asked(rule, side, window, frames, marks):
                if half.matched is None:
                    half.matched = set()
                half.matched.add(rule.index)

    def _asked(self, rule: Rule, side: int, window: View, frames: list[Frame], marks: Marks) -> bool:
        inspector = self._inspector
        if not rule.payload:
            found = [inspector.lone(rule, self._packet(side, frame)) for frame in frames]
            return any(found)
        placed = rule.needs_packet or rule.placed
        if not rule.needs_packet and inspector.stream(rule, self, side, window, marks):
            return True
        if not placed or rule.header.stream_only or rule.only_stream:
            return False
        probe = inspector.plan.probes.get(rule, b"")  # what is not in a packet cannot be true for it
        bodies = [(frame, frame[2][frame[5] :]) for frame in frames]
        some = [(frame, View(body)) for frame, body in bodies if probe in body.lower()]
        found = [inspector.one(rule, self._packet(side, frame), view) for frame, view in some]
        return any(found)

    def _packet(self, side: int, frame: Frame) -> Packet:
        time, number, data, ip, at, start = frame
        return Packet(time, number, side, TCP, data, ip, at, start, len(data), self)

    def _exchanges(self, made: list[app.Exchange], marks: Marks, window: View | None = None) -> None:
        wanted = self._inspector.plan.wanted
        for exchange, side in made:
            names = wanted.get((self.application, side), _NOTHING)
            if names is not None and isinstance(exchange, Said) and not exchange.says(names):
                continue
            seen = window if window is not None else View(self.halves[side].tail)
            self._inspector.transaction(self, exchange, side, seen, marks)


_NOTHING, _EIGHT = frozenset[str](), frozenset((17, 1, 58))

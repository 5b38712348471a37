"""Evaluates a set of rules: the part that knows all flows. Flows hand over packets, stretches of streams and transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kazami.detect.network.suricata.alert import MOST, Alert
from kazami.detect.network.suricata.buffers import BUFFERS
from kazami.detect.network.suricata.builder import PAYLOAD
from kazami.detect.network.suricata.flowmemory import (
    addressed,
    counted,
    flow_bits,
    flow_bits_hold,
    reckon,
    tracked,
)
from kazami.detect.network.suricata.gate import ends, meets
from kazami.detect.network.suricata.memory import Bits, Counters
from kazami.detect.network.suricata.opening import Call
from kazami.detect.network.suricata.order import ordered
from kazami.detect.network.suricata.packet import TCP, Packet, header
from kazami.detect.network.suricata.past import Past
from kazami.detect.network.suricata.plan import TOLD, Plan, of_addresses
from kazami.detect.network.suricata.prefilter import Finder
from kazami.detect.network.suricata.rule import Inspection, Rule
from kazami.detect.network.suricata.state import Proof, State, Transaction
from kazami.detect.network.suricata.steps import BUDGET, Content, Size, View, run

if TYPE_CHECKING:
    from kazami.detect.network.suricata.session import Session

#: Alerts that one flow may give, and packets of it that rules let pass one by one.
MAX_ALERTS = MAX_EXCUSED = 2_000

#: Searches out of time after which a rule is asked no more.
MAX_LATE = 20

#: Kinds of flows that are told apart at a time; bytes for which answers are kept, and how many of them for each kind.
MAX_STATES, SHORT, MAX_KEPT = 20_000, 256, 512

#: Prefilters for kinds of flows that are made; beyond, flows use the whole one.
MAX_NARROW = 400


@dataclass(frozen=True, slots=True)
class Options:
    """How captures are taken: flows whose beginning is missing, flows of which one side is missing.

    `remember` leaves conversations that were seen before, byte for byte, and in which nothing was found. `inline` is as if in the way of the packets: what a drop rule was true for does not go on.
    """

    midstream: bool = True
    one_sided: bool = True
    inline: bool = False
    remember: bool = True


class Inspector:
    """One evaluation of rules over one capture; what is found is kept with the flow that it is found in."""

    def __init__(
        self,
        rules: Sequence[Rule],
        options: Options = Options(),
        finder: type[Finder] = Finder,
        plan: Plan | None = None,
    ) -> None:
        self.plan = plan if plan is not None else Plan(rules, finder)
        self.options = options
        self.late: Counter[int] = Counter()  # searches out of time, by the rule's index
        self.spent: Counter[int] = Counter()  # inspections that gave up, by the rule's index
        self._bits, self._counters = Bits(), Counters()
        self._states: dict[tuple[tuple[int, ...], bool, str], State] = {}
        self.past = Past()
        self.marks: dict[tuple[int, ...], bytes] = {}  # `mark`, by kind of flow
        self._wholes: dict[tuple[int, ...], bool] = {}
        self._narrow: dict[tuple[int, frozenset[int]], Finder] = {}

    # What a rule asks of a flow, before any bytes.

    def whole(self, session: Session) -> bool:
        """Whether any rule asks for headers alone of flows of this kind, whatever their state becomes."""
        found = self._wholes.get(session.kind)
        if found is None:
            rules = {(rule, side): None for side in (0, 1) for held in (self.plan.bare, self.plan.bitten)
                     for rule in held.get((session.protocol, side), ())}  # fmt: skip
            found = self.plan.whole or any(rule.header.meets(*ends(session, side)) for rule, side in rules)
            if len(self._wholes) >= MAX_STATES:
                self._wholes.clear()
            self._wholes[session.kind] = found
        return found

    def mark(self, session: Session) -> bytes:
        """What stands for the kind of a flow that may wait; nothing where rules ask for more than its payload."""
        options, begin, kind = self.options, self.plan.begin, session.kind
        able = not (options.inline or self.plan.shared)
        if session.protocol == TCP:
            asked = any(begin.get((TCP, side)) for side in (0, 1)) or self.whole(session)
            able &= options.midstream and options.one_sided and not asked
        if len(self.marks) >= MAX_STATES:
            self.marks.clear()
        found = self.marks[kind] = repr(kind).encode() if able else b""
        return found

    def keep_silent(self, seen: tuple[State, int, bytes], session: Session) -> None:
        """What one packet of a kind of flow said, and nothing came of it; not where every flow is asked at its beginning."""
        kind = session.protocol if session.protocol in TOLD else 0
        if not self.options.remember or len(seen[2]) > SHORT or self.plan.begin.get((kind, seen[1])):
            return
        self.past.keep_silent(seen)

    def state(self, session: Session) -> State:
        """What is known of all flows that rules cannot tell from this one, as it stands."""
        key = session.kind, session.established, session.application
        found = self._states.get(key)
        if found is None:
            if len(self._states) >= MAX_STATES:
                self._states.clear()
            found = self._states[key] = State()
            session.state = found
            kind = session.protocol if session.protocol in TOLD else 0
            if not session.application:
                found.unheard = any(
                    rule.header.meets(*ends(session, side))
                    for side in (0, 1)
                    for rule in self.plan.attentive.get((kind, side), ())
                )
            for side in (0, 1):
                for held, rules in ((found.bare, self.plan.bare), (found.bitten, self.plan.bitten)):
                    held[side] = tuple(
                        r for r in rules.get((kind, side), ()) if self.applies(r, session, side)
                    )
                found.watchful[side] = found.unheard or bool(found.bare[side] or found.bitten[side])
        return found

    def applies(self, rule: Rule, session: Session, side: int) -> bool:
        """Whether a rule is about this flow, in this direction, as it stands; asked once for rules of one gate."""
        known = session.state.memo.get(rule.gate << 1 | side)
        return known if known is not None else self._ask(rule, session, side)

    @staticmethod
    def _ask(rule: Rule, session: Session, side: int) -> bool:
        key = rule.gate << 1 | side
        session.state.memo[key] = found = meets(rule, session, side)
        return found

    def open_rules(self, rules: tuple[Rule, ...], session: Session, side: int) -> tuple[Rule, ...]:
        """Those of some rules that are about this flow; remembered until the flow changes its state."""
        key = (id(rules), side)
        found = session.state.opened.get(key)
        if found is None:
            found = session.state.opened[key] = tuple(
                rule for rule in rules if self.applies(rule, session, side)
            )
        return found

    def candidates(
        self, whole: Finder, view: View, session: Session, side: int, start: int = 0
    ) -> dict[Rule, int]:
        """Rules that may be true for these bytes and this flow, with where their content was found to end.

        What is short comes again and again: names, greetings, signs of life. Answers for it are kept.
        """
        state = session.state
        finder = state.narrow.get((id(whole), side))
        if finder is None:
            finder = state.narrow[id(whole), side] = self._narrowed(whole, session, side)
        if not finder:
            return {}
        if len(view.data) > SHORT:
            return self._sought(finder, view.lower, session, side, start)
        kept, key = state.kept[side], (id(whole), view.data, start)
        found = kept.get(key)
        if found is None:
            if len(kept) >= MAX_KEPT:
                kept.clear()
            found = kept[key] = self._sought(finder, view.lower, session, side, start)
        return dict(found) if found else {}

    def _narrowed(self, finder: Finder, session: Session, side: int) -> Finder:
        """The prefilter for those rules only that are about this flow; flows of one kind share it."""
        gates = frozenset(gate for gate, rule in finder.gates.items() if self.applies(rule, session, side))
        if len(gates) == len(finder.gates):
            return finder
        key = (id(finder), gates)
        found = self._narrow.get(key)
        if found is None:
            if len(self._narrow) >= MAX_NARROW:
                return finder
            found = self._narrow[key] = finder.only(gates)
        return found

    def _sought(
        self, finder: Finder, lower: bytes, session: Session, side: int, start: int
    ) -> dict[Rule, int]:
        hits = finder.strong(lower[start:] if start else lower)
        found: dict[Rule, int] = {}
        if hits:
            memo = session.state.memo
            for rule, end in hits.items():
                known = memo.get(rule.gate << 1 | side)
                if known or (known is None and self._ask(rule, session, side)):
                    found[rule] = end + start
        if finder.weak:
            key = (id(finder), side)
            weak = session.state.opened.get(key)
            if weak is None:
                weak = session.state.opened[key] = tuple(
                    (pattern, rule) for pattern, rule in finder.weak if self.applies(rule, session, side)
                )
            for pattern, rule in weak:
                if lower.find(pattern, start) >= 0:
                    found[rule] = len(lower)
        if finder.always:
            for rule in self.open_rules(finder.always, session, side):
                found[rule] = len(lower)
        return found

    # Where rules are asked.

    def bare(self, begin: tuple[Rule, ...], packet: Packet) -> None:
        """Rules that ask for no bytes; `begin` are those that are asked at the beginning of a flow alone."""
        rules = packet.session.state.bare[packet.side]
        if begin:
            opened = self.open_rules(begin, packet.session, packet.side)
            rules = tuple(ordered([*opened, *rules])) if rules else opened
        for rule in rules:
            self.lone(rule, packet)

    def lone(self, rule: Rule, packet: Packet) -> bool:
        """One rule that asks for no bytes."""
        place = (packet.time, packet.number)
        return self._packet(rule, packet) and self.found(rule, packet.session, packet.side, place, "", 0, b"")

    def packet(
        self,
        finder: Finder | None,
        packet: Packet,
        bitten: tuple[Rule, ...] = (),
        plain: bool = True,
        stream: bool = False,
    ) -> None:
        """Rules that ask for bytes, in the payload of one packet; `plain` where no stream will be asked of it.

        `bitten` are rules that ask for no bytes but for what other rules have set.
        """
        view = View(packet.payload)
        candidates = self.candidates(finder, view, packet.session, packet.side) if finder is not None else {}
        candidates |= dict.fromkeys(bitten, 0)
        for rule in ordered(candidates) if candidates else ():
            if not rule.payload:
                self.lone(rule, packet)
            elif (plain or rule.needs_packet or rule.placed) and (stream or not rule.header.stream_only):
                self.one(rule, packet, view)

    def one(self, rule: Rule, packet: Packet, view: View) -> bool:
        """One rule in the payload of one packet."""
        if rule.only_stream or not self.ready(rule, packet.session) or not self._packet(rule, packet):
            return False
        where = self._holds(rule, rule.payload, view)
        if where is None:
            return False
        offset, proof = where
        return self.found(
            rule, packet.session, packet.side, (packet.time, packet.number), PAYLOAD, offset, proof
        )

    def stream(self, rule: Rule, session: Session, side: int, view: View, at: Proof) -> bool:
        """One rule in a stretch of a stream."""
        if not self.ready(rule, session):
            return False
        where = self._holds(rule, rule.payload, view)
        if where is None:
            return False
        if not self._tests_hold(rule, session, side):
            return False
        offset, proof = where
        place = at.locate(view.first + offset)
        return self.found(rule, session, side, place, "stream", view.first + offset, proof)

    def transaction(self, session: Session, made: Transaction, side: int, window: View, at: Proof) -> None:
        """Rules about one direction of one transaction; `window` is what the stream has last brought."""
        finders = self.plan.transaction.get((session.application, side))
        if finders is None:
            return
        views: dict[str, list[View] | None] = {}
        candidates: dict[Rule, int] = {}
        for name, finder in finders.items():
            if name == PAYLOAD:
                candidates.update(self.candidates(finder, window, session, side))
                continue
            for view in _views(views, made, name, side) or ():
                candidates.update(self.candidates(finder, view, session, side))
        for rule in self.open_rules(self.plan.asked[session.application, side], session, side):
            candidates[rule] = 0
        for rule in ordered(candidates) if candidates else ():
            if self.ready(rule, session):
                self._exchange(rule, session, made, side, views, window, at)

    def _exchange(
        self,
        rule: Rule,
        session: Session,
        made: Transaction,
        side: int,
        views: dict[str, list[View] | None],
        window: View,
        at: Proof,
    ) -> None:
        values: dict[str, int] = {}  # what one buffer tells may be asked of another
        where = self._holds(rule, rule.payload, window, values) if rule.payload else (0, b"")
        if where is None:
            return
        shown: tuple[str, int, bytes] | None = None
        for inspection in rule.buffers:
            found = self._buffer(rule, inspection, _views(views, made, inspection.buffer, side), values)
            if found is None:
                return
            if shown is None or not shown[2]:
                shown = inspection.buffer, *found
        if not self._tests_hold(rule, session, side):
            return
        assert shown is not None
        place = at.locate(window.first + len(window.data) - 1)
        self.found(rule, session, side, place, *shown)

    def _buffer(
        self, rule: Rule, inspection: Inspection, views: list[View] | None, values: dict[str, int]
    ) -> tuple[int, bytes] | None:
        """Where one buffer of a transaction fits, or None where it does not."""
        if views is None:
            if inspection.absent is not None:
                return 0, b""
            return None
        if inspection.absent == "only":
            return None
        for view in views:
            changed = view
            if inspection.transforms:
                data = view.data
                for function in inspection.transforms:
                    data = function(data)
                changed = View(data)
            changed.values = values
            found = self._fits(rule, inspection, changed)
            if found is not None:
                return found
        return None

    def _tests_hold(self, rule: Rule, session: Session, side: int) -> bool:
        if not rule.tests:
            return True
        session.beyond |= rule.beyond
        packet = session.latest(side)
        return packet is not None and all(test(packet) for test in rule.tests)

    def _packet(self, rule: Rule, packet: Packet) -> bool:
        """What a rule asks of the headers of a packet."""
        packet.session.beyond |= rule.beyond
        if not all(test(packet) for test in rule.tests):
            return False
        values: dict[str, int] = {}
        for inspection in rule.buffers:
            if inspection.buffer in BUFFERS and not BUFFERS[inspection.buffer].application:
                data = header(packet, inspection.buffer)
                views = None if data is None else [View(data)]
                if self._buffer(rule, inspection, views, values) is None:
                    return False
        return True

    def ready(self, rule: Rule, session: Session) -> bool:
        """Whether what a rule asks of the memory of its flow holds as yet; asked before any bytes are looked at."""
        for bit in rule.bits:
            asked = bit.scope == "flow" and bit.command in ("isset", "isnotset")
            if asked and not flow_bits_hold(bit.command, bit.names, session.bits):
                return False
        return True

    def _holds(
        self, rule: Rule, inspections: Sequence[Inspection], view: View, values: dict[str, int] | None = None
    ) -> tuple[int, bytes] | None:
        view.values = {} if values is None else values
        shown: tuple[int, bytes] | None = (0, b"")
        for inspection in inspections:
            shown = self._fits(rule, inspection, view)
            if shown is None:
                return None
        return shown

    def _fits(self, rule: Rule, inspection: Inspection, view: View) -> tuple[int, bytes] | None:
        """The place and bytes of proof where the steps hold."""
        view.budget, view.spent = BUDGET, False
        end = run(inspection.steps, view)
        if view.spent:
            self.spent[rule.index] += 1
            if self.spent[rule.index] == MAX_LATE:
                self.late[rule.index] = MAX_LATE
        return None if end < 0 else _shown(inspection, view, end)

    # What follows when all holds.

    def found(
        self,
        rule: Rule,
        session: Session,
        side: int,
        place: tuple[int, int],
        buffer: str,
        offset: int,
        proof: bytes,
    ) -> bool:
        """What a flow remembers is asked last, changed, and an alert given where one is due."""
        now = place[0]
        session.touched = True
        if session.calls is not None:
            taken = sum(session.packets)
            session.calls.append(Call(session.application, rule, side, place, buffer, offset, proof, taken))
        if not self._remembered(rule, session, side, now):
            return False
        if session.muted or not self._counters.passes(
            rule, tracked(rule, session, side), now, (session.ports[side], session.ports[1 - side])
        ):
            return True
        silent = session.passed or place[1] in session.excused
        if rule.action == "pass":
            if _is_for_flow(rule, buffer):
                session.passed = True
                session.alerts[session.mark :] = [a for a in session.alerts[session.mark :] if a.rule.told]
            elif len(session.excused) < MAX_EXCUSED:
                session.excused.add(place[1])
            silent |= not rule.told
        if rule.quiet or silent or len(session.alerts) >= MAX_ALERTS:
            return True
        session.alerts.append(
            Alert(rule, now, place[1], side, session.addresses, session.ports, session.protocol, session.application,
                  buffer, offset, proof[:MOST])
        )  # fmt: skip
        if self.options.inline and rule.action not in ("alert", "pass"):
            session.passed = True
        return True

    def _remembered(self, rule: Rule, session: Session, side: int, now: int) -> bool:
        for bit in rule.bits:
            if bit.command in ("isset", "isnotset"):
                held = (
                    flow_bits_hold(bit.command, bit.names, session.bits)
                    if bit.scope == "flow"
                    else self._bits.holds(bit, addressed(bit.scope, session, side), now)
                    == (bit.command == "isset")
                )
                if not held:
                    return False
        if not all(counted(test, session.counts) for test in rule.counts):
            return False
        for bit in rule.bits:
            if bit.command in ("set", "unset", "toggle"):
                if bit.scope == "flow":
                    flow_bits(bit.command, bit.names, session.bits)
                else:
                    self._bits.change(bit, addressed(bit.scope, session, side), now)
        for test in rule.counts:
            reckon(test, session.counts)
        return True


def _is_for_flow(rule: Rule, buffer: str) -> bool:
    """Whether a rule that lets pass, true in a buffer, lets the whole flow pass; else it is the one packet."""
    return (
        buffer not in ("", PAYLOAD) or bool(rule.header.application or rule.application) or of_addresses(rule)
    )


def _views(known: dict[str, list[View] | None], made: Transaction, name: str, side: int) -> list[View] | None:
    if name not in known:
        values = made.values(name, side)
        known[name] = None if values is None else [View(value) for value in values]
    return known[name]


def _shown(inspection: Inspection, view: View, end: int) -> tuple[int, bytes]:
    """The bytes that prove it: the longest content where it lies, else what leads to the end of the last step."""
    wanted = [s for s in inspection.steps if isinstance(s, Content) and not s.negated]
    if wanted:
        best = max(wanted, key=lambda step: len(step.pattern))
        data = view.lower if best.nocase else view.data
        at = data.find(best.pattern)
        if at >= 0:
            return at, view.data[at : at + max(len(best.pattern), min(end - at, MOST))]
    if inspection.steps and not isinstance(inspection.steps[-1], Size) and end > 0:
        start = max(0, end - MOST)
        return start, view.data[start:end]
    return 0, view.data[:MOST]

"""A session that lets a connection wait until it is over, and knows what came of an equal one."""

from __future__ import annotations

from kazami.detect.network.suricata.inspector import Inspector
from kazami.detect.network.suricata.opening import Found, fingerprint, kept
from kazami.detect.network.suricata.session import STRETCH, Session
from kazami.model.wire import Opening


class Patient(Session):
    """A flow under inspection whose packets may all wait."""

    __slots__ = ("_opening",)

    def __init__(
        self,
        inspector: Inspector,
        protocol: int,
        addresses: tuple[bytes, bytes],
        ports: tuple[int, int],
        time: int,
    ) -> None:
        super().__init__(inspector, protocol, addresses, ports, time)
        self._opening: Opening | None = None

    def begin(self, opening: Opening) -> bool:
        """Packets with which a flow of TCP begins, in order; False where they cannot wait, and are to be taken one by one."""
        inspector = self._inspector
        if not inspector.patient(self) or not inspector.past.calm(opening):
            return False
        if sum(map(len, opening.bodies)) >= STRETCH:
            return False
        self._opening = opening
        return True

    def take(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        """One packet, behind what waits."""
        if self._opening is not None:
            self._resume()
        super().take(time, number, side, data, ip, at, stop)

    def _resume(self) -> None:
        """Take what waits."""
        opening, self._opening = self._opening, None
        if opening is not None:
            take = super().take
            for time, number, side, head, above, body in zip(
                opening.times, opening.numbers, opening.sides, opening.heads, opening.above, opening.bodies, strict=True
            ):  # fmt: skip
                take(time, number, side, head + body, 0, above, len(head) + len(body))

    def finish(self) -> None:
        """The flow is over. Of a conversation that was seen before what came of it is known."""
        opening, inspector = self._opening, self._inspector
        if opening is None or not inspector.options.remember:
            self._resume()
            super().finish()
        elif 1 in opening.loaded:
            seen = fingerprint(inspector.patient(self), opening, b"".join(opening.bodies))
            known = inspector.past.known.get(seen)
            if known is None:
                self._first(seen, opening)
            else:
                self._as_before(known, opening)

    def _first(self, seen: bytes, opening: Opening) -> None:
        """The first conversation of its kind; what comes of it is kept, where its bytes alone decide."""
        self.calls = []
        self._resume()
        self._end(False)
        found = None if self.beyond else kept(self.calls, opening)
        if found is not None:
            self._inspector.past.keep_known(seen, found)

    def _as_before(self, known: tuple[Found, ...], opening: Opening) -> None:
        for self.application, rule, side, packet, buffer, offset, proof in known:
            place = opening.times[packet], opening.numbers[packet]
            self._inspector.found(rule, self, side, place, buffer, offset, proof)

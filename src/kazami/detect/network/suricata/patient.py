"""A session that lets a connection wait until it is over, and knows what came of an equal one."""

from __future__ import annotations

from kazami.detect.network.suricata.inspector import Inspector
from kazami.detect.network.suricata.opening import Found, Opening, kept
from kazami.detect.network.suricata.session import Session


class Patient(Session):
    """A flow under inspection that may begin with packets that all wait (`opening`); `seen` is their fingerprint, `count` how many they are."""

    __slots__ = ("_count", "_opening", "_seen")

    def __init__(
        self,
        inspector: Inspector,
        protocol: int,
        addresses: tuple[bytes, bytes],
        ports: tuple[int, int],
        time: int,
        opening: Opening | None = None,
        seen: bytes = b"",
        count: int = 0,
    ) -> None:
        super().__init__(inspector, protocol, addresses, ports, time)
        self._opening, self._seen, self._count = opening, seen, count

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
            for time, number, above, side, packet in zip(*opening, strict=True):
                take(time, number, side, packet, 0, above, len(packet))

    def finish(self) -> None:
        """The flow is over. Of a conversation that was seen before what came of it is known."""
        opening, inspector = self._opening, self._inspector
        if not self._seen or not inspector.options.remember:
            self._resume()
            super().finish()
        elif opening is None:
            super().finish()
            if sum(self.packets) == self._count and not (self.touched or self.beyond or self.bits):
                inspector.past.keep_known(self._seen, ())  # all of it was looked at as it came
        elif (known := inspector.past.known.get(self._seen)) is None:
            self._first(opening)
        else:
            self._as_before(known, opening)

    def _first(self, opening: Opening) -> None:
        """The first conversation of its kind; what comes of it is kept, where its bytes alone decide."""
        self.calls = []
        self._resume()
        self._end(False)
        found = None if self.beyond else kept(self.calls, opening)
        if found is not None:
            self._inspector.past.keep_known(self._seen, found)

    def _as_before(self, known: tuple[Found, ...], opening: Opening) -> None:
        for self.application, rule, side, packet, buffer, offset, proof in known:
            place = opening.times[packet], opening.numbers[packet]
            self._inspector.found(rule, self, side, place, buffer, offset, proof)

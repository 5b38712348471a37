"""A session that lets a connection wait until it is over, and knows what came of an equal one."""

from __future__ import annotations

from kazami.detect.network.suricata.inspector import Inspector
from kazami.detect.network.suricata.opening import Found, Opening, kept
from kazami.detect.network.suricata.session import Session


class Patient(Session):
    """A flow under inspection that may begin with packets that all wait (`opening`); `seen` is their fingerprint, `count` how many they are.

    With `known`, what came of equal packets, they are handed over once more: each is told what came of it, and no more is looked at.
    """

    __slots__ = ("_count", "_known", "_numbers", "_opening", "_seen", "held")

    def __init__(
        self,
        inspector: Inspector,
        protocol: int,
        addresses: tuple[bytes, bytes],
        ports: tuple[int, int],
        time: int,
        opening: Opening | None = None,
        seen: int | None = None,
        count: int = 0,
        known: tuple[Found, ...] | None = None,
    ) -> None:
        super().__init__(inspector, protocol, addresses, ports, time)
        self._opening, self._seen, self._count, self._known = opening, seen, count, known
        self.held = 0  # bytes of what waits, where they are counted (`past`)
        self._numbers: list[int] = []  # of the packets that were handed over, as long as that matters
        if seen is not None and opening is None:
            self.calls = []

    def take(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        """One packet, behind what waits."""
        taken = len(self._numbers)
        if self._opening is not None:
            if self._known is not None and taken < self._count:
                self._numbers.append(number)
                self._tell(self._known, self._opening, taken)
                return
            self._resume()
        elif self.calls is not None:
            self._numbers.append(number)
            if taken == self._count:
                self.calls = None  # more comes of it: what came of its beginning is not all
        super().take(time, number, side, data, ip, at, stop)

    def _resume(self) -> None:
        """Take what waits."""
        opening, self._opening = self._opening, None
        self._release()
        if opening is None:
            return
        if self._known is not None:
            self.application, self.muted = "", True
            self.bits, self.counts = set(), {}
        take = super().take
        for time, number, above, side, packet in zip(*opening, strict=True):
            take(time, number, side, packet, 0, above, len(packet))
        self.muted = False

    def _release(self) -> None:
        self._inspector.past.held -= self.held
        self.held = 0

    def finish(self) -> None:
        """The flow is over. Of a conversation that was seen before what came of it is known."""
        self._release()
        opening, inspector = self._opening, self._inspector
        if self._seen is None:
            self._resume()
            super().finish()
        elif opening is None:
            self._last()
        elif self._known is not None:
            self._tell(self._known, opening, self._count)
        elif (known := inspector.past.known.get(self._seen)) is None:
            self.calls = []
            self._resume()
            self._numbers = opening.numbers
            self._last()
        else:
            self._tell(known, opening)

    def _last(self) -> None:
        """Look at what is left; of the first conversation of its kind what came of it is kept, where its bytes alone decide."""
        before = len(self.calls or ())
        self._end(self._inspector.options.remember)
        if self._seen is None or self.calls is None or len(self._numbers) != self._count or self.beyond:
            return
        found = kept(self.calls, before, self._numbers)
        if found is not None:
            self._inspector.past.keep_known(self._seen, found)

    def _tell(self, known: tuple[Found, ...], opening: Opening, when: int | None = None) -> None:
        """What came of equal packets: of all, or when one of them was looked at."""
        for application, rule, side, packet, buffer, offset, proof, then in known:
            if when is None or then == when:
                self.application = application
                place = opening.times[packet], opening.numbers[packet]
                self._inspector.found(rule, self, side, place, buffer, offset, proof)

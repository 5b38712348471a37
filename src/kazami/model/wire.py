"""Who wants to see packets while a capture is read: plain data, so that reading knows nothing of what is looked for.

A source opens a `Watch` for every flow that begins and hands it each packet once, in the order of the capture, then tells it that
the flow is over; flows that begin together are a `Crowd`. What was found then becomes records beside the flow's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.int64]


class Match(NamedTuple):
    """What was found in a flow: when, in which packet (counted from 1), and what to say of it (names to values)."""

    time: int
    number: int
    fields: dict[str, Any]


class Openings(NamedTuple):
    """Flows that begin together, an entry each in `keys` (both addresses, both ports, the protocol as bytes; the client's first) and `begun`,
    and the packets with which they do so: those of the i-th stand from ``first[i]`` to ``first[i + 1]`` in all columns that follow, in their order.
    Payloads follow each other without a gap, from the SYN on where there is one, unless `places` says (in four bytes each) where in its direction
    of TCP a packet begins, counted from the first. Packets of TCP that carry nothing, and neither begin nor end a
    connection, are left out.

    `sides`, `flags` (of TCP) and `loaded` (1 with a payload) are a byte each, `sizes` of payloads four. A packet is ``data[ip:end]``; its header above
    IP is at ``data[above]``, its payload begins at ``data[start]``. `said` are the first bytes of each flow, of the client and of the server, as far as they are at hand.
    """

    keys: list[bytes]
    begun: Numbers
    said: tuple[list[bytes], list[bytes]]
    first: list[int]
    times: Numbers
    numbers: Numbers
    sides: bytes
    flags: bytes
    loaded: bytes
    sizes: bytes
    places: bytes
    ip: Numbers
    above: Numbers
    start: Numbers
    end: Numbers
    data: bytes


class Watch(Protocol):
    """Sees one flow. Nothing is raised for any bytes."""

    @property
    def whole(self) -> bool:
        """Whether it wants packets of TCP that carry nothing, and neither begin nor end a connection, as well."""
        ...

    def take(self, time: int, number: int, side: int, data: bytes, ip: int, at: int, stop: int) -> None:
        """One packet at `time` (microseconds), the `number`-th of the capture, from the client (`side` 0) or to it (1).

        Its IP header begins at `data[ip]` (-1 where it was put together from fragments), the header above IP at `data[at]`,
        and it ends before `data[stop]`. `data` is larger than the packet and must not be kept.
        """
        ...

    def finish(self) -> None:
        """The flow is over."""
        ...

    def found(self) -> list[Match]:
        """What was found in it, once it is over."""
        ...


class Crowd(Protocol):
    """Sees flows that began together (`Openings`), as long as no more comes of them than they began with."""

    @property
    def waits(self) -> npt.NDArray[np.bool_]:
        """Those whose packets need not be looked at before they are over; of the others each is taken at once, `alone`, packet by packet."""
        ...

    def alone(self, row: int) -> Watch | None:
        """One of them by itself from now on; it has seen its packets if it waits."""
        ...

    def finish(self, rows: Numbers) -> list[tuple[int, list[Match]]]:
        """Some that wait are over: what was found in them, where there is anything."""
        ...


class Tap(Protocol):
    """Sees one capture."""

    def begin(self, openings: Openings) -> Crowd:
        """Many flows begin."""
        ...

    def open(
        self, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int], time: int
    ) -> Watch | None:
        """A flow begins, the client's address and port first; None where nobody wants to see it."""
        ...

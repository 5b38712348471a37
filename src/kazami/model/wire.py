"""Who wants to see packets while a capture is read: plain data, so that reading knows nothing of what is looked for.

A source opens a `Watch` for every flow that begins and hands it each packet once, in the order of the capture, then tells it that
the flow is over. What a watch has found then becomes records beside the flow's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Match(NamedTuple):
    """What was found in a flow: when, in which packet (counted from 1), and what to say of it (names to values)."""

    time: int
    number: int
    fields: dict[str, Any]


class Opening(NamedTuple):
    """The packets with which a connection begins, an entry each, in their order. Payloads follow each other without a gap, from the SYN
    on where there is one. `sides`, `flags` and `loaded` (1 with a payload) are a byte each, `sizes` of payloads four.

    `heads` are the packets from their IP header to their payload, which is in `bodies`; `above` says where in them the header above IP begins.
    """

    times: list[int]
    numbers: list[int]
    sides: bytes
    flags: bytes
    loaded: bytes
    sizes: bytes
    heads: list[bytes]
    above: list[int]
    bodies: list[bytes]


class Watch(Protocol):
    """Sees one flow. Nothing is raised for any bytes."""

    @property
    def whole(self) -> bool:
        """Whether it wants packets of TCP that carry nothing, and neither begin nor end a connection, as well."""
        ...

    def begin(self, opening: Opening) -> bool:
        """All packets that are at hand of a connection that begins; False where they are to be handed over one by one instead."""
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


class Tap(Protocol):
    """Sees one capture."""

    def open(
        self, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int], time: int
    ) -> Watch | None:
        """A flow begins, the client's address and port first; None where nobody wants to see it."""
        ...

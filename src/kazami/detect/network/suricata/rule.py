"""A rule that runs: what it asks of a packet, a flow, a stream and a transaction, and what it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kazami.detect.network.suricata.header import Header
from kazami.detect.network.suricata.steps import Step

if TYPE_CHECKING:
    from kazami.detect.network.suricata.packet import Packet

#: Directions of a flow: from its client to its server, and back.
TO_SERVER, TO_CLIENT = 0, 1

Transform = Callable[[bytes], bytes]
PacketTest = Callable[["Packet"], bool]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Steps over one buffer. `absent` is what an absent buffer means: None no match, "only", "or_else"."""

    buffer: str
    steps: tuple[Step, ...]
    transforms: tuple[Transform, ...] = ()
    absent: str | None = None
    exists: bool = False


@dataclass(frozen=True, slots=True)
class BitTest:
    """flowbits, xbits: `names` are alternatives, `scope` is flow, source, target or pair."""

    command: str
    names: tuple[str, ...]
    scope: str = "flow"
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class CountTest:
    """flowint: a number kept with a flow."""

    name: str
    sign: str
    value: int | str = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """threshold and detection_filter: how often, in how long, counted by what."""

    kind: str  # threshold, limit, both, filter, backoff
    track: str  # by_src, by_dst, by_both, by_rule, by_flow
    count: int
    seconds: int
    multiplier: int = 1
    unique: str = ""


@dataclass(slots=True, eq=False)
class Rule:
    """One rule, compiled. `index` is its place in the set; `order` sorts rules that meet on the same bytes."""

    header: Header
    action: str = "alert"
    sid: int = 0
    gid: int = 1
    rev: int = 0
    message: str = ""
    classtype: str = ""
    priority: int | None = None
    references: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    target: str = ""
    path: str = ""
    line: int = 0
    raw: str = ""
    side: int | None = None
    flowing: bool = False  # says something of the flow, if only its direction
    established: bool | None = None
    only_stream: bool = False
    no_stream: bool = False
    application: tuple[tuple[str, bool], ...] = ()
    payload: tuple[Inspection, ...] = ()
    buffers: tuple[Inspection, ...] = ()
    tests: tuple[PacketTest, ...] = ()
    bits: tuple[BitTest, ...] = ()
    counts: tuple[CountTest, ...] = ()
    limit: Limit | None = None
    quiet: bool = False
    told: bool = False  # an alert although it lets pass
    notices: tuple[str, ...] = ()
    needs_packet: bool = False
    beyond: bool = False  # asks a packet for more than its protocol and payload
    placed: bool = False  # content with a fixed place: looked for in packets as well as in the stream
    index: int = 0
    gate: int = 0  # rules of one number ask the same of a flow
    order: tuple[int, ...] = ()

    @property
    def checks_bits(self) -> bool:
        """Whether it asks for what an earlier rule may have set."""
        return any(bit.command in ("isset", "isnotset") for bit in self.bits)

"""Records of many flows at once, in columns: what `connection` and `record` say row by row, which a property test holds it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kazami.model.evidence import Evidence
from kazami.sources.columns import Plan
from kazami.sources.gathered import encoded
from kazami.sources.network.capture import handshake
from kazami.sources.network.capture.connection import COUNTED, NAMES, Whose
from kazami.sources.network.capture.conversation import Told
from kazami.sources.network.capture.crop import Crop
from kazami.sources.network.capture.flow import FIN, RST, SYN, TCP, Flow
from kazami.sources.network.capture.header import Flags
from kazami.sources.network.capture.naming import Keys
from kazami.sources.network.capture.sorting import spread
from kazami.sources.network.capture.unwrap import ICMP, ICMP6
from kazami.sources.slab import Slab, coded, distinct, taken

if TYPE_CHECKING:
    from kazami.sources.network.capture.record import Waiting

Numbers = npt.NDArray[np.int64]

_BEGUN = ("orig_syn", "orig_rtt", "orig_answer")
_FIRST = ("orig_first_bytes", "orig_first_sizes", "resp_first_bytes", "resp_first_sizes")

#: Names of a connection's own cells; one that a flow does not have is null.
CONNECTION = ("service", *COUNTED, "community_id", *_BEGUN, *_FIRST)

#: Zeek's words for how a connection went.
STATES = ("OTH", "SF", "S0", "SHR", "RSTO", "RSTR", "S2", "S3", "S1", "REJ", "RSTOS0", "SH")


class Flows:
    """Those whose records wait, as lists of what `connection.Whose` says of each."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._firsts: list[int] = []
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: int) -> Whose:
        return Whose(self._keys[place], self._firsts[place], self._numbers[place])

    def add(self, flow: Flow) -> int:
        """One flow more; its place."""
        self._keys.append(flow.key)
        self._firsts.append(flow.first)
        self._numbers.append(flow.number)
        return len(self._keys) - 1

    def extend(self, crop: Crop, rows: Numbers) -> list[int]:
        """Rows of a crop; their places."""
        before, keys = len(self._keys), crop.keys
        self._keys += [keys[row] for row in rows.tolist()]
        self._firsts += crop.first[rows].tolist()
        self._numbers += crop.number[rows].tolist()
        return list(range(before, len(self._keys)))

    def columns(self) -> tuple[list[bytes], Numbers, Numbers]:
        """Keys, first times and numbers of all."""
        return self._keys, np.array(self._firsts, np.int64), np.array(self._numbers, np.int64)


class Heads:
    """What all records of some flows begin with: `text`, and `cells` of `connection.WHOSE`, a row for each flow."""

    def __init__(self, flows: Flows) -> None:
        own, firsts, self.numbers = flows.columns()
        self.keys = keys = Keys(own)
        self.protocols = keys.protocols
        name = keys.uids(firsts)
        near, far = keys.addresses(False), keys.addresses(True)
        known, kind = np.unique(self.protocols, return_inverse=True)
        protocol = coded(kind, [NAMES.get(one) or f"ip-{one}" for one in known.tolist()])
        port, other = (_texts(column).dictionary_encode() for column in keys.ports.T)
        self.cells = [distinct(name), near, port, far, other, protocol]
        self.text = _joined(
            '"uid":"', name, '","id.orig_h":"', near.dictionary_decode(), '","id.orig_p":', port.dictionary_decode(), ',"id.resp_h":"',
            far.dictionary_decode(), '","id.resp_p":', other.dictionary_decode(), ',"proto":"', protocol.dictionary_decode(), '"',
        )  # fmt: skip


def slab(some: Waiting, heads: Heads, owner: Evidence) -> Slab:
    """Records of one plan."""
    groups, codes = list(some.groups), np.array(some.codes, np.int64)
    sizes = np.array([len(one.places) for one in groups], np.int64)
    begin = (np.cumsum(sizes) - sizes)[codes]
    row, whose, _ = spread(begin, begin + sizes[codes])
    flow = np.array(some.flows, np.int64)[whose]
    cells = [
        encoded(column).take(pa.array(row))
        for column in zip(*(cells for one in groups for cells in one.cells), strict=True)
    ]
    text: list[Any] = [
        pa.array([text for one in groups for text in one.texts], pa.string()).take(pa.array(row))
    ]
    if some.numbers:
        number = _texts(np.array(some.numbers, np.int64))
        cells, text = [number.dictionary_encode(), *cells], [',"trans_id":', number, *text]
        if some.rtts:
            rtts = seconds(np.array(some.rtts, np.int64))
            cells, text = [*cells, rtts.dictionary_encode()], [*text, ',"rtt":"', rtts, '"']
        text.append("}")
    return _slab(some.plan, some.path, heads, flow, np.array(some.times, np.int64), cells, text, owner)


class Counted(NamedTuple):
    """What is counted of flows that are over, an entry each; `place` is theirs among `Heads`."""

    place: Numbers
    first: Numbers
    last: Numbers
    payload: Numbers
    packets: Numbers
    ip_bytes: Numbers
    flags: Numbers
    payload2: Numbers
    packets2: Numbers
    ip_bytes2: Numbers
    flags2: Numbers
    syn: pa.StringArray
    rtt: pa.StringArray
    answer: pa.StringArray


_COUNTS = attrgetter("payload", "packets", "ip_bytes", "flags")


class Over:
    """Flows that are over, and their places among those whose records wait."""

    def __init__(self) -> None:
        self._flows: list[tuple[int, Told, Flow]] = []
        self._crops: list[tuple[Crop, Numbers, list[int], list[Told]]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, flow: Flow, place: int, told: Told) -> None:
        """One flow."""
        self._flows.append((place, told, flow))
        self._count += 1

    def extend(self, crop: Crop, rows: Numbers, places: list[int], told: list[Told]) -> None:
        """Rows of a crop."""
        self._crops.append((crop, rows, places, told))
        self._count += len(rows)

    def flows(self) -> Iterator[tuple[int, Told, Flow]]:
        """One after the other."""
        yield from self._flows
        for crop, rows, places, told in self._crops:
            yield from zip(places, told, crop.flows(rows), strict=True)

    def counted(self) -> tuple[Counted, list[Told]]:
        """All in columns."""
        parts = [_of_rows(crop, rows, places) for crop, rows, places, _ in self._crops]
        told = [one for _, _, _, some in self._crops for one in some]
        if self._flows:
            parts.append(
                _of_flows([flow for _, _, flow in self._flows], [place for place, _, _ in self._flows])
            )
            told += [one for _, one, _ in self._flows]
        columns = [
            np.concatenate(column) if isinstance(column[0], np.ndarray) else pa.concat_arrays(column)
            for column in zip(*parts, strict=True)
        ]
        return Counted._make(columns), told


def _of_flows(flows: list[Flow], places: list[int]) -> Counted:
    near, far = [flow.halves[0] for flow in flows], [flow.halves[1] for flow in flows]
    begun = [
        handshake.fields(one, two) if flow.protocol == TCP else {}
        for flow, one, two in zip(flows, near, far, strict=True)
    ]
    counts = np.array([_COUNTS(one) + _COUNTS(two) for one, two in zip(near, far, strict=True)], np.int64)
    times = np.array([(flow.first, flow.last) for flow in flows], np.int64)
    texts = [pa.array([one.get(name) for one in begun], pa.string()) for name in _BEGUN]
    return Counted._make([np.array(places, np.int64), *times.T, *counts.T, *texts])


def _of_rows(crop: Crop, rows: Numbers, places: list[int]) -> Counted:
    near, far = crop.near, crop.far
    counts = [column[rows] for side in (near, far) for column in _COUNTS(side)]
    is_tcp = crop.protocol[rows] == TCP
    syn = [handshake.signature(near.syn[row]) or None for row in rows.tolist()]
    opened, acked = far.opened[rows], near.acked[rows]
    apart = acked - opened
    timed = is_tcp & (opened >= 0) & (acked > 0) & (apart >= 0) & (apart < handshake.LONGEST)
    answer = handshake.answers(crop, rows)
    texts = [
        seconds(np.maximum(apart, 0), timed), seconds(np.maximum(answer, 0), is_tcp & (answer >= 0) & (answer < handshake.LONGEST))
    ]  # fmt: skip
    return Counted._make(
        [
            np.array(places, np.int64),
            crop.first[rows],
            crop.last[rows],
            *counts,
            pa.array(syn, pa.string()),
            *texts,
        ]
    )


def connections(over: Over, heads: Heads, plan: Plan, owner: Evidence) -> Slab:
    """The own records of flows."""
    counted, told = over.counted()
    places = counted.place
    protocol = heads.protocols[places]
    duration = seconds(np.maximum(counted.last - counted.first, 0))
    state = coded(states(protocol, counted.flags, counted.flags2, counted.packets, counted.packets2), STATES)
    told_of = [
        _texts(n)
        for n in (
            counted.payload, counted.payload2, counted.packets, counted.ip_bytes, counted.packets2, counted.ip_bytes2,
        )
    ]  # fmt: skip
    each = {one: n for n, one in enumerate(dict.fromkeys(told))}
    code = pa.array([each[one] for one in told], pa.int32())
    service = pa.array([one.service or None for one in each], pa.string()).take(code)
    community = heads.keys.communities().take(pa.array(places))
    begun = [counted.syn, counted.rtt, counted.answer]
    own = [duration, *told_of[:2], state.dictionary_decode(), *told_of[2:], community, *begun]
    text = [
        *_optional("service", service), ',"duration":"', duration, '","orig_bytes":', told_of[0], ',"resp_bytes":', told_of[1], ',"conn_state":"', own[3],
        '","orig_pkts":', told_of[2], ',"orig_ip_bytes":', told_of[3], ',"resp_pkts":', told_of[4], ',"resp_ip_bytes":', told_of[5],
        *_optional("community_id", community), *(piece for name, one in zip(_BEGUN, begun, strict=True) for piece in _optional(name, one)), "}",
    ]  # fmt: skip
    cells = [service, *own[:3], state, *own[4:]]
    cells = [cell if cell is state else cell.dictionary_encode() for cell in cells]
    return _slab(
        plan, "conn", heads, places, counted.first, [*cells, *_carried(list(each), code)], text, owner
    )


def _carried(told: list[Told], code: pa.Int32Array) -> list[pa.DictionaryArray]:
    """First bytes and their sizes, of equal conversations once."""
    fields = [dict(zip(*one.carried, strict=True)) for one in told]
    values = (pa.array([one.get(name) for one in fields], pa.string()) for name in _FIRST)
    return [column.dictionary_encode().take(code) for column in values]


def _optional(name: str, values: pa.Array) -> list[Any]:
    """A field's piece of the text, where it is there."""
    return [_joined(f',"{name}":"', values, '"').fill_null(_scalar(""))]


def _slab(
    plan: Plan,
    path: str,
    heads: Heads,
    flow: Numbers,
    times: Numbers,
    cells: Sequence[pa.Array],
    text: Sequence[Any],
    owner: Evidence,
) -> Slab:
    stamp, place = seconds(times), pa.array(flow)
    raws = _joined(f'{{"_path":"{path}","ts":"', stamp, '",', heads.text.take(place), *text)
    whose = [taken(cell, flow) for cell in heads.cells]
    columns = [pa.array(times), stamp.dictionary_encode(), *whose, *cells]
    return Slab(plan, columns, raws, heads.numbers[flow].tolist(), owner)


def states(protocol: Numbers, near: Numbers, far: Numbers, packets: Numbers, back: Numbers) -> Numbers:
    """`connection.state` of many flows, from protocols, both sides' flags and packets; places in `STATES`."""
    code = {name: n for n, name in enumerate(STATES)}
    cases: list[tuple[Any, str]] = [
        ((protocol == ICMP) | (protocol == ICMP6), "OTH"),
        ((protocol != TCP) & (packets > 0) & (back > 0), "SF"),
        ((protocol != TCP) & (packets > 0), "S0"),
        (protocol != TCP, "SHR"),
        ((near & SYN == 0) & (far & SYN != 0), "SHR"),
        (near & SYN == 0, "OTH"),
        ((far & SYN == 0) & (far & RST != 0), "REJ"),
        ((far & SYN == 0) & (near & RST != 0), "RSTOS0"),
        ((far & SYN == 0) & (near & FIN != 0), "SH"),
        (far & SYN == 0, "S0"),
        (near & RST != 0, "RSTO"),
        (far & RST != 0, "RSTR"),
        ((near & FIN != 0) & (far & FIN != 0), "SF"),
        (near & FIN != 0, "S2"),
        (far & FIN != 0, "S3"),
    ]
    found: Numbers = np.select([case for case, _ in cases], [code[name] for _, name in cases], code["S1"])
    return found


def seconds(micros: Numbers, there: Flags | None = None) -> pa.StringArray:
    """`connection.seconds` of many; null where they are not `there`."""
    size = np.abs(micros)
    whole, part = _texts(size // 1_000_000), _texts(size % 1_000_000 + 1_000_000)
    text = _joined(whole, ".", pc.utf8_slice_codeunits(part, 1))
    below = micros < 0
    if below.any():
        text = pc.if_else(pa.array(below), _joined("-", text), text)
    return text if there is None else pc.if_else(pa.array(there), text, pa.scalar(None, pa.string()))


def _joined(*pieces: Any) -> pa.StringArray:
    typed = [_scalar(piece) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*typed, _scalar(""))


@lru_cache(1024)
def _scalar(text: str) -> pa.StringScalar:
    """A piece that is the same in all rows. Arrow, not told its type, looks for libraries that are not there, each time."""
    return pa.scalar(text, pa.string())


def _texts(numbers: Numbers) -> pa.StringArray:
    return pa.array(numbers).cast(pa.string())

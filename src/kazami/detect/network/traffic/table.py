"""What the detectors of traffic ask a case for, and how the answers become `Rows`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kazami.detect.network.traffic.rows import Rows, Texts
from kazami.model.question import Question, asked

#: Events of one table that are judged; what comes after them is counted, and said.
MOST = 20_000_000

#: Rows of one batch. Small ones cost more calls than work.
_SIZE = 65_536

#: Characters of a text that are looked at, and of first bytes, which are Base64.
_LONGEST, _FIRST = 512, 2048

#: Columns whose values are addresses: they share their codes.
_ADDRESSES = frozenset(("source", "target"))
_ENDS = {
    "source": ("id.orig_h",),
    "target": ("id.resp_h",),
    "source_port": ("id.orig_p",),
    "port": ("id.resp_p",),
}
_PORTS = frozenset(("source_port", "port"))


def _question(table: str, columns: dict[str, tuple[str, ...]], *numbers: str) -> Question:
    return Question(table, {**_ENDS, **columns}, numbers=frozenset(numbers) | _PORTS, size=_SIZE)


QUESTIONS: tuple[Question, ...] = (
    _question(
        "flow",
        {
            "proto": ("proto",),
            "service": ("service",),
            "state": ("conn_state", "action"),
            "duration": ("duration",),
            "sent": ("orig_bytes", "orig_ip_bytes"),
            "received": ("resp_bytes", "resp_ip_bytes"),
            "sent_ip": ("orig_ip_bytes",),
            "sent_packets": ("orig_pkts",),
            "received_packets": ("resp_pkts",),
            "first_sent": ("orig_first_bytes",),
            "first_received": ("resp_first_bytes",),
            "first_sizes": ("orig_first_sizes",),
            "first_answers": ("resp_first_sizes",),
        },
        "duration",
        "sent",
        "received",
        "sent_ip",
        "sent_packets",
        "received_packets",
    ),
    _question("dns", {"query": ("query",), "type": ("qtype_name",), "code": ("rcode_name",), "answers": ("answers",)}),
    _question(
        "http",
        {
            "method": ("method",),
            "name": ("host_", "host"),
            "uri": ("uri",),
            "agent": ("user_agent",),
            "referrer": ("referrer",),
            "status": ("status_code",),
            "mime": ("resp_mime_types",),
            "file": ("orig_filenames", "resp_filenames"),
            "sent": ("request_body_len",),
            "received": ("response_body_len",),
        },
        "sent",
        "received",
        "status",
    ),
    _question(
        "tls",
        {
            "name": ("server_name",),
            "subject": ("subject",),
            "issuer": ("issuer",),
            "status": ("validation_status",),
            "ja3": ("ja3",),
            "protocol": ("next_protocol",),
        },
    ),
    _question("ssh", {"client": ("client",), "server": ("server",), "success": ("auth_success",), "reversed": ("reversed",)}),
    _question("rdp", {"cookie": ("cookie",), "name": ("client_name",), "result": ("result",)}),
    _question("smb_files", {"action": ("action",), "path": ("path",), "name": ("name",), "size": ("size",)}, "size"),
    _question("smb_mapping", {"path": ("path",), "kind": ("share_type",)}),
    _question("dce_rpc", {"interface": ("endpoint",), "operation": ("operation",), "pipe": ("named_pipe",)}),
    _question(
        "kerberos",
        {
            "request": ("request_type",),
            "client": ("client",),
            "service": ("service",),
            "cipher": ("cipher",),
            "error": ("error_msg",),
            "success": ("success",),
        },
    ),
    _question(
        "ntlm",
        {"account": ("username",), "name": ("hostname",), "domain": ("domainname",), "success": ("success",)},
    ),
    _question("x509", {"subject": ("certificate.subject",), "issuer": ("certificate.issuer",)}),
    _question("files", {"name": ("filename",), "mime": ("mime_type",), "via": ("source",), "from_client": ("is_orig",), "size": ("seen_bytes",)}, "size"),
)  # fmt: skip

_SCHEMAS = {question.table: question for question in QUESTIONS}


class Tables:
    """Answers as they come, by table; `take` gives those of one tenant."""

    def __init__(self) -> None:
        self._columns: dict[str, _Columns] = {}
        self._tenants: dict[str, int] = {}
        self._addresses: dict[str, int] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one answer to one of `QUESTIONS`; others are passed over, and so are events of hosts that are called alike (Windows' own NTLM)."""
        table = asked(batch)
        if table not in _SCHEMAS:
            return
        batch = batch.filter(pc.or_(pc.is_valid(batch.column("source")), pc.is_valid(batch.column("target"))))
        if batch.num_rows:
            columns = self._columns.get(table)
            if columns is None:
                columns = self._columns[table] = _Columns(_SCHEMAS[table], self._tenants, self._addresses)
            columns.add(batch)

    @property
    def tenants(self) -> list[str]:
        """Whose events came; the one with the most of them last."""
        counts = np.zeros(len(self._tenants), np.int64)
        for columns in self._columns.values():
            counts += np.bincount(columns.whole("tenant"), minlength=len(counts))
        names = list(self._tenants)
        return sorted(names, key=lambda name: (counts[self._tenants[name]], name))

    @property
    def notes(self) -> list[str]:
        """What was left out."""
        return [note for columns in self._columns.values() for note in columns.notes()]

    def take(self, table: str, tenant: str, *, last: bool = False) -> Rows:
        """The events of one table and tenant, in the order of time; none where nothing came.

        With `last` nobody asks for this table again: its columns are given away and not copied.
        """
        columns = self._columns.get(table) or _Columns(_SCHEMAS[table], self._tenants, self._addresses)
        return columns.rows(self._tenants.get(tenant, -1), last)


class _Growing:
    """An array that grows at its end without being copied as a whole more often than it must."""

    def __init__(self, kind: np.dtype[Any]) -> None:
        self._array = np.empty(0, kind)
        self._used = 0

    def add(self, values: np.ndarray[Any, Any]) -> None:
        if values.dtype.itemsize > self._array.dtype.itemsize:
            self._array = self._array.astype(values.dtype)
        stop = self._used + len(values)
        if stop > len(self._array):
            self._array.resize(max(stop, len(self._array) * 5 // 4, _SIZE), refcheck=False)
        self._array[self._used : stop] = values
        self._used = stop

    def whole(self) -> np.ndarray[Any, Any]:
        """What there is."""
        return self._array[: self._used]


@dataclass(slots=True)
class _Columns:
    """One table as it comes: a growing array a column."""

    question: Question
    tenants: dict[str, int]
    addresses: dict[str, int]
    columns: dict[str, _Growing] = field(default_factory=dict)
    words: dict[str, dict[str, int]] = field(default_factory=dict)
    count: int = 0
    dropped: int = 0
    timeless: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        timed = batch.filter(pc.is_valid(batch.column("time")))
        self.timeless += batch.num_rows - timed.num_rows
        if self.count + timed.num_rows > MOST:
            self.dropped += timed.num_rows
            return
        self.count += timed.num_rows
        self._put("time", timed.column("time").cast(pa.int64()).to_numpy())
        self._put("uid", identities(timed.column("event_uid")))
        self._put("record", timed.column("record").fill_null(0).to_numpy())
        for name in ("tenant", "host", "evidence", *self.question.columns):
            column = timed.column(name)
            if name in self.question.numbers:
                self._put(name, _sound(column.fill_null(float("nan")).to_numpy(), name))
            else:
                self._put(name, self._codes(name, column))

    def _put(self, name: str, values: np.ndarray[Any, Any]) -> None:
        column = self.columns.get(name)
        if column is None:
            column = self.columns[name] = _Growing(_KINDS.get(name) or self._kind(name))
        column.add(values.astype(_KINDS.get(name) or self._kind(name), copy=False))

    def _kind(self, name: str) -> np.dtype[Any]:
        """Seven digits of a number are enough; codes are as small as they can be."""
        if name in _PORTS:
            return np.dtype(np.uint16)
        if name in self.question.numbers:
            return np.dtype(np.float32)
        count = len(self._words(name))
        return np.dtype(np.int8 if count < 1 << 7 else np.int16 if count < 1 << 15 else np.int32)

    def _words(self, name: str) -> dict[str, int]:
        if name == "tenant":
            return self.tenants
        return self.addresses if name in _ADDRESSES else self.words.setdefault(name, {})

    def _codes(self, name: str, column: pa.Array) -> np.ndarray[Any, Any]:
        encoded = pc.utf8_slice_codeunits(
            column, 0, _FIRST if name.startswith("first_") else _LONGEST
        ).dictionary_encode()
        words = self._words(name)
        texts = encoded.dictionary.to_pylist()
        if name in _ADDRESSES:  # a list of one, as Zeek writes it
            texts = [text.strip('[]"') if text[:1] == "[" else text for text in texts]
        table = [words.setdefault(text, len(words)) for text in texts]
        codes: np.ndarray[Any, Any] = np.array([*table, -1], np.int32)[
            encoded.indices.fill_null(len(table)).to_numpy()
        ]
        return codes

    def notes(self) -> list[str]:
        table = self.question.table
        said = []
        if self.dropped:
            said.append(
                f"network: {self.dropped:,} events of {table} beyond the first {MOST:,} were not judged"
            )
        if self.timeless:
            said.append(f"network: {self.timeless:,} events of {table} without a time were not judged")
        return said

    def whole(self, name: str) -> np.ndarray[Any, Any]:
        column = self.columns.get(name)
        return np.empty(0, _KINDS.get(name) or self._kind(name)) if column is None else column.whole()

    def rows(self, tenant: int, last: bool) -> Rows:
        places = np.flatnonzero(self.whole("tenant") == tenant).astype(np.int32)
        order = self._told_apart(places[np.argsort(self.whole("time")[places], kind="stable")])
        texts, numbers = {}, {}
        for name in ("host", "evidence", *self.question.columns):
            if name in self.question.numbers:
                numbers[name] = self._taken(name, order, last)
            else:
                texts[name] = Texts(self._taken(name, order, last), list(self._words(name)))
        time, uid, record = (self._taken(name, order, last) for name in ("time", "uid", "record"))
        return Rows(self.question.table, time, uid, record, texts, numbers)

    def _told_apart(self, order: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The same order, and events of one time by what they are: in which order they came is chance, and names findings."""
        times = self.whole("time")[order]
        same = times[1:] == times[:-1]
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        if len(tied):
            some = order[tied]
            words = self.whole("uid")[some].view(">u8")[::2]
            order[tied] = some[np.lexsort((words, self.whole("record")[some], times[tied]))]
        return order

    def _taken(self, name: str, order: np.ndarray[Any, Any], last: bool) -> np.ndarray[Any, Any]:
        taken: np.ndarray[Any, Any] = self.whole(name)[order]
        if last:
            self.columns.pop(name, None)
        return taken


#: Columns whose kind is known before anything comes.
_KINDS: dict[str, np.dtype[Any]] = {
    "time": np.dtype(np.int64),
    "uid": np.dtype("S16"),
    "record": np.dtype(np.uint32),
}


def _sound(values: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """Numbers that can be, 0 for others: no negative counts, no ports beyond 65,535, nothing beyond what a float of 32 bits holds well."""
    most = 65_535 if name in _PORTS else 1e15
    return np.where((values >= 0) & (values <= most), values, 0.0)


def identities(column: pa.Array) -> np.ndarray[Any, Any]:
    """The 32 hex digits of each uid as 16 bytes; a uid that is none stays text, cut."""
    texts = column.to_pylist()
    try:
        return np.frombuffer(bytes.fromhex("".join(texts)), np.dtype("S16"))
    except (ValueError, TypeError):
        return np.array([(text or "").encode("ascii", "replace")[:16] for text in texts], "S16")


def hexadecimal(uid: bytes) -> str:
    """A uid as the case has it."""
    return uid.ljust(16, b"\0").hex()


def filled(batches: Iterable[pa.RecordBatch]) -> Tables:
    """All answers as tables."""
    tables = Tables()
    for batch in batches:
        tables.add(batch)
    return tables

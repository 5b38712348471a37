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

#: Characters of a text that are looked at.
_LONGEST = 512

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
            "state": ("conn_state",),
            "duration": ("duration",),
            "sent": ("orig_bytes", "orig_ip_bytes"),
            "received": ("resp_bytes", "resp_ip_bytes"),
            "sent_ip": ("orig_ip_bytes",),
            "sent_packets": ("orig_pkts",),
            "received_packets": ("resp_pkts",),
            "first_sent": ("orig_first_bytes",),
            "first_received": ("resp_first_bytes",),
            "first_sizes": ("orig_first_sizes",),
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
    _question("ssh", {"client": ("client",), "server": ("server",), "success": ("auth_success",)}),
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
    _question("files", {"name": ("filename",), "mime": ("mime_type",), "via": ("source",), "size": ("seen_bytes",)}, "size"),
)  # fmt: skip

_SCHEMAS = {question.table: question for question in QUESTIONS}


class Tables:
    """Answers as they come, by table; `rows` gives those of one tenant."""

    def __init__(self) -> None:
        self._parts: dict[str, _Columns] = {}
        self._tenants: dict[str, int] = {}
        self._addresses: dict[str, int] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one answer to one of `QUESTIONS`; others are passed over."""
        table = asked(batch)
        if table in _SCHEMAS and batch.num_rows:
            columns = self._parts.get(table)
            if columns is None:
                columns = self._parts[table] = _Columns(_SCHEMAS[table], self._tenants, self._addresses)
            columns.add(batch)

    @property
    def tenants(self) -> list[str]:
        """Whose events came."""
        return sorted(self._tenants)

    @property
    def notes(self) -> list[str]:
        """What was left out."""
        return [note for columns in self._parts.values() for note in columns.notes()]

    def rows(self, table: str, tenant: str) -> Rows:
        """The events of one table and tenant, in the order of time; none where nothing came."""
        columns = self._parts.get(table)
        if columns is None:
            columns = _Columns(_SCHEMAS[table], self._tenants, self._addresses)
        return columns.rows(self._tenants.get(tenant, -1))


@dataclass(slots=True)
class _Columns:
    """One table as it comes: a list of arrays a column."""

    question: Question
    tenants: dict[str, int]
    addresses: dict[str, int]
    parts: dict[str, list[np.ndarray[Any, Any]]] = field(default_factory=dict)
    words: dict[str, dict[str, int]] = field(default_factory=dict)
    count: int = 0
    dropped: int = 0
    timeless: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        timed = batch.filter(pc.is_valid(batch.column("time")))
        self.timeless += batch.num_rows - timed.num_rows
        batch = timed
        if self.count + batch.num_rows > MOST:
            self.dropped += batch.num_rows
            return
        self.count += batch.num_rows
        self._put("time", batch.column("time").cast(pa.int64()).to_numpy())
        self._put("uid", identities(batch.column("event_uid")))
        self._put("record", batch.column("record").fill_null(0).to_numpy().astype(np.uint32))
        for name in ("tenant", "host", "evidence", *self.question.columns):
            column = batch.column(name)
            if name in self.question.numbers:
                self._put(name, column.fill_null(float("nan")).to_numpy().astype(_kind(name)))
            else:
                self._put(name, self._codes(name, column))

    def _put(self, name: str, values: np.ndarray[Any, Any]) -> None:
        self.parts.setdefault(name, []).append(values)

    def _words(self, name: str) -> dict[str, int]:
        if name == "tenant":
            return self.tenants
        return self.addresses if name in _ADDRESSES else self.words.setdefault(name, {})

    def _codes(self, name: str, column: pa.Array) -> np.ndarray[Any, Any]:
        encoded = pc.utf8_slice_codeunits(column, 0, _LONGEST).dictionary_encode()
        words = self._words(name)
        table = np.fromiter(
            (words.setdefault(text, len(words)) for text in encoded.dictionary.to_pylist()),
            np.int32,
            len(encoded.dictionary),
        )
        table = np.append(table, np.int32(-1))
        codes: np.ndarray[Any, Any] = table[encoded.indices.fill_null(len(table) - 1).to_numpy()]
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

    def rows(self, tenant: int) -> Rows:
        own = self._whole("tenant", np.int32) == tenant
        time = self._whole("time", np.int64)
        places = np.flatnonzero(own)
        order = places[np.argsort(time[places], kind="stable")]
        whole = len(order) == len(time) and bool((np.diff(order) == 1).all())  # as it is: nothing is copied
        texts, numbers = {}, {}
        for name in ("host", "evidence", *self.question.columns):
            if name in self.question.numbers:
                numbers[name] = self._taken(name, _kind(name), order, whole)
            else:
                texts[name] = Texts(
                    self._taken(name, np.dtype(np.int32), order, whole), list(self._words(name))
                )
        return Rows(
            self.question.table,
            self._taken("time", np.dtype(np.int64), order, whole),
            self._taken("uid", np.dtype("S16"), order, whole),
            self._taken("record", np.dtype(np.uint32), order, whole),
            texts,
            numbers,
        )

    def _taken(self, name: str, kind: np.dtype[Any], order: np.ndarray[Any, Any], whole: bool) -> Any:
        column = self._whole(name, kind)
        return column if whole else column[order]

    def _whole(self, name: str, kind: Any) -> np.ndarray[Any, Any]:
        """One array of the parts of a column; the parts are given up for it."""
        parts = self.parts.get(name, [])
        if len(parts) != 1:
            self.parts[name] = [np.concatenate(parts) if parts else np.empty(0, kind)]
        return self.parts[name][0]


def _kind(name: str) -> np.dtype[Any]:
    """Bytes are counted to the last one, even of large flows; of all else seven digits are enough."""
    return np.dtype(np.float64 if name in ("sent", "received", "size") else np.float32)


def identities(column: pa.Array) -> np.ndarray[Any, Any]:
    """The 32 hex digits of each uid as 16 bytes; a uid that is none stays text, cut."""
    texts = column.to_pylist()
    try:
        return np.frombuffer(bytes.fromhex("".join(texts)), "S16")
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

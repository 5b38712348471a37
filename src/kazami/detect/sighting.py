"""Files that were judged suspicious, seen again in events of hosts: written, opened, started, loaded (STIX calls it a sighting).

By their hash wherever a sensor notes one; by their name only where a mail brought them, in the weeks after it came, and only on few hosts: many
files are called ``invoice.pdf``. Nothing is held against another tenant.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from kazami.model.event import LogSource
from kazami.model.finding import FINDING
from kazami.model.question import Question, asked
from kazami.model.rule import RuleInfo, detector
from kazami.model.tenant import Directory

#: Fields of ``file_inspection``: the file and what carried it (JSON: name, SHA-256, SHA-1, MD5 of each), and when a mail brought it.
CARRIED, SENT = "Carried", "MailTime"

#: How long after a mail its attachments are looked for by name, and how long before it (clocks differ).
AFTER, BEFORE = timedelta(days=30), timedelta(hours=1)

#: Hosts on which a name may be seen; sightings of one file that are told.
HOSTS, MOST = 3, 50

_SEEN = "file_inspection"
_HASHES, _FILE, _LINE = "hashes", "path", "line"
_NO = pa.scalar(False, pa.bool_())
_ACTS = {
    "process_creation": "started", "image_load": "started", "driver_load": "started",
    "file_event": "written", "file_executable_detected": "written", "create_stream_hash": "written",
}  # fmt: skip
_COLUMNS = {
    _HASHES: ("Hashes", "Hash", "SHA256", "sha256", "SHA1", "MD5"),
    _FILE: ("TargetFilename", "ImageLoaded", "Image"),
    _LINE: ("CommandLine",),
    "logon_id": ("logon_id",),
    "process_uid": ("process_uid",),
    "parent_uid": ("parent_uid",),
}
tables: tuple[Question, ...] = (
    Question(_SEEN, {name: (name,) for name in (CARRIED, SENT, "Verdict", "Place")}),
    *(Question(table, _COLUMNS) for table in _ACTS),
)

_SPACE = uuid.UUID("6f0d1f5e-3f1b-5c55-8a43-8f8d5b1f7a02")
_DIGEST = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-f])")
_WORD = re.compile(r'"([^"]{1,1024})"|([^\s"]{1,1024})')
_LONGEST = 8192
_NAMED = 500  # names that are looked for
_ENVELOPE = ("time", "tenant", "host", "user", "logon_id", "process_uid", "parent_uid", "evidence", "record")
_COPY = re.compile(r" ?\(\d{1,3}\)(?=\.[^.]{1,8}$)")  # a second one of the same name


def _rule(how: str, act: str, level: str, title: str, about: str, *tags: str) -> RuleInfo:
    identity = str(uuid.uuid5(_SPACE, f"{how} {act}"))
    return detector(
        identity,
        (identity, level, title, about, tags),
        title=title,
        level=level,
        description=about,
        logsource=LogSource(None, "process_creation" if act == "started" else "file_event", None),
        tags=tags,
        falsepositives=("The judgment of the file is wrong; see its own finding",)
        + (("Another file of the same name",) if how == "name" else ()),
        name=f"sighting_{how}_{act}",
    )


_OPENED = ("attack.execution", "attack.t1204.002")
RULES: Mapping[tuple[str, str], RuleInfo] = {
    ("hash", "started"): _rule("hash", "started", "high", "Suspicious File Started or Loaded",
        "A file that this case judged suspicious or malicious was started or loaded on this host: the hash is the same.", *_OPENED),
    ("hash", "written"): _rule("hash", "written", "medium", "Suspicious File Written",
        "A file that this case judged suspicious or malicious was written on this host: the hash is the same."),
    ("name", "started"): _rule("name", "started", "medium", "Attachment of a Suspicious Mail Opened",
        "What a suspicious mail carried was opened or started on this host, by its name, within weeks after the mail came.", *_OPENED),
    ("name", "written"): _rule("name", "written", "low", "Attachment of a Suspicious Mail Written",
        "A file of the name of what a suspicious mail carried was written on this host within weeks after the mail came."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _File:
    """Something to look for."""

    name: str
    sha256: str
    verdict: str
    place: str
    sent: datetime | None

    def brought_before(self, time: datetime | None) -> bool:
        """Whether a mail brought it in the weeks before `time`."""
        return self.sent is not None and time is not None and -BEFORE <= time - self.sent <= AFTER


@dataclass(slots=True)
class _Seen:
    """What was seen of one file: how often, where, and the earliest of it."""

    count: int = 0
    hosts: set[str] = field(default_factory=set)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: dict[str, Any]) -> None:
        """One more; the latest are forgotten where there are very many."""
        self.count += 1
        self.rows.append(row)
        if len(self.hosts) <= HOSTS:
            self.hosts.add(row["host"] or "")
        if len(self.rows) >= 4 * MOST:
            self.rows = self.earliest()

    def earliest(self) -> list[dict[str, Any]]:
        """The first `MOST`, those without a time at last."""
        return sorted(self.rows, key=lambda row: (row["time"] is None, row["time"] or 0, row["finding_uid"]))[
            :MOST
        ]


@dataclass(slots=True)
class _Wanted:
    """What is looked for at one tenant, by hash and by name in small letters; and what was seen, by way and file."""

    hashes: dict[str, _File] = field(default_factory=dict)
    names: dict[str, _File] = field(default_factory=dict)
    seen: dict[tuple[str, str], _Seen] = field(default_factory=dict)


def judge(batches: Iterable[pa.RecordBatch], directory: Directory) -> tuple[pa.Table, list[str]]:
    """Findings (`FINDING`) of `RULES`, and what was left out."""
    wanted: dict[str, _Wanted] = {}
    prefilter = None
    for batch in batches:
        table = asked(batch)
        if table == _SEEN:
            _learn(batch, wanted)
            continue
        if not wanted:
            break
        prefilter = prefilter or _Prefilter(wanted.values())
        for row in batch.filter(prefilter(batch)).to_pylist():
            _see(row, table, wanted.get(row["tenant"]))
    told = [_told(tenant, one) for tenant, one in sorted(wanted.items())]
    rows = {row["finding_uid"]: row for found, _ in told for row in found}
    return pa.Table.from_pylist(list(rows.values()), FINDING), [note for _, notes in told for note in notes]


def _learn(batch: pa.RecordBatch, wanted: dict[str, _Wanted]) -> None:
    for row in batch.to_pylist():
        mine = wanted.setdefault(row["tenant"], _Wanted())
        sent = datetime.fromisoformat(row[SENT]) if row[SENT] else None
        for name, *digests in orjson.loads(row[CARRIED] or "[]"):
            file = _File(name, digests[0], row["Verdict"] or "", row["Place"] or "", sent)
            mine.hashes.update(dict.fromkeys(digests, file))
            if sent is not None and "." in name.strip("."):
                mine.names.setdefault(_plain(name), file)


def _plain(path: str) -> str:
    """The last part of a path in small letters, without the number that a second copy gets."""
    return _COPY.sub("", path.replace("/", "\\").rpartition("\\")[2].lower())


class _Prefilter:
    """Rows that may show a file that is looked for; made for batches, so that few rows are looked at one by one."""

    def __init__(self, wanted: Iterable[_Wanted]) -> None:
        listed = list(wanted)
        self._hashes = pa.array(sorted({digest for one in listed for digest in one.hashes}), pa.string())
        stems = sorted({name for one in listed for name in one.names})[:_NAMED]
        self._names = "|".join(re.escape(stem.rpartition(".")[0]) for stem in stems)

    def __call__(self, batch: pa.RecordBatch) -> pa.Array:
        mask = pa.repeat(_NO, batch.num_rows)
        for size in (64, 40, 32):
            pattern = f"(?:^|[^0-9A-Fa-f])(?P<digest>[0-9A-Fa-f]{{{size}}})(?:$|[^0-9A-Fa-f])"
            digest = pc.struct_field(pc.extract_regex(batch.column(_HASHES), pattern), "digest")
            mask = pc.or_(mask, pc.is_in(pc.utf8_lower(digest), value_set=self._hashes))
        for column in (_FILE, _LINE) if self._names else ():
            named = pc.match_substring_regex(batch.column(column), self._names, ignore_case=True)
            mask = pc.or_(mask, pc.fill_null(named, _NO))
        return mask


def _see(row: dict[str, Any], table: str, wanted: _Wanted | None) -> None:
    """Keep what a row shows of a file that is looked for; the hash says more than the name."""
    if wanted is None:
        return
    digests = _DIGEST.findall((row[_HASHES] or "").lower())
    file = next((wanted.hashes[one] for one in digests if one in wanted.hashes), None)
    how = "hash" if file else "name"
    if file is None:
        file = next((one for one in _named(row, wanted) if one.brought_before(row["time"])), None)
    if file is not None:
        wanted.seen.setdefault((how, file.name), _Seen()).add(_row(row, table, how, file))


def _named(row: dict[str, Any], wanted: _Wanted) -> Iterator[_File]:
    """Files whose name a row has: as its own, or as a word of its command line."""
    paths = [row[_FILE] or "", *(a or b for a, b in _WORD.findall((row[_LINE] or "")[:_LONGEST]))]
    yield from (wanted.names[name] for name in map(_plain, paths) if name in wanted.names)


def _row(row: dict[str, Any], table: str, how: str, file: _File) -> dict[str, Any]:
    rule = RULES[how, _ACTS[table]]
    matched = {
        "Hashes": row[_HASHES] if how == "hash" else "",
        "Image" if table == "process_creation" else "TargetFilename": row[_FILE],
        "CommandLine": row[_LINE],
        "file": file.place,
        "FileHash": file.sha256,
        "verdict": file.verdict,
        "mail of": file.sent.isoformat() if file.sent else "",
    }
    said = "\0".join((rule.id, rule.version, row["event_uid"]))
    return {
        "finding_uid": hashlib.sha256(said.encode()).hexdigest()[:32],
        "rule_id": rule.id,
        "rule_version": rule.version,
        "table": table,
        "event_uids": [row["event_uid"]],
        "matched": [(name, value[:_LONGEST]) for name, value in matched.items() if value],
        **{name: row[name] for name in _ENVELOPE},
    }


def _told(tenant: str, wanted: _Wanted) -> tuple[list[dict[str, Any]], list[str]]:
    """Findings of one tenant, and what was left out."""
    rows: list[dict[str, Any]] = []
    notes = []
    for (how, name), seen in wanted.seen.items():
        if how == "name" and len(seen.hosts) > HOSTS:
            notes.append(
                f"sightings: more than {HOSTS} hosts of {tenant} have a file {name!r}, so its name says nothing"
            )
            continue
        rows += seen.earliest()
        if seen.count > MOST:
            notes.append(f"sightings: {seen.count - MOST:,} more of {name!r} at {tenant} are not told")
    return rows, notes

"""CSV with a header: a column of hashes, and where there are such columns what is said of each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kazami.errors import UsageError
from kazami.intel.reputation.label import Label, Standing
from kazami.intel.reputation.shelf import Statement

_HASH = re.compile(r"sha-?256|sha-?1|md5|hash", re.IGNORECASE)
_WORDS = {
    "malicious": "bad",
    "malware": "bad",
    "benign": "good",
    "clean": "good",
    "trusted": "good",
    "pua": "unwanted",
}


def fits(_: Path, head: bytes) -> bool:
    """A first line with several fields, one of which is a hash's name."""
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    return line.count(",") + line.count(";") + line.count("\t") > 0 and bool(_HASH.search(line))


def statements(file: Path, about: Label) -> Iterator[Statement]:
    """One statement for the strongest hash of each row."""
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        sample = stream.read(8192)
        stream.seek(0)
        try:
            dialect = csv.Sniffer().sniff(sample, ",;\t")
        except csv.Error:
            dialect = csv.excel
        rows = csv.DictReader(stream, dialect=dialect)
        names = {name.strip().lower(): name for name in rows.fieldnames or () if name}
        order = [names[n] for n in ("sha256", "sha-256", "hash", "sha1", "sha-1", "md5") if n in names]
        order += [name for low, name in names.items() if _HASH.search(low) and name not in order]
        if not order:
            raise UsageError(f"{file}: no column of hashes")
        labels: dict[tuple[str, str, str], Label] = {}
        try:
            for row in rows:
                digest = next((row[name].strip() for name in order if row.get(name)), "")
                said = tuple(_value(row, names, *which) for which in _COLUMNS)
                key = (said[0], said[1], said[2])
                if key not in labels:
                    labels[key] = _label(about, *key)
                yield Statement(digest, labels[key])
        except csv.Error as error:
            raise UsageError(f"{file}: line {rows.line_num}: {error}") from error


_COLUMNS = (
    ("verdict", "standing", "label", "category"),
    ("date", "first_seen", "first_seen_utc"),
    ("product", "signature", "name", "family"),
)


def _value(row: Mapping[str, str], names: Mapping[str, str], *which: str) -> str:
    return next((str(row[names[name]] or "").strip() for name in which if name in names), "")


def _label(about: Label, standing: str, date: str, product: str) -> Label:
    word = standing.lower()
    known = _WORDS.get(word, word)
    chosen = known if known in Standing.__members__ else about.standing
    return Label(about.source, chosen, date[:10] or about.date, product[:120] or about.product)

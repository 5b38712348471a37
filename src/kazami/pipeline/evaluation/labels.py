"""Labels of samples: a CSV that names files by path or by hash, says what they are, and perhaps of which family."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kazami.errors import UsageError

#: Bytes of the file, rows, and bad rows that are named.
LARGEST, ROWS, NAMED = 512 << 20, 5_000_000, 50

_COLUMNS = {
    "sample": (
        "path",
        "file",
        "filename",
        "file_name",
        "name",
        "sample",
        "sha256",
        "sha1",
        "md5",
        "hash",
        "id",
    ),
    "label": ("label", "verdict", "class", "malicious", "malware", "target", "truth", "y"),
    "family": ("family", "group", "campaign", "cluster", "malware_family"),
}
_BAD = frozenset(
    (
        "1",
        "true",
        "yes",
        "malicious",
        "malware",
        "bad",
        "positive",
        "mal",
        "phish",
        "phishing",
        "hostile",
        "悪性",
    )
)
_GOOD = frozenset(
    (
        "0",
        "false",
        "no",
        "benign",
        "clean",
        "good",
        "negative",
        "goodware",
        "ham",
        "harmless",
        "legitimate",
        "良性",
        "正常",
    )
)
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Label:
    """What a sample is: `malicious` or not, and of which `family` ("" where it is not said)."""

    malicious: bool
    family: str = ""


@dataclass(slots=True)
class Labels:
    """All labels: by path below the folder, and by hash in small letters. `faults` name the rows that cannot be used."""

    by_path: dict[str, Label] = field(default_factory=dict)
    by_hash: dict[str, Label] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    bad: int = 0

    def fault(self, line: int, reason: str) -> None:
        """Name a row that cannot be used, or at least count it."""
        self.bad += 1
        if self.bad <= NAMED:
            self.faults.append(f"line {line}: {reason}")

    def of(self, path: str, hashes: Sequence[str]) -> Label | None:
        """The label of a file; a hash says it before a path."""
        found = next((self.by_hash[one] for one in hashes if one in self.by_hash), None)
        return found or self.by_path.get(path)


def read(path: Path) -> Labels:
    """Read a CSV of labels. Raises UsageError where it is none: no column of samples or of labels, too large, unreadable."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: is larger than {LARGEST:,} bytes")
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    rows = _rows(path, _decoded(path, text))
    first = next(rows, None)
    if first is None:
        raise UsageError(f"{path}: is empty")
    columns = _columns([cell.strip().lower() for cell in first[1]])
    found = Labels()
    if columns is None:
        columns = {"sample": 0, "label": 1, "family": 2}
        if _word(first[1][1] if len(first[1]) > 1 else "") is None:
            raise UsageError(
                f"{path}: no column says what samples are: name columns path (or sha256), label, and perhaps family"
            )
        _take(found, first, columns)
    for row in rows:
        _take(found, row, columns)
    return found


def _decoded(path: Path, text: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return text.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{path}: is neither UTF-8 nor Shift_JIS")


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    try:
        kind = csv.Sniffer().sniff(text[:4096], ",;\t")
    except csv.Error:
        kind = csv.excel
    reader = csv.reader(text.splitlines(), kind)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
            if reader.line_num > ROWS:
                raise UsageError(f"{path}: has more than {ROWS:,} rows")
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error


def _columns(names: Sequence[str]) -> dict[str, int] | None:
    found = {
        what: next((names.index(name) for name in known if name in names), -1)
        for what, known in _COLUMNS.items()
    }
    return found if found["sample"] >= 0 and found["label"] >= 0 else None


def _word(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _BAD else False if word in _GOOD else None


def _take(found: Labels, numbered: tuple[int, list[str]], columns: dict[str, int]) -> None:
    line, row = numbered
    cells = {what: row[at].strip() if 0 <= at < len(row) else "" for what, at in columns.items()}
    if not cells["sample"]:
        found.fault(line, "names no sample")
        return
    malicious = _word(cells["label"])
    if malicious is None:
        found.fault(line, f"{cells['label'][:40]!r} is no label: say malicious or benign")
        return
    label = Label(malicious, cells["family"])
    name = cells["sample"].replace("\\", "/").removeprefix("./")
    digest = name.lower()
    by_hash = len(digest) in (32, 40, 64) and set(digest) <= _HEX
    known = (found.by_hash if by_hash else found.by_path).setdefault(digest if by_hash else name, label)
    if known.malicious != malicious:
        found.fault(line, f"{name[:80]} has another label above; that one counts")

"""Books, labels and supplement of one folder: what is added to, asked, and told of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import platformdirs

from kazami.errors import CaseError, UsageError
from kazami.intel.reputation import book
from kazami.intel.reputation.book import Book, Records
from kazami.intel.reputation.label import Known, Label, weighed
from kazami.intel.reputation.supplement import Supplement

#: Kinds of hashes by the number of their hex digits.
KINDS: dict[int, str] = {64: "sha256", 40: "sha1", 32: "md5"}

#: Hashes that go into the supplement at most; more make a new generation.
SMALL = 200_000

#: Keys that are written at a time.
_PART = 500_000

_HEX = re.compile(r"[0-9a-fA-F]+")
_LABELS = msgspec.json.Decoder(list[Label])


@dataclass(frozen=True, slots=True)
class Statement:
    """A hash in hex digits, and what is said of it: what a format gives."""

    hash: str
    label: Label


def default() -> Path:
    """Where the shelf is, where nobody says otherwise."""
    return Path(platformdirs.user_data_dir("kazami")) / "reputation"


def key_of(text: str) -> tuple[str, bytes] | None:
    """The kind of a hash in hex digits, and its key; None where it is no hash."""
    kind = KINDS.get(len(text))
    return (kind, bytes.fromhex(text)[: book.KEY]) if kind and _HEX.fullmatch(text) else None


def _key(text: str) -> tuple[str, bytes]:
    found = key_of(text.strip())
    if found is None:
        raise UsageError(f"{text[:80]!r} is no MD5, SHA-1 or SHA-256")
    return found


class Shelf:
    """The shelf in `folder`, open for questions; a context manager. Raises CaseError where it is damaged."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default()
        with ExitStack() as stack:
            self.labels = _labels(self.folder)
            self.books: dict[str, Book] = {}
            for kind in KINDS.values():
                if (self.folder / f"{kind}.book").exists():
                    self.books[kind] = stack.enter_context(Book(self.folder / f"{kind}.book"))
            self.supplement: Supplement | None = None
            if (self.folder / "supplement").exists():
                self.supplement = Supplement(self.folder / "supplement", read_only=True)
                stack.callback(self.supplement.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    def look(self, text: str) -> Known | None:
        """What is known of a hash in hex digits (MD5, SHA-1, SHA-256); None where nothing is. Raises UsageError."""
        found = _key(text)
        return self._known(text, found[0], self.numbers(*found))

    def _known(self, text: str, kind: str, numbers: Iterable[int]) -> Known | None:
        labels = [self.labels[number] for number in dict.fromkeys(numbers) if number < len(self.labels)]
        return weighed(text.strip().lower(), labels, weak=kind != "sha256") if labels else None

    def look_many(self, texts: Sequence[str]) -> list[Known | None]:
        """The same of many hashes at once, in their order. Raises UsageError."""
        keys = [_key(text) for text in texts]
        numbers: list[list[int]] = [[] for _ in texts]
        for kind, one in self.books.items():
            places = [place for place, (which, _) in enumerate(keys) if which == kind]
            raw = np.frombuffer(b"".join(keys[place][1] for place in places), np.uint8)
            where, labels = one.many(raw.reshape(-1, book.KEY))
            for at, label in zip(where.tolist(), labels.tolist(), strict=True):
                numbers[places[at]].append(label)
        if self.supplement is not None:
            for some, key in zip(numbers, keys, strict=True):
                some += self.supplement.labels(*key)
        return [
            self._known(text, kind, some) for text, (kind, _), some in zip(texts, keys, numbers, strict=True)
        ]

    def numbers(self, kind: str, key: bytes) -> list[int]:
        """The numbers of the labels of a key."""
        one = self.books.get(kind)
        found = one.labels(key) if one is not None else []
        return found + self.supplement.labels(kind, key) if self.supplement is not None else found

    def stats(self) -> dict[str, int]:
        """How many hashes there are of each kind, and in the supplement."""
        counted = {kind: one.count for kind, one in self.books.items()}
        return {**counted, "supplement": self.supplement.count if self.supplement is not None else 0}


def add(folder: Path, statements: Iterable[Statement]) -> tuple[int, int]:
    """Add what is said to the shelf in `folder`: how many statements were taken, and how many hashes were none.

    Few go into the supplement, many into a new generation of the books. Raises CaseError, OSError; then nothing changed.
    """
    labels = {label: number for number, label in enumerate(_labels(folder))}
    waiting = iter(statements)
    few = list(islice(waiting, SMALL))
    counts = [0, 0]
    if len(few) < SMALL:
        _supplemented(folder, few, labels, counts)
    else:
        _generation(folder, few, waiting, labels, counts)
    return counts[0], counts[1]


def compact(folder: Path) -> None:
    """Take the supplement into the books."""
    _generation(folder, [], iter(()), {label: n for n, label in enumerate(_labels(folder))}, [0, 0])


def _supplemented(folder: Path, few: list[Statement], labels: dict[Label, int], counts: list[int]) -> None:
    by_place: dict[tuple[str, int], list[bytes]] = {}
    for one in few:
        found = key_of(one.hash)
        counts[found is None] += 1
        if found is not None:
            number = labels.setdefault(one.label, len(labels))
            by_place.setdefault((found[0], number), []).append(found[1])
    _keep_labels(folder, labels)
    supplement = Supplement(folder / "supplement")
    try:
        for (kind, number), keys in by_place.items():
            supplement.add(kind, keys, number)
        full = supplement.count > SMALL
    finally:
        supplement.close()
    if full:
        compact(folder)


def _generation(
    folder: Path, few: list[Statement], rest: Iterator[Statement], labels: dict[Label, int], counts: list[int]
) -> None:
    """New books: of the old ones, the supplement and what is new."""
    spread = _Spread(folder, labels, counts)
    for part in [few, *iter(lambda: list(islice(rest, _PART)), [])]:
        spread.take(part)
    _keep_labels(folder, labels)
    for kind in KINDS.values():
        if spread.parts[kind] or (folder / "supplement").exists():
            book.write(folder / f"{kind}.book", _together(folder, kind, spread.parts[kind]))
    for parts in spread.parts.values():
        for file in parts:
            file.unlink(missing_ok=True)
    if (folder / "supplement").exists():
        supplement = Supplement(folder / "supplement")
        supplement.clear()
        supplement.close()


class _Spread:
    """New records, on disk by kind, until the books are written."""

    def __init__(self, folder: Path, labels: dict[Label, int], counts: list[int]) -> None:
        self.folder, self.labels, self.counts = folder, labels, counts
        self.parts: dict[str, list[Path]] = {kind: [] for kind in KINDS.values()}
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, part: list[Statement]) -> None:
        """Write the records of some statements."""
        keys: dict[str, list[bytes]] = {kind: [] for kind in KINDS.values()}
        numbers: dict[str, list[int]] = {kind: [] for kind in KINDS.values()}
        for one in part:
            found = key_of(one.hash)
            self.counts[found is None] += 1
            if found is not None:
                keys[found[0]].append(found[1])
                numbers[found[0]].append(self.labels.setdefault(one.label, len(self.labels)))
        for kind, listed in keys.items():
            if listed:
                made = book.records(listed, 0)
                made["label"] = np.array(numbers[kind], np.uint32)
                file = self.folder / f"adding-{kind}-{len(self.parts[kind])}"
                made.tofile(file)
                self.parts[kind].append(file)


def _together(folder: Path, kind: str, parts: list[Path]) -> Iterator[Records]:
    old = folder / f"{kind}.book"
    if old.exists():
        with Book(old) as known:
            yield from known.records()
    if (folder / "supplement").exists():
        supplement = Supplement(folder / "supplement")
        rows = supplement.all(kind)
        while some := list(islice(rows, _PART)):
            made = book.records([key for key, _ in some], 0)
            made["label"] = np.array([label for _, label in some], np.uint32)
            yield made
        supplement.close()
    for file in parts:
        yield np.fromfile(file, book.KIND)


def _labels(folder: Path) -> list[Label]:
    file = folder / "labels.json"
    try:
        return _LABELS.decode(file.read_bytes()) if file.exists() else []
    except (OSError, msgspec.DecodeError) as error:
        raise CaseError(f"{file}: cannot be read: {error}") from error


def _keep_labels(folder: Path, labels: dict[Label, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / "labels.json.new"
    new.write_bytes(msgspec.json.encode(list(labels)))
    new.replace(folder / "labels.json")

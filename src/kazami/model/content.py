"""The nouns of looking inside files: what is looked at, what an analyzer says of it, and what that means together.

An analyzer only observes: a `Feature` is a name and where it was seen. What a feature means, how much it counts and which
technique it points to is data, a `Meaning`, so that weights change without code and a cached verdict knows its rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

Word = Literal["clean", "informational", "incomplete", "suspicious", "malicious"]

#: What can be said of a file, the least first. "incomplete": something in it could not be looked at, so it is not clean.
WORDS: tuple[Word, ...] = ("clean", "informational", "incomplete", "suspicious", "malicious")

#: How sure a feature is of what it says.
CONFIDENCES: tuple[str, ...] = ("low", "medium", "high")

#: Why something was not looked at: `Gap.kind`.
GAPS: tuple[str, ...] = ("password", "limit", "time", "memory", "error", "missing", "ended")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one submission: a file that was handed over and all that comes out of it.

    `file` is bytes of one artifact; `total` and `children` are bytes and number of all artifacts together; `ratio` is bytes
    of children to bytes handed over, looked at once `ratio_from` bytes came out; `seconds` is for one analyzer on one
    artifact, `slow_seconds` for an analyzer whose `COST` is not "fast", `emulation_seconds` for what runs inside such a one,
    `submission_seconds` for everything; `memory` is bytes that the worker may take beyond what it had when it started; `stream` is bytes of one decoded stream inside a
    format (a Flate stream in a PDF), `objects` how many of them; `header` is bytes of one mail header.
    """

    file: int = 50 << 20
    total: int = 200 << 20
    children: int = 1000
    depth: int = 8
    ratio: int = 200
    ratio_from: int = 10 << 20
    seconds: float = 5.0
    slow_seconds: float = 60.0
    emulation_seconds: float = 20.0
    submission_seconds: float = 120.0
    memory: int = 1 << 30
    stream: int = 20 << 20
    objects: int = 10_000
    header: int = 64 << 10


@dataclass(frozen=True, slots=True)
class Scope:
    """What an analyzer may know besides the bytes: bounds, the name, what the content is, passwords worth trying.

    `name` is the last part only, and is never to be opened or joined to a path; `folder` is where that lies, of what was handed
    over, "" where that is not known; `hashes` are SHA-256, SHA-1 and MD5 of the whole file. `kind` is what `identify` took the content
    for. `settings` are the operator's own, by name: ``mail.own_domains``, ``mail.authserv_ids``, ``yara.rules``.
    """

    limits: Limits = Limits()
    name: str = ""
    folder: str = ""
    kind: str = ""
    depth: int = 0
    hashes: tuple[str, ...] = ()
    passwords: tuple[str, ...] = ()
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feature:
    """One observation: its `name` (``group.what``), what was seen, and where.

    `place` is inside the artifact (a stream, a member, a header), `offset` a byte in that place. What is empty below comes
    from the feature's `Meaning`; an analyzer fills it where only it can know, as YARA does with rules that users bring.
    """

    name: str
    value: str = ""
    place: str = ""
    offset: int | None = None
    title: str = ""
    rule: str = ""
    level: str = ""
    group: str = ""
    confidence: str = ""
    techniques: tuple[str, ...] = ()
    author: str = ""
    license: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """Something found inside an artifact. `relation` says how: member, stream, decoded, attachment, object, dropped."""

    name: str
    data: bytes
    place: str = ""
    relation: str = "member"


@dataclass(frozen=True, slots=True)
class Gap:
    """What was not looked at, and why; `kind` is one of `GAPS`."""

    kind: str
    reason: str
    place: str = ""
    analyzer: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one analyzer says of one artifact. `passwords` are words that may open something in this submission.

    `known` says that exactly these bytes are known to be good, so that nobody need look into them. `settings` go with all that comes
    out of the submission from here on; `learned` are words for later submissions of the tenant (``mail.sender example.com``).
    `about` is what a file says of itself that speaks neither for nor against it: of a mail ``sent`` (ISO 8601), ``from``, ``to``, ``subject``.
    """

    features: tuple[Feature, ...] = ()
    children: tuple[Child, ...] = ()
    gaps: tuple[Gap, ...] = ()
    passwords: tuple[str, ...] = ()
    known: bool = False
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    learned: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a feature means. `level` is one of `model.finding.LEVELS`; critical decides alone.

    Features of one `group` count once in a verdict, by the strongest. `cap` is the highest word that this may lift a
    verdict to, whatever else there is of its group ("" for no cap). `reason` is for people, in a sentence.
    """

    name: str
    title: str
    level: str
    group: str
    confidence: str = "medium"
    techniques: tuple[str, ...] = ()
    reason: str = ""
    cap: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Artifact:
    """One thing that is looked at: bytes with their name and their way out of what was handed over.

    `chain` are the names from the file handed over down to this one; `parent` is the parent's SHA-256. `path` is set where
    the bytes were a plain file; `whole` is its size where `data` is only the first `Limits.file` bytes of it, and `digests`
    are then the SHA-256, SHA-1 and MD5 of all of it.
    """

    data: bytes = field(repr=False)
    chain: tuple[str, ...]
    depth: int = 0
    parent: str = ""
    relation: str = ""
    path: Path | None = None
    whole: int = 0
    digests: tuple[str, str, str] | None = None

    @property
    def name(self) -> str:
        """The last of its names."""
        return self.chain[-1]

    @property
    def place(self) -> str:
        """The way to it: ``mail.eml!invoice.zip!invoice.doc``."""
        return "!".join(self.chain)

    @cached_property
    def sha256(self) -> str:
        """64 hex digits."""
        return self.digests[0] if self.digests else hashlib.sha256(self.data).hexdigest()

    @cached_property
    def sha1(self) -> str:
        """40 hex digits; for look-ups, it proves nothing."""
        return self.digests[1] if self.digests else hashlib.sha1(self.data, usedforsecurity=False).hexdigest()

    @cached_property
    def md5(self) -> str:
        """32 hex digits; for look-ups, it proves nothing."""
        return self.digests[2] if self.digests else hashlib.md5(self.data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Looked:
    """One artifact after all analyzers: what it was, and what they said. Bytes are not kept."""

    place: str
    name: str
    kind: str
    size: int
    sha256: str
    sha1: str
    md5: str
    depth: int
    parent: str
    relation: str
    analyzers: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    gaps: tuple[Gap, ...] = ()
    learned: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """A feature with its meaning and the place in the chain. `weight` is log-odds; `counts` where it is its group's."""

    name: str
    title: str
    value: str
    place: str
    sha256: str
    offset: int | None
    rule: str
    level: str
    group: str
    confidence: str
    techniques: tuple[str, ...]
    weight: float
    counts: bool
    reason: str = ""
    author: str = ""
    cap: str = ""
    license: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a submission: a word, 0 to 100, and why, the weightiest first."""

    word: Word
    score: int
    proofs: tuple[Proof, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that is said of one submission. `rules` is the version of what judged, `seconds` what it took then."""

    name: str
    sha256: str
    size: int
    kind: str
    verdict: Verdict
    looked: tuple[Looked, ...] = ()
    rules: str = ""
    seconds: float = 0.0
    error: str = ""

"""Files in, verdicts out: each submission in a caged worker, which is replaced when a parser kills it.

A submission whose worker died is looked at again without the analyzer that killed it; after a few deaths what is known is judged
as it is. Either way the death is a gap in the verdict. Verdicts are kept by content and rules.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import msgspec

from kazami import __version__
from kazami.detect import content
from kazami.detect.content.executable.side_loading import tied
from kazami.detect.content.identify import HEAD, kind
from kazami.detect.content.recursion import cost, lacking, look
from kazami.detect.content.verdict import folded, judge
from kazami.engine.cage import Bounds, Cages, Died, Ended, Said
from kazami.model import content as nouns
from kazami.model.content import Artifact, Gap, Inspection, Limits, Looked, Meaning, Scope, Verdict
from kazami.pipeline.beside import together
from kazami.pipeline.mailbox import Parts, Span, cut, is_mailbox, whole
from kazami.plugins import ANALYZERS, Extension, discover
from kazami.store.verdicts import Verdicts

#: Times that one submission may kill its worker.
_DEATHS = 5
#: Signs behind the version of rules that ask where a file lies, and of a run that knows what its tenants had before.
_BY_FOLDER, _BY_TENANT = "p", "t"


@dataclass(frozen=True, slots=True)
class Submission:
    """A file to look at: its path, or its bytes. `skip` names what killed a worker before, with the reason."""

    name: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    size: int = 0
    skip: tuple[tuple[str, str, str], ...] = ()  # SHA-256, analyzer, reason
    number: int = 0
    span: Span | None = None  # the part of a mailbox


@dataclass(frozen=True, slots=True)
class Wish:
    """How to look: the same for all submissions of a run. `keep` wants the bytes of everything found (`Kept`).

    `seen` are domains, by tenant, that mails came from in earlier scans.
    """

    limits: Limits = field(default_factory=Limits)
    passwords: tuple[str, ...] = ()
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deep: bool = False
    emulate: bool = False
    keep: bool = False
    cache: Path | None = None
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def costs(self) -> tuple[str, ...]:
        """What may be run: `COST` of analyzers."""
        return ("fast", *(("deep",) if self.deep else ()), *(("emulated",) if self.emulate else ()))


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes of one artifact."""

    sha256: str
    name: str
    data: bytes = field(repr=False)


class _Answer(msgspec.Struct, array_like=True):
    """What a worker says: one of these."""

    looked: Looked | None = None
    gap: Gap | None = None
    sha256: str = ""  # of what was handed over, once
    kind: str = ""
    size: int = 0
    kept: Kept | None = None
    known: bytes = b""  # an inspection from the cache
    error: str = ""


@dataclass(slots=True)
class _Seen:
    """What is known of a submission so far."""

    looked: list[Looked] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    sha256: str = ""
    kind: str = ""
    size: int = 0
    error: str = ""
    known: bytes = b""
    begun: float = field(default_factory=time.monotonic)


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_Answer).decode
_INSPECTION = msgspec.msgpack.Decoder(Inspection).decode


@cache
def analyzers() -> list[Extension]:
    """All registered analyzers; those that do not load are among them, with the reason."""
    return discover(ANALYZERS)


@cache
def meanings() -> dict[str, Meaning]:
    """What the features of all analyzers mean."""
    return {
        name: meaning
        for found in analyzers()
        if found.object is not None
        for name, meaning in found.object.MEANINGS.items()
    }


def inspect(
    submissions: Iterable[Submission],
    wish: Wish,
    *,
    workers: int = 1,
    on_kept: Callable[[Submission, Kept], None] = lambda submission, kept: None,
) -> Iterator[Inspection]:
    """The inspection of each submission, as they come; programs when their folder is complete. Whatever a file does to its worker
    ends in its own verdict."""
    meanings()  # before the workers are forked, so that they have it too
    yield from together(_inspected(submissions, wish, workers, on_kept), meanings())


def _inspected(
    submissions: Iterable[Submission],
    wish: Wish,
    workers: int,
    on_kept: Callable[[Submission, Kept], None],
) -> Iterator[Inspection]:
    """Each by itself, from the cache where it is there."""
    version = rules(wish)
    known = Verdicts(wish.cache, write=True) if wish.cache and not wish.keep else None
    cpu = int(wish.limits.submission_seconds) + 30
    bounds = Bounds(memory=wish.limits.memory, cpu=cpu, patience=_patience(wish))
    try:
        with Cages(partial(_work, wish, version), bounds, workers=workers) as cages:
            boxes: dict[int, Parts] = {}
            for task, found, key in _judged(cages, _cut(submissions, wish, boxes), version, on_kept):
                if known is not None and key:
                    known.put(key, _ENCODE(found))
                if task.span is None:
                    yield found
                    continue
                box = boxes[task.span.box]
                box.done.append(found)
                if len(box.done) == len(box.spans):
                    yield whole(boxes.pop(task.span.box))
    finally:
        if known is not None:
            known.close()


def _cut(submissions: Iterable[Submission], wish: Wish, boxes: dict[int, Parts]) -> Iterator[Submission]:
    """Mailboxes in their parts, all else as it is; a mailbox that cannot be read fails where it is looked at."""
    for number, one in enumerate(submissions):
        parts = _parts(one, wish, number)
        if parts is None:
            yield one
            continue
        boxes[parts.number] = parts
        for span in parts.spans:
            yield replace(one, span=span)


def _parts(one: Submission, wish: Wish, number: int) -> Parts | None:
    """The parts of a mailbox; None where it is none, or its bytes are not all there."""
    if one.data is not None and len(one.data) > wish.limits.file:
        return None
    with (
        contextlib.suppress(OSError),
        io.BytesIO(one.data or b"") if one.path is None else one.path.open("rb") as stream,
    ):
        head = stream.read(5)
        head += stream.read(HEAD) if head == b"From " else b""
        if is_mailbox(head, _split(one.name)[1]):
            stream.seek(0)
            return cut(stream, number, wish.seen.get(_tenant(one), ()))
    return None


def _tenant(one: Submission) -> str:
    """What a scan puts before the name."""
    return one.name.rpartition("\0")[0]


def _patience(wish: Wish) -> float:
    """Seconds after which an analyzer that does not heed its alarm is killed."""
    return (wish.limits.slow_seconds if len(wish.costs) > 1 else wish.limits.seconds) + 3.0


def _judged(
    cages: Cages[Submission],
    submissions: Iterable[Submission],
    version: str,
    on_kept: Callable[[Submission, Kept], None],
) -> Iterator[tuple[Submission, Inspection, str]]:
    """Inspections of tasks with the key to keep them by, "" for those that are not to be kept."""
    tasks: Iterable[Submission] = (replace(one, number=n) for n, one in enumerate(submissions))
    while True:
        again: list[Submission] = []
        seen: dict[int, _Seen] = {}
        for told in cages.run(tasks):
            task = told.task
            state = seen.setdefault(task.number, _Seen())
            if isinstance(told, Said):
                _hear(told, state, on_kept)
            elif isinstance(told, Ended):
                yield task, *_finish(task, seen.pop(task.number), version)
            elif len(task.skip) < _DEATHS and (killer := _killer(told)):
                seen.pop(task.number)
                again.append(replace(task, skip=(*task.skip, killer)))
            else:
                state.gaps.append(Gap("ended", told.reason))
                yield task, *_finish(task, seen.pop(task.number), version)
        if not again:
            return
        tasks = again


def _hear(told: Said[Submission], state: _Seen, on_kept: Callable[[Submission, Kept], None]) -> None:
    try:
        answer = _DECODE(told.value)
    except msgspec.MsgspecError:
        state.gaps.append(Gap("ended", "the worker spoke in words that are none"))
        return
    if answer.looked is not None:
        state.looked.append(answer.looked)
    if answer.gap is not None:
        state.gaps.append(answer.gap)
    if answer.kept is not None:
        on_kept(told.task, answer.kept)
    if answer.sha256:
        state.sha256, state.kind, state.size = answer.sha256, answer.kind, answer.size
    state.known = answer.known or state.known
    state.error = answer.error or state.error


def _killer(told: Died[Submission]) -> tuple[str, str, str] | None:
    """What was going on when a worker died."""
    sha256, _, analyzer = told.note.partition(" ")
    killed = (sha256, analyzer)
    if not analyzer or killed in [skipped[:2] for skipped in told.task.skip]:
        return None
    return (*killed, told.reason)


def _finish(task: Submission, state: _Seen, version: str) -> tuple[Inspection, str]:
    if state.known:
        try:
            return replace(_INSPECTION(state.known), name=task.name), ""
        except msgspec.MsgspecError:
            state.gaps.append(Gap("ended", "what was kept of it cannot be read; --no-cache looks anew"))
    if not state.looked and not state.gaps:
        state.gaps.append(Gap("ended", "nothing was said of it"))
    looked = tied(state.looked)
    verdict = judge(looked, meanings(), state.gaps)
    if state.error:
        verdict = Verdict("incomplete", 0, (), (Gap("error", state.error),))
    found = Inspection(
        name=task.name,
        sha256=state.sha256,
        size=state.size,
        kind=state.kind,
        verdict=verdict,
        looked=tuple(folded(state.looked)),
        rules=version,
        seconds=round(time.monotonic() - state.begun, 4),
        error=state.error,
    )
    passing = any(gap.kind in ("time", "memory", "ended", "missing") for gap in verdict.gaps)
    return found, "" if passing or not state.sha256 else _key(state.sha256, task, version)


def _key(sha256: str, task: Submission, version: str) -> str:
    """Content, rules and name: a name is looked at too, and the folder where a rule asks for it (`_BY_FOLDER`)."""
    folder, last = _split(task.name)
    told = f"{folder}/{last}" if _BY_FOLDER in version else last
    if task.span is not None:
        told += "\n".join(("", str(task.span.number), *task.span.told))
    if _BY_TENANT in version:
        told += f"\n{_tenant(task)}"
    name = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{sha256}-{version}-{name}"


def _split(name: str) -> tuple[str, str]:
    """Folder and last part of a name, in slashes of any kind; the tenant that a scan puts before it is no part of it."""
    name = name.rpartition("\0")[2]
    cut = max(name.rfind("/"), name.rfind("\\"))
    return name[: max(cut, 0)], name[cut + 1 :]


def rules(wish: Wish) -> str:
    """16 hex digits for everything that a verdict depends on besides the file and its name."""
    digest = hashlib.sha256(__version__.encode())
    folder = Path(content.__file__).parent
    for file in (Path(nouns.__file__), *sorted(folder.rglob("*"))):
        if file.suffix in (".py", ".yml", ".json", ".yar"):
            digest.update(file.read_bytes())
    for found in analyzers():
        versioned = getattr(found.object, "version", None) if cost(found) in wish.costs else None
        said = (found.name, found.target, found.error, lacking(found.object), sorted(map(str, getattr(found.object, "MEANINGS", {}).values())))  # fmt: skip
        digest.update(repr(said).encode())
        digest.update(str(versioned(wish.settings) if versioned else "").encode())
    digest.update(repr((wish.limits, wish.passwords, sorted(wish.settings.items()), wish.costs)).encode())
    asked = any(
        by_folder(wish.settings)
        for found in analyzers()
        if (by_folder := getattr(found.object, "by_folder", None))
    )
    return digest.hexdigest()[:16] + (_BY_FOLDER if asked else "") + (_BY_TENANT if wish.seen else "")


def _work(wish: Wish, version: str, task: Submission, note: Callable[[str], None]) -> Iterator[bytes]:
    """In the worker: everything there is to say of one submission, piece by piece."""
    note("")
    try:
        root = _root(task, wish.limits, note)
    except OSError as error:
        yield _ENCODE(_Answer(error=str(error.strerror or error)))
        return
    yield _ENCODE(_Answer(sha256=root.sha256, kind=kind(root.data, root.name), size=root.whole))
    if wish.cache and not wish.keep and not task.skip:
        known = Verdicts(wish.cache)
        body = known.get(_key(root.sha256, task, version))
        known.close()
        if body is not None:
            yield _ENCODE(_Answer(known=body))
            return
    kept: list[Kept] = []
    scope = Scope(
        wish.limits,
        folder=_split(task.name)[0],
        passwords=wish.passwords,
        settings={**wish.settings, **_own_settings(wish, task)},
    )
    found = look(
        root,
        analyzers(),
        scope,
        costs=wish.costs,
        skip={(sha256, analyzer): reason for sha256, analyzer, reason in task.skip},
        begin=lambda sha256, analyzer: note(f"{sha256} {analyzer}"),
        keep=lambda one: (
            kept.append(Kept(one.sha256, one.name, one.data)) if wish.keep and one.depth else None
        ),
    )
    for said in found:
        for one in kept:
            yield _ENCODE(_Answer(kept=one))
        kept.clear()
        yield _ENCODE(_Answer(looked=said) if isinstance(said, Looked) else _Answer(gap=said))


def _own_settings(wish: Wish, task: Submission) -> dict[str, tuple[str, ...]]:
    """What analyzers are told of this submission alone."""
    seen = wish.seen.get(_tenant(task), ())
    own: dict[str, tuple[str, ...]] = {"mail.seen": seen} if seen else {}
    if task.span is not None:
        own |= {"mail.told": task.span.told, "mail.number": (str(task.span.number),)}
    return own


def _root(task: Submission, limits: Limits, note: Callable[[str], None]) -> Artifact:
    """What was handed over; a sign of life while a large file is hashed. Raises OSError where it cannot be read."""
    name = _split(task.name)[1]
    start, stop = (task.span.start, task.span.stop) if task.span is not None else (0, None)
    if task.data is not None:
        data = task.data[start:stop]
        return Artifact(data[: limits.file], (name,), whole=len(data))
    assert task.path is not None, "a submission has bytes or a path"
    with task.path.open("rb") as file:
        file.seek(start)
        data = file.read(limits.file + 1 if stop is None else min(limits.file, stop - start))
        if stop is not None:
            return Artifact(data, (name,), path=task.path, whole=stop - start)
        if len(data) <= limits.file:
            return Artifact(data, (name,), path=task.path, whole=len(data))
        digests = [hashlib.sha256(data), hashlib.sha1(data, usedforsecurity=False), hashlib.md5(data, usedforsecurity=False)]  # fmt: skip
        whole = len(data)
        while piece := file.read(1 << 20):
            whole += len(piece)
            note(f"hashed-{whole >> 26}")
            for digest in digests:
                digest.update(piece)
    sha256, sha1, md5 = (digest.hexdigest() for digest in digests)
    return Artifact(data[: limits.file], (name,), path=task.path, whole=whole, digests=(sha256, sha1, md5))

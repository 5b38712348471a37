"""One submission, from the file handed over to the last thing inside it: breadth first, each content once.

Breadth first, because a password stands in the mail beside the archive, or in the next mail, and a bomb must not keep the
rest of a mail from being looked at. What cannot be opened for want of a password is tried again when a new one is found.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from shutil import which
from typing import Any

from kazami.archive.stream import reason
from kazami.detect.content.budget import Budget
from kazami.detect.content.identify import HEAD, kind
from kazami.detect.content.verdict import weight
from kazami.engine.alarm import OutOfTime, alarm
from kazami.model.content import Analysis, Artifact, Feature, Gap, Looked, Scope
from kazami.plugins import Extension

#: From which confidence on an analyzer looks at a file.
SURE = 0.5
_FEATURES = 500  # of one analyzer on one artifact that are kept
_CLIPPED = 500  # characters of a value that are kept
_PASSWORDS = 64  # words of one submission that are tried

#: What Python calls an object without a name: where it lies says nothing, and differs each time.
_ADDRESS = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>")

#: Told before an analyzer begins, so whoever watches knows what killed this process: SHA-256 and analyzer.
Begin = Callable[[str, str], None]


@dataclass(slots=True)
class _State:
    """What is known of a submission while it is looked at."""

    scope: Scope
    budget: Budget
    seen: set[tuple[str, str]] = field(default_factory=set)  # SHA-256 and analyzer, or with the name
    queue: deque[Artifact] = field(default_factory=deque)
    locked: list[tuple[Artifact, Extension, int]] = field(
        default_factory=list
    )  # and how many words were tried
    later: list[tuple[float, Artifact, Extension]] = field(
        default_factory=list
    )  # what is emulated, and how odd it looked


def look(
    root: Artifact,
    analyzers: Sequence[Extension],
    scope: Scope,
    *,
    costs: Collection[str] = ("fast",),
    skip: Mapping[tuple[str, str], str] | None = None,
    begin: Begin = lambda sha256, analyzer: None,
    keep: Callable[[Artifact], None] = lambda artifact: None,
) -> Iterator[Looked | Gap]:
    """All artifacts of a submission, each once all analyzers have looked at it; then gaps of the whole submission.

    `costs` are those of the analyzers that may run. `skip` names what must not run, (SHA-256, analyzer), with the reason: what killed a
    worker before. `keep` is given every artifact with its bytes. What is emulated comes when all else has been seen, the oddest first.
    """
    usable = [found for found in analyzers if found.object is not None and cost(found) in costs]
    usable.sort(key=_order)
    state = _State(scope, Budget(root.whole or len(root.data), scope.limits), queue=deque([root]))
    while state.queue:
        artifact = state.queue.popleft()
        if state.budget.left <= 0:
            yield Gap("time", f"more than {scope.limits.submission_seconds:g} s; {len(state.queue) + 1:,} things not looked at", root.place)  # fmt: skip
            break
        keep(artifact)
        yield _looked(artifact, usable, state, skip or {}, begin)
        if not state.queue:
            yield from _again(state, begin)
        while state.later and not state.queue and state.budget.left > 0:
            yield _late(state, skip or {}, begin)
    if state.later:
        yield Gap(
            "time",
            f"more than {scope.limits.submission_seconds:g} s; {len(state.later):,} things not emulated",
            root.place,
        )
    yield from state.budget.gaps()


def cost(found: Extension) -> str:
    """``fast``, ``deep`` or ``emulated``."""
    return str(getattr(found.object, "COST", "fast"))


def lacking(analyzer: Any) -> list[tuple[str, str]]:
    """What an analyzer cannot do without and is not here: name, and what is not seen for that."""
    needs = {**getattr(analyzer, "NEEDS", {}), **getattr(analyzer, "NEEDS_TOOLS", {})}
    return [(names, why) for names, why in needs.items() if not any(map(_is_here, names.split("|")))]


@cache
def _is_here(name: str) -> bool:
    """Whether there is a package or a program of this name."""
    try:
        return find_spec(name) is not None or which(name) is not None
    except (ImportError, ValueError):
        return which(name) is not None


def _looked(
    artifact: Artifact,
    analyzers: Sequence[Extension],
    state: _State,
    skip: Mapping[tuple[str, str], str],
    begin: Begin,
) -> Looked:
    head = artifact.data[:HEAD]
    scope = _scope(artifact, state)
    features: list[Feature] = []
    gaps = _cut(artifact)
    ran = []
    late = []
    known = False
    learned: list[str] = []
    about: dict[str, str] = {}
    for found in analyzers:
        if known and _enough(found, features, analyzers):
            break
        if not _concerns(found, artifact, head, scope.kind, state):
            continue
        if cost(found) == "emulated":
            late.append(found)
            continue
        if why := skip.get((artifact.sha256, found.name)):
            gaps.append(Gap("ended", why, analyzer=found.name))
            continue
        begin(artifact.sha256, found.name)
        analysis = run(found, artifact.data, scope, state.budget.left)
        ran.append(found.name)
        known = known or analysis.known
        learned += analysis.learned
        about |= analysis.about
        features += analysis.features
        gaps += (replace(gap, analyzer=gap.analyzer or found.name) for gap in analysis.gaps)
        _take(analysis, artifact, state)
        if any(gap.kind == "password" for gap in analysis.gaps):
            state.locked.append((artifact, found, len(scope.passwords)))
    oddness = _oddness(features, analyzers)
    state.later += ((oddness, artifact, found) for found in late)
    return replace(_summary(artifact, scope.kind, ran, features, gaps, learned), about=about)


def _order(found: Extension) -> int:
    """Who knows the bytes comes first, then who looks at what may be forged even so."""
    return (
        0 if getattr(found.object, "FIRST", False) else 1 if getattr(found.object, "IF_KNOWN", False) else 2
    )


def _enough(found: Extension, features: Sequence[Feature], analyzers: Sequence[Extension]) -> bool:
    """Whether known bytes need no more looking: who looks for forgeries has, and saw nothing grave."""
    return _order(found) == 2 and _oddness(features, analyzers) < weight("high", "medium")


def _oddness(features: Sequence[Feature], analyzers: Sequence[Extension]) -> float:
    """How much was observed on an artifact, in log-odds."""
    known = {name: meaning for found in analyzers for name, meaning in found.object.MEANINGS.items()}
    return sum(
        weight(one.level or known[one.name].level, one.confidence or known[one.name].confidence)
        for one in features
        if one.name in known
    )


def _late(state: _State, skip: Mapping[tuple[str, str], str], begin: Begin) -> Looked:
    """The oddest of what waits, emulated."""
    at = max(range(len(state.later)), key=lambda n: state.later[n][0])
    _, artifact, found = state.later.pop(at)
    scope = _scope(artifact, state)
    if why := skip.get((artifact.sha256, found.name)):
        return _summary(artifact, scope.kind, [], [], [Gap("ended", why, analyzer=found.name)])
    begin(artifact.sha256, found.name)
    analysis = run(found, artifact.data, scope, state.budget.left)
    _take(analysis, artifact, state)
    gaps = [replace(gap, analyzer=gap.analyzer or found.name) for gap in analysis.gaps]
    return _summary(artifact, scope.kind, [found.name], list(analysis.features), gaps)


def _scope(artifact: Artifact, state: _State) -> Scope:
    """What is told of an artifact."""
    hashes = (artifact.sha256, artifact.sha1, artifact.md5)
    word = kind(artifact.data, artifact.name)
    return replace(state.scope, name=artifact.name, kind=word, depth=artifact.depth, hashes=hashes)


def _cut(artifact: Artifact) -> list[Gap]:
    if artifact.whole <= len(artifact.data):
        return []
    return [Gap("limit", f"only the first {len(artifact.data):,} of {artifact.whole:,} bytes looked at")]


def _concerns(found: Extension, artifact: Artifact, head: bytes, what: str, state: _State) -> bool:
    """Whether an analyzer is to look at this: it is of its kinds, it says so, and it has not seen the same content before."""
    if what not in getattr(found.object, "KINDS", (what,)):
        return False
    key = (artifact.sha256, found.name)
    if getattr(found.object, "BY_NAME", False):
        key = (f"{artifact.sha256} {artifact.name}", found.name)
    if key in state.seen:
        return False
    state.seen.add(key)
    try:
        return float(found.object.confidence(head, artifact.name)) >= SURE
    except Exception:  # noqa: BLE001 - who cannot say shall look: what it then raises is told as a gap
        return True


def run(found: Extension, data: bytes, scope: Scope, left: float = 1e9) -> Analysis:
    """What one analyzer says of `data`. Whatever it raises, or time or memory that it would take, becomes a gap."""
    if missing := lacking(found.object):
        return Analysis(
            gaps=tuple(Gap("missing", f"{name} is not installed: {why}") for name, why in missing)
        )
    seconds = scope.limits.seconds if cost(found) == "fast" else scope.limits.slow_seconds
    try:
        getattr(found.object, "prepare", _nothing)()
        with alarm(min(seconds, left)):
            analysis = found.object.analyze(data, scope)
    except OutOfTime:
        return Analysis(gaps=(Gap("time", f"more than {min(seconds, left):.1f} s"),))
    except MemoryError:
        return Analysis(gaps=(Gap("memory", "more memory than a file may take"),))
    except RecursionError:
        return Analysis(gaps=(Gap("error", "nested too deep for its parser"),))
    except Exception as error:  # noqa: BLE001 - whatever a parser raises on hostile bytes is told, and is never "clean"
        return Analysis(gaps=(Gap("error", _ADDRESS.sub("it", reason(error))),))
    return _bounded(analysis)


def _nothing() -> None:
    """Most analyzers need no preparation."""


def _bounded(analysis: Analysis) -> Analysis:
    features, gaps = analysis.features, analysis.gaps
    if len(features) > _FEATURES:
        gaps = (*gaps, Gap("limit", f"{len(features) - _FEATURES:,} more features not kept"))
        features = features[:_FEATURES]
    if any(len(f.value) > _CLIPPED or not f.value.isascii() or not f.place.isascii() for f in features):
        features = tuple(
            replace(f, value=_text(f.value[:_CLIPPED]), place=_text(f.place[:_CLIPPED])) for f in features
        )
    return replace(analysis, features=features, gaps=gaps)


def _text(text: str) -> str:
    """`text` without halves of characters, which no encoding can carry on."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _take(analysis: Analysis, artifact: Artifact, state: _State) -> None:
    for child in analysis.children:
        if child.data and state.budget.take(child, artifact):
            place = child.place if child.place != child.name else ""
            names = tuple(_text(name) for name in (place, child.name) if name)
            state.queue.append(
                Artifact(
                    child.data,
                    (*artifact.chain, *(names or ("?",))),
                    artifact.depth + 1,
                    artifact.sha256,
                    child.relation,
                )
            )
    known = dict.fromkeys((*state.scope.passwords, *analysis.passwords))
    settings = {**state.scope.settings, **analysis.settings} if analysis.settings else state.scope.settings
    state.scope = replace(state.scope, passwords=tuple(known)[:_PASSWORDS], settings=settings)


def _again(state: _State, begin: Begin) -> Iterator[Looked]:
    """What was locked, tried with words found since."""
    locked, state.locked = state.locked, []
    for artifact, found, tried in locked:
        if tried == len(state.scope.passwords):
            state.locked.append((artifact, found, tried))
            continue
        scope = _scope(artifact, state)
        begin(artifact.sha256, found.name)
        analysis = run(found, artifact.data, scope, state.budget.left)
        if any(gap.kind == "password" for gap in analysis.gaps) and not analysis.children:
            state.locked.append((artifact, found, len(scope.passwords)))
            continue
        _take(analysis, artifact, state)
        yield _summary(artifact, scope.kind, [found.name], list(analysis.features), list(analysis.gaps))


def _summary(
    artifact: Artifact,
    kind: str,
    ran: Sequence[str],
    features: list[Feature],
    gaps: list[Gap],
    learned: Sequence[str] = (),
) -> Looked:
    return Looked(
        artifact.place,
        artifact.name,
        kind,
        artifact.whole or len(artifact.data),
        artifact.sha256,
        artifact.sha1,
        artifact.md5,
        artifact.depth,
        artifact.parent,
        artifact.relation,
        tuple(ran),
        tuple(dict.fromkeys(features)),
        tuple(dict.fromkeys(gaps)),
        tuple(dict.fromkeys(learned)),
    )

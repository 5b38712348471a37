"""What is inside a container, as children, and what is odd about it: shared by all that open containers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from kazami.archive import Fault, Member
from kazami.archive.budget import Budget, LimitError
from kazami.archive.budget import Limits as ArchiveLimits
from kazami.archive.name import shown
from kazami.archive.stream import reason
from kazami.archive.unpack import CUSTOMARY
from kazami.detect.content.identify import kind, kinds, starts
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

MEANINGS = meanings(f"{__file__.rpartition('members')[0]}container.yml")

_READS = frozenset(("office", "document", "picture"))
_ALIKE = 0.8
_OUT = re.compile(r"(?:^|[\\/])\.\.(?:[\\/]|$)|^[\\/]|^[A-Za-z]:[\\/]")
_HIDDEN = re.compile(r"(?:^|[\\/])(?:\.[^.\\/][^\\/]*|__MACOSX__|_rels_)[\\/]")


def account(data: bytes, scope: Scope) -> Budget:
    """What unpacking `data` may cost."""
    limits = scope.limits
    return Budget(
        len(data),
        ArchiveLimits(
            depth=1,
            members=limits.children,
            unpacked=limits.total,
            ratio=limits.ratio,
            ratio_from=limits.ratio_from,
            in_memory=limits.total,
        ),
    )


def passwords(scope: Scope, customary: int = len(CUSTOMARY)) -> tuple[str, ...]:
    """Those of the submission, then what the trade puts on samples: the first few, where each costs a tenth of a second."""
    return tuple(dict.fromkeys((*scope.passwords, *CUSTOMARY[:customary])))


def gathered(
    members: Iterable[Member | Fault], scope: Scope, budget: Budget
) -> tuple[list[Child], list[Gap]]:
    """All of `members` that can be read; what of one can be read before it fails is kept."""
    children: list[Child] = []
    gaps: list[Gap] = []
    for member in _guarded(members, gaps):
        try:
            budget.count()
        except LimitError as error:
            gaps.append(Gap("limit", str(error)))
            break
        if isinstance(member, Member):
            data, gap = _content(member, scope)
            children.append(Child(member.name, data))
            gaps += gap
        elif member.lost or member.reason.startswith("read without"):
            locked = member.reason.startswith("encrypted")
            gaps.append(Gap("password" if locked else "error", member.reason, shown(member.name)))
        if budget.spent:
            break
    return children, list(dict.fromkeys(gaps))


def _guarded(members: Iterable[Member | Fault], gaps: list[Gap]) -> Iterator[Member | Fault]:
    try:
        yield from members
    except Exception as error:  # noqa: BLE001 - whatever a library raises on hostile bytes is told
        gaps.append(Gap("limit" if isinstance(error, LimitError) else "error", reason(error)))


def _content(member: Member, scope: Scope) -> tuple[bytes, list[Gap]]:
    data = bytearray()
    try:
        for piece in member.content:
            data += piece
            if len(data) > scope.limits.file:
                del data[scope.limits.file :]
                return bytes(data), [
                    Gap("limit", f"only the first {len(data):,} bytes looked at", shown(member.name))
                ]
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises on hostile bytes is told
        kind = "limit" if isinstance(error, LimitError) else "error"
        return bytes(data), [Gap(kind, reason(error), shown(member.name))]
    return bytes(data), []


def odd(children: Sequence[Child]) -> Iterator[Feature]:
    """What the members say of their container."""
    found = [kind(child.data[: 64 << 10], child.name) for child in children]
    programs = [c for c, what in zip(children, found, strict=True) if starts(what, c.name)]
    for child in children:
        if _OUT.search(child.name):
            yield Feature("container.traversal", child.name, place=child.name)
    for child in programs[:20]:
        yield Feature("container.program", child.name, place=child.name)
        if _HIDDEN.search(child.name):
            yield Feature("container.hidden_program", child.name, place=child.name)
    if len(children) == 1 and programs:
        yield Feature("container.only_program", programs[0].name)
    reads = [
        c
        for c, what in zip(children, found, strict=True)
        if kinds()[what].family in _READS and c not in programs
    ]
    if len(children) < 50:
        for program in programs[:5]:
            twin = next((r for r in reads if _alike(program.name, r.name)), None)
            if twin is not None:
                yield Feature("container.decoy_pair", f"{program.name} and {twin.name}", place=program.name)


def _alike(first: str, second: str) -> bool:
    """Names without folders and extensions that are nearly the same."""
    a, b = (PurePosixPath(n.replace("\\", "/")).name.split(".")[0].casefold() for n in (first, second))
    return bool(a) and SequenceMatcher(None, a, b).ratio() >= _ALIKE


def analysis(children: list[Child], gaps: list[Gap], *features: Feature) -> Analysis:
    """All together."""
    return Analysis((*features, *odd(children)), tuple(children), tuple(gaps))

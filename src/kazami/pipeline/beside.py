"""What files of one folder say together: inspections are held back until their folder is complete, as far as it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from kazami.detect.content.executable.side_loading import tied
from kazami.detect.content.verdict import judge
from kazami.model.content import Inspection, Meaning

_HELD = 2_000  # inspections; then the folder that waits longest is judged with what is known of it


def together(found: Iterable[Inspection], meanings: Mapping[str, Meaning]) -> Iterator[Inspection]:
    """The same inspections, each once; of programs and of data beside them when their folder was seen."""
    folders: dict[str, list[Inspection]] = {}
    held = 0
    for one in found:
        if not _matters(one):
            yield one
            continue
        folder = one.name[: max(one.name.rfind(mark) for mark in "/\\!") + 1]
        folders.setdefault(folder, []).append(one)
        held += 1
        while held > _HELD:
            oldest = folders.pop(next(iter(folders)))
            held -= len(oldest)
            yield from _judged(oldest, meanings)
    for group in folders.values():
        yield from _judged(group, meanings)


def _matters(one: Inspection) -> bool:
    return bool(one.looked) and (one.kind == "pe" or any(f.name.startswith("masked.") for f in one.looked[0].features))  # fmt: skip


def _judged(group: list[Inspection], meanings: Mapping[str, Meaning]) -> Iterator[Inspection]:
    roots = tied([replace(one.looked[0], place=one.name) for one in group])
    for one, root in zip(group, roots, strict=True):
        first = one.looked[0]
        if root.features == first.features:
            yield one
            continue
        looked = (replace(first, features=root.features), *one.looked[1:])
        own = {gap for item in one.looked for gap in item.gaps}
        gaps = [gap for gap in one.verdict.gaps if gap not in own]
        yield replace(one, looked=looked, verdict=judge(looked, meanings, gaps))

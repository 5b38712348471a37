"""Two snapshots held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kazami.model.change import SOFT, Change, Item

Key = tuple[str, str, str]

#: What differs of a file when only its content did.
_CONTENT = frozenset(("sha256", "size"))


def compare(before: Iterable[Item], after: Iterable[Item], *, whole: bool) -> list[Change]:
    """What is new, altered or (where both are `whole`) removed, in the order of `after`, then of `before`.

    Of snapshots that are not whole only facts count that both have: one event says less of a thing than another.
    """
    old = {_key(item): item for item in before}
    new = {_key(item): item for item in after}
    found = list(_came(old, new, whole))
    if whole:
        found += (Change("removed", item, item) for key, item in old.items() if key not in new)
    told = {_file(change.item) for change in found if change.item.facts.get("type") == "entry"}
    return [change for change in found if not _told_by_entries(change, told)]


def _key(item: Item) -> Key:
    return item.host.lower(), item.kind, item.name if "/" in item.name else item.name.lower()


def _came(old: Mapping[Key, Item], new: Mapping[Key, Item], whole: bool) -> Iterator[Change]:
    for key, item in new.items():
        known = old.get(key)
        if known is None:
            yield Change("new", item)
        elif _differs(known.facts, item.facts, whole):
            yield Change("altered", item, known)


def _differs(before: Mapping[str, str], after: Mapping[str, str], whole: bool) -> bool:
    names = {*before, *after} if whole else before.keys() & after.keys()
    return any(before.get(name) != after.get(name) for name in names - SOFT)


def _file(item: Item) -> tuple[str, str, str]:
    return item.host, item.kind, item.name.partition(": ")[0]


def _told_by_entries(change: Change, told: set[tuple[str, str, str]]) -> bool:
    """Whether a file differs in nothing but its content, and what its lines say says it better."""
    item = change.item
    if change.what != "altered" or item.facts.get("type") != "file":
        return False
    return (item.host, item.kind, item.name) in told and change.differing.keys() <= _CONTENT

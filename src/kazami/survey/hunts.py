"""The hunts of packs, from ``hunts/<name>.yml``. One that is broken is named with the reason; the rest loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kazami import packs
from kazami.errors import UsageError
from kazami.survey.hunt import Hunt, parse

#: Bytes of a file.
LARGEST = 64 << 10
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Packed:
    """A hunt, and the pack that it is from."""

    pack: str
    hunt: Hunt
    path: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that holds no hunt, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hunts:
    """What was found in the packs, in the order of ids."""

    loaded: tuple[Packed, ...]
    broken: tuple[Broken, ...]

    def chosen(self, ids: Sequence[str]) -> list[Packed]:
        """Those with these ids, in any case of letters; all for none. Raises UsageError for one that is not there."""
        if not ids:
            return list(self.loaded)
        known = {one.hunt.id: one for one in self.loaded}
        for name in ids:
            if name.upper() not in known:
                raise UsageError(f"there is no hunt {name!r}; there are: {', '.join(known)}")
        return [known[name] for name in dict.fromkeys(name.upper() for name in ids)]


def load(names: Iterable[str] | None = None) -> Hunts:
    """The hunts of the packs `names` (all that come with Kazami for None); a name with a slash is the folder of one.

    Raises UsageError for a pack that is not there.
    """
    loaded: dict[str, Packed] = {}
    broken: list[Broken] = []
    for folder in map(packs.find, packs.names() if names is None else names):
        for path in sorted((folder / "hunts").glob("*.yml")):
            try:
                hunt = _read(path)
            except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
                broken.append(Broken(str(path), _said(error)))
                continue
            if hunt.id in loaded:
                broken.append(Broken(str(path), f"the id {hunt.id} is taken by {loaded[hunt.id].path}"))
                continue
            loaded[hunt.id] = Packed(folder.name, hunt, str(path))
    return Hunts(tuple(sorted(loaded.values(), key=lambda one: _order(one.hunt.id))), tuple(broken))


def _read(path: Path) -> Hunt:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    return parse(yaml.load(data, Loader=_LOADER))  # noqa: S506 - a safe loader


def _said(error: Exception) -> str:
    return " ".join(_lines(error)) or type(error).__name__


def _lines(error: Exception) -> Iterator[str]:
    for line in str(error).splitlines():
        yield line.strip()


def _order(name: str) -> tuple[bool, str, int]:
    """The joint advisory's hunts first, then others by name; numbers count as numbers."""
    letters = name.rstrip("0123456789")
    return letters != "H", letters, int(name[len(letters) :])

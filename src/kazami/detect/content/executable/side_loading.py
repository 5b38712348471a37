"""Genuine programs with a false library beside them, and what it loads (MITRE ATT&CK T1574.001): seen only in what lies together.
Also programs of Windows in the wrong place (T1036.005), because only here the place is known.

It works over what the analyzers said of each file, in one archive or one folder, and adds to what is said of the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kazami.detect.content.executable.identity import system
from kazami.model.content import Feature, Looked

_PROGRAMS = (".exe", ".scr", ".com")
_LIBRARIES = (".dll", ".cpl", ".ocx")
#: Where users and services may write, and nothing of Windows lies.
_ODD_FOLDER = re.compile(
    r"[/\\!](programdata|appdata|perflogs|\$recycle\.bin|inetpub|wwwroot|users[/\\]public|windows[/\\](temp|debug|tasks|help|ime|media))[/\\]"
)


@dataclass(frozen=True, slots=True)
class _One:
    """What matters of one file."""

    at: int
    name: str
    size: int
    signer: str
    loads: frozenset[str]
    described: bool
    data: bool

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0]


@cache
def _pairs() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    rows = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8"))
    return {(row["program"], row["library"]): row for row in rows}


def tied(looked: Sequence[Looked]) -> tuple[Looked, ...]:
    """The same, with what was seen of pairs added to the libraries. Folders are told apart by `place`."""
    folders: dict[str, list[_One]] = {}
    for at, item in enumerate(looked):
        if item.kind == "pe" or any(f.name.startswith("masked.") for f in item.features):
            folder = item.place[: max(item.place.rfind(mark) for mark in "/\\!") + 1]
            folders.setdefault(folder, []).append(_one(at, item))
    found = [_misplaced(item) for item in looked]
    for files in folders.values():
        for at, feature in _of_folder(files):
            found[at] = replace(found[at], features=(*found[at].features, feature))
    return tuple(found)


def _misplaced(item: Looked) -> Looked:
    """A program of Windows in a folder that is nobody's home for it; only where the folder is known."""
    folder, name = re.split(r"[/\\!](?=[^/\\!]*$)", f"/{item.place}".casefold())
    odd = item.kind == "pe" and name.endswith(_PROGRAMS) and _ODD_FOLDER.search(f"{folder}/")
    if not odd or name.rpartition(".")[0] not in system("programs"):
        return item
    return replace(item, features=(*item.features, Feature("pe.system_name_elsewhere", item.place)))


def _one(at: int, item: Looked) -> _One:
    words: dict[str, str] = {}
    for feature in item.features:
        words[feature.name] = f"{words.get(feature.name, '')} {feature.value}"
    return _One(
        at,
        item.place[max(item.place.rfind(mark) for mark in "/\\!") + 1 :].casefold(),
        item.size,
        words.get("pe.signer", "").partition(";")[0].strip(),
        frozenset(words.get("pe.loads", "").split()),
        "pe.version" in words,
        item.kind != "pe",
    )


def _of_folder(files: Sequence[_One]) -> Iterator[tuple[int, Feature]]:
    programs = [one for one in files if one.name.endswith(_PROGRAMS)]
    libraries = {one.name: one for one in files if one.name.endswith(_LIBRARIES)}
    data = {one.name for one in files if one.data}
    for program in programs:
        known = [(f"{library}.dll", row) for (name, library), row in _pairs().items() if name == program.stem]
        for name, row in known:
            if name in libraries and not libraries[name].signer:
                yield from _known(program, libraries[name], row, data)
        for name in sorted(program.loads & libraries.keys() - {name for name, _ in known}):
            library = libraries[name]
            if program.signer and not library.signer and not library.described:
                yield from _general(program, library, data)


def _known(program: _One, library: _One, row: Mapping[str, Any], data: set[str]) -> Iterator[tuple[int, Feature]]:  # fmt: skip
    payload = sorted(data & set(row.get("data", ()))) or sorted(data)
    doubtful = not library.described or library.size < row.get("below", 0)
    name = (
        "pe.side_loaded_with_payload"
        if payload and doubtful
        else "pe.side_loaded_known"
        if doubtful
        else "pe.side_loading_names"
    )
    yield library.at, Feature(name, _said(program, library, payload))


def _general(program: _One, library: _One, data: set[str]) -> Iterator[tuple[int, Feature]]:
    payload = sorted(data)
    yield library.at, Feature("pe.side_loaded_beside_data" if payload else "pe.side_loaded", _said(program, library, payload))  # fmt: skip


def _said(program: _One, library: _One, payload: Sequence[str]) -> str:
    signer = f" (signed by {program.signer})" if program.signer else ""
    return f"{program.name}{signer} loads {library.name}, unsigned" + (f"; beside: {', '.join(payload[:3])}" if payload else "")  # fmt: skip

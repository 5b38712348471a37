"""Rule files, read: each a namespace of its own, with the licence of the folder that it came in."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kazami import packs
from kazami.model.rule import Rejected

SUFFIXES = (".yar", ".yara")
MAX_FILES = 20_000
MAX_BYTES = 32 << 20  # of one file

_LICENSES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING")
_NAMED = re.compile(rb"^[\s#=*-]*([^\s#=*-].*?)[\s#=*-]*$", re.MULTILINE)
_RULE = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|^[ \t]*(?:(?:private|global)\s+)*rule\s+(\w+)""",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file of rules. `name` is the namespace; `license` the first line of what lies beside it or above."""

    name: str
    path: str
    text: str
    license: str = ""

    @property
    def rules(self) -> list[str]:
        """Names of the rules in it, as they are written."""
        return [name for name in _RULE.findall(self.text) if name]

    def rule_at(self, line: int) -> str:
        """The name of the rule that a line, from 1, is in."""
        ahead = _RULE.findall("\n".join(self.text.splitlines()[:line]))
        return next((name for name in reversed(ahead) if name), "")


def shipped() -> list[Path]:
    """Folders of the rules that come with Kazami."""
    return packs.choose(None).yara


def files(paths: Iterable[Path]) -> Iterator[RuleFile | Rejected]:
    """All rule files in files and folders, each once; what cannot be read is named with the reason."""
    seen: set[str] = set()
    for given in paths:
        if not given.exists():
            yield Rejected(str(given), "there is no such file or folder")
            continue
        found = _listed(given) if given.is_dir() else [given]
        if len(found) > MAX_FILES:
            yield Rejected(
                str(given), f"more than {MAX_FILES:,} rule files; {len(found) - MAX_FILES:,} not read"
            )
        for path in found[:MAX_FILES]:
            if (key := str(path.resolve())) not in seen:
                seen.add(key)
                yield _read(path, given if given.is_dir() else given.parent)


def stamp(paths: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of all rule files: what changes when one does."""
    found = (file for path in paths for file in (_listed(path) if path.is_dir() else [path]))
    with contextlib.suppress(OSError):
        return tuple(
            (str(file), state.st_size, state.st_mtime_ns) for file in found for state in [file.stat()]
        )
    return ()


def _listed(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file() and not _hidden(path, folder)
    ]


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _read(path: Path, folder: Path) -> RuleFile | Rejected:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return Rejected(str(path), f"cannot be read: {error.strerror}")
    if len(data) > MAX_BYTES:
        return Rejected(str(path), f"larger than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Rejected(str(path), f"is not text in UTF-8, at byte {error.start:,}")
    return RuleFile(path.relative_to(folder).as_posix(), str(path), text, _license(path.parent, folder))


def _license(folder: Path, top: Path) -> str:
    """The name of the licence that lies beside a rule file or in a folder above, up to the folder that was named."""
    while True:
        for name in _LICENSES:
            if (folder / name).is_file():
                return _title(folder / name)
        if folder == top or folder == folder.parent:
            return ""
        folder = folder.parent


def _title(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            found = _NAMED.search(stream.read(2000))
    except OSError:
        return ""
    return found[1].decode("utf-8", "replace")[:100] if found else ""


def names(files: Sequence[RuleFile]) -> dict[str, RuleFile]:
    """Rule files by a namespace of their own: where two are called the same, by their whole path."""
    named: dict[str, RuleFile] = {}
    for one in files:
        named[one.path if one.name in named else one.name] = one
    return named

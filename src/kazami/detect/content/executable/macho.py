"""Programs of macOS (Mach-O, one architecture or several): who signed, packers, code, libraries from where everybody may write, what is appended.

LIEF reads the structure. Whether a signature holds is not verified: Apple's roots do not come along, so a program without any is only told as such.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from kazami.detect.content.executable import resource, structure
from kazami.detect.content.identify import kind
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Feature, Gap, Scope

MEANINGS = meanings(__file__)
NEEDS = {"lief": "structure of programs of macOS"}
prepare = structure.prepare

_UPX = b"UPX!"
_WRITABLE = ("/tmp", "/private/tmp", "/var/tmp", "/private/var/tmp", "/Users/Shared")  # noqa: S108 - looked for, not used
_EXECUTE, _WRITE = 4, 2
_SLICES, _COMMANDS = 16, 2000


def confidence(head: bytes, name: str) -> float:
    """Begins with one of the magics."""
    return 1.0 if len(head) > 4 and kind(head, name) == "macho" else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Every architecture of it; what is appended is a child."""
    import lief

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that stand for nothing
        fat = lief.MachO.parse(data)
        slices = list(fat)[:_SLICES] if fat is not None else []
        if not slices:
            return Analysis(gaps=(Gap("error", "its headers cannot be read as a program's"),))
        found: dict[Feature, None] = {}
        ends = [0]
        gaps: list[Gap] = []
        for one in slices:
            found.update(dict.fromkeys(_features(data, one)))
            ends.append(int(one.fat_offset) + _end(one))
            if len(list(one.commands)) < int(one.header.nb_cmds):
                gaps.append(
                    Gap(
                        "error",
                        f"only {len(list(one.commands)):,} of {int(one.header.nb_cmds):,} commands can be read",
                    )
                )
    seen, children = _appended(data, max(ends))
    return Analysis((*found, *seen), tuple(children), tuple(gaps))


def _end(binary: Any) -> int:
    """Bytes of the file that its segments take."""
    return max((int(one.file_offset) + int(one.file_size) for one in binary.segments), default=0)


def _appended(data: bytes, end: int) -> tuple[list[Feature], list[Child]]:
    return resource.overlay(data, end, len(data), "macho") if 0 < end < len(data) else ([], [])


def _code(binary: Any, segment: Any) -> bytes:
    """Content of a segment; the first has the headers of the file before its code."""
    content = bytes(segment.content)
    headers = 0 if int(segment.file_offset) else 32 + int(binary.header.sizeof_cmds)
    return content[headers:].lstrip(b"\0")


def _features(data: bytes, binary: Any) -> Iterator[Feature]:
    if _UPX in data[:8192] or _UPX in data[-4096:]:
        yield Feature("macho.packer", "UPX")
    if not binary.has_code_signature:
        yield Feature("macho.unsigned")
    for segment in binary.segments:
        protection = int(segment.init_protection)
        if not protection & _EXECUTE:
            continue
        if protection & _WRITE:
            yield Feature("macho.writable_code", str(segment.name))
        if resource.noise(_code(binary, segment)):
            yield Feature("macho.packed_code", f"{int(segment.file_size):,} bytes")
    paths = [str(one.name) for one in list(binary.libraries)[:_COMMANDS]]
    paths += [str(one.path) for one in list(binary.rpaths)[:_COMMANDS]]
    for path in paths:
        if path.startswith(_WRITABLE):
            yield Feature("macho.libraries_where_all_may_write", path)

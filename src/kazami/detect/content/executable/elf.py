"""Programs of Linux (ELF): packers, what loads them, how they were built, what is appended. Routers' and relays' implants are such programs.

LIEF reads the structure. What honest programs have too counts nothing; Go, for one, links everything in.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from kazami.detect.content.executable import resource, structure
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Feature, Gap, Scope

MEANINGS = meanings(__file__)
NEEDS = {"lief": "structure of programs of Linux"}
prepare = structure.prepare

_UPX = b"UPX!"
_LOADERS = ("/lib", "/usr/lib", "/system/bin/", "/libexec/", "/nix/store/", "/usr/libexec/")
_WRITABLE = ("/tmp", "/dev/shm", "/var/tmp")  # noqa: S108 - looked for, not used
_LOAD, _EXECUTE, _WRITE = 1, 1, 2


def confidence(head: bytes, name: str) -> float:
    """Begins with the magic."""
    return 1.0 if head.startswith(b"\x7fELF") else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """Everything; what is appended is a child."""
    import lief

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that stand for nothing; they are compared as numbers
        binary = lief.ELF.parse(data)
        if binary is None:
            return Analysis(gaps=(Gap("error", "its headers cannot be read as a program's"),))
        features = list(_features(data, binary))
        seen, children = resource.overlay(data, int(binary.eof_offset), len(data), "elf")
    return Analysis((*features, *seen), tuple(children))


def _features(data: bytes, binary: Any) -> Iterator[Feature]:
    if _UPX in data[:4096] or _UPX in data[-4096:]:
        yield Feature("elf.packer", "UPX")
    for segment in binary.segments:
        if int(segment.type) != _LOAD or not int(segment.flags) & _EXECUTE:
            continue
        if int(segment.flags) & _WRITE:
            yield Feature("elf.writable_code", f"{int(segment.virtual_address):#x}")
        if resource.noise(bytes(segment.content)):
            yield Feature("elf.packed_code", f"{int(segment.physical_size):,} bytes")
    if not list(binary.sections):
        yield Feature("elf.without_sections")
    interpreter = str(binary.interpreter) if binary.has_interpreter else ""
    if interpreter.startswith(_WRITABLE):
        yield Feature("elf.loader_where_all_may_write", interpreter)
    elif interpreter and not interpreter.startswith(_LOADERS):
        yield Feature("elf.other_loader", interpreter)
    for entry in binary.dynamic_entries:
        path = str(getattr(entry, "rpath", "") or getattr(entry, "runpath", ""))
        if any(part.startswith(_WRITABLE) for part in path.split(":")):
            yield Feature("elf.libraries_where_all_may_write", path)

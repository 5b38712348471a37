"""How a PE file is built: packers, where it begins to run, what it imports and exports, who compiled it and when.

Each is seen in honest files too (installers, games, protected programs), so weights are small; what counts is what comes together.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from kazami.detect.content.executable.identity import system
from kazami.model.content import Feature

_EXECUTE, _WRITE, _CODE = 0x20000000, 0x80000000, 0x20
_PACKED = 7.2  # bits a byte; compiled code is at 5.5 to 6.8
_FEW = 10  # imported functions
_NAMES = 20_000  # imported or exported, that are looked at
_PIECE = 400  # characters of one feature
_OLDEST = datetime(1993, 7, 1, tzinfo=UTC)  # of Windows NT, before which no PE was made


@cache
def prepare() -> None:
    """Import LIEF, which takes its time and ends the process when it is interrupted in that."""
    import lief

    lief.logging.disable()


def parse(data: bytes, with_imports: bool = True) -> Any:
    """LIEF's view of a PE file, or None. Signatures, exceptions and relocations are not read: they cost most and are not asked."""
    import lief

    config = lief.PE.ParserConfig()
    config.parse_exceptions = config.parse_reloc = config.parse_signature = False
    config.parse_imports = with_imports
    return lief.PE.parse(data, config)


def imphash(binary: Any) -> str:
    """As Sysmon and pefile have it; "" without imports."""
    import lief

    return str(lief.PE.get_imphash(binary, lief.PE.IMPHASH_MODE.PEFILE)) if binary.has_imports else ""


def imports(binary: Any) -> dict[str, list[str]]:
    """Names of functions by library, lower case, delayed ones too."""
    found: dict[str, list[str]] = {}
    left = _NAMES
    for group in (binary.imports, binary.delay_imports if binary.has_delay_imports else ()):
        for library in group:
            names = [str(entry.name) for entry in islice(library.entries, left)]
            left -= len(names) + 1
            found.setdefault(str(library.name).lower(), []).extend(names)
            if left <= 0:
                return found
    return found


def sections(binary: Any) -> Iterator[Feature]:
    """Packers by their sections, packed code, and where the program begins."""
    every = list(binary.sections)
    packer = next((_packers()[str(s.name)] for s in every if str(s.name) in _packers()), "")
    if packer:
        yield Feature("pe.packer", packer)
    runs = [s for s in every if s.characteristics & (_EXECUTE | _CODE)]
    for section in runs:
        if section.characteristics & _WRITE and section.characteristics & _EXECUTE:
            yield Feature("pe.writable_code", str(section.name))
        if section.sizeof_raw_data >= 4096 and section.entropy > _PACKED:
            yield Feature("pe.packed_code", f"{section.name}: {section.entropy:.2f} bits a byte")
        if not section.sizeof_raw_data and section.virtual_size > 4096:
            yield Feature(
                "pe.code_without_bytes", f"{section.name}: {section.virtual_size:,} bytes in memory"
            )
    yield from _entry(int(binary.optional_header.addressof_entrypoint), every)


def _entry(at: int, every: Sequence[Any]) -> Iterator[Feature]:
    if not at or not every:
        return
    inside = [s for s in every if s.virtual_address <= at < s.virtual_address + max(s.virtual_size, s.sizeof_raw_data)]  # fmt: skip
    if not inside:
        yield Feature("pe.entry_outside", f"{at:#x}")
    elif inside[0].virtual_address == every[-1].virtual_address and len(every) > 2:
        yield Feature("pe.entry_in_last_section", str(inside[0].name))


@cache
def _packers() -> Mapping[str, str]:
    rows = yaml.safe_load(Path(__file__).with_name("packers.yml").read_text("utf-8"))
    return {name: packer for packer, names in rows.items() for name in names}


@cache
def _capabilities() -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
    rows = yaml.safe_load(Path(__file__).with_name("capabilities.yml").read_text("utf-8"))
    return {name: (frozenset(row.get("all", ())), frozenset(row.get("any", ()))) for name, row in rows.items()}  # fmt: skip


def imported(found: Mapping[str, Sequence[str]], managed: bool) -> Iterator[Feature]:
    """What can be done with the imports, whether there are suspiciously few, and which libraries may be taken from beside."""
    names = {plain(name) for every in found.values() for name in every}
    for capability, (needed, one_of) in _capabilities().items():
        if needed <= names and (not one_of or names & one_of):
            yield Feature(capability, ", ".join(sorted(names & (needed | one_of))))
    many = sum(map(len, found.values()))
    if not managed and 0 < many <= _FEW and {"loadlibrary", "getprocaddress"} <= names:
        yield Feature("pe.imports_by_name", f"{many} functions, others by name")
    beside = sorted(name for name in found if name.removesuffix(".dll") not in system("known") and not name.startswith(("api-ms-", "ext-ms-")))  # fmt: skip
    yield from _pieces("pe.loads", beside)


def _pieces(name: str, words: Sequence[str]) -> Iterator[Feature]:
    """Many words as several features, none of which is too long to be kept."""
    line = ""
    for word in words:
        if line and len(line) + len(word) > _PIECE:
            yield Feature(name, line)
            line = ""
        line = f"{line} {word}".strip()
    if line:
        yield Feature(name, line)


def plain(name: str) -> str:
    """A function without the letters for its character set and version."""
    return name.lower().removesuffix("a" if name.endswith("A") else "w" if name.endswith("W") else "").removesuffix("ex")  # fmt: skip


def exported(binary: Any, signed: bool) -> Iterator[Feature]:
    """Libraries whose exports lead to one place or to another library, as false ones beside a program do."""
    if not binary.has_exports:
        return
    export = binary.get_export()
    entries = [entry for entry in islice(export.entries, _NAMES) if str(entry.name)]
    if str(export.name):
        yield Feature("pe.export_name", str(export.name))
    if len(entries) < 4 or signed:
        return
    away = Counter(str(e.forward_information.library) for e in entries if e.is_forwarded)
    target, many = away.most_common(1)[0] if away else ("", 0)
    if many * 2 > len(entries) and not target.lower().startswith(("api-ms-", "ext-ms-")):
        yield Feature("pe.exports_forwarded", f"{many:,} of {len(entries):,} to {target}")
    address, same = Counter(e.address for e in entries if not e.is_forwarded).most_common(1)[0] if many < len(entries) else (0, 0)  # fmt: skip
    if same * 5 >= len(entries) * 4:
        yield Feature("pe.exports_one_place", f"{same:,} of {len(entries):,} at {address:#x}")


def compiled(binary: Any, data: bytes, stamped: datetime | None) -> Iterator[Feature]:
    """Compiler's marks: time, Rich header, where the debug symbols were."""
    seconds = int(binary.header.time_date_stamps)
    made = datetime.fromtimestamp(seconds, UTC)
    delphi = seconds == 0x2A425E19  # what Delphi always writes
    if seconds and not delphi and not binary.is_reproducible_build:
        if stamped is not None and made > stamped and (made - stamped).days > 0:
            yield Feature("pe.compiled_after_signing", f"{made:%Y-%m-%d}, signed {stamped:%Y-%m-%d}")
        elif made < _OLDEST:
            yield Feature("pe.compiled_before_windows", f"{made:%Y-%m-%d}")
    if rich(data) is False:
        yield Feature("pe.rich_header_of_other")
    pdb = str(binary.codeview_pdb.filename) if binary.codeview_pdb else ""
    if "\\" in pdb or "/" in pdb:
        yield Feature("pe.symbols", pdb)


def rich(data: bytes) -> bool | None:
    """Whether the Rich header belongs to this file: its key is a checksum over DOS header and entries. None without one."""
    end = data.find(b"Rich", 0x40, max(0x40, min(int.from_bytes(data[60:64], "little"), 0x1000)))
    if end < 0:
        return None
    (key,) = struct.unpack_from("<I", data, end + 4)
    words = []
    at = end - 4
    while at >= 0x40:
        (word,) = struct.unpack_from("<I", data, at)
        if word ^ key == 0x536E6144:  # DanS
            break
        words.append(word ^ key)
        at -= 4
    else:
        return None
    words = words[::-1][3:]
    total = at + sum(_rotated(data[n], n) for n in range(at) if not 60 <= n < 64)
    total += sum(_rotated(entry, many) for entry, many in zip(words[::2], words[1::2], strict=False))
    return bool(total & 0xFFFFFFFF == key)


def _rotated(value: int, by: int) -> int:
    by &= 31
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF

"""Writes tiny Windows programs out of calls: a section of code that pushes constants and calls, nothing else. Inert: names and addresses are
those of documentation, and no Windows would let most of it happen.

    program([call("kernel32", "WinExec", "calc.exe", 1)])
    program([call("kernel32", "CreateFileA", "a", 0x40000000, 0, 0, 2, 0, 0), keep(0), call("kernel32", "WriteFile", kept(0), ...)], bits=64)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

_BASE = {32: 0x400000, 64: 0x140000000}
_TEXT = 0x1000  # where the only section lies, from the base
_SCRATCH = 0x400  # bytes at its end to write to


@dataclass(frozen=True)
class Call:
    """A call with its arguments: numbers, texts (`str` ANSI, `wide` UTF-16, `bytes` as they are), `kept` and `slot`."""

    library: str
    name: str
    arguments: tuple[object, ...]


@dataclass(frozen=True)
class Slot:
    """Eight bytes of scratch memory; `value` means what lies there, else its address."""

    number: int
    value: bool = False


@dataclass(frozen=True)
class Keep:
    """Put what the last call gave into a slot."""

    number: int


@dataclass(frozen=True)
class Raw:
    """Bytes of code; `here` in it is nothing special."""

    code: bytes


@dataclass(frozen=True)
class Again:
    """Jump back to the first step."""


@dataclass(frozen=True)
class Method:
    """A call of the method at a place in the table of the object whose address lies in a slot."""

    slot: int
    place: int
    arguments: tuple[object, ...]


def method(slot: int, place: int, *arguments: object) -> Method:
    return Method(slot, place, arguments)


def call(library: str, name: str, *arguments: object) -> Call:
    return Call(library, name, arguments)


def keep(number: int) -> Keep:
    return Keep(number)


def kept(number: int) -> Slot:
    return Slot(number, value=True)


def slot(number: int) -> Slot:
    return Slot(number)


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


Step = Call | Method | Keep | Raw | Again


@dataclass
class _Section:
    """The one section: data first, then code; addresses are final as soon as something is in."""

    bits: int
    data: bytearray = field(default_factory=bytearray)
    texts: dict[bytes, int] = field(default_factory=dict)
    imports: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def start(self) -> int:
        return _BASE[self.bits] + _TEXT

    def put(self, data: bytes) -> int:
        """Add data; gives its address."""
        if data not in self.texts:
            self.texts[data] = self.start + len(self.data)
            self.data += data + bytes(-len(data) % 8)
        return self.texts[data]


def _word(bits: int, value: int) -> bytes:
    return struct.pack(
        "<I" if bits == 32 else "<Q", value & (0xFFFFFFFF if bits == 32 else 0xFFFFFFFFFFFFFFFF)
    )


def _operand(section: _Section, scratch: int, argument: object) -> tuple[int, bool]:
    """Value or address of an argument, and whether it has to be read from there."""
    if isinstance(argument, Slot):
        return scratch + 8 * argument.number, argument.value
    if isinstance(argument, str):
        return section.put(argument.encode("latin-1") + b"\0"), False
    if isinstance(argument, bytes):
        return section.put(argument), False
    assert isinstance(argument, int)
    return argument, False


def _call32(section: _Section, scratch: int, step: Call | Method) -> bytes:
    code = b""
    for argument in reversed(step.arguments):
        value, read = _operand(section, scratch, argument)
        code += (b"\xff\x35" if read else b"\x68") + _word(32, value)
    if isinstance(step, Method):  # mov eax, [slot]; push eax; mov ecx, [eax]; call [ecx + place]
        held = _word(32, scratch + 8 * step.slot)
        return code + b"\xa1" + held + b"\x50\x8b\x08\xff\x91" + struct.pack("<I", 4 * step.place)
    return code + b"\xff\x15" + _word(32, section.imports[step.library, step.name])


_LOAD = (b"\x48\xb9", b"\x48\xba", b"\x49\xb8", b"\x49\xb9")  # rcx, rdx, r8, r9
_MOVE = (b"\x48\x89\xc1", b"\x48\x89\xc2", b"\x49\x89\xc0", b"\x49\x89\xc1")


def _call64(section: _Section, scratch: int, step: Call | Method) -> bytes:
    code = b""
    given = (kept(step.slot), *step.arguments) if isinstance(step, Method) else step.arguments
    for place, argument in reversed(list(enumerate(given))):
        value, read = _operand(section, scratch, argument)
        if place < 4 and not read:
            code += _LOAD[place] + _word(64, value)
            continue
        code += (b"\x48\xa1" if read else b"\x48\xb8") + _word(64, value)  # into rax
        code += _MOVE[place] if place < 4 else b"\x48\x89\x84\x24" + struct.pack("<I", 0x20 + 8 * (place - 4))
    if isinstance(step, Method):  # mov rax, [rcx]; call [rax + place]
        return code + b"\x48\x8b\x01\xff\x90" + struct.pack("<I", 8 * step.place)
    return code + b"\x48\xa1" + _word(64, section.imports[step.library, step.name]) + b"\xff\xd0"


def _code(section: _Section, scratch: int, steps: Sequence[Step]) -> bytes:
    wide_ = section.bits == 64
    code = b"\x48\x81\xec\xa8\0\0\0" if wide_ else b""  # room for arguments, and the stack aligned
    first = len(code)
    for step in steps:
        if isinstance(step, Call | Method):
            code += (_call64 if wide_ else _call32)(section, scratch, step)
        elif isinstance(step, Keep):
            code += (b"\x48\xa3" if wide_ else b"\xa3") + _word(section.bits, scratch + 8 * step.number)
        elif isinstance(step, Raw):
            code += step.code
        else:
            code += b"\xe9" + struct.pack("<i", first - len(code) - 5)
    return code + (b"\x48\x81\xc4\xa8\0\0\0\xc3" if wide_ else b"\x31\xc0\xc3")


def _link(section: _Section, steps: Sequence[Step]) -> int:
    """Put the table of imports in; gives its address."""
    wanted = dict.fromkeys((s.library, s.name) for s in steps if isinstance(s, Call))
    size = section.bits // 8
    entries = b""
    for library in dict.fromkeys(library for library, _ in wanted):
        names = [name for other, name in wanted if other == library]
        hints = [section.put(b"\0\0" + name.encode() + b"\0") - _BASE[section.bits] for name in names]
        table = b"".join(_word(section.bits, hint) for hint in (*hints, 0))
        lookup = section.put(table + b"l" + library.encode())
        address = section.put(table + b"a" + library.encode())
        for place, name in enumerate(names):
            section.imports[library, name] = address + place * size
        title = section.put(f"{library}.dll".encode() + b"\0")
        rva = [at - _BASE[section.bits] for at in (lookup, title, address)]
        entries += struct.pack("<IIIII", rva[0], 0, 0, rva[1], rva[2])
    return section.put(entries + bytes(20))


def _exports(section: _Section, name: str, address: int) -> int:
    base = _BASE[section.bits]
    title = section.put(b"made.dll\0") - base
    functions = section.put(struct.pack("<I", address - base) + b"f") - base
    names = section.put(struct.pack("<I", section.put(name.encode() + b"\0") - base) + b"n") - base
    ordinals = section.put(b"\0\0ordinal") - base
    return section.put(struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, title, 1, 1, 1, functions, names, ordinals))


def program(steps: Sequence[Step], *, bits: int = 32, export: str = "", dotnet: bool = False) -> bytes:
    """A program of these steps; with `export` a library that does them in the function of that name."""
    section = _Section(bits)
    scratch = section.put(bytes(_SCRATCH))
    imports = _link(section, steps)
    body = _code(section, scratch, steps)
    entry = start = section.put(body)
    exports = 0
    if export:
        entry = section.put(
            b"\x31\xc0\x40\xc2\x0c\x00" if bits == 32 else b"\x31\xc0\xff\xc0\xc3"
        )  # return 1
        exports = _exports(section, export, start)
    runtime = section.put(struct.pack("<IHH", 72, 2, 5) + bytes(64)) if dotnet else 0
    directories = [(exports, 40), (imports, 40), *[(0, 0)] * 12, (runtime, 72), (0, 0)]
    return _image(section, entry, directories, library=bool(export))


def _image(section: _Section, entry: int, directories: Sequence[tuple[int, int]], *, library: bool) -> bytes:
    bits, base = section.bits, _BASE[section.bits]
    size = len(section.data)
    raw = size + -size % 0x200
    image = _TEXT + size + -size % 0x1000
    many = struct.pack("<IIIIII", raw, 0, 0, entry - base, _TEXT, _TEXT)[: 24 if bits == 32 else 20]
    where = struct.pack("<I" if bits == 32 else "<Q", base)
    optional = (
        struct.pack("<HBB", 0x10B if bits == 32 else 0x20B, 14, 0) + many + where
        + struct.pack("<IIHHHHHHIIIIHH", 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, image, 0x200, 0, 3, 0)
        + b"".join(_word(bits, n) for n in (0x100000, 0x1000, 0x100000, 0x1000))
        + struct.pack("<II", 0, 16)
        + b"".join(struct.pack("<II", at - base if at else 0, length if at else 0) for at, length in directories)
    )  # fmt: skip
    flags = (0x0102 if bits == 32 else 0x0022) | (0x2000 if library else 0)
    coff = struct.pack("<HHIIIHH", 0x14C if bits == 32 else 0x8664, 1, 0, 0, 0, len(optional), flags)
    header = struct.pack("<8sIIIIIIHHI", b".text", size, _TEXT, raw, 0x200, 0, 0, 0, 0, 0xE0000020)
    head = b"MZ" + bytes(58) + struct.pack("<I", 0x40) + b"PE\0\0" + coff + optional + header
    return head.ljust(0x200, b"\0") + bytes(section.data).ljust(raw, b"\0")

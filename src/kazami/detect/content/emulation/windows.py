"""A Windows program or shellcode, run on speakeasy."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any

from kazami.detect.content.emulation import environment, library
from kazami.detect.content.emulation.record import Record

_DROPPED, _DROPPED_BYTES = 100, 20 << 20
_SHELLCODE = 1 << 20
#: How code begins that does not know where it lies: finds itself, walks the loader's list (x64 has REX prefixes).
_STUBS = re.compile(
    rb"\xfc\xe8[\x80-\x90]\0\0\0|\xfc\x48\x83\xe4\xf0|\xe8\0\0\0\0[\x58-\x5f]|\xeb.[\x58-\x5f].{0,24}\xe8..\xff\xff|\xd9\x74\x24\xf4"
    rb"|\x64\xa1\x30\0\0\0|\x64\x8b.\x30|\x65\x48\x8b.\x25\x60\0\0\0|\x65\x48\x8b.\x60",
    re.DOTALL,
)
_WIDE = re.compile(rb"\xfc\x48|\x65\x48|\x48\x83[\xe4\xec]")
#: What the emulator calls how a run failed.
_FAULTS = {
    "invalid_read": "read where nothing is",
    "invalid_write": "wrote where nothing is",
    "invalid_fetch": "went on where no code is",
    "unhandled_interrupt": "broke itself off",
}
_UNREADABLE = "its headers cannot be read as a program's"
_HEAD = 64
_CODE = 0x20000000  # IMAGE_SCN_MEM_EXECUTE
_EXPORTS = 10
_CALLED = ("DllRegisterServer", "DllInstall", "ServiceMain", "SvchostPushServiceGlobals", "DllGetClassObject", "CPlApplet", "Run", "Start", "Install", "Main")  # fmt: skip


def is_shellcode(data: bytes) -> bool:
    """Whether bytes of no known kind begin as shellcode does."""
    return len(data) <= _SHELLCODE and _STUBS.search(data[:_HEAD]) is not None


def run(data: bytes, name: str, seconds: float) -> Record:
    """What it does within `seconds`. Whatever hinders it is the record's `ended`."""
    image = f"{environment.DESKTOP}\\{_file_name(name)}"
    record = Record("windows", image, f'"{image}"', f"{environment.DOMAIN}\\{environment.USER}")
    package = str(library.load().__file__)
    from kazami.detect.content.emulation.machine import Machine

    until = time.monotonic() + seconds
    machine = Machine(record, package, seconds)
    try:
        _run(machine, data)
    except Exception as error:  # noqa: BLE001 - whatever the emulator raises on hostile bytes ends the run, and is told
        said = f"{type(error).__name__}: {error}"[:300]
        record.ended = record.ended or (_UNREADABLE if said.startswith("PEFormatError") else said)
    record.ended = record.ended or _reason(machine, until)
    with suppress(AttributeError):  # where the machine never came to be
        _collect(machine, record)
    return record


def _file_name(name: str) -> str:
    """What it is called there: no character that would lead elsewhere."""
    last = re.sub(r'[<>:"/\\|?*\0-\x1f]', "_", name)[-100:] or "program"
    return last if re.search(r"\.\w{2,4}$", last) else f"{last}.exe"


def _run(machine: Any, data: bytes) -> None:
    if not data.startswith(b"MZ"):
        arch = "amd64" if _WIDE.search(data[:_HEAD]) else "x86"
        machine.run_shellcode(machine.load_shellcode("", arch, data=data))
        return
    from speakeasy.windows.common import PeFile

    program = PeFile(data=data, fast_load=True)
    if reason := _refusal(program):
        machine.record.ended = reason
        return
    module = machine.load_module(data=data)
    entered = _exports(module)
    module.get_exports = lambda: entered
    machine.run_module(module, all_entrypoints=not module.is_exe())


def _refusal(program: Any) -> str:
    if program.FILE_HEADER.Machine not in (0x14C, 0x8664):
        return f"programs for machine {program.FILE_HEADER.Machine:#x} are not emulated"
    directories = program.OPTIONAL_HEADER.DATA_DIRECTORY
    if len(directories) > 14 and directories[14].VirtualAddress:
        return ".NET programs are not emulated"
    if program.OPTIONAL_HEADER.Subsystem == 1:
        return "drivers are not emulated"
    return ""


def _exports(module: Any) -> list[Any]:
    """What a library is worth entering by: code, no mangled name of C++, and first what Windows itself calls."""
    code = [
        (s.VirtualAddress, s.VirtualAddress + s.Misc_VirtualSize)
        for s in module.sections
        if s.Characteristics & _CODE
    ]
    found = [
        one
        for one in module.get_exports()
        if not (one.name or "").startswith("?")
        and any(low <= one.address - module.base < high for low, high in code)
    ]
    found.sort(key=lambda one: one.name not in _CALLED)
    return found[:_EXPORTS]


def _reason(machine: Any, until: float) -> str:
    """Why it ended, where that was not its own will."""
    if time.monotonic() >= until:
        return "out of time"
    for run in machine.runs:
        if run.error:
            where = f" at {run.error['pc']}" if "pc" in run.error else ""
            why = str(run.error.get("type", "failed"))[:120]
            return f"{_part(str(run.type))} {_FAULTS.get(why, f'failed: {why}')}{where}"
    return ""


def _part(entered: str) -> str:
    """Which part of a program it was that failed, in words."""
    kind, _, name = entered.partition(".")
    if kind == "export":
        return f"its function {name}, entered with made-up arguments,"
    return {"thread": "a thread", "dll_entry": "its entry"}.get(kind, "it")


def _collect(machine: Any, record: Record) -> None:
    """The files that it wrote; a file without bytes is only named."""
    left = _DROPPED_BYTES
    for file in machine.get_dropped_files() or ():
        data = bytes(file.get_data(reset_pointer=True) or b"")
        if len(record.dropped) >= _DROPPED or len(data) > left:
            record.lost = f"more than {_DROPPED} files or {_DROPPED_BYTES >> 20} MB written"
            return
        left -= len(data)
        record.dropped.append((file.get_path(), data))

"""Functions that speakeasy does not have, or not well enough, and that say what a program is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kazami.detect.content.emulation import com
from kazami.detect.content.emulation.noting import (
    bare,
    connected,
    injected,
    key_of,
    path_of,
    program_of,
    started,
    wrote_value,
)

_TEXTS = (1, 2, 7)  # REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ
_ROOTS = {0x80000000: "HKEY_CLASSES_ROOT", 0x80000001: "HKEY_CURRENT_USER", 0x80000002: "HKEY_LOCAL_MACHINE", 0x80000003: "HKEY_USERS"}  # fmt: skip
_NOT_THERE = 2
_DELAYED = 4  # MOVEFILE_DELAY_UNTIL_REBOOT

Function = Callable[[Any, int, list[Any]], int]


def _texts(machine: Any, wide: int, argv: list[Any], *places: int) -> list[str]:
    """Texts that arguments point to, "" for none; they stand in the log then."""
    for at in places:
        argv[at] = machine.read_mem_string(argv[at], wide, max_chars=4000) if argv[at] else ""
    return [argv[at] for at in places]


def _key(machine: Any, handle: int) -> str:
    handle &= 0xFFFFFFFF
    if handle in _ROOTS:
        return _ROOTS[handle]
    key = machine.reg_get_key(handle)
    return key.get_path() if key else ""


def _value(machine: Any, wide: int, kind: int, at: int, size: int) -> str:
    """What a value of the registry says, as Sysmon writes it."""
    data = bytes(machine.mem_read(at, min(size, 4096))) if at and size else b""
    if kind in _TEXTS:
        return data.decode("utf-16-le" if wide == 2 else "latin-1", "replace").rstrip("\0")
    if kind == 4:
        return f"DWORD (0x{int.from_bytes(data[:4], 'little'):08x})"
    return "Binary Data"


def _set_value(machine: Any, wide: int, argv: list[Any]) -> int:
    key = argv[0] = _key(machine, argv[0])
    (name,) = _texts(machine, wide, argv, 1)
    argv[4] = _value(machine, wide, argv[3], argv[4], argv[5])
    wrote_value(machine.record, key, name, argv[4])
    return 0


def _set_key_value(machine: Any, wide: int, argv: list[Any]) -> int:
    key = argv[0] = _key(machine, argv[0])
    below, name = _texts(machine, wide, argv, 1, 2)
    argv[4] = _value(machine, wide, argv[3], argv[4], argv[5])
    wrote_value(machine.record, "\\".join(filter(None, (key, below))), name, argv[4])
    return 0


def _set_default(machine: Any, wide: int, argv: list[Any]) -> int:
    key = argv[0] = _key(machine, argv[0])
    (below,) = _texts(machine, wide, argv, 1)
    argv[3] = _value(machine, wide, 1, argv[3], 2000) if argv[3] else ""
    wrote_value(machine.record, "\\".join(filter(None, (key, below))), "", argv[3].partition("\0")[0])
    return 0


def _create_key(machine: Any, wide: int, argv: list[Any]) -> int:
    key = argv[0] = _key(machine, argv[0])
    (below,) = _texts(machine, wide, argv, 1)
    path = "\\".join(filter(None, (key, below)))
    machine.reg_create_key(path)
    handle = machine.reg_open_key(path, create=True)
    out = argv[7] if len(argv) > 3 else argv[2]
    if out:
        machine.mem_write(out, int(handle).to_bytes(machine.get_ptr_size(), "little"))
    machine.record.act("registry_add", EventType="CreateKey", TargetObject=key_of(path))
    return 0


def _delete_key(machine: Any, wide: int, argv: list[Any]) -> int:
    key = argv[0] = _key(machine, argv[0])
    (below,) = _texts(machine, wide, argv, 1)
    machine.record.act("registry_delete", EventType="DeleteKey", TargetObject=key_of(f"{key}\\{below}"))
    return 0


def _delete_value(machine: Any, wide: int, argv: list[Any]) -> int:
    key = argv[0] = _key(machine, argv[0])
    (name,) = _texts(machine, wide, argv, 1)
    machine.record.act("registry_delete", EventType="DeleteValue", TargetObject=key_of(f"{key}\\{name}"))
    return 0


def _move(machine: Any, wide: int, argv: list[Any]) -> int:
    old, new = _texts(machine, wide, argv, 0, 1)
    flags = argv[-1] if len(argv) > 2 else 0
    if not new and flags & _DELAYED:
        machine.record.act("file_delete", TargetFilename=path_of(old))
    else:
        machine.record.act("file_rename", SourceFilename=path_of(old), TargetFilename=path_of(new))
    return 1


def _delete(machine: Any, wide: int, argv: list[Any]) -> int:
    (path,) = _texts(machine, wide, argv, 0)
    machine.record.act("file_delete", TargetFilename=path_of(path))
    machine.file_delete(path)
    return 1


def _open_stream(machine: Any, wide: int, argv: list[Any]) -> int:
    path, mode = _texts(machine, wide, argv, 0, 1)
    if set(mode) & set("wa+"):
        machine.record.act("file_event", TargetFilename=path_of(path))
    return 1


def _execute(machine: Any, wide: int, argv: list[Any]) -> int:
    _, file, parameters, folder = _texts(machine, wide, argv, 1, 2, 3, 4)
    _run(machine, file, parameters, folder)
    return 33


def _execute_with(machine: Any, wide: int, argv: list[Any]) -> int:
    """SHELLEXECUTEINFO: size, mask, window, verb, file, parameters, folder."""
    size = machine.get_ptr_size()
    words = [int.from_bytes(machine.mem_read(argv[0] + 8 + size * n, size), "little") for n in range(5)]
    _, _, file, parameters, folder = words
    texts = [file, parameters, folder]
    argv[:] = _texts(machine, wide, texts, 0, 1, 2)
    _run(machine, *argv)
    return 1


def _run(machine: Any, file: str, parameters: str, folder: str) -> None:
    if "://" in file:  # a page in the browser
        connected(machine.record, file.split("/")[2], "443" if file.startswith("https") else "80")
        return
    program = program_of(f'"{file}"')
    started(machine.record, program, f'"{program}" {parameters}'.strip(), folder)


def _shell(machine: Any, wide: int, argv: list[Any]) -> int:
    (command,) = _texts(machine, wide, argv, 0)
    started(machine.record, "C:\\Windows\\System32\\cmd.exe", f"cmd.exe /c {command}")
    return 0


def _thread_elsewhere(machine: Any, wide: int, argv: list[Any], at: int, start: int) -> int:
    """A thread in the process whose handle is the argument `at`; our own process is no news."""
    target = machine.get_object_from_handle(argv[at])
    if (
        target is not None
        and target is not machine.get_current_process()
        and hasattr(target, "get_process_path")
    ):
        injected(machine.record, target.get_process_path(), argv[start])
    return 0


def _native_thread(machine: Any, wide: int, argv: list[Any]) -> int:
    return _thread_elsewhere(machine, wide, argv, 3, 4)


def _user_thread(machine: Any, wide: int, argv: list[Any]) -> int:
    return _thread_elsewhere(machine, wide, argv, 0, 6)


def _remote_thread(machine: Any, wide: int, argv: list[Any]) -> int:
    _thread_elsewhere(machine, wide, argv, 0, 3)
    return 0x1F00


def _delay(machine: Any, wide: int, argv: list[Any]) -> int:
    """NtDelayExecution: a negative number of 100 ns."""
    wanted = int.from_bytes(machine.mem_read(argv[1], 8), "little", signed=True) if argv[1] else 0
    machine.record.slept += abs(wanted) / 10_000_000
    return 0


def _end(machine: Any, wide: int, argv: list[Any]) -> int:
    """Functions of the C runtime that do not come back."""
    machine.exit_process()
    return 0


_FUNCTIONS: dict[str, tuple[str, int, Function]] = {
    "RegSetValueEx": ("stdcall", 6, _set_value),
    "RegSetValue": ("stdcall", 5, _set_default),
    "RegSetKeyValue": ("stdcall", 6, _set_key_value),
    "RegCreateKeyEx": ("stdcall", 9, _create_key),
    "RegCreateKey": ("stdcall", 3, _create_key),
    "RegDeleteKey": ("stdcall", 2, _delete_key),
    "RegDeleteValue": ("stdcall", 2, _delete_value),
    "MoveFile": ("stdcall", 2, _move),
    "MoveFileEx": ("stdcall", 3, _move),
    "MoveFileWithProgress": ("stdcall", 5, _move),
    "DeleteFile": ("stdcall", 1, _delete),
    "ShellExecute": ("stdcall", 6, _execute),
    "ShellExecuteEx": ("stdcall", 1, _execute_with),
    "system": ("cdecl", 1, _shell),
    "_wsystem": ("cdecl", 1, _shell),
    "fopen": ("cdecl", 2, _open_stream),
    "_wfopen": ("cdecl", 2, _open_stream),
    "CreateRemoteThreadEx": ("stdcall", 8, _remote_thread),
    "NtCreateThreadEx": ("stdcall", 11, _native_thread),
    "ZwCreateThreadEx": ("stdcall", 11, _native_thread),
    "RtlCreateUserThread": ("stdcall", 10, _user_thread),
    "NtDelayExecution": ("stdcall", 2, _delay),
    "ZwDelayExecution": ("stdcall", 2, _delay),
    **dict.fromkeys(("abort", "quick_exit", "_Exit", "terminate", "_invoke_watson"), ("cdecl", 0, _end)),
    **com.FUNCTIONS,
}


def taught(name: str) -> tuple[str, int, Function] | None:
    """Convention, number of arguments, and what the function does; None where speakeasy shall answer."""
    return _FUNCTIONS.get(bare(name))

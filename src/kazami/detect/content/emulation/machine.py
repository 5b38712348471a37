"""speakeasy's Windows, taught to go on: unknown calls return, sleeps pass in no time, and everything has an end.

Only imported once `library.load` has; speakeasy (MIT) is not typed.
"""

from __future__ import annotations

import math
import time
from typing import Any

from speakeasy.profiler import Profiler
from speakeasy.windows.win32 import Win32Emulator

from kazami.detect.content.emulation import com, environment
from kazami.detect.content.emulation.arguments import answer, signature
from kazami.detect.content.emulation.noting import Noting, program_of
from kazami.detect.content.emulation.record import Record
from kazami.detect.content.emulation.taught import taught

_CALLS = 20_000
_MEMORY = 256 << 20
_CONVENTIONS = {"cdecl": 0, "stdcall": 1}
_WAITS = {"Sleep": 0, "SleepEx": 0, "WaitForSingleObject": 1, "WaitForSingleObjectEx": 1}
_FOREVER = 0xFFFFFFFF
#: Newer names of what speakeasy knows by an older one; start-up code of compilers looks for the newer.
_SAME = {
    "FlsGetValue2": "FlsGetValue",
    "GetSystemTimePreciseAsFileTime": "GetSystemTimeAsFileTime",
}
#: Classes that number their handles for a whole process of ours; numbers start again, so that a run says the same twice.
_NUMBERED = ("cryptman.CryptContext", "fileman.FileMap", "fileman.File", "fileman.Pipe", "netman.WininetComponent", "objman.Console", "objman.KernelObject", "regman.RegKey")  # fmt: skip
_FIRST: dict[str, dict[str, int]] = {}


class _TooMuchMemoryError(Exception):
    pass


class Machine(Win32Emulator):  # type: ignore[misc]
    """One Windows for one program."""

    def __init__(self, record: Record, package: str, seconds: float) -> None:
        _begin_anew()
        self._until = time.monotonic() + seconds
        self._mapped = 0
        self.record = record
        self.objects = com.Objects()
        super().__init__(environment.config(package, record.image, math.ceil(seconds), _CALLS))
        self.profiler = _Noting(record, self)

    @property
    def timeout(self) -> int:
        """Seconds that are left, in whole ones as the engine wants them."""
        return max(1, math.ceil(self._until - time.monotonic()))

    @timeout.setter
    def timeout(self, seconds: int) -> None:
        """What speakeasy reads from its settings is not needed."""

    def mem_map(self, size: int, *arguments: Any, **named: Any) -> Any:
        """Map memory, of which there is an end."""
        self._afford(self._mapped + size)
        self._mapped += size
        return super().mem_map(size, *arguments, **named)

    def get_valid_ranges(self, size: int, addr: Any = None) -> Any:
        """Look for room; speakeasy makes a list of all its pages for that, and is not to do so for a terabyte."""
        self._afford(size)
        return super().get_valid_ranges(size, addr)

    def _afford(self, size: int) -> None:
        if size > _MEMORY:
            self.give_up(f"more than {_MEMORY >> 20} MB of memory wanted")
            raise _TooMuchMemoryError

    def give_up(self, reason: str) -> None:
        """End everything, and say why."""
        self.record.ended = self.record.ended or reason
        self.run_queue.clear()
        self.suspended_runs.clear()
        self.on_emu_complete()

    def _init_name(self, path: Any, data: Any = None) -> None:
        """It is called what it was called, not by its hash."""
        super()._init_name(path, data)
        self.file_name = self.record.image.rpartition("\\")[2]

    def create_process(
        self, path: str = "", cmdline: str = "", image: Any = None, child: bool = False
    ) -> Any:
        """A process of another program, whose path is what its command line begins with."""
        program = f'"{program_of(path or cmdline)}"'
        return super().create_process(path=program, cmdline=cmdline or path, image=image, child=child)

    def handle_import_func(self, dll: str, name: str) -> None:
        """A call of Windows: by us, by speakeasy, or only answered."""
        self.record.calls[name] += 1
        name = _SAME.get(name, name)
        if self.record.calls.total() > _CALLS:
            self.give_up(f"more than {_CALLS:,} calls")
        elif time.monotonic() > self._until:
            self.give_up("out of time")
        elif known := com.method(self, name) if dll == com.LIBRARY else taught(name):
            if self.record.ended:
                return
            convention, count, function = known
            self._call(dll, name, convention, count, function)
        elif self._is_known(dll, name):
            self._pass_time(name)
            self.api.call_api_func = self._carefully
            super().handle_import_func(dll, name)
        elif (form := signature(dll, name, wide=self.get_ptr_size() == 8)) is not None:
            self.record.unknown[f"{dll}.{name}"] += 1
            self._call(dll, name, *form, lambda machine, wide, argv: answer(name))
        else:
            self.give_up(f"the call {dll}.{name} is not known")

    def _is_known(self, dll: str, name: str) -> bool:
        return bool(
            self.api.get_export_func_handler(dll, name)[1] or self.normalize_import_miss(dll, name)[1]
        )

    def _carefully(self, module: Any, function: Any, argv: list[Any], ctx: dict[str, Any]) -> Any:
        """A function of speakeasy's; where it fails itself, the call fails, and the program goes on."""
        try:
            return function(module, self, argv, ctx)
        except _TooMuchMemoryError:
            raise
        except Exception:  # noqa: BLE001 - whatever it raises on hostile arguments is counted and stands in the log
            self.record.failed[str(ctx.get("func_name"))] += 1
            return 0

    def _call(self, dll: str, name: str, convention: str, count: int, function: Any) -> None:
        """Answer a call ourselves; pointers to text are shown as text."""
        way = _CONVENTIONS[convention]
        argv = self.get_func_argv(way, count)
        wide = 2 if name.endswith("W") or name.startswith(("_w", "wcs")) else 1
        value = function(self, wide, argv)
        if self.record.ended:
            return
        shown = [self.text(one, wide) if isinstance(one, int) else one for one in argv]
        back = self.get_ret_address()
        self.log_api(back, f"{dll}.{name}", value, shown)
        if not self.run_complete:
            self.do_call_return(count, back, value, conv=way)

    def text(self, pointer: int, wide: int) -> Any:
        """The text that lies at `pointer`, or the number itself where none does."""
        if pointer < 0x10000 or not self.get_address_map(pointer):
            return pointer
        try:
            found = self.read_mem_string(pointer, wide, max_chars=1000)
        except Exception:  # noqa: BLE001 - where no text can be read, there is none
            return pointer
        return found if len(found) > 1 and found.isprintable() else pointer

    def _pass_time(self, name: str) -> None:
        """A wait takes no time, but clocks go on."""
        at = _WAITS.get(name)
        if at is None:
            return
        wanted = self.get_func_argv(0, at + 1)[at] & _FOREVER
        if wanted != _FOREVER:
            self.record.slept += wanted / 1000
            clock = self.api.load_api_handler("kernel32")
            clock.tick_counter = (clock.tick_counter + wanted) & _FOREVER
            clock.perf_counter += wanted * 10_000


class _Noting(Noting, Profiler):  # type: ignore[misc]
    """What speakeasy reports goes to our record, and nowhere else."""


def _begin_anew() -> None:
    """What speakeasy keeps for a whole process of ours: numbers, the libraries of the last program, and structures by their name, be they those of x86
    or of x64."""
    import importlib

    from speakeasy.struct import EmuStruct
    from speakeasy.windows.objman import Process

    EmuStruct.__types__.clear()
    Process.ldr_entries.clear()

    for path in _NUMBERED:
        module, _, name = path.partition(".")
        found = getattr(importlib.import_module(f"speakeasy.windows.{module}"), name)
        numbers = {key: value for key, value in vars(found).items() if key in ("curr_handle", "curr_id")}
        for key, value in _FIRST.setdefault(path, numbers).items():
            setattr(found, key, value)

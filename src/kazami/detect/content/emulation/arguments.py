"""How many arguments functions of Windows take, for those that the emulator does not know: without, a call could not return."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
#: Libraries of the C runtime: whoever calls takes the arguments away, so that it does not matter how many there are.
_RUNTIMES = ("msvcr", "msvcp", "ucrtbase", "vcruntime", "api-ms-win-crt")
_SHOWN = 4  # arguments of a function that is not known but where that does not matter


@cache
def _table() -> dict[str, tuple[str, int]]:
    """Convention (stdcall, cdecl) and number by lower-case name."""
    found: dict[str, tuple[str, int]] = {}
    for file in ("arguments.txt", "arguments_more.txt"):
        for line in (_FOLDER / file).read_text("ascii").splitlines():
            if not line.startswith("#"):
                convention, count, *names = line.split()
                found.update(dict.fromkeys(map(str.lower, names), (convention, int(count))))
    return found


def signature(library: str, name: str, *, wide: bool) -> tuple[str, int] | None:
    """Convention and number of arguments; None where that cannot be known. `wide`: x64, where the caller cleans up always."""
    known = _table().get(name.lower()) or _table().get(f"{name}A".lower())
    if known is None and library.lower().startswith(_RUNTIMES):
        return ("cdecl", _SHOWN)
    if known is None and wide:
        return ("stdcall", _SHOWN)
    return known


def answer(name: str) -> int:
    """What a function that is not emulated gives back, so that its caller thinks that all went well."""
    zero = (
        "Reg",
        "Nt",
        "Zw",
        "Rtl",
        "Ldr",
        "Net",
        "Co",
        "Ole",
        "BCrypt",
        "NCrypt",
        "SHGetKnown",
        "Dns",
        "Wsa",
    )
    return 0 if name.startswith(zero) else 1

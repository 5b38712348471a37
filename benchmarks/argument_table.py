"""Makes ``detect/content/emulation/arguments.txt`` anew: ``python -m benchmarks.argument_table VIVISECT`` (the unpacked wheel, 1.3.2 then).

How many arguments a function of Windows takes, and who takes them off the stack, is a fact; these were collected by vivisect (Apache-2.0), which is
named in NOTICE. Nothing else of its tables is kept.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import kazami.detect.content.emulation as place

_HEAD = """\
# How many arguments functions of Windows take: convention, number, names. Made by benchmarks/argument_table.py from the tables of vivisect
# (Apache-2.0, see NOTICE). What these do not have stands in arguments_more.txt.
"""
_PLAIN = re.compile(r"[A-Za-z_]\w*")


def main(folder: str) -> None:
    """Read the tables and write the file."""
    sys.path.insert(0, folder)
    found: dict[str, set[tuple[str, int]]] = {}
    for module in ("windows", "winkern"):
        table = importlib.import_module(f"vivisect.impapi.{module}.i386").api
        for key, (_, _, convention, _, arguments) in table.items():
            name = key.rpartition(".")[2]
            if convention in ("stdcall", "cdecl") and _PLAIN.fullmatch(name):
                found.setdefault(name, set()).add((convention, len(arguments)))
    groups: dict[tuple[str, int], list[str]] = {}
    for name, ways in sorted(found.items()):
        if len(ways) == 1:  # where two libraries disagree, nothing is said
            groups.setdefault(next(iter(ways)), []).append(name)
    lines = [f"{way} {count} {' '.join(names)}" for (way, count), names in sorted(groups.items())]
    (Path(place.__file__).parent / "arguments.txt").write_text(_HEAD + "\n".join(lines) + "\n", "ascii")


if __name__ == "__main__":
    main(sys.argv[1])

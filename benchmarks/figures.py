"""How a benchmark says what it measured: a table for people, then one JSON line for programs."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value and what it is held against; `ok` is None where there is no bar."""

    name: str
    value: float
    bar: str = ""
    ok: bool | None = None


def at_most(name: str, value: float, bar: float) -> Figure:
    """A figure that must not be larger than `bar`."""
    return Figure(name, round(value, 3), f"<= {bar:g}", value <= bar)


def at_least(name: str, value: float, bar: float) -> Figure:
    """A figure that must not be smaller than `bar`."""
    return Figure(name, round(value, 3), f">= {bar:g}", value >= bar)


def told(name: str, value: float) -> Figure:
    """A figure without a bar."""
    return Figure(name, round(value, 3))


def publish(figures: list[Figure], keep: Path | None = None) -> int:
    """Print the table and the JSON line; with `keep`, also write them with the machine. 1 where a bar is missed."""
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        verdict = {None: "", True: "ok", False: "MISSED"}[figure.ok]
        print(f"{figure.name:<{width}}  {figure.value:>14,.3f}  {figure.bar:<12} {verdict}")
    line = {"figures": [asdict(figure) for figure in figures]}
    if keep is not None:
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.write_text(json.dumps({**line, "machine": machine()}, indent=1) + "\n", "utf-8")
    print(json.dumps(line))
    return int(any(figure.ok is False for figure in figures))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in _lines(Path("/proc/cpuinfo"))
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = next(
        (line.split()[1] for line in _lines(Path("/proc/meminfo")) if line.startswith("MemTotal")), "0"
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_mb": int(memory) // 1024,
        "system": platform.platform(terse=True),
        "python": sys.version.split()[0],
    }


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []

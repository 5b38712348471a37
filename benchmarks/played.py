"""Emulated intrusions as incidents: whole scans of sets of OTRF."""

from pathlib import Path

from benchmarks.figures import Figure


def figures(data: Path) -> list[Figure]:
    return []

"""``kazami doctor``: what is installed, which extensions are broken, and what this machine can do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from kazami import __version__, config, packs, plugins
from kazami.cli.exit_code import DONE, FINDINGS
from kazami.errors import UsageError


class Check(NamedTuple):
    """One thing that was looked at: what, its state, and whether that is as it should be."""

    name: str
    state: str
    well: bool = True


def doctor(
    configuration: Annotated[
        Path | None, typer.Option("--config", help="Settings (default: kazami.toml).")
    ] = None,
) -> int:
    """Say what is installed, which extensions are broken, and what this machine can do."""
    from kazami.cli.rows import table

    checks = [*_program(), *_libraries(), *_extensions(), *_machine(), *_settings(configuration)]
    table(
        ["result", "what", "state"],
        [("ok" if check.well else "BROKEN", check.name, check.state) for check in checks],
    )
    return DONE if all(check.well for check in checks) else FINDINGS


def _program() -> Iterator[Check]:
    yield Check("kazami", __version__)
    yield Check("python", f"{sys.version.split()[0]} ({sys.executable})", sys.version_info >= (3, 11))


def _libraries() -> Iterator[Check]:
    for requirement in requires("kazami") or []:
        if "extra ==" in requirement or ("win32" in requirement and sys.platform != "win32"):
            continue
        name = requirement.split(";")[0].split(">")[0].split("=")[0].strip()
        try:
            yield Check(f"library {name}", version(name))
        except PackageNotFoundError:
            yield Check(f"library {name}", "missing", well=False)


def _extensions() -> Iterator[Check]:
    for group in (plugins.SOURCES, plugins.DETECTORS, plugins.ANALYZERS, plugins.SINKS):
        for extension in plugins.discover(group):
            state = extension.error or extension.target
            for name, why in _lacking(extension):
                state += f"; without {name}, not seen: {why}"
            if tried := getattr(extension.object, "state", None):
                state += f"; {tried()}"
            yield Check(f"{group.removeprefix('kazami.')} {extension.name}", state, not extension.error)
    for name in packs.names():
        rules = sum(1 for _ in (packs.find(name) / "rules").rglob("*.yml"))
        yield Check(f"pack {name}", f"{rules} rule files", rules > 0)


def _yara(settings: config.Settings) -> Iterator[Check]:
    from kazami.pipeline import yara_rules

    try:
        rules = yara_rules.loaded(yara_rules.content(settings))
    except UsageError as error:
        yield Check("YARA rules", str(error), well=False)
        return
    if rules is not None:
        count = sum(len(file.rules) for file in rules.files.values())
        gone = f", {len(rules.rejected):,} rejected (kazami rules check says why)" if rules.rejected else ""
        yield Check("YARA rules", f"{count:,} in {len(rules.files):,} files{gone}", not rules.rejected)


def _lacking(extension: plugins.Extension) -> list[tuple[str, str]]:
    """What an analyzer would need and is not installed: an extra, so that nothing is broken, but something is not seen."""
    from kazami.detect.content.recursion import lacking

    return lacking(extension.object) if extension.group == plugins.ANALYZERS and extension.object else []


def _machine() -> Iterator[Check]:
    from kazami.cli.scan import cores

    yield Check("processors", f"{cores()} ({platform.machine()}, {platform.system()})")
    memory = _memory()
    yield Check("memory", f"{memory / 2**30:.1f} GiB" if memory else "unknown", not memory or memory > 2**30)
    free = shutil.disk_usage(Path.cwd()).free
    yield Check("free space here", f"{free / 2**30:.1f} GiB", free > 2**30)


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _settings(path: Path | None) -> Iterator[Check]:
    try:
        settings = config.load(path)
    except UsageError as error:
        yield Check("settings", str(error), well=False)
        settings = config.Settings()
    else:
        yield Check("settings", str(settings.source or "defaults (no kazami.toml)"))
    for rules in settings.rules:
        yield Check("rules", str(rules), rules.exists())
    yield from _yara(settings)
    writable = _writable(settings.cache)
    yield Check(
        "cache of compiled rules", f"{settings.cache}{'' if writable else ' (not writable)'}", writable
    )


def _writable(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)

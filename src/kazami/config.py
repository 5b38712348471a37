"""Settings: read once, at the edge, from ``kazami.toml``; below the pipeline nobody reads configuration.

[scan]
rules = ["/etc/kazami/rules"]        # folders and files of Sigma rules, beside the packs
yara = ["/etc/kazami/yara"]          # folders and files of YARA rules, beside those of the packs
packs = ["common", "./mine"]         # packs to use, by name or as folders beside this file; all by default
passwords = ["secret"]               # tried on encrypted archives, beside the customary ones
workers = 2

[content.mail]                       # what the operator says of himself to the analyzers: lists of texts, by analyzer
own_domains = ["example.co.jp"]

[emulation]
always = false                       # run programs and scripts, in scans too, to see what they do
seconds = 20                         # each

[network]                            # variables of Suricata's rules: addresses and ports
HOME_NET = "[10.0.0.0/8,192.168.0.0/16]"

[placeholders]                       # values for %name% in rules with the modifier `expand`
AdminUserNames = ["admin", "svc_backup"]
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from kazami import packs
from kazami.errors import UsageError

NAME = "kazami.toml"

#: Worker processes that can be asked for.
MOST_WORKERS = 256

#: Seconds for one emulated program that can be asked for.
MOST_SECONDS = 600

#: Settings of analyzers that are files and folders.
_PLACES = frozenset(("shelf", "roots"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user set, once and for all commands."""

    rules: tuple[Path, ...] = ()
    yara: tuple[Path, ...] = ()
    packs: tuple[str, ...] | None = None
    passwords: tuple[str, ...] = ()
    workers: int | None = None
    placeholders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    emulate: bool = False
    emulation_seconds: float = 20.0
    cache: Path = field(default_factory=lambda: Path(platformdirs.user_cache_dir("kazami")))
    source: Path | None = None


def load(path: Path | None = None) -> Settings:
    """The settings in `path`, else in ``$KAZAMI_CONFIG``, ``./kazami.toml`` or the user's folder, else the defaults.

    Raises UsageError where a file is named that cannot be read, or holds what is not known.
    """
    named = path or (Path(os.environ["KAZAMI_CONFIG"]) if os.environ.get("KAZAMI_CONFIG") else None)
    candidates = [named] if named else [Path(NAME), Path(platformdirs.user_config_dir("kazami")) / NAME]
    for candidate in candidates:
        if named or candidate.is_file():
            return _read(candidate)
    return Settings()


def _read(path: Path) -> Settings:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    _only(path, document, {"scan", "content", "emulation", "placeholders", "network"}, "section")
    scan, placeholders = (_table(path, name, document.get(name, {})) for name in ("scan", "placeholders"))
    _only(path, scan, {"rules", "yara", "packs", "passwords", "workers"}, "setting")
    workers = scan.get("workers")
    if workers is not None and (type(workers) is not int or not 1 <= workers <= MOST_WORKERS):
        raise UsageError(f"{path}: scan.workers must be a whole number from 1 to {MOST_WORKERS}")
    names = {name: _texts(path, f"placeholders.{name}", values) for name, values in placeholders.items()}
    return Settings(
        rules=tuple((path.parent / rule) for rule in _texts(path, "scan.rules", scan.get("rules", []))),
        yara=tuple((path.parent / rule) for rule in _texts(path, "scan.yara", scan.get("yara", []))),
        packs=_packs(path, scan["packs"]) if "packs" in scan else None,
        passwords=_texts(path, "scan.passwords", scan.get("passwords", [])),
        workers=workers,
        placeholders=names,
        variables=_variables(path, _table(path, "network", document.get("network", {}))),
        content=_content(path, _table(path, "content", document.get("content", {}))),
        **_emulation(path, _table(path, "emulation", document.get("emulation", {}))),
        source=path,
    )


def _content(path: Path, document: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """``[content.mail] own_domains`` as ``mail.own_domains``; an analyzer takes what it knows."""
    return {
        f"{analyzer}.{name}": _beside(path, name, _texts(path, f"content.{analyzer}.{name}", values))
        for analyzer, section in document.items()
        for name, values in _table(path, f"content.{analyzer}", section).items()
    }


def _beside(path: Path, name: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Settings that name files and folders, beside the settings; others as they are."""
    return tuple(str(path.parent / text) for text in texts) if name in _PLACES else texts


def _emulation(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    _only(path, document, {"always", "seconds"}, "setting")
    always, seconds = document.get("always", False), document.get("seconds", 20)
    if type(always) is not bool:
        raise UsageError(f"{path}: emulation.always must be true or false")
    if type(seconds) not in (int, float) or not 1 <= seconds <= MOST_SECONDS:
        raise UsageError(f"{path}: emulation.seconds must be a number from 1 to {MOST_SECONDS}")
    return {"emulate": always, "emulation_seconds": float(seconds)}


def _variables(path: Path, document: dict[str, Any]) -> dict[str, str]:
    """``[network] HOME_NET = "10.0.0.0/8"``: what rules of Suricata's language call by a name."""
    if wrong := [name for name, value in document.items() if not isinstance(value, str)]:
        raise UsageError(f"{path}: network.{wrong[0]} must be a text")
    return dict(document)


def _packs(path: Path, value: Any) -> tuple[str, ...]:
    """Names stay; folders, which have a slash in them, are those beside the settings."""
    given = _texts(path, "scan.packs", value)
    return tuple(str(path.parent / name) if packs.is_folder(name) else name for name in given)


def _table(path: Path, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{path}: {name} must be a table: write [{name}]")
    return value


def _only(path: Path, section: dict[str, Any], known: set[str], what: str) -> None:
    for name in section:
        if name not in known:
            raise UsageError(f"{path}: unknown {what} {name!r}; known: {', '.join(sorted(known))}")


def _texts(path: Path, name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{path}: {name} must be a list of texts")
    return tuple(value)

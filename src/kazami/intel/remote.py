"""Remote-management tools as indicators that the user installs: LOLRMM's files in, what to look for out.

LOLRMM (https://lolrmm.io, Apache-2.0) describes a tool a file. Of it are kept the names of programs, their original
names, folders, services and domains; of those, what is too general to say anything is left out and counted. Nothing of
it comes with Kazami.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import msgspec
import platformdirs
import yaml

from kazami.errors import UsageError

NAME = "remote-tools.json"
#: Bounds of what is imported: files, bytes of one, indicators of one, characters of an indicator.
FILES, LARGEST, MOST, LONGEST = 5000, 1 << 20, 2000, 260

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACE = re.compile(r"^(?:[a-z]:|%[a-z0-9_()]+%|~|\*|/home/\*|c:\\users\\[^\\]+)", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:\*\.)?(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+")
_PROGRAM = (".exe", ".msi", ".com", ".scr", ".app", ".dmg", ".sh")
#: Names that many programs have.
_GENERAL = frozenset(
    [
        "agent",
        "client",
        "server",
        "connect",
        "setup",
        "install",
        "installer",
        "update",
        "updater",
        "upload",
        "service",
        "host",
        "viewer",
        "remote",
        "tray",
        "uninstall",
        "unins000",
        "launcher",
        "helper",
        "manager",
        "support",
        "closeapp",
        "rdp",
        "ssh",
        "sshd",
        "cmd",
        "powershell",
        "rundll32",
        "msiexec",
        "svchost",
        "explorer",
        "dwm",
        "csrss",
        "lsass",
        "services",
        "winlogon",
        "taskhost",
        "wscript",
        "cscript",
        "mshta",
        "regsvr32",
        "net",
        "netsh",
        "sc",
        "dd",
        "ftp",
        "telnet",
        "java",
        "javaw",
        "python",
        "node",
    ]
)
#: Folders that all programs are in.
_SHARED = frozenset(
    [
        "program files",
        "program files (x86)",
        "programdata",
        "windows",
        "system32",
        "syswow64",
        "users",
        "appdata",
        "local",
        "roaming",
        "temp",
        "tmp",
        "usr",
        "bin",
        "opt",
        "etc",
        "var",
        "lib",
        "local",
        "library",
        "applications",
        "applications support",
        "downloads",
        "desktop",
        "public",
        "home",
        "logs",
        "*",
    ]
)


#: Domains that serve everybody.
_EVERYBODY = re.compile(
    r"(?:.*\.)?(?:github|githubusercontent|amazonaws|cloudfront|google|googleapis|gstatic|microsoft|windows|azureedge"
    r"|azure|live|apple|sharepoint|cloudflare|akamai|akamaized|ghcr|docker)\.(?:com|net|io)"
)


class Tool(msgspec.Struct, frozen=True):
    """A tool: file names and folders as globs in lower case, the rest exact or with ``*.`` before a domain."""

    name: str
    programs: tuple[str, ...] = ()
    originals: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


class Imported(msgspec.Struct, frozen=True):
    """What came of a folder: the tools, how many indicators were left out and why, files that hold no tool."""

    tools: tuple[Tool, ...]
    left_out: Mapping[str, int]
    broken: Mapping[str, str]


def place() -> Path:
    """Where the indicators lie: in ``$KAZAMI_INTEL``, else in the user's data folder."""
    return Path(os.environ.get("KAZAMI_INTEL") or platformdirs.user_data_dir("kazami")) / NAME


def installed() -> tuple[Tool, ...] | None:
    """The tools that the user installed; None where none were. Raises UsageError where they cannot be read."""
    try:
        return msgspec.json.decode(place().read_bytes(), type=tuple[Tool, ...])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{place()}: cannot be read: {error}") from error


def install(tools: Iterable[Tool]) -> Path:
    """Keep `tools` for the user; the file appears whole or not at all. Raises UsageError where it cannot be written."""
    path = place()
    staged = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(msgspec.json.encode(tuple(tools)))
        staged.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def read(folder: Path) -> Imported:
    """The tools that the YAML files of `folder` describe. Raises UsageError where there is no such folder, or none in it."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    paths = sorted(folder.rglob("*.y*ml"))[:FILES]
    left_out: Counter[str] = Counter()
    tools: list[Tool] = []
    broken: dict[str, str] = {}
    for path in paths:
        try:
            tools.append(_tool(_content(path), left_out))
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
            broken[str(path)] = " ".join(str(error).split())[:LONGEST] or type(error).__name__
    if not tools:
        raise UsageError(f"{folder}: no file in it describes a tool")
    return Imported(tuple(tools), dict(left_out), broken)


def _content(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    document = yaml.load(data, Loader=_LOADER)  # noqa: S506 - a safe loader
    if not isinstance(document, dict) or not isinstance(document.get("Name"), str):
        raise ValueError("it has no Name")
    return document


def _tool(document: dict[str, Any], left_out: Counter[str]) -> Tool:
    details, artifacts = (_mapping(document.get(name)) for name in ("Details", "Artifacts"))
    binaries = list(_mappings(details.get("PEMetadata")))
    paths = [*_texts(details.get("InstallationPaths")), *_of(_mappings(artifacts.get("Disk")), "File")]
    events = list(_mappings(artifacts.get("EventLog")))
    services = _of(events, "ServiceName")
    domains = [text for one in _mappings(artifacts.get("Network")) for text in _texts(one.get("Domains"))]
    names = [*_of(binaries, "Filename"), *map(_last, paths)]
    return Tool(
        document["Name"][:LONGEST],
        _kept(map(_program, names), left_out, "names of programs"),
        _kept(map(_program, _of(binaries, "OriginalFileName")), left_out, "original names"),
        _kept(map(_folder, paths), left_out, "folders"),
        _kept((text.strip().lower() for text in services if len(text) > 3), left_out, "services"),
        _kept(map(_domain, domains), left_out, "domains"),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _of(rows: Iterable[dict[str, Any]], key: str) -> list[str]:
    return [row[key] for row in rows if isinstance(row.get(key), str) and row[key].strip()]


def _kept(found: Iterable[str], left_out: Counter[str], kind: str) -> tuple[str, ...]:
    named = list(found)
    kept = tuple(dict.fromkeys(text for text in named if text and len(text) <= LONGEST))[:MOST]
    left_out[kind] += sum(1 for text in named if not text)
    return kept


def _last(path: str) -> str:
    return PureWindowsPath(path.strip().strip('"').replace("/", "\\")).name


def _program(name: str) -> str:
    """A file name in lower case; empty where it is not one, or says too little."""
    text = name.strip().strip('"').lower()
    stem, dot, _ = text.rpartition(".")
    if not dot or not text.endswith(_PROGRAM) or "\\" in text:
        return ""
    literal = stem.replace("*", "").strip("-_. ")
    return "" if len(literal) < 3 or literal in _GENERAL or ("*" in stem and len(literal) < 5) else text


def _folder(path: str) -> str:
    """What is below the drive or the variable, as a glob in lower case; empty where no part of it is the tool's own."""
    text = re.sub(r"[\\/]+", r"\\", path.strip().strip('"').lower())
    text = _PLACE.sub("", text)
    parts = [part for part in text.split("\\") if part]
    own = [part for part in parts if part not in _SHARED and not part.startswith(("%", "<"))]
    last_only = len(parts) < 2 or not own or own == parts[-1:]
    if last_only or not text.startswith("\\") or "<" in text:
        return ""
    return text


def _domain(text: str) -> str:
    """A domain in lower case, maybe with ``*.`` before it; empty for what is none."""
    name = text.strip().lower().split("://")[-1].split("/")[0].split(":")[0].rstrip(".")
    return name if _DOMAIN.fullmatch(name) and not _EVERYBODY.fullmatch(name.removeprefix("*.")) else ""

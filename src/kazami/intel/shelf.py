"""Which table of ATT&CK is in use: the one that comes with Kazami, or the one that the user added."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import platformdirs

from kazami.errors import UsageError
from kazami.intel import bundle
from kazami.intel.build import Built, build
from kazami.intel.table import Table, pack, unpack

#: The table that comes with Kazami.
SHIPPED = "attack-enterprise-18.1.bin"

#: Where MITRE publishes the newest Enterprise bundle.
NEWEST = (
    "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master/enterprise-attack/"
    "enterprise-attack.json"
)

_IN_NAME = re.compile(r"attack-(\d{1,3}(?:\.\d{1,3})?)\.json")


def added() -> Path:
    """Where the user's table lies, if there is one: in ``$KAZAMI_INTEL``, else in the user's data folder."""
    return _place(*(os.environ.get(name, "") for name in ("KAZAMI_INTEL", "XDG_DATA_HOME", "HOME")))


@cache  # asked for every technique of every incident, and the user's folder takes a while to find
def _place(folder: str, *_where: str) -> Path:
    return Path(folder or platformdirs.user_data_dir("kazami")) / "attack-enterprise.bin"


def attack() -> Table:
    """The table in use; it is read once. Raises UsageError where the user's is there and cannot be read."""
    path = added()
    try:
        changed = path.stat().st_mtime_ns
    except OSError:  # there is none, or none that this user may see
        return shipped()
    return _read(path, changed)


@cache
def shipped() -> Table:
    """The table of ATT&CK Enterprise 18.1 that comes with Kazami."""
    return unpack((files("kazami.intel") / "data" / SHIPPED).read_bytes(), SHIPPED)


@cache
def _read(path: Path, _changed: int) -> Table:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    return unpack(content, str(path))


def derive(path: Path, version: str = "") -> Built:
    """The table of the bundle at `path`; its version is what it says, else `version`, else what its name says.

    Raises UsageError that names the file.
    """
    found, strange = bundle.objects(path)
    return _built(found, strange, str(path), version or _named(path.name))


def fetch(url: str = NEWEST, version: str = "") -> Built:
    """The table of the bundle at `url`. Nothing but https is asked, and this machine itself, for tests.

    Raises UsageError where it does not answer, answers with something else, or is too large.
    """
    from kazami.intel.download import content_of  # slow to import, and as needless

    content = content_of(url, bundle.LARGEST)
    found, strange = bundle.parse(content, url)
    return _built(found, strange, url, version or _named(url))


def keep(table: Table) -> Path:
    """Put `table` where `attack` finds it; the one before it stays until the new one is whole."""
    path = added()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.part")
        half.write_bytes(pack(table))
        half.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _named(name: str) -> str:
    found = _IN_NAME.search(name)
    return found[1] if found else ""


def _built(found: list[bundle.Object], strange: int, name: str, version: str) -> Built:
    try:
        built = build(found, version)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error
    if strange:
        built.left_out["objects of no known shape"] += strange
    return built

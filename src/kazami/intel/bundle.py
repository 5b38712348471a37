"""STIX 2.1 bundles of ATT&CK, as objects that are bounded and of known shape.

Only the fields named here are decoded; everything else is skipped without being kept. A bundle is as hostile as
evidence is: its bytes, objects, depth and the length of its names are bounded.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import msgspec

from kazami.errors import UsageError

#: Bytes of a bundle, inflated; objects in it. Enterprise 18.1 has 45 million and 25 thousand.
LARGEST, MOST = 256 << 20, 500_000


class Reference(msgspec.Struct, frozen=True, gc=False):
    """Where an object is known: ATT&CK's own id, or the key of a report."""

    source_name: str = ""
    external_id: str = ""


class Phase(msgspec.Struct, frozen=True, gc=False):
    """A tactic of a technique."""

    kill_chain_name: str = ""
    phase_name: str = ""


class LogSource(msgspec.Struct, frozen=True, gc=False):
    """What an analytic reads."""

    x_mitre_data_component_ref: str = ""


class Object(msgspec.Struct, frozen=True):
    """An object of any type; what its type does not have is empty."""

    type: str
    id: str
    name: str = ""
    revoked: bool = False
    x_mitre_deprecated: bool = False
    aliases: list[str] = []
    x_mitre_aliases: list[str] = []
    x_mitre_shortname: str = ""
    x_mitre_version: str = ""
    x_mitre_platforms: list[str] = []
    x_mitre_analytic_refs: list[str] = []
    x_mitre_log_source_references: list[LogSource] = []
    kill_chain_phases: list[Phase] = []
    external_references: list[Reference] = []
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""
    first_seen: str = ""
    last_seen: str = ""

    @property
    def attack_id(self) -> str:
        """ATT&CK's own id, empty where there is none."""
        first = self.external_references[0] if self.external_references else None
        return first.external_id if first and first.source_name == "mitre-attack" else ""


class _Bundle(msgspec.Struct):
    type: str
    objects: list[msgspec.Raw]


def objects(path: Path) -> tuple[list[Object], int]:
    """The objects of the bundle at `path` (JSON, or JSON in gzip), and how many had no readable shape.

    Raises UsageError that names the file where it is no bundle, cannot be read, or is larger than the bounds.
    """
    return parse(_content(path), str(path))


def parse(content: bytes, name: str) -> tuple[list[Object], int]:
    """The same of a bundle's bytes; `name` is what an error calls it."""
    try:
        bundle = msgspec.json.decode(content, type=_Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name}: no STIX bundle: {error}") from error
    if bundle.type != "bundle":
        raise UsageError(f"{name}: no STIX bundle: its type is {bundle.type[:40]!r}")
    if len(bundle.objects) > MOST:
        raise UsageError(f"{name}: more than {MOST:,} objects")
    found, strange = [], 0
    decode = msgspec.json.Decoder(Object).decode
    for raw in bundle.objects:
        try:
            found.append(decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            strange += 1
    return found, strange


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as inflated:
                    content = inflated.read(LARGEST + 1)
            else:
                content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from error
    if len(content) > LARGEST:
        raise UsageError(f"{path}: more than {LARGEST:,} bytes")
    return content

"""What was learned of a tenant, as a file: one a tenant, never read for another; it says itself whose it is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import platformdirs
import zstandard

from kazami.errors import CaseError
from kazami.store.names import safe_name

#: Bytes of a memory that are read.
LARGEST = 1 << 30


class Kept(msgspec.Struct, frozen=True):
    """A memory as it is kept: unit to facet to things."""

    tenant: str
    units: dict[str, dict[str, list[str]]]


_DECODE = msgspec.json.Decoder(Kept).decode


def default() -> Path:
    """Where memories are, where nobody says otherwise."""
    return Path(platformdirs.user_data_dir("kazami")) / "memories"


def load(folder: Path, tenant: str) -> dict[str, dict[str, list[str]]]:
    """What is remembered of a tenant. Raises CaseError where it cannot be read, or is another tenant's."""
    path = _path(folder, tenant)
    if not path.exists():
        return {}
    try:
        content = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read(LARGEST + 1)
        if len(content) > LARGEST:
            raise CaseError(f"{path}: holds more than {LARGEST:,} bytes")
        kept = _DECODE(content)
    except (OSError, msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise CaseError(f"{path}: cannot be read: {error}") from error
    if kept.tenant != tenant:
        raise CaseError(f"{path}: is of tenant {kept.tenant}, not of {tenant}")
    return kept.units


def save(folder: Path, tenant: str, units: dict[str, dict[str, list[str]]]) -> None:
    """Keep a memory, whole or not at all. Raises CaseError where it cannot be written."""
    path = _path(folder, tenant)
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_bytes(zstandard.compress(msgspec.json.encode(Kept(tenant, units))))
        part.chmod(0o600)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CaseError(f"{path}: cannot be written: {error.strerror}") from error


def _path(folder: Path, tenant: str) -> Path:
    return folder / f"{safe_name(tenant)}.memory"

"""What others publish about files: a module a format, each with `fits(file, head)` and `statements(file, about)`.

To add one: write the module, and name it in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from kazami.errors import UsageError
from kazami.intel.reputation.formats import misp, nsrl, stix, table, text
from kazami.intel.reputation.label import Label
from kazami.intel.reputation.shelf import Statement


class Format(Protocol):
    """A format that hashes are published in."""

    def fits(self, file: Path, head: bytes) -> bool:
        """Whether the file, whose first bytes are `head`, is of this format."""
        ...

    def statements(self, file: Path, about: Label) -> Iterator[Statement]:
        """What it says; `about` says what the file itself does not: source, standing, date."""
        ...


#: Tried in this order; the last takes whatever has hashes in it.
FORMATS: dict[str, Format] = {"nsrl": nsrl, "misp": misp, "stix": stix, "csv": table, "text": text}


def read(file: Path, about: Label, name: str = "") -> Iterator[Statement]:
    """The statements of a file, in the format `name` or the one that fits. Raises UsageError where none does."""
    if name and name not in FORMATS:
        raise UsageError(f"--format: one of {', '.join(FORMATS)}")
    try:
        with file.open("rb") as stream:
            head = stream.read(8192)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    for known, one in FORMATS.items():
        if known == name or (not name and one.fits(file, head)):
            return one.statements(file, about)
    raise UsageError(f"{file}: is none of {', '.join(FORMATS)}, and has no hashes in it")

"""A JSON document, read whole within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from kazami.errors import UsageError

#: Bytes of a file that is read whole.
_MOST = 512 << 20


def read(file: Path) -> Any:
    """What the file holds. Raises UsageError where it is too large, or no JSON."""
    if file.stat().st_size > _MOST:
        raise UsageError(f"{file}: is larger than {_MOST >> 20} MB; split it")
    try:
        return msgspec.json.decode(file.read_bytes())
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{file}: is no JSON: {error}") from error

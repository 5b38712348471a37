"""Pages of long lists: a cursor says where the next begins, and means nothing to others."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kazami.errors import UsageError

Row = TypeVar("Row")

#: Rows of a page, by default and at most.
SIZE, MOST = 50, 500


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and the cursor of the next page; None where there is none."""

    rows: list[Row]
    next: str | None = None


def cursor(*values: Any) -> str:
    """The cursor after a row with these `values` in the order of the list."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def opened(text: str, kinds: Sequence[type | tuple[type, ...]]) -> list[Any]:
    """The values of a cursor. Raises UsageError where it is none of a list with such columns."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text[:512] + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise UsageError("after: is no cursor of this list") from error
    fits = isinstance(values, list) and len(values) == len(kinds)
    if not fits or not all(
        isinstance(v, k) and not isinstance(v, bool) for v, k in zip(values, kinds, strict=True)
    ):
        raise UsageError("after: is no cursor of this list")
    return list(values)


def size_of(limit: int | None) -> int:
    """How many rows a page has. Raises UsageError beyond `MOST`."""
    if limit is None:
        return SIZE
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit: 1 to {MOST}")
    return limit

"""Names that come from evidence, made safe for file systems and for SQL."""

from __future__ import annotations

import re
from hashlib import blake2b

_UNSAFE = re.compile(r"[^a-z0-9._-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_LONGEST = 80


def safe_name(text: str) -> str:
    """A folder name for `text`: lower case, no separators, no reserved name of Windows, no leading dot.

    Where that changed anything but the case, eight digits of a hash keep different texts apart.
    """
    folded = text.lower()
    name = _UNSAFE.sub("_", folded)[:_LONGEST].strip(" .")
    if name == folded and name and not _RESERVED.match(name):
        return name
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{name or 'unnamed'}_{digest}" if not _RESERVED.match(name) else f"_{name}_{digest}"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""').replace("\x00", "") + '"'


def literal(text: str) -> str:
    """`text` as a quoted SQL string."""
    return "'" + text.replace("'", "''").replace("\x00", "") + "'"

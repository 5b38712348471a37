"""The form in which compiled rules are kept; apart from the compiler, which a warm start does not import."""

from __future__ import annotations

import msgspec

from kazami.model.rule import RuleInfo

LARGEST_FILE = 256 * 1024 * 1024  # bytes of a rule file


class Entry(msgspec.Struct, array_like=True):
    """One document of a rule file.

    kind         info      body (JSON)                              notes
    rule         its own   the expression                           what a person should look at
    filter       its own   [its rules or null, what to keep]        the same
    correlation  its own   the correlation                          the same
    rejected     null      null                                     the one reason; `id` and `title` where known

    `inherited` says that the id is that of an ``action: global`` document; `words` are those of `Rule`.
    """

    kind: str
    info: RuleInfo | None
    body: msgspec.Raw
    notes: list[str]
    id: str = ""
    title: str = ""
    inherited: bool = False
    words: tuple[str, ...] | None = None


class File(msgspec.Struct, array_like=True):
    """All documents of one file, under the SHA-256 of its bytes."""

    digest: str
    entries: list[Entry]

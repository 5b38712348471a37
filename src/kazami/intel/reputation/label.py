"""What is said of a hash, and by whom."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import msgspec


class Standing(IntEnum):
    """What a hash is said to be; of several the highest counts.

    `known` says that a file was published, not that it is harmless; `tool` is one that defenders publish and attackers
    use as well (NSRL knows its product as a hacking tool).
    """

    known = 1
    good = 2
    tool = 3
    unwanted = 4
    bad = 5


class Label(msgspec.Struct, frozen=True):
    """One statement: `source` says so since `date` (ISO 8601, "" where it does not say); `product` is a type or a name."""

    source: str
    standing: str
    date: str = ""
    product: str = ""

    @property
    def rank(self) -> Standing:
        """The standing as it is compared."""
        return Standing[self.standing]


class Known(msgspec.Struct, frozen=True):
    """What is known of one hash. `trusted` is false where only a weak hash (MD5, SHA-1) speaks for the file."""

    hash: str
    standing: str
    labels: tuple[Label, ...]
    trusted: bool = True

    @property
    def rank(self) -> Standing:
        """The standing as it is compared."""
        return Standing[self.standing]


def weighed(text: str, labels: Iterable[Label], *, weak: bool) -> Known:
    """The statements on one hash together.

    A weak hash can be made to collide: it convicts, as nobody forges a bad file's hash, but never acquits: what would be
    good is only known.
    """
    listed = tuple(sorted(labels, key=lambda one: (-one.rank, one.source)))
    highest = listed[0].rank
    if weak and highest is Standing.good:
        highest = Standing.known
    return Known(text, highest.name, listed, not weak)

"""`event_uid`: the same record has the same uid wherever a copy of it is found.

The uid is made of the tenant and of what the record says, not of where it lies: a backup, a shadow copy and a
carved copy of a log then count once, and a folder may be moved between two scans. SHA-256, because evidence is
hostile: whoever could make two records collide could make one of them disappear as a duplicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

#: Equal lines without a record id are told apart by their order; so many distinct lines are remembered, twice.
REMEMBERED = 65_536

#: No text begins so in UTF-8: the digest of a tenant's name is that of no record.
_APART = b"\xff"


class Occurrences:
    """Tells the first, second ... occurrence of equal records in one file apart, in bounded memory.

    A syslog line may rightly be there twice; the copy of the whole file must still count once. So the
    ordinal among equal lines belongs to the identity. Lines further apart than `REMEMBERED` distinct ones
    count as the same.
    """

    def __init__(self) -> None:
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def digests(self, digests: Sequence[bytes]) -> list[bytes]:
        """The digests, changed from the second occurrence on."""
        found: list[bytes] = []
        while len(found) < len(digests):
            found += self._some(digests[len(found) : len(found) + REMEMBERED - len(self._young)])
            if len(self._young) >= REMEMBERED:
                self._young, self._old = {}, self._young
        return found

    def _some(self, digests: Sequence[bytes]) -> list[bytes]:
        """The same of no more than there is room for; nearly always all are new."""
        new = dict.fromkeys(digests, 1)
        if (
            len(new) == len(digests)
            and self._young.keys().isdisjoint(new)
            and self._old.keys().isdisjoint(new)
        ):
            self._young |= new
            return list(digests)
        return [self._next(digest) for digest in digests]

    def _next(self, digest: bytes) -> bytes:
        seen = self._young.get(digest) or self._old.get(digest, 0)
        self._young[digest] = seen + 1
        return sha256(digest + seen.to_bytes(8, "big")).digest() if seen else digest


def encoded(raws: Sequence[str]) -> list[bytes]:
    """The original texts as UTF-8; half surrogate pairs, which it has no place for, become U+FFFD."""
    try:
        return list(map(str.encode, raws))
    except UnicodeEncodeError:
        return [raw.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode() for raw in raws]


def digests(texts: Sequence[bytes | memoryview]) -> list[bytes]:
    """SHA-256 of each record's original text."""
    return [made.digest() for made in map(sha256, texts)]


def uids(digests: Sequence[bytes], tenants: pa.Array) -> pa.Array:
    """32 hex digits an event: 128 bits of the record's digest, mixed with those of the name of its tenant."""
    mixed = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), 32)[:, :16]
    names = tenants.unique().to_pylist()
    salts = np.array([list(sha256(_APART + name.encode()).digest()[:16]) for name in names], np.uint8)
    if len(names) == 1:
        mixed = mixed ^ salts[0]
    else:
        mixed = mixed ^ salts[tenants.dictionary_encode().indices.to_numpy()]
    text = mixed.tobytes().hex().encode()
    offsets = np.arange(0, 32 * len(digests) + 1, 32, dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(digests), [None, pa.py_buffer(offsets), pa.py_buffer(text)])

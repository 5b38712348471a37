"""ATT&CK as a compact table: ids, names and who was reported to use what, without the texts.

© 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import msgspec

from kazami.errors import UsageError
from kazami.model.attack import tactics, techniques

#: MITRE's terms ask that every copy carries this.
NOTICE = (
    "© 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of "
    "The MITRE Corporation."
)

#: Bytes of a table when it is inflated, at most; 18.1 has 0.9 million.
LARGEST = 32 << 20


class Tactic(msgspec.Struct, frozen=True, array_like=True):
    """``TA0006``, ``credential-access``, ``Credential Access``."""

    id: str
    word: str
    name: str


class Technique(msgspec.Struct, frozen=True, array_like=True):
    """A technique. `state` is empty, ``revoked`` (then `successor` names what it became, if known) or ``deprecated``.

    `components` are ATT&CK's data components in which it can be seen; `parent` is empty unless it is a sub-technique.
    """

    id: str
    name: str
    tactics: tuple[str, ...] = ()
    parent: str = ""
    platforms: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    state: str = ""
    successor: str = ""


class Mitigation(msgspec.Struct, frozen=True, array_like=True):
    """What lessens techniques: ``M1026``, and the ids of those that ATT&CK names for it."""

    id: str
    name: str
    techniques: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True, array_like=True):
    """A group; `aliases` do not repeat its name."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    state: str = ""
    successor: str = ""


class Software(msgspec.Struct, frozen=True, array_like=True):
    """Software: `kind` is ``malware`` or ``tool``, as ATT&CK divides them."""

    id: str
    name: str
    kind: str
    aliases: tuple[str, ...] = ()
    state: str = ""
    successor: str = ""


class Campaign(msgspec.Struct, frozen=True, array_like=True):
    """A campaign; `groups` are the ids of those that it is attributed to."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    groups: tuple[str, ...] = ()


class Use(msgspec.Struct, frozen=True, array_like=True):
    """`source` (group, campaign or software) was reported to use `target` (technique or software).

    `citations` are places in `Table.citations`.
    """

    source: str
    target: str
    citations: tuple[int, ...] = ()


class Table(msgspec.Struct, frozen=True, dict=True):
    """All of it, of one version of ATT&CK."""

    version: str
    domain: str = "enterprise-attack"
    notice: str = NOTICE
    tactics: tuple[Tactic, ...] = ()
    techniques: tuple[Technique, ...] = ()
    mitigations: tuple[Mitigation, ...] = ()
    groups: tuple[Group, ...] = ()
    software: tuple[Software, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    citations: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()

    @cached_property
    def technique(self) -> dict[str, Technique]:
        """Techniques by id, those of the past among them."""
        return {one.id: one for one in self.techniques}

    @cached_property
    def mitigation(self) -> dict[str, Mitigation]:
        """Mitigations by id."""
        return {one.id: one for one in self.mitigations}

    @cached_property
    def group(self) -> dict[str, Group]:
        """Groups by id."""
        return {one.id: one for one in self.groups}

    @cached_property
    def piece(self) -> dict[str, Software]:
        """Software by id."""
        return {one.id: one for one in self.software}

    def tagged(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Sigma tags; where they name techniques and no tactic, with the tactics of these before them."""
        named = [self.technique[one] for one in techniques(tags) if one in self.technique]
        if tactics(tags) or not named:
            return tuple(tags)
        return (*dict.fromkeys(f"attack.{tactic}" for one in named for tactic in one.tactics), *tags)

    def current(self, technique: str) -> str:
        """`technique`, or what it became; chains of revocations are followed, loops are not."""
        seen = set()
        while technique not in seen and (known := self.technique.get(technique)) and known.successor:
            seen.add(technique)
            technique = known.successor
        return technique

    def name(self, technique: str) -> str:
        """The name of a technique with its parent's, as ATT&CK shows it; empty where the id is not known."""
        known = self.technique.get(technique)
        if known is None:
            return ""
        parent = self.technique.get(known.parent)
        return f"{parent.name}: {known.name}" if parent else known.name

    def mitigations_of(self, technique: str) -> Iterator[Mitigation]:
        """The mitigations that ATT&CK names for `technique`, in the order of their ids."""
        return (one for one in self.mitigations if technique in one.techniques)

    def names(self, techniques: Iterable[str]) -> dict[str, str]:
        """Names of those of `techniques` that are known."""
        return {one: name for one in techniques if (name := self.name(one))}


def pack(table: Table) -> bytes:
    """`table` as it lies in a file: zlib over JSON, the same bytes for the same table."""
    return zlib.compress(msgspec.json.encode(table), 9)


def unpack(content: bytes, name: str) -> Table:
    """A table out of what `pack` made. Raises UsageError that names `name` where it is none, or too large."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(content, LARGEST)
        if inflate.unconsumed_tail:
            raise UsageError(f"{name}: more than {LARGEST:,} bytes when inflated")
        if not inflate.eof:
            raise UsageError(f"{name}: no table of ATT&CK: it ends too early")
        return msgspec.json.decode(plain, type=Table)
    except (zlib.error, msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{name}: no table of ATT&CK: {error}") from error

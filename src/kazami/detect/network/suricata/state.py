"""What the evaluation of rules keeps for flows of one kind, and what it asks of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kazami.detect.network.suricata.prefilter import Finder
from kazami.detect.network.suricata.rule import Rule


class State:
    """Answers of gates, and the rules behind open ones, for flows that rules cannot tell apart."""

    __slots__ = ("bare", "bitten", "kept", "memo", "narrow", "opened", "unheard", "watchful")

    def __init__(self) -> None:
        self.memo: dict[int, bool] = {}
        self.narrow: dict[tuple[int, int], Finder] = {}
        self.kept: tuple[dict[tuple[int, bytes, int], dict[Rule, int]], ...] = (
            {},
            {},
        )  # by side: answers for short bytes
        self.bare: list[tuple[Rule, ...]] = [(), ()]  # by side: rules that ask for no bytes
        self.unheard = False  # packets are asked for the protocol that is spoken, and it is not known yet
        self.watchful = [False, False]  # by side: whether there are any of these two kinds
        self.bitten: list[tuple[Rule, ...]] = [(), ()]  # the same, if they ask for what others have set
        self.opened: dict[tuple[int, int], tuple[Any, ...]] = {}


class Transaction(Protocol):
    """One exchange of an application protocol."""

    def values(self, name: str, side: int) -> Sequence[bytes] | None:
        """The values of a buffer in one direction; None where it is absent."""
        ...


class Proof(Protocol):
    """Where bytes of a payload came from."""

    def locate(self, offset: int) -> tuple[int, int]:
        """Time and number of the packet that carried the byte at an offset."""
        ...

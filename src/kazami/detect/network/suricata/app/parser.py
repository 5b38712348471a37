"""What a parser of an application protocol is: bytes of both sides in, exchanges out, each direction when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

#: Values of one buffer that are looked at.
MAX_VALUES = 256


class Values(Protocol):
    """One exchange: the values of its buffers, by name and side."""

    def values(self, name: str, side: int) -> Sequence[bytes] | None:
        """The values of a buffer in one direction; None where it is absent."""
        ...


#: An exchange, and the direction of it that is whole.
Exchange = tuple[Values, int]


class Parser(Protocol):
    """Follows one flow. Nothing is raised for any bytes."""

    name: str
    #: Nothing that can be read follows: the rest is encrypted.
    over: bool

    def feed(self, side: int, data: bytes) -> list[Exchange]:
        """Bytes that come next on one side (0 is the client's)."""
        ...

    def gap(self, side: int) -> list[Exchange]:
        """Bytes are missing on one side."""
        ...

    def finish(self) -> list[Exchange]:
        """Nothing more will come."""
        ...


class Said:
    """An exchange whose values are known, or made (`later`) when they are first asked for."""

    __slots__ = ("_later", "_values")

    def __init__(
        self,
        values: dict[str, Sequence[bytes]],
        later: Callable[[], dict[str, Sequence[bytes]]] | None = None,
    ) -> None:
        self._values, self._later = values, later

    def says(self, names: frozenset[str]) -> bool:
        """Whether any of these buffers may be there."""
        return self._later is not None or not names.isdisjoint(self._values)

    def values(self, name: str, side: int) -> Sequence[bytes] | None:
        """The values of a buffer; None where it is absent."""
        found = self._values.get(name)
        if found is None and self._later is not None:
            self._values = self._later() | self._values
            self._later = None
            found = self._values.get(name)
        return found

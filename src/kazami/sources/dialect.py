"""The forms in which Windows events come as JSON objects or rows: which record is of which, and what its names mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from kazami.sources import mapping


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One form: see ``flat.yml``."""

    name: str
    needs: tuple[frozenset[str], ...]
    lacks: frozenset[str]
    names: Mapping[str, tuple[str, ...]]
    data: tuple[str, ...]
    hides: bool
    collectors: Mapping[str, frozenset[str]]
    capital: bool


@cache
def dialects() -> tuple[Dialect, ...]:
    """All forms, in the order in which they are tried."""
    return tuple(
        Dialect(
            entry["name"],
            tuple(frozenset(need) for need in entry["needs"]),
            frozenset(entry.get("lacks", ())),
            {name: tuple(choices) for name, choices in entry["names"].items()},
            tuple(entry.get("data", ())),
            entry["rest"] == "hidden",
            {sign: frozenset(names) for sign, names in entry.get("collector", {}).items()},
            entry.get("capital", False),
        )
        for entry in mapping.load("flat.yml")["dialects"]
    )


@lru_cache(1024)
def of(keys: tuple[str, ...]) -> Dialect | None:
    """The dialect of records with these keys; None where they are no Windows events."""
    there = frozenset(keys)
    return next(
        (d for d in dialects() if all(need & there for need in d.needs) and not d.lacks & there), None
    )


def named(keys: tuple[str, ...], dialect: Dialect) -> tuple[str, ...]:
    """The keys of a record in the names that `windows.plan_over` knows; a name is given to one key only."""
    places = {key: place for place, key in enumerate(keys)}
    chosen: dict[int, str] = {}
    for name, choices in dialect.names.items():
        place = next((places[choice] for choice in choices if choice in places), None)
        if place is not None:
            chosen[place] = name
    taken = frozenset(chosen.values())
    taken = taken.union(*(names for sign, names in dialect.collectors.items() if sign in places))
    return tuple(chosen.get(place) or _other(key, dialect, taken) for place, key in enumerate(keys))


def _other(key: str, dialect: Dialect, taken: frozenset[str]) -> str:
    for prefix in dialect.data:
        if key.startswith(prefix):
            name = key[len(prefix) :]
            return name[:1].upper() + name[1:] if dialect.capital else name
    return f"#{key}" if dialect.hides or key in taken else key

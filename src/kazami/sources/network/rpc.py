"""DCE/RPC interfaces and their operations by name, after ``rpc.yml``."""

from __future__ import annotations

from functools import cache

from kazami.sources import mapping


@cache
def interfaces() -> dict[str, str]:
    """Names of interfaces by UUID, in lower case."""
    return {entry[0]: name for name, entry in mapping.load("network/rpc.yml").items()}


@cache
def interfaces_by_name() -> dict[str, str]:
    """UUIDs of interfaces, in lower case, by name."""
    return {name: uuid for uuid, name in interfaces().items()}


@cache
def operations() -> dict[tuple[str, int], str]:
    """Names of operations by UUID and number."""
    found: dict[tuple[str, int], str] = {}
    for uuid, *names in mapping.load("network/rpc.yml").values():
        number = 0
        for name in names:
            if name[-1] == "-":
                number = int(name[:-1])
                continue
            found[uuid, number] = name
            number += 1
    return found

"""The kind of a flow: what rules can tell of it by its protocol, addresses and ports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kazami.detect.network.suricata.header import FOURTH, number
from kazami.detect.network.suricata.plan import Plan

Kind = tuple[int, ...]


def kind(plan: Plan, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int]) -> Kind:
    """The kind of one flow; the client's address and port first."""
    near, far = (plan.addresses.of(number(address)) for address in addresses)
    return protocol, len(addresses[0]), near, far, plan.ports.of(ports[0]), plan.ports.of(ports[1])


def kinds(plan: Plan, keys: Sequence[bytes]) -> list[Kind]:
    """The kinds of many, from their keys (`model.wire.Openings`)."""
    found: list[Kind] = [()] * len(keys)
    for width in {len(key) for key in keys}:
        rows = [row for row, key in enumerate(keys) if len(key) == width]
        half = (width - 5) // 2
        table = np.frombuffer(b"".join([keys[row] for row in rows]), np.uint8).reshape(-1, width)
        ports = plan.ports.many(table[:, -5:-1].copy().view(">u2").astype(np.int64)).T.tolist()
        ends = [_classes(plan, table[:, at : at + half].copy()) for at in (0, half)]
        for row, protocol, *classes in zip(rows, table[:, -1].tolist(), *ends, *ports, strict=True):
            found[row] = protocol, half, *classes
    return found


def _classes(plan: Plan, addresses: npt.NDArray[np.uint8]) -> list[int]:
    if addresses.shape[1] == 4:
        found: list[int] = plan.addresses.many(addresses.view(">u4")[:, 0].astype(np.int64), FOURTH).tolist()
        return found
    return [plan.addresses.of(number(address.tobytes())) for address in addresses]

"""The recognisers as a detector: flows whose first bytes are known, and findings where one of them has proof."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID, uuid5

import pyarrow as pa

from kazami.detect.network.assertion import asserted
from kazami.detect.network.rat import FAMILIES, recognize
from kazami.detect.network.rat.proof import Conversation, Proof
from kazami.model.event import LogSource
from kazami.model.rule import RuleInfo

#: Where flows lie that carry the columns below.
tables = ("flow",)

#: Columns of first bytes (Base64) and of the sizes of first packets (numbers with commas), by direction.
BYTES, SIZES = ("orig_first_bytes", "resp_first_bytes"), ("orig_first_sizes", "resp_first_sizes")

#: Conversations that are remembered.
KNOWN = 2048

_NAMESPACE = UUID("2a1c52f5-1a64-5a0e-9d0a-5f2b7d3f0c11")
_LEVELS = {"high": "critical", "medium": "high", "low": "medium"}
_TOOLS = frozenset(("FRP", "EarthWorm"))  # honest people have them too

_TAGS: dict[str, tuple[str, ...]] = {
    "RedLeaves": ("attack.command-and-control", "attack.t1095", "attack.s0153"),
    "PlugX": ("attack.command-and-control", "attack.t1095", "attack.s0013"),
    "Poison Ivy": ("attack.command-and-control", "attack.t1095", "attack.s0012"),
    "ChChes": ("attack.command-and-control", "attack.t1071.001", "attack.s0144"),
    "KV-botnet": ("attack.command-and-control", "attack.t1095", "attack.t1584.008"),
    "gh0st": ("attack.command-and-control", "attack.t1095", "attack.s0032"),
    "FRP": ("attack.command-and-control", "attack.t1090", "attack.s1144"),
    "EarthWorm": ("attack.command-and-control", "attack.t1090"),
    "Quasar": ("attack.command-and-control", "attack.t1095", "attack.s0262"),
}


def _info(family: str, sure: str) -> RuleInfo:
    level = _LEVELS["medium" if sure == "high" and family in _TOOLS else sure]
    name = f"{family}-{sure}"
    return RuleInfo(
        id=str(uuid5(_NAMESPACE, name)),
        version="0000000000000001",
        title=f"{family} on the Network" if sure == "high" else f"Possibly {family} on the Network",
        level=level,
        kind="detector",
        status="experimental",
        description=f"First bytes of a connection that decode as {family}; what was decoded is the proof.",
        logsource=LogSource("zeek", None, "conn"),
        tags=_TAGS[family],
        name=name,
    )


#: What can be found, by family and confidence.
RULES: dict[tuple[str, str], RuleInfo] = {(f, s): _info(f, s) for f in FAMILIES for s in _LEVELS}


def detect(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Findings (`FINDING`), a table for each batch of flows that carries first bytes; others are passed over."""
    for batch in batches:
        if any(name in batch.schema.names for name in BYTES):
            yield asserted(batch, list(_found(batch)))


def _found(batch: pa.RecordBatch) -> Iterator[tuple[int, RuleInfo, dict[str, str]]]:
    names = ("proto", "id.resp_p", *BYTES, *SIZES)
    columns = [_texts(batch, name) for name in names]
    for row, cells in enumerate(zip(*columns, strict=True)):
        for proof in _proofs(*cells):
            yield row, RULES[proof.family, proof.confidence], matched(proof)


@lru_cache(KNOWN)
def _proofs(
    protocol: str | None,
    port: str | None,
    client: str | None,
    server: str | None,
    sent: str | None,
    answered: str | None,
) -> list[Proof]:
    """What all recognisers say of one row; networks repeat themselves."""
    if not client and not server:
        return []
    number = int(port) if port and port.isdecimal() and len(port) < 6 else 0
    ends = _bytes(client), _bytes(server)
    return recognize(Conversation(*ends, protocol or "tcp", number, _sizes(sent), _sizes(answered)))


def matched(proof: Proof) -> dict[str, str]:
    """A proof as the fields of a finding."""
    where = {"family": proof.family, "form": proof.form, "confidence": proof.confidence}
    return where | {"where": f"{proof.side}, byte {proof.offset}"} | dict(proof.fields)


def _texts(batch: pa.RecordBatch, name: str) -> list[str | None]:
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(name)
    if pa.types.is_list(column.type):
        return [cell[0] if cell else None for cell in column.to_pylist()]
    if pa.types.is_dictionary(column.type):  # a row at a time, Arrow would make each of its texts anew
        words = [*column.dictionary.to_pylist(), None]
        return [words[code] for code in column.indices.fill_null(len(words) - 1).to_pylist()]
    return list(column.to_pylist())


def _bytes(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "")
    except (binascii.Error, ValueError):
        return b""


def _sizes(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (text or "").split(",")[:64] if part.isdecimal() and len(part) < 10)

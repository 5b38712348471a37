"""Blocks as STIX 2.1 indicators (OASIS), for whoever takes such lists: with patterns, times and reasons."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from kazami.model.block import Block
from kazami.model.tenant import parsed
from kazami.respond.block import file
from kazami.respond.text import safe

_SPACE = uuid.UUID("0a8e7d0c-6f0e-4d4b-9d2e-1f6a3c5b7e90")

#: The words of confidence on STIX' scale of 0 to 100 (its appendix A: none, low, medium, high).
_SCALE = {"low": 15, "medium": 50, "high": 85}


def takes(block: Block) -> bool:
    """Everything."""
    return True


def plan(tenant: str, blocks: Sequence[Block], now: datetime) -> dict[str, str]:
    """One bundle: an identity and an indicator for each block."""
    mark = file.mark(tenant)
    maker = {
        "type": "identity", "spec_version": "2.1", "id": _id("identity", mark), "created": _time(now),
        "modified": _time(now), "name": f"kazami blocks {mark}", "identity_class": "system",
    }  # fmt: skip
    objects = [maker, *(_indicator(block, maker["id"], now) for block in blocks)]
    bundle = {"type": "bundle", "id": _id("bundle", mark), "objects": objects}
    return {
        f"kazami-block-{file.slug(tenant)}.stix.json": json.dumps(bundle, ensure_ascii=False, indent=1) + "\n"
    }


def _indicator(block: Block, maker: str, now: datetime) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": _id("indicator", block.block_uid), "created_by_ref": maker,
        "created": _time(now), "modified": _time(now), "name": f"{block.kind} {block.value}"[:500],
        "description": safe(block.reason.en), "indicator_types": ["malicious-activity"], "pattern": pattern(block),
        "pattern_type": "stix", "valid_from": _time(now), "valid_until": _time(now + timedelta(seconds=block.left(now))),
        "confidence": _SCALE[block.confidence],
    }  # fmt: skip


def pattern(block: Block) -> str:
    """The pattern of STIX for a block."""
    value = block.value.replace("\\", "\\\\").replace("'", "\\'")
    if block.kind == "address":
        found = parsed(block.value)
        return f"[ipv{found.version if found else 4}-addr:value = '{value}']"
    if block.kind == "certificate":
        kind = "SHA-1" if len(value) == 40 else "SHA-256"
        return f"[x509-certificate:hashes.'{kind}' = '{value}']"
    kinds = {"domain": "domain-name:value", "url": "url:value", "ja3": "network-traffic:x_ja3_hash"}
    return f"[{kinds[block.kind]} = '{value}']"


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid.uuid5(_SPACE, f'{kind}|{name}')}"


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


apply = undo = partial(file.put, plan)

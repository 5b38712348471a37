"""What lies in the resources of a PE file and behind its end: programs, archives, encrypted pieces; and its version information."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from kazami.detect.content.identify import HEAD, RUNS, kind, kinds
from kazami.model.content import Child, Feature, Limits

_NODES = 2_000  # of the tree of resources
_DEEP = 4
_KEPT = 100  # pieces that become children
_SMALL = 64  # bytes below which nothing is worth a look
_ENOUGH, _ENOUGH_OF = 1024, 64 << 10  # bytes below which noise says little, and that are looked at
_PICTURES = frozenset(("picture", "font", "movie"))
#: Types of resources that the system draws or reads: cursors, icons, menus, dialogs, strings, version, manifest, their groups.
_OWN_TYPES = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16, 17, 21, 22, 24))


def noise(data: bytes) -> bool:
    """Whether there is no pattern in it: encrypted or compressed. Entropy of bytes would not tell a table of numbers from that."""
    piece = data[:_ENOUGH_OF]
    return len(data) >= _ENOUGH and len(zlib.compress(piece, 1)) > 0.97 * len(piece)


def version(binary: Any) -> dict[str, str]:
    """Strings of the version information; of the first language where there are several."""
    if not binary.has_resources:
        return {}
    manager = binary.resources_manager
    if not manager.has_version:
        return {}
    for one in list(manager.version)[:4]:
        for table in list(one.string_file_info.children)[:4] if one.string_file_info else ():
            return {str(e.key): str(e.value) for e in list(table.entries)[:64]}
    return {}


def resources(binary: Any, limits: Limits) -> tuple[list[Feature], list[Child]]:
    """Pieces that are files of their own, and those that are encrypted."""
    features, children = [], []
    for place, content in _leaves(binary):
        if len(content) < _SMALL:
            continue
        data = bytes(content[: limits.file])
        found = kind(data, "")
        family = kinds()[found].family
        if family in RUNS and found != "text":
            features.append(Feature("pe.program_in_resources", found, place=place))
        elif found == "data" and noise(data):
            features.append(Feature("pe.encrypted_resource", f"{len(data):,} bytes", place=place))
        elif found in ("data", "text") or family in _PICTURES:
            continue
        children.append(Child(place, data, place, "object"))
        if len(children) >= _KEPT:
            break
    return features, children


def _leaves(binary: Any) -> Iterator[tuple[str, Any]]:
    """Contents with their way down the tree, but for what the system itself reads."""
    if not binary.has_resources:
        return
    waiting: list[tuple[Any, tuple[str, ...]]] = [
        (child, (_label(child),))
        for child in binary.resources.childs
        if child.has_name or child.id not in _OWN_TYPES
    ]
    for _ in range(_NODES):
        if not waiting:
            return
        node, way = waiting.pop(0)
        if node.is_data:
            yield "resource/" + "/".join(way), node.content
        elif len(way) < _DEEP:
            waiting += [(child, (*way, _label(child))) for child in node.childs]


def _label(node: Any) -> str:
    return str(node.name) if node.has_name else str(node.id)


def overlay(data: bytes, start: int, end: int, family: str = "pe") -> tuple[list[Feature], list[Child]]:
    """What lies between the last section and the certificates, or the end."""
    piece = data[start:end]
    rest = piece.strip(b"\0")
    if start <= 0 or len(rest) < _SMALL:
        return [], []
    at = piece.find(rest[:_SMALL])
    found = kind(rest[:HEAD], "")
    said = f"{len(rest):,} bytes: {kinds()[found].title}"
    features = [Feature(f"{family}.overlay", said, offset=start + at)]
    if found == "data" and noise(rest):
        features.append(Feature(f"{family}.encrypted_overlay", f"{len(rest):,} bytes", offset=start + at))
    return features, [Child("overlay", rest, relation="object")]

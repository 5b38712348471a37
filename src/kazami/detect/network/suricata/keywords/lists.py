"""Keywords that look a value up in a list beside the rules: hashes of files, datasets."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kazami.detect.network.suricata.builder import Builder, Draft
from kazami.detect.network.suricata.fault import RuleError, UnsupportedError
from kazami.detect.network.suricata.keywords.payload import Handler
from kazami.detect.network.suricata.steps import View

#: Values of one list, and its bytes.
MAX_VALUES, MAX_LIST = 1_000_000, 64 << 20


@dataclass(frozen=True, slots=True)
class Among:
    """A buffer that is (or is not) one of some words."""

    words: frozenset[bytes]
    negated: bool = False
    relative: bool = False

    def places(self, view: View, at: int) -> Iterator[int]:
        """`at`, if it is."""
        if (view.data in self.words) != self.negated:
            yield at


def _listed(builder: Builder, keyword: str, name: str) -> list[str]:
    """The lines of a list in the folder of the rules."""
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise UnsupportedError(keyword, "a list outside the folder of the rules")
    path = Path(builder.folder) / name
    try:
        if path.stat().st_size > MAX_LIST:
            raise UnsupportedError(keyword, f"the list {name} is larger than {MAX_LIST >> 20} MB")
        lines = path.read_text("utf-8", "replace").split("\n")
    except OSError as error:
        raise RuleError(f"the list {name} cannot be read: {error.strerror}") from error
    if len(lines) > MAX_VALUES:
        raise UnsupportedError(keyword, f"the list {name} has more than {MAX_VALUES:,} lines")
    return [line.strip() for line in lines]


def hashes(buffer: str, digits: int) -> Handler:
    """The keyword about files whose hash is (or is not) in a list."""
    form = re.compile(rf"[0-9a-fA-F]{{{digits}}}")

    def handle(builder: Builder, value: str) -> None:
        negated = value.strip().startswith("!")
        lines = _listed(builder, buffer, value.strip().lstrip("!").strip().strip('"'))
        words = frozenset(found[0].lower().encode() for line in lines if (found := form.match(line)))
        builder.drafts.append(Draft(buffer, [Among(words, negated)]))

    return handle


def _digest(line: str, size: int) -> bytes:
    made = bytes.fromhex(line)
    if len(made) != size:
        raise ValueError(f"{len(made)} bytes")
    return made


#: What a line of a dataset stands for, by its type.
_TYPES: dict[str, Callable[[str], bytes]] = {
    "string": lambda line: b64decode(line, validate=True), "md5": lambda line: _digest(line, 16), "sha256": lambda line: _digest(line, 32),
}  # fmt: skip


def dataset(builder: Builder, value: str) -> None:
    """``dataset:isset,NAME,type string,load FILE``: values in base64, hashes in hexadecimal, one a line."""
    command, _, *rest = [*(word.strip() for word in value.split(",")), ""]
    named = {word[0].lower(): word[1].strip() for part in rest if len(word := part.split(None, 1)) == 2}
    if command not in ("isset", "isnotset"):
        raise UnsupportedError("dataset", f"{command}: lists are not changed by rules")
    if "load" not in named or named.get("format", "csv") != "csv" or named.get("type") not in _TYPES:
        raise UnsupportedError("dataset", "only lists of strings, MD5 and SHA-256 that the rule itself loads")
    if builder.chosen is None:
        raise RuleError("dataset without a sticky buffer before it")
    read = _TYPES[named["type"]]
    try:
        words = frozenset(read(line) for line in _listed(builder, "dataset", named["load"]) if line)
    except (binascii.Error, ValueError) as error:
        raise RuleError(f"the list {named['load']} has a line that is no {named['type']}: {error}") from error
    builder.add(Among(words, command == "isnotset"))

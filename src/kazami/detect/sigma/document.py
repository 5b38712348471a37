"""Rule files: bytes to documents, with the old collections (``action: global``) resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kazami.detect.sigma.fault import Fault
from kazami.detect.sigma.yaml12 import documents


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: `number` counts from 1; `fault` says why it cannot be used, `content` is then empty.

    `inherited_id` says that its id came from an ``action: global`` document, and so is not its own.
    """

    number: int
    content: dict[Any, Any]
    fault: str = ""
    inherited_id: bool = False


def read(data: bytes) -> list[Document]:
    """All documents of a file that are rules or meant to be, in order; never raises for what a file contains."""
    found: list[Document] = []
    collection = _Collection()
    for number, content in enumerate(documents(data), start=1):
        if content is None:
            continue  # an empty document, as after a last "---"
        if isinstance(content, Fault):
            found.append(Document(number, {}, str(content)))
        elif not isinstance(content, dict):
            found.append(Document(number, {}, f"not a map but a {type(content).__name__}: no Sigma rule"))
        else:
            found.extend(collection.take(number, content))
    return found or [Document(1, {}, "holds no rule")]


class _Collection:
    """The ``action`` documents of one file, after specification 1.0.

    Global documents add up and are merged into every rule that follows, which has the last word; repeat merges
    into the rule before.
    """

    def __init__(self) -> None:
        self._common: dict[Any, Any] = {}
        self._previous: dict[Any, Any] = {}

    def take(self, number: int, content: dict[Any, Any]) -> Iterator[Document]:
        """The rules, none or one, that a document of the file makes."""
        action = content.get("action")
        own = {key: value for key, value in content.items() if key != "action"}
        if action is None and ("correlation" in content or "filter" in content):
            yield Document(number, content)
        elif action is None:
            self._previous = _merged(self._common, own)
            yield self._document(number, own)
        elif action == "global":
            self._common = _merged(self._common, own)
        elif action == "reset":
            self._common = {}
        elif action == "repeat":
            self._previous = _merged(self._previous, own)
            yield self._document(number, own)
        else:
            yield Document(number, {}, f"unknown action '{action}': global, reset or repeat")

    def _document(self, number: int, own: dict[Any, Any]) -> Document:
        return Document(number, self._previous, inherited_id="id" in self._previous and "id" not in own)


def _merged(below: dict[Any, Any], above: dict[Any, Any]) -> dict[Any, Any]:
    """A new map of both; where both have a key, `above` has its say, maps being merged in turn."""
    result = dict(below)
    for key, value in above.items():
        other = result.get(key)
        result[key] = _merged(other, value) if isinstance(other, dict) and isinstance(value, dict) else value
    return result

"""What was done with notices: lines of JSON that are only added, each with the hash of the one before and a signature."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kazami.errors import UsageError
from kazami.respond.notify.sign import Signer, verify

_BEGIN = "0" * 64


class Log:
    """The log in `path`; with `public`, of lines signed with that key only. Reading it checks the chain: a line that was changed, taken out or put between is named."""

    def __init__(self, path: Path, public: str = "") -> None:
        self.path, self._public = path, public
        self._known = (0, _BEGIN)  # size and last hash, as this object left them

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines. Raises UsageError at the first that does not follow from those before it.

        A last one without its end is none: who wrote it died over it.
        """
        if not self.path.exists():
            return
        before = _BEGIN
        for number, text in enumerate(self.path.read_text("utf-8", "replace").split("\n")[:-1], 1):
            try:
                line = json.loads(text)
                good = line["before"] == before and line["hash"] == _hash(line)
                good = good and verify(line["key"], line["signature"], line["hash"].encode())
                good = good and self._public in ("", line["key"])
            except (ValueError, KeyError, TypeError, AttributeError):
                good = False
            if not good:
                raise UsageError(f"{self.path} (line {number}): does not follow from the lines before it")
            before = line["hash"]
            yield line

    def add(self, signer: Signer, **said: str) -> dict[str, Any]:
        """Add a line, on the disk before this returns."""
        return self.extend(signer, [said])[0]

    def extend(self, signer: Signer, said: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        """Add lines, on the disk before this returns; what was there is checked once, and what this object added not again."""
        before = self._end()
        made = []
        for one in said:
            line: dict[str, Any] = {**one, "before": before, "key": signer.public}
            before = line["hash"] = _hash(line)
            line["signature"] = signer.sign(before.encode())
            made.append(line)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made)
        with self.path.open("ab") as file:
            file.truncate(self._whole())
            file.write(text.encode("utf-8", "surrogatepass"))
            file.flush()
            os.fsync(file.fileno())
            self._known = (file.tell(), before)
        return made

    def _whole(self) -> int:
        """Bytes of the lines that have their end."""
        return self.path.read_bytes().rfind(b"\n") + 1

    def _end(self) -> str:
        """The hash of the last line; the whole chain is checked, unless nothing came behind what was written here."""
        if self._known[0] and self.path.exists() and self.path.stat().st_size == self._known[0]:
            return self._known[1]
        before = _BEGIN
        for known in self.lines():
            before = known["hash"]
        return before


def _hash(line: dict[str, Any]) -> str:
    own = {key: value for key, value in line.items() if key not in ("hash", "signature")}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()

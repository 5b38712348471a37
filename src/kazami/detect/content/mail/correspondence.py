"""Who writes to whom in a mailbox, mail after mail: first contacts, and strangers in a conversation.

Only headers are read, by patterns that take time in proportion; what is said of a mail is a line for the analyzer of that mail, by its
SHA-256, in the setting ``mail.told``. Addresses and identifiers are bounded; beyond that the oldest are forgotten.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

#: Mails from which on a mailbox is known well enough to call a sender new.
ENOUGH = 20
HEAD = 64 << 10  # bytes of headers that are read

_MOST_PEOPLE, _MOST_MAILS = 200_000, 200_000
_SHOWN = 20  # domains of one conversation that are told, and references that are followed

_HEADER = re.compile(rb"^(from|to|cc|message-id|in-reply-to|references)[ \t]*:[ \t]*((?:[^\n]|\n[ \t]){0,16384})", re.IGNORECASE | re.MULTILINE)  # fmt: skip
_DOMAIN = re.compile(rb"@([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)", re.IGNORECASE)
_IDENTIFIER = re.compile(rb"<([^<>\s]{3,250})>")
_END = re.compile(rb"\r?\n\r?\n")


class Correspondence:
    """What was learned of a mailbox so far. `known` are domains that the tenant's mails came from before."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._domains = dict.fromkeys(known)
        self._threads: dict[bytes, frozenset[str]] = {}
        self._mails = ENOUGH if self._domains else 0

    def hear(self, mail: bytes) -> list[str]:
        """Lines for the setting ``mail.told`` about the next mail, then it is known."""
        found: dict[str, bytes] = {}
        end = _END.search(mail, 0, HEAD)
        for name, value in _HEADER.findall(mail[: end.start() if end else HEAD]):
            found.setdefault(name.decode().lower(), value)
        sender = next(iter(_domains(found.get("from", b""))), "")
        talking = self._thread(
            _IDENTIFIER.findall(found.get("references", b"") + found.get("in-reply-to", b""))
        )
        told = []
        if sender and self._mails >= ENOUGH and sender not in self._domains:
            told.append("first")
        if sender and talking and sender not in talking:
            told.append(f"thread {' '.join(sorted(talking)[:_SHOWN])}")
        self._learn(found, sender, talking)
        if not told:
            return []
        digest = hashlib.sha256(mail).hexdigest()
        return [f"{digest} {line}" for line in told]

    def _thread(self, references: Sequence[bytes]) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for reference in references[-_SHOWN:]:
            found |= self._threads.get(reference, frozenset())
        return found

    def _learn(self, found: dict[str, bytes], sender: str, talking: frozenset[str]) -> None:
        """A mail makes its sender known, and all who are in its conversation."""
        self._mails += 1
        people = frozenset(_domains(found.get("to", b"") + b"," + found.get("cc", b""))) | {sender}
        if sender:
            self._domains[sender] = None
        for identifier in _IDENTIFIER.findall(found.get("message-id", b""))[:1]:
            self._threads[identifier] = (talking | people) - {""}
        _forget(self._domains, _MOST_PEOPLE)
        _forget(self._threads, _MOST_MAILS)


def told(lines: Iterable[str], digest: str) -> dict[str, str]:
    """What was told of the mail with this SHA-256: "first", and "thread" with the domains in it."""
    words = (line.split(" ", 2) for line in lines if line.startswith(digest))
    return {word[1]: (word[2] if len(word) > 2 else "") for word in words}


def _domains(value: bytes) -> list[str]:
    return [domain.decode().lower() for domain in _DOMAIN.findall(value)[: 10 * _SHOWN]]


def _forget(kept: dict[str, None] | dict[bytes, frozenset[str]], most: int) -> None:
    if len(kept) > most:
        for key in list(kept)[: most // 10]:
            del kept[key]  # type: ignore[arg-type]

"""From the text of a rules file to the text of its rules: action, header and options, nothing judged yet.

After the Suricata User Guide, "Rules Format". A rule is one line, or several where all but the last end in a backslash
(which may be left out).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kazami.detect.network.suricata.fault import RuleError

#: Characters of one rule, rules of one file, and options of one rule that are believed.
MAX_RULE, MAX_RULES, MAX_OPTIONS = 65_536, 500_000, 512

#: Lines of one rule that are not joined by backslashes.
MAX_LINES = 200

_END = re.compile(r"\)\s*(?:#.*)?$")

ACTIONS = ("alert", "drop", "reject", "rejectsrc", "rejectdst", "rejectboth", "pass", "config")
DIRECTIONS = ("->", "<>", "=>")


@dataclass(frozen=True, slots=True)
class Text:
    """One rule as written. `options` are (keyword, value or None), in their order, values without quotes removed."""

    action: str
    protocol: str
    source: str
    source_port: str
    direction: str
    target: str
    target_port: str
    options: tuple[tuple[str, str | None], ...]
    line: int = 0
    raw: str = ""

    def first(self, keyword: str) -> str:
        """The first value of a keyword, without quotes; empty where there is none."""
        return next((unquoted(value or "") for name, value in self.options if name == keyword), "")


def rules(text: str) -> Iterator[Text | tuple[int, str, str]]:
    """Rules of a file in their order; (line, reason, text) for what cannot be read as one. Comments are passed over."""
    count = 0
    for line, joined in _lines(text):
        if not joined or joined.startswith("#"):
            continue
        count += 1
        if count > MAX_RULES:
            yield line, f"more than {MAX_RULES:,} rules in one file: what follows is not read", ""
            return
        try:
            yield rule(joined, line)
        except RuleError as error:
            yield line, str(error), joined[:400]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Rules with the line that each begins in. One that is not at its end goes on, with a backslash or, as people write it, without."""
    waiting: list[str] = []
    start, going = 1, False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if waiting and not going and (not stripped or _begins(stripped) or not _is_open(waiting)):
            yield start, " ".join(waiting).strip()
            waiting = []
        comment = stripped.startswith("#")
        if waiting and comment and not going:
            continue
        if not waiting:
            start = number
        going = stripped.endswith("\\") and not comment
        waiting.append(stripped[:-1].rstrip() if going else stripped)
    yield start, " ".join(waiting).strip()


def _begins(line: str) -> bool:
    return line.split(None, 1)[0].lower() in ACTIONS


def _is_open(lines: list[str]) -> bool:
    """Whether a rule has begun and is not at its end."""
    return _begins(lines[0] or "#") and len(lines) < MAX_LINES and not _END.search(lines[-1])


def rule(text: str, line: int = 0) -> Text:
    """One rule.

    Raises:
        RuleError: It is none.
    """
    if len(text) > MAX_RULE:
        raise RuleError(f"a rule of {len(text):,} characters")
    head, parenthesis, rest = text.partition("(")
    words = _words(head)
    if not parenthesis or len(words) != 7:
        raise RuleError("is not 'action protocol source port direction target port (options)'")
    body, end, _ = rest.rpartition(")")  # what stands behind it is passed over, as Suricata does
    if not end:
        raise RuleError("does not end in a parenthesis")
    action, protocol, source, source_port, direction, target, target_port = words
    if action.lower() not in ACTIONS:
        raise RuleError(f"{action!r} is no action")
    if direction not in DIRECTIONS:
        raise RuleError(f"{direction!r} is no direction")
    options = tuple(_options(body))
    return Text(
        action.lower(), protocol.lower(), source, source_port, direction, target, target_port,
        options, line, text,
    )  # fmt: skip


def _words(head: str) -> list[str]:
    """Words between blanks; a list in brackets may hold blanks."""
    words: list[str] = []
    depth, word = 0, ""
    for letter in head:
        depth += (letter == "[") - (letter == "]")
        if letter.isspace() and depth <= 0:
            if word:
                words.append(word)
            word = ""
        elif not letter.isspace():
            word += letter
    return [*words, word] if word else words


def _options(body: str) -> Iterator[tuple[str, str | None]]:
    count = 0
    for part in split(body, ";"):
        text = part.strip()
        if not text:
            continue
        count += 1
        if count > MAX_OPTIONS:
            raise RuleError(f"more than {MAX_OPTIONS} options")
        name, colon, value = text.partition(":")
        name = name.strip()
        if not name.replace("_", "").replace(".", "").replace("-", "").isalnum():
            raise RuleError(f"{name[:40]!r} is no keyword")
        yield name, value.strip() if colon else None


def split(text: str, mark: str) -> list[str]:
    """Parts of `text` between marks that no backslash precedes. Quotes do not hide a mark: in a rule it is escaped."""
    parts: list[str] = []
    start = at = 0
    while (at := text.find(mark, at)) >= 0:
        slashes = 0
        while at - slashes > start and text[at - slashes - 1] == "\\":
            slashes += 1
        if slashes % 2 == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def unquoted(value: str) -> str:
    r"""A value without its quotes, and with ``\;``, ``\"`` and ``\\`` as what they stand for."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if "\\" not in value:
        return value
    made, at = "", 0
    while at < len(value):
        if value[at] == "\\" and at + 1 < len(value) and value[at + 1] in ';"\\:':
            at += 1
        made += value[at]
        at += 1
    return made

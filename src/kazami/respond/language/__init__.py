"""The words that people read, in each language: one YAML catalog a language, in this folder.

A catalog is a tree of texts; a key is the path to one of them (``report.title``). Texts hold named
placeholders in braces. What is counted has two forms, ``one`` and ``other``; a language without a plural
has only ``other``. Words between asterisks are bold where a text is printed as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml
from markupsafe import Markup

from kazami.errors import UsageError
from kazami.respond.text import safe

LANGUAGES: tuple[str, ...] = ("en", "ja")


_BOLD = re.compile(r"\*([^*]+)\*")


class Words:
    """One language: ``words("report.title")`` gives a text, the other methods numbers, times and counts."""

    def __init__(self, lang: str, texts: Mapping[str, str]) -> None:
        self.lang = lang
        self.texts = texts

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key` with its placeholders filled; raises KeyError for an unknown key."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def marked(self, key: str, /, **values: object) -> Markup:
        """As a call, but as HTML: ``*words*`` of the catalog are bold, every value is made visible and escaped."""
        text = _BOLD.sub(r"<strong>\1</strong>", str(Markup.escape(self.texts[key])))
        return Markup(text).format(**{name: safe(str(value)) for name, value in values.items()})  # noqa: S704

    def count(self, noun: str, number: int) -> str:
        """`number` of `noun` ("1 finding", "1,203 findings")."""
        one = self.texts.get(f"count.{noun}.one")
        form = one if number == 1 and one is not None else self.texts[f"count.{noun}.other"]
        return form.format(n=self.number(number))

    def number(self, number: int) -> str:
        """`number` with its thousands set apart."""
        return f"{number:,}"

    def level(self, level: str) -> str:
        """A level of Sigma in words; an unknown one counts as informational, as everywhere."""
        return self.texts.get(f"level.{level}") or self.texts["level.informational"]

    def tactic(self, tactic: str) -> str:
        """A tactic of ATT&CK by its name."""
        return self.texts.get(f"tactic.{tactic}", tactic)

    def time(self, time: datetime | str | None, seconds: bool = True) -> str:
        """A time in UTC as ``2024-03-02 14:05:33``; a dash where there is none."""
        moment = parse_time(time) if isinstance(time, str) else time
        if moment is None:
            return "–"
        text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")
        return text if seconds else text[:-3]

    def size(self, size: float) -> str:
        """A number of bytes in decimal units."""
        for unit in ("B", "kB", "MB", "GB"):
            if size < 1000:
                return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
            size /= 1000
        return f"{size:.1f} TB"

    def duration(self, seconds: float) -> str:
        """A span of time in its two largest units."""
        rest, parts = int(seconds), []
        for unit, length in (("y", 31_556_952), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
            number, rest = divmod(rest, length)
            if number:
                parts.append(self.texts[f"unit.{unit}"].format(n=number))
            if len(parts) == 2 or (parts and not number):
                break
        return self.texts["unit.join"].join(parts) or self.texts["unit.s"].format(n=0)

    def listing(self, names: list[str], total: int, noun: str) -> str:
        """The first `names` in a row, and how many more there are of `total`."""
        row = self.texts["list.comma"].join(names)
        more = total - len(names)
        return self("list.more", names=row, more=self.count(noun, more)) if more > 0 else row


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time as rows carry it, in UTC; None where it is none."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", str(value)


@lru_cache(maxsize=len(LANGUAGES))
def words(lang: str) -> Words:
    """The words of `lang`; raises UsageError for a language that has no catalog."""
    if lang not in LANGUAGES:
        raise UsageError(f"no language {lang!r}: one of {', '.join(LANGUAGES)}")
    text = files(__name__).joinpath(f"{lang}.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Words(lang, dict(_leaves(yaml.load(text, Loader=loader))))  # noqa: S506 - a safe loader, ours

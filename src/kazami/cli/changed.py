"""Changes as people and programs read them: a table, JSON lines, or a page."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazami.cli import output
from kazami.cli.rows import drawn, line
from kazami.cli.verdict import spoken
from kazami.detect.change.rank import signs, title
from kazami.model.finding import LEVELS, level_rank

if TYPE_CHECKING:
    from kazami.model.change import Change
    from kazami.pipeline.changes import Told

#: Characters of what differs that a table shows.
_SHOWN = 120
#: Digits of a hash that a table shows.
_DIGITS = 12

_NAMES = {
    "en": ("level", "score", "change", "host", "name", "from", "to", "why"),
    "ja": ("レベル", "点", "変更", "ホスト", "名前", "前", "後", "理由"),
}
_UNREAD = {"en": ("name", "reason"), "ja": ("名前", "理由")}
_WORDS = {
    "en": {
        "title": "Changes",
        "lede": "{open} changes that nothing approves, {approved} approved.",
        "against": "{host}, against {baseline}",
        "nothing": "nothing changed",
        "unread": "Not looked at, or not wholly",
        "approved": "approved",
    },
    "ja": {
        "title": "変更",
        "lede": "承認されていない変更 {open} 件、承認済み {approved} 件。",
        "against": "{host} (比較元: {baseline})",
        "nothing": "変更はありません",
        "unread": "確認できなかったもの",
        "approved": "承認済み",
    },
}  # fmt: skip


def show(told: Sequence[Told], form: str, path: Path | None, lang: str, least: str, every: bool) -> None:
    """Print what changed, or write it to `path`; from the level `least` on, approved changes only with `every`."""
    if not form:
        form = "table" if path is None and sys.stdout.isatty() else "jsonl"
    shown = [(one, _shown(one, least, every)) for one in told]
    with output.target(path) as out:
        if form == "html":
            out.write(_page(shown, lang))
        elif form == "jsonl":
            out.writelines(line(row(one, change, lang)) + "\n" for one, found in shown for change in found)
        elif path is not None:
            from rich.console import Console

            Console(file=out, width=200).print(_table(shown, lang))
        elif any(found for _, found in shown):
            from kazami.cli.terminal import data

            data().print(_table(shown, lang))
    _say(told, lang)


def _shown(one: Told, least: str, every: bool) -> list[Change]:
    return [change for change in one.changes if every or (not change.approval and level_rank(change.level) >= level_rank(least))]  # fmt: skip


def row(one: Told, change: Change, lang: str) -> dict[str, Any]:
    """A change as one JSON line says it."""
    item = change.item
    said = {
        "level": change.level,
        "score": change.score,
        "what": change.what,
        "kind": item.kind,
        "title": title(change, lang),
        "tenant": one.tenant,
        "host": item.host or one.host,
        "name": item.name,
        "time": item.time,
        "differs": change.differing,
        "facts": dict(item.facts),
        "signs": signs(change, lang),
        "verdict": change.verdict,
        "proofs": [proof.title for proof in one.inspected[sha].verdict.proofs if proof.counts]
        if (sha := item.facts.get("sha256", "")) in one.inspected
        else [],
        "approval": change.approval,
        "rule": f"change.{change.rule}",
        "baseline": one.baseline,
    }
    return {name: value for name, value in said.items() if value not in ("", None, [], {})}


def _table(shown: Sequence[tuple[Told, list[Change]]], lang: str) -> Any:
    return drawn(_NAMES[lang], [_cells(one, change, lang) for one, found in shown for change in found])  # fmt: skip


def _cells(one: Told, change: Change, lang: str) -> list[Any]:
    from kazami.respond.language import words

    why = [
        spoken(change.verdict, lang),
        *signs(change, lang),
        _WORDS[lang]["approved"] if change.approval else "",
    ]
    level = words(lang).level(change.level)
    host, name = change.item.host or one.host, change.item.name
    return [level, change.score, title(change, lang), host, name, _side(change, 0), _side(change, 1), "; ".join(filter(None, why))]  # fmt: skip


def _side(change: Change, side: int) -> str:
    """What differs on one side; hashes by their first digits."""
    pairs = ((name, pair[side]) for name, pair in change.differing.items() if pair[side] and name != "type")
    text = " ".join(f"{name}={value[:_DIGITS] if name == 'sha256' else value}" for name, value in pairs)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _page(shown: Sequence[tuple[Told, list[Change]]], lang: str) -> str:
    from kazami.respond.report.sheet import Sheet, write

    said = _WORDS[lang]
    sheets = []
    for one, found in shown:
        rows = [[change.level, *_cells(one, change, lang)[1:]] for change in found]
        notes = [*one.notes, *([] if rows else [said["nothing"]])]
        heading = said["against"].format(host=one.host, baseline=one.baseline or "–")
        sheets.append(Sheet(heading, _NAMES[lang], rows, notes, levels=True))
        if one.unread:
            sheets.append(Sheet(said["unread"], _UNREAD[lang], [[m.name, m.reason] for m in one.unread]))
    return write(said["title"], _lede([one for one, _ in shown], lang), sheets, lang)


def _lede(told: Sequence[Told], lang: str) -> str:
    number = sum(len(one.open) for one in told)
    return _WORDS[lang]["lede"].format(open=f"{number:,}", approved=f"{sum(len(one.changes) for one in told) - number:,}")  # fmt: skip


def _say(told: Sequence[Told], lang: str) -> None:
    """Counts and notes, on standard error."""
    from kazami.cli.terminal import say
    from kazami.respond.language import words

    counts = Counter(change.level for one in told for change in one.open)
    by_level = ", ".join(f"{counts[name]:,} {words(lang).level(name)}" for name in reversed(LEVELS) if counts[name])  # fmt: skip
    say(_lede(told, lang) + (f" ({by_level})" if by_level else ""))
    for note in _notes(told):
        say(note, "yellow")


def _notes(told: Sequence[Told]) -> Iterator[str]:
    silent = [one for one in told if not one.baseline]
    for one in told:
        yield from (f"{one.host}: {note}" for note in one.notes if one.baseline)
    if silent:
        names = ", ".join(one.host for one in silent[:10])
        yield f"{len(silent):,} hosts of which nothing is known from before: {names}{' ...' if len(silent) > 10 else ''}"

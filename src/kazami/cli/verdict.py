"""Verdicts as rows: one JSON line each, or a table with their proofs."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from kazami.model.content import WORDS, Inspection, Proof
from kazami.respond.text import safe, shorten

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {
    "malicious": "bold white on red",
    "suspicious": "bold red",
    "incomplete": "yellow",
    "informational": "cyan",
    "clean": "green",
}
_JAPANESE = {
    "malicious": "悪性",
    "suspicious": "疑わしい",
    "incomplete": "未完了",
    "informational": "情報",
    "clean": "問題なし",
    "verdict": "判定",
    "score": "点",
    "file": "ファイル",
    "kind": "種類",
    "why": "理由",
    "clean files are not shown": "問題なしのファイルは表示していません",
}
_PROOFS = 12  # shown of each file


def row(found: Inspection) -> dict[str, Any]:
    """An inspection as one JSON line says it: the verdict first, then proofs, gaps and everything that was looked at."""
    verdict = found.verdict
    artifacts = [
        {
            "place": one.place,
            "kind": one.kind,
            "size": one.size,
            "sha256": one.sha256,
            "sha1": one.sha1,
            "md5": one.md5,
            "depth": one.depth,
            "parent": one.parent,
            "relation": one.relation,
            "analyzers": one.analyzers,
        }
        for one in found.looked
    ]
    return {
        "name": found.name,
        "verdict": "unread" if found.error else verdict.word,
        "score": verdict.score,
        "kind": found.kind,
        "size": found.size,
        "sha256": found.sha256,
        "proofs": [_said(asdict(proof)) for proof in verdict.proofs],
        "gaps": [_said(asdict(gap)) for gap in verdict.gaps],
        "artifacts": [_said(one) for one in artifacts],
        "rules": found.rules,
        "seconds": found.seconds,
    } | ({"error": found.error} if found.error else {})


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value not in ("", None, (), [])}


def spoken(text: str, lang: str) -> str:
    """A word of this table, or of a verdict, in a language."""
    return _JAPANESE.get(text, text) if lang == "ja" else text


def show(found: list[Inspection], lang: str, *, few: int) -> None:
    """A table on standard output, the worst first; where there are more than `few`, clean files are only counted."""
    from rich.table import Table
    from rich.text import Text

    from kazami.cli.terminal import data, speaking, talk

    word = partial(spoken, lang=lang)
    shown = [one for one in found if len(found) <= few or one.verdict.word != "clean"]
    shown.sort(key=lambda one: (-WORDS.index(one.verdict.word), -one.verdict.score, one.name))
    grid = Table(box=None, pad_edge=False)
    for name, ratio in (("verdict", None), ("score", None), ("file", 2), ("kind", None), ("why", 5)):
        grid.add_column(word(name), ratio=ratio, overflow="fold")
    above = _above([one.name for one in shown])
    for one in shown:
        label = Text("unread" if one.error else word(one.verdict.word), style=_STYLES[one.verdict.word])
        grid.add_row(label, str(one.verdict.score), Text(safe(one.name[above:])), one.kind, _why(one))
    with speaking(sys.stdout):
        data().print(grid)
    counts = Counter(one.verdict.word for one in found)
    told = ", ".join(f"{counts[name]:,} {word(name)}" for name in reversed(WORDS) if counts[name])
    with speaking(sys.stderr):
        talk().print(f"{told}{'' if len(shown) == len(found) else '; ' + word('clean files are not shown')}")


def _above(names: list[str]) -> int:
    """Characters of the folders that all names begin with."""
    if len(names) < 2:
        return names[0].rfind("/") + 1 if names else 0
    first, last = min(names), max(names)
    same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return first.rfind("/", 0, same) + 1


def _why(one: Inspection) -> Text:
    from rich.text import Text

    lines = Text()
    for number, proof in enumerate(one.verdict.proofs[:_PROOFS]):
        lines.append("\n" if number else "")
        lines.append(_proof(proof, one.name), style="" if proof.counts else "dim")
    if more := len(one.verdict.proofs) - _PROOFS:
        lines.append(f"\n+ {more:,}" if more > 0 else "")
    for gap in one.verdict.gaps[:_PROOFS]:
        lines.append("\n" if lines.plain else "")
        said = ": ".join(filter(None, (gap.analyzer, gap.place, gap.reason)))
        lines.append(safe(shorten(f"? {said}", 300)[0]), style="yellow")
    return lines


def _proof(proof: Proof, name: str) -> str:
    value = f": {shorten(proof.value, 120)[0]}" if proof.value else ""
    inside = proof.place.partition("!")[2]
    place = (
        f" [{shorten(inside, 120)[0]}{'' if proof.offset is None else f' @{proof.offset}'}]" if inside else ""
    )
    techniques = f" ({', '.join(proof.techniques)})" if proof.techniques else ""
    return safe(f"{proof.level}: {proof.title}{value}{place}{techniques}{_credit(proof)}")


def _credit(proof: Proof) -> str:
    """Who says so, under which licence, and where: the author's due."""
    author = f" by {proof.author}" if proof.author else ""
    terms = f" ({shorten(proof.license, 60)[0]})" if proof.license else ""
    reference = f" <{shorten(proof.references[0], 120)[0]}>" if author and proof.references else ""
    return author + terms + reference

"""``kazami evaluate``: what looking inside files is worth on one's own samples."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kazami import config
from kazami.cli import output
from kazami.cli.exit_code import DONE
from kazami.cli.rows import drawn, line
from kazami.cli.scan import Language, cores
from kazami.errors import UsageError

_WORDS = {
    "en": {
        "title": "Evaluation of looking inside files",
        "lede": "{malicious} malicious and {benign} benign samples; {incomplete} not looked at as a whole. Found is what is called suspicious or malicious.",
        "layers": "Layers, added up", "without": "All layers but one", "types": "By type", "families": "By family",
        "confusion": "Labels and verdicts", "misses": "Misses", "alarms": "False alarms", "faults": "Labels and samples that could not be used",
        "few": "needs {n} benign", "all": "all", "speed": "{files_a_second} files and {mb_a_second} MB a second; half of the files within {p50_ms} ms, 95 % within {p95_ms} ms (time on the clock, in workers beside each other)",
        "grouped": "{families} families, mean rate {mean_tpr}; never found: {never}",
        "unlabeled": "{n} files without a label were left out",
        "held": "With a threshold chosen without the family and the benign files that are asked, at {share} false alarms: found {tpr}, false alarms {fpr}",
    },
    "ja": {
        "title": "ファイル検査の評価",
        "lede": "悪性 {malicious} 件、良性 {benign} 件。全体を確認できなかったもの {incomplete}。「疑わしい」または「悪性」と判定されたものを検出とする。",
        "layers": "層を順に加えた結果", "without": "一つの層を除いた結果", "types": "種類別", "families": "ファミリー別",
        "confusion": "ラベルと判定", "misses": "見逃し", "alarms": "誤検知", "faults": "使えなかったラベルとサンプル",
        "few": "良性が {n} 件必要", "all": "すべて", "speed": "毎秒 {files_a_second} ファイル、{mb_a_second} MB。半数は {p50_ms} ms 以内、95 % は {p95_ms} ms 以内 (並行する作業プロセスでの実時間)",
        "grouped": "{families} ファミリー、平均検出率 {mean_tpr}。検出されなかったもの: {never}",
        "unlabeled": "ラベルのない {n} ファイルは除外した",
        "held": "しきい値を対象のファミリーと良性ファイル以外で決めた場合 (誤検知率 {share}): 検出 {tpr}、誤検知 {fpr}",
    },
}  # fmt: skip
#: Rates in the order of the columns; types that a terminal shows.
_RATES = ("tpr", "fpr", "convicted", "falsely_convicted", "tpr_at_fpr_0.001", "tpr_at_fpr_0.01")
_FEW = 15
_NAMES = {
    "en": (
        "layers",
        "found",
        "false alarms",
        "convicted",
        "falsely convicted",
        "found at 0.1 %",
        "found at 1 %",
    ),
    "ja": (
        "層",
        "検出率",
        "誤検知率",
        "悪性判定",
        "悪性の誤判定",
        "誤検知 0.1 % での検出",
        "誤検知 1 % での検出",
    ),
}
_LISTED = {
    "en": ("verdict", "score", "name", "type", "family", "why"),
    "ja": ("判定", "点", "名前", "種類", "ファミリー", "理由"),
}
_LABEL = {"en": ("label",), "ja": ("ラベル",)}


def evaluate(
    samples: Annotated[Path, typer.Option("--samples", help="Folder of samples.")],
    labels: Annotated[Path, typer.Option("--labels", help="CSV: path or sha256, label, perhaps family.")],
    password: Annotated[list[str] | None, typer.Option(help="Tried on anything encrypted. May be repeated.")] = None,
    yara: Annotated[list[Path] | None, typer.Option(help="YARA rules: a file or folder. May be repeated.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Run the slow analyzers too.")] = False,
    emulate: Annotated[bool, typer.Option("--emulate", help="Run programs and scripts in an emulator or a cage.")] = False,
    tenant: Annotated[str, typer.Option(help="Count what is rare at this tenant.")] = "",
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Worker processes (default: cores).")] = None,
    form: Annotated[output.Format | None, typer.Option("--format", help="table or jsonl (terminal: table, else jsonl).")] = None,
    output_file: Annotated[Path | None, typer.Option("--output", help="Write JSON to this file.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page to this file, which needs no network.")] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.en,
    configuration: Annotated[Path | None, typer.Option("--config", help="Settings (default: kazami.toml).")] = None,
) -> int:  # fmt: skip
    """Measure detection in files on one's own labeled samples, layer by layer. Nothing leaves the machine."""
    from kazami.cli.inspect import wish_of
    from kazami.pipeline.evaluation.labels import read
    from kazami.pipeline.evaluation.run import evaluate as run
    from kazami.pipeline.rarity import memory_of
    from kazami.store.memories import default

    if not samples.is_dir():
        raise UsageError(f"{samples}: is no folder")
    output.check(output_file)
    output.check(report)
    known = memory_of(default(), tenant) if tenant else None
    settings = config.load(configuration)
    wish = wish_of(
        settings, password or (), yara or (), deep=deep, emulate=emulate
    )  # nothing from the cache: times are measured
    told = run(samples, read(labels), wish, workers=workers or cores(), known=known)  # fmt: skip
    if not any(told["samples"].values()):
        raise UsageError(f"{labels}: labels none of the files in {samples}" + "".join(f"; {fault}" for fault in told["faults"][:3]))  # fmt: skip
    if form is output.Format.table or (form is None and output_file is None and sys.stdout.isatty()):
        _table(told, lang.value)
    else:
        with output.target(output_file) as out:
            out.write(line(told) + "\n")
    if report is not None:
        with output.target(report) as out:
            out.write(page(told, lang.value))
    _say(told, lang.value)
    return DONE


def _percent(rate: dict[str, Any], lang: str) -> str:
    """A rate with its bounds of 95 %, and of how many; on a page there is room for all of it."""
    if "needs_benign" in rate:
        return _WORDS[lang]["few"].format(n=f"{rate['needs_benign']:,}")
    if rate["rate"] is None:
        return "–"
    return f"{100 * rate['rate']:.1f} % ({100 * rate['low']:.1f}–{100 * rate['high']:.1f}; {rate['hits']:,}/{rate['total']:,})"


def _short(rate: dict[str, Any], lang: str = "") -> str:
    """A rate with its bounds of 95 %, in percent."""
    if rate["rate"] is None:
        return "–"
    return f"{100 * rate['rate']:.1f} ({100 * rate['low']:.1f}–{100 * rate['high']:.1f})"


Said = Callable[[dict[str, Any], str], str]


def _cells(name: str, rates: dict[str, Any], lang: str, said: Said) -> list[str]:
    return [name, *(said(rates[one], lang) for one in _RATES)]


def _layers(told: dict[str, Any], which: str, lang: str, said: Said) -> list[list[str]]:
    from kazami.pipeline.evaluation.layers import layers

    signs = ["", *["+ "] * len(told[which])] if which == "layers" else ["− "] * len(told[which])
    pairs = zip(signs, told[which].items(), strict=False)
    return [_cells(sign + layers()[name][lang], rates, lang, said) for sign, (name, rates) in pairs]


def _table(told: dict[str, Any], lang: str) -> None:
    from kazami.cli.terminal import data, speaking

    with speaking(sys.stdout):
        for which in ("layers", "without"):
            data().print(f"{_WORDS[lang][which]} (%)", style="bold")
            data().print(drawn(_NAMES[lang], _layers(told, which, lang, _short)))
        data().print(f"{_WORDS[lang]['types']} (%)", style="bold")
        data().print(drawn(("", *_NAMES[lang][1:]), _types(told, lang, _short)[:_FEW]))


def _types(told: dict[str, Any], lang: str, said: Said) -> list[list[str]]:
    return [
        _cells(f"{kind} ({rates['samples']:,})", rates, lang, said) for kind, rates in told["types"].items()
    ]


def page(told: dict[str, Any], lang: str) -> str:
    """The evaluation as a page."""
    from kazami.respond.report.sheet import Sheet, write

    said, names = _WORDS[lang], _NAMES[lang]
    confusion = told["confusion"]
    words = list(confusion["benign"])
    sheets = [
        Sheet(said["layers"], names, _layers(told, "layers", lang, _percent), _notes(told, lang)),
        Sheet(said["without"], names, _layers(told, "without", lang, _percent)),
        Sheet(said["types"], ("", *names[1:]), _types(told, lang, _percent)),
        Sheet(said["confusion"], (*_LABEL[lang], *words), [[label, *row.values()] for label, row in confusion.items()]),
    ]  # fmt: skip
    if told["families"]:
        rows = [[one["family"], _percent(one, lang)] for one in told["families"]["worst"]]
        sheets.append(
            Sheet(said["families"], (_LISTED[lang][4], names[1]), rows, _grouped(told["families"], lang))
        )
    for which, title in (("misses", "misses"), ("false_alarms", "alarms")):
        rows = [
            [one["verdict"], one["score"], one["name"], one["kind"], one["family"], "; ".join(one["proofs"])]
            for one in told[which]
        ]
        sheets.append(Sheet(f"{said[title]} ({len(rows):,})", _LISTED[lang], rows))
    if told["faults"] or told["unread"]:
        sheets.append(Sheet(said["faults"], ("",), [[text] for text in (*told["faults"], *told["unread"])]))
    return write(said["title"], _lede(told, lang), sheets, lang)


def _lede(told: dict[str, Any], lang: str) -> str:
    return _WORDS[lang]["lede"].format(**told["samples"], incomplete=_percent(told["incomplete"], lang))


def _notes(told: dict[str, Any], lang: str) -> list[str]:
    said = _WORDS[lang]
    notes = [said["speed"].format(**told["speed"])]
    last = list(told["layers"].values())[-1]
    notes += [
        f"{name}: {_percent(last[rate], lang)}"
        for rate, name in zip(_RATES, _NAMES[lang][1:], strict=True)
        if "needs_benign" in last[rate]
    ]
    if told["unlabeled"]:
        notes.append(said["unlabeled"].format(n=f"{told['unlabeled']:,}"))
    return notes


def _grouped(families: dict[str, Any], lang: str) -> Sequence[str]:
    said = _WORDS[lang]
    notes = [
        said["grouped"].format(
            families=families["families"],
            mean_tpr=f"{100 * families['mean_tpr']:.1f} %",
            never=", ".join(families["never_found"][:20]) or "–",
        )
    ]
    for share, text in (("0.001", "0.1 %"), ("0.01", "1 %")):
        held = families[f"held_out_at_fpr_{share}"]
        if held["tpr"] is not None:
            notes.append(
                said["held"].format(
                    share=text, tpr=_percent(held["tpr"], lang), fpr=_percent(held["fpr"], lang)
                )
            )
    return notes


def _say(told: dict[str, Any], lang: str) -> None:
    from kazami.cli.terminal import say

    say(_lede(told, lang))
    for note in _notes(told, lang):
        say(note)
    if told["faulty"]:
        say(f"{told['faulty']:,}: {_WORDS[lang]['faults']}", "yellow")
        for fault in told["faults"][:10]:
            say(f"  {fault}", "yellow")

"""Labels, layers and figures of an evaluation, each against what can be worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kazami.errors import UsageError
from kazami.model.content import Feature, Gap, Inspection, Looked, Verdict, Word
from kazami.pipeline.evaluation import layers, measure
from kazami.pipeline.evaluation.labels import Label, read
from kazami.pipeline.evaluation.measure import Judged
from kazami.pipeline.evaluation.run import evaluate
from kazami.pipeline.inspect import Wish


@pytest.mark.parametrize(
    ("text", "paths", "hashes", "faults"),
    [
        (
            "path,label,family\na.exe,malware,x\n./b/c.exe,clean,\n",
            {"a.exe": (True, "x"), "b/c.exe": (False, "")},
            {},
            [],
        ),
        ("a.exe;1\nb.exe;0\n", {"a.exe": (True, ""), "b.exe": (False, "")}, {}, []),
        ("sha256\tclass\n" + "A" * 64 + "\tMALICIOUS\n", {}, {"a" * 64: (True, "")}, []),
        ("ファイル,path,label\n請求書,b\\請求書.doc,悪性\n", {"b/請求書.doc": (True, "")}, {}, []),
        (
            "label,path\nperhaps,a\n1,\n1,b\n0,b\n\n",
            {"b": (True, "")},
            {},
            [
                "line 2: 'perhaps' is no label: say malicious or benign",
                "line 3: names no sample",
                "line 5: b has another label above; that one counts",
            ],
        ),
    ],
)
def test_labels(
    tmp_path: Path, text: str, paths: dict[str, Any], hashes: dict[str, Any], faults: list[str]
) -> None:
    for encoding in ("utf-8-sig", "cp932"):
        (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
        found = read(tmp_path / "labels.csv")
        assert found.by_path == {name: Label(*said) for name, said in paths.items()}
        assert found.by_hash == {name: Label(*said) for name, said in hashes.items()}
        assert (found.faults, found.bad) == (faults, len(faults))


@pytest.mark.parametrize("content", [b"", b"\xff\xff\xff\xff", b"name only\n", b"a,b,c\nd,e,f\n"])
def test_no_labels(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(UsageError, match=r"labels\.csv"):
        read(tmp_path / "labels.csv")
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none.csv")


def sample(number: int, malicious: bool, score: int, family: str = "", word: Word | None = None) -> Judged:
    said: Word = word or ("suspicious" if score >= 50 else "clean")
    return Judged(f"s{number}", f"{number:064x}", "pe", 1000, malicious, family, {"all": (said, score)}, 0.01)


def test_rates_by_word_and_by_score() -> None:
    good = [sample(n, False, 60 if n < 2 else 20 if n < 10 else 2) for n in range(1000)]
    bad = [sample(2000 + n, True, 90 if n < 30 else 40 if n < 60 else 10) for n in range(100)]
    told = measure.rates([*good, *bad], "all")
    assert (told["tpr"]["hits"], told["tpr"]["total"], told["fpr"]["hits"]) == (30, 100, 2)
    assert told["tpr_at_fpr_0.001"]["score"] == 61, "one of 1,000 may reach it, two do at 60"
    assert told["tpr_at_fpr_0.001"]["rate"] == 0.3
    assert told["tpr_at_fpr_0.01"]["score"] == 3, "ten of 1,000 may, and ten are above 2"
    assert told["tpr_at_fpr_0.01"]["rate"] == 1.0
    assert told["convicted"]["hits"] == 0
    few = measure.rates([*good[:99], *bad], "all")
    assert few["tpr_at_fpr_0.01"] == {"rate": None, "needs_benign": 100}
    assert measure.rates(bad, "all")["fpr"]["rate"] is None


def test_families_and_thresholds_that_did_not_see_them() -> None:
    good = [sample(n, False, 55 if n % 100 == 0 else 2) for n in range(2000)]
    bad = [
        sample(5000 + n, True, score, family)
        for n, (family, score) in enumerate([("a", 90)] * 9 + [("b", 10)] * 5 + [("c", 58)] * 2)
    ]
    told = measure.grouped([*good, *bad], "all")
    assert (told["families"], told["never_found"]) == (3, ["b"])
    assert told["mean_tpr"] == pytest.approx(2 / 3, abs=1e-5)
    assert told["worst"][0]["family"] == "b"
    held = told["held_out_at_fpr_0.001"]
    assert (held["tpr"]["hits"], held["tpr"]["total"]) == (11, 16)
    assert held["fpr"]["hits"] == 0
    assert measure.grouped(good, "all") == {}


def test_confusion_and_speed() -> None:
    samples = [sample(1, True, 90), sample(2, False, 2), sample(3, True, 2, word="incomplete")]
    assert measure.confusion(samples, "all")["malicious"] == {"clean": 0, "informational": 0, "incomplete": 1, "suspicious": 1, "malicious": 0}  # fmt: skip
    assert measure.speed(samples, 2.0) == {"files": 3, "bytes": 3000, "seconds": 2.0, "files_a_second": 1.5, "mb_a_second": 0.0, "p50_ms": 10.0, "p95_ms": 10.0}  # fmt: skip


def inspected(*features: Feature, gaps: tuple[Gap, ...] = ()) -> Inspection:
    looked = (Looked("a", "a", "pe", 1, "0" * 64, "", "", 0, "", "", ("pe",), features, gaps),)
    return Inspection("a", "0" * 64, 1, "pe", Verdict("clean", 0, gaps=gaps), looked)


def test_features_belong_to_layers_and_what_is_left_out_does_not_count() -> None:
    assert layers.layer_of(Feature("pe.signer")) == "executables"
    assert layers.layer_of(Feature("macro.autoexec")) == "scripts"
    assert layers.layer_of(Feature("name.double_extension")) == "structure"
    names = list(layers.layers())
    assert [last for last, _ in layers.sums()] == names
    one = inspected(Feature("own.rule", level="critical", group="signature", confidence="high"))
    assert layers.judged(one, names).word == "malicious"
    assert layers.judged(one, [name for name in names if name != "signatures"]).word == "clean"
    assert layers.layer_of(Feature("learned.rare")) == "learned"
    assert layers.layer_of(Feature("who.knows")) == "structure"
    missing = inspected(gaps=(Gap("missing", "not here", analyzer="pe"),))
    assert layers.judged(missing, names).word == "incomplete"
    assert layers.judged(missing, ["signatures"]).word == "clean"


def test_from_a_folder_and_labels_to_figures(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "invoice.pdf.exe").write_bytes(b"MZ" + bytes(200))
    (folder / "letter.txt").write_text("Dear all, nothing is in here.")
    (folder / "unlabeled.txt").write_text("not labeled")
    (tmp_path / "labels.csv").write_text(
        "path,label,family\ninvoice.pdf.exe,1,lure\nletter.txt,0,\ngone.exe,1,\n"
    )
    told = evaluate(folder, read(tmp_path / "labels.csv"), Wish())
    assert told["samples"] == {"malicious": 1, "benign": 1}
    assert told["layers"]["signatures"]["tpr"]["hits"] == 0
    assert told["layers"]["structure"]["tpr"]["hits"] == 1, "its name alone"
    assert told["without"]["structure"]["tpr"]["hits"] == 0
    assert (told["unlabeled"], told["faulty"]) == (1, 1)
    assert told["faults"] == ["gone.exe: is labeled, and not among the samples"]
    assert (
        [one["name"] for one in told["misses"]] == []
        if told["layers"]["learned"]["tpr"]["hits"]
        else ["invoice.pdf.exe"]
    )

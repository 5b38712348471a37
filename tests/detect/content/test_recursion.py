"""One submission: breadth first, each content once, under one budget; whatever an analyzer does."""

from __future__ import annotations

import struct
import time
from types import SimpleNamespace
from typing import Any

import pytest

from content_writer import zipped
from kazami.archive.stream import reason
from kazami.detect.content.recursion import look
from kazami.model.content import Analysis, Artifact, Child, Feature, Gap, Limits, Looked, Meaning, Scope
from kazami.pipeline.inspect import analyzers as registered
from kazami.plugins import Extension


def analyzer(name: str, analyze: Any, **more: Any) -> Extension:
    thing = SimpleNamespace(confidence=lambda head, name: 1.0, analyze=analyze, MEANINGS={}, **more)
    return Extension("kazami.analyzers", name, "test", thing)


def split(data: bytes, scope: Scope) -> Analysis:
    """``(a(b)c)``-like: a line is a child, a tab deeper."""
    lines = [line for line in data.split(b"\n") if line] if b"\n" in data else []
    return Analysis(children=tuple(Child(f"{n}", line) for n, line in enumerate(lines)))


def run(data: bytes, *analyzers: Extension, limits: Limits | None = None, **more: Any) -> list[Looked | Gap]:
    return list(look(Artifact(data, ("root",)), analyzers, Scope(limits or Limits()), **more))


def test_children_come_after_all_of_their_elders_and_once() -> None:
    found = run(b"aa\nbb\naa\n", analyzer("split", split))
    assert [(f.place, f.depth, f.analyzers) for f in found if isinstance(f, Looked)] == [
        ("root", 0, ("split",)),
        ("root!0", 1, ("split",)),
        ("root!1", 1, ("split",)),
        ("root!2", 1, ()),
    ]


def test_what_an_analyzer_raises_is_a_gap() -> None:
    def broken(data: bytes, scope: Scope) -> Analysis:
        raise ValueError("bad offset")

    def deep(data: bytes, scope: Scope) -> Analysis:
        return deep(data, scope)

    def greedy(data: bytes, scope: Scope) -> Analysis:
        raise MemoryError

    (only,) = run(b"x", analyzer("a", broken), analyzer("b", deep), analyzer("c", greedy))
    assert isinstance(only, Looked)
    assert [(gap.kind, gap.analyzer) for gap in only.gaps] == [
        ("error", "a"),
        ("error", "b"),
        ("memory", "c"),
    ]


def test_an_analyzer_without_end_is_stopped() -> None:
    def endless(data: bytes, scope: Scope) -> Analysis:
        while True:
            try:
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001 - as careless parsers do
                data += str(error).encode()

    (only,) = run(b"x", analyzer("endless", endless), limits=Limits(seconds=0.2))
    assert isinstance(only, Looked)
    assert [gap.kind for gap in only.gaps] == ["time"]


def test_what_is_prepared_is_not_on_the_clock() -> None:
    def slow() -> None:
        time.sleep(0.3)

    def broken() -> None:
        raise ImportError("no such library")

    limits = Limits(seconds=0.1)
    (one,) = run(
        b"x", analyzer("a", split, prepare=slow), analyzer("b", split, prepare=broken), limits=limits
    )
    assert isinstance(one, Looked)
    assert [(gap.kind, gap.analyzer) for gap in one.gaps] == [("error", "b")]


def test_budgets_hold_and_are_told() -> None:
    def nest(data: bytes, scope: Scope) -> Analysis:
        return Analysis(children=tuple(Child(f"{n}", data + bytes((n,))) for n in range(10)))

    for limits, word in (
        (Limits(children=50), "more than 50 things"),
        (Limits(depth=2), "deeper than 2"),
        (Limits(total=300), "more than 300 bytes"),
        (Limits(ratio=3, ratio_from=100), "more than 100 bytes"),
    ):
        found = run(b"x", analyzer("nest", nest), limits=limits)
        gaps = [gap for gap in found if isinstance(gap, Gap)]
        assert gaps, word
        assert gaps[0].kind == "limit"
        assert word in gaps[0].reason
        assert len(found) < 1200


def test_a_password_from_a_sibling_opens_what_was_locked() -> None:
    def mail(data: bytes, scope: Scope) -> Analysis:
        return Analysis(passwords=(data[3:].decode(),)) if data.startswith(b"pw:") else Analysis()

    def lock(data: bytes, scope: Scope) -> Analysis:
        if not data.startswith(b"locked"):
            return Analysis()
        if "sesame" in scope.passwords:
            return Analysis(children=(Child("inside", b"gold"),))
        return Analysis(gaps=(Gap("password", "encrypted"),))

    both = (analyzer("split", split), analyzer("lock", lock), analyzer("mail", mail))
    found = run(b"-\nlocked\npw:sesame\n", *both)
    assert [f.place for f in found if isinstance(f, Looked)][-2:] == ["root!1", "root!1!inside"]
    wrong = run(b"-\nlocked\npw:other\n", *both)
    assert "root!1!inside" not in [f.place for f in wrong if isinstance(f, Looked)]


def test_what_killed_a_worker_is_not_run_again() -> None:
    begun: list[tuple[str, str]] = []
    one = Artifact(b"x", ("root",))
    found = run(
        b"x",
        analyzer("a", split),
        analyzer("b", split),
        skip={(one.sha256, "a"): "signal SIGSEGV"},
        begin=lambda sha256, name: begun.append((sha256, name)),
    )
    assert begun == [(one.sha256, "b")]
    assert isinstance(found[0], Looked)
    assert found[0].gaps == (Gap("ended", "signal SIGSEGV", analyzer="a"),)


def test_what_is_missing_is_a_gap_with_what_that_blinds() -> None:
    (only,) = run(b"x", analyzer("a", split, NEEDS={"no_such_package": "macros in sheets"}))
    assert isinstance(only, Looked)
    assert [(gap.kind, gap.reason) for gap in only.gaps] == [
        ("missing", "no_such_package is not installed: macros in sheets")
    ]


def test_deep_analyzers_run_when_asked() -> None:
    deep = analyzer("deep", lambda data, scope: Analysis((Feature("a.b"),)), COST="deep")
    assert [len(f.features) for f in run(b"x", deep) if isinstance(f, Looked)] == [0]
    assert [len(f.features) for f in run(b"x", deep, costs=("fast", "deep")) if isinstance(f, Looked)] == [1]


def test_what_is_emulated_comes_last_and_the_oddest_first() -> None:
    order = []
    odd = Meaning("a.odd", "Odd", "high", "name")

    def emulate(data: bytes, scope: Scope) -> Analysis:
        order.append(data)
        return Analysis((Feature("b.done"),), (Child("left", b"dropped"),) if data == b"22" else ())

    def glance(data: bytes, scope: Scope) -> Analysis:
        return Analysis((Feature("a.odd"),) if data == b"22" else ())

    looks = analyzer("glance", glance)
    looks.object.MEANINGS = {"a.odd": odd}
    analyzers = (analyzer("emulate", emulate, COST="emulated"), looks, analyzer("split", split))
    assert not [
        one for one in run(b"11\n22\n", *analyzers) if isinstance(one, Looked) and "emulate" in one.analyzers
    ]
    found = run(b"11\n22\n", *analyzers, costs=("fast", "emulated"))
    assert order == [b"22", b"11\n22\n", b"11", b"dropped"]
    assert [one.analyzers for one in found if isinstance(one, Looked)][:4] == [
        ("glance", "split"),
        ("glance", "split"),
        ("glance", "split"),
        ("emulate",),
    ]
    order.clear()
    limits = Limits(submission_seconds=0.2)
    slow = analyzer("slow", lambda data, scope: time.sleep(0.3) or Analysis(), COST="emulated")
    *_, gap = run(
        b"11\n22\n", slow, looks, analyzer("split", split), limits=limits, costs=("fast", "emulated")
    )
    assert isinstance(gap, Gap)
    assert gap.reason == "more than 0.2 s; 2 things not emulated"


def test_names_keep_what_they_do_and_lose_what_cannot_be_written() -> None:
    def named(data: bytes, scope: Scope) -> Analysis:
        child = Child("a\u202efdp.exe", b"1"), Child("half\ud800", b"2")
        return Analysis((Feature("a.b", "half\udfff"),), child) if data == b"x" else Analysis()

    found = [one for one in run(b"x", analyzer("a", named)) if isinstance(one, Looked)]
    assert [one.name for one in found] == ["root", "a\u202efdp.exe", "half?"]
    assert found[0].features[0].value == "half?"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (struct.error("unpack requires a buffer of 2 bytes"), "ends within one of its fields (struct.error)"),
        (KeyError("a"), "what it holds does not fit its format (KeyError)"),
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
            "text in it is not in its encoding (UnicodeDecodeError)",
        ),
        (ValueError("no such table"), "no such table (ValueError)"),
        (ValueError(), "cannot be read (ValueError)"),
    ],
)
def test_faults_are_told_in_words_about_the_file(fault: Exception, said: str) -> None:
    assert reason(fault) == said


@pytest.mark.parametrize(("name", "asked"), [("m.xlsx", True), ("m.docx", False), ("m.zip", False)])
def test_only_workbooks_are_looked_at_for_formulas(name: str, asked: bool) -> None:
    folder = {"m.xlsx": "xl/workbook.xml", "m.docx": "word/document.xml", "m.zip": "notes.txt"}[name]
    data = zipped({"[Content_Types].xml": b"<Types/>", folder: b"<x/>"})
    first = next(iter(look(Artifact(data, (name,)), registered(), Scope(name=name))))
    assert isinstance(first, Looked)
    assert ("xlm" in first.analyzers) is asked

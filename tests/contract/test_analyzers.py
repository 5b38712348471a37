"""What every analyzer promises, held against all that are registered: ours and anybody's.

Golden files: ``tests/golden/ANALYZER/NAME.in`` is what is looked at (made by us, inert), ``NAME.out`` what is said of it. The name that the
analyzer is told stands in ``.out``. ``KAZAMI_GOLDEN=write pytest tests/contract/test_analyzers.py`` writes the answers anew: read the diff.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import tracemalloc
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from fuzz.mutate import Mutator

from kazami.detect.content.meaning import GROUPS
from kazami.detect.content.recursion import lacking, run
from kazami.model.content import CONFIDENCES, GAPS, Analysis, Child, Feature, Gap, Limits, Meaning, Scope
from kazami.model.finding import LEVELS
from kazami.plugins import ANALYZERS, discover

FOUND = discover(ANALYZERS)
BY_NAME = {found.name: found for found in FOUND if found.object is not None}
GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path for name in BY_NAME for path in (GOLDEN / name).glob("*.in"))
WRITE = os.environ.get("KAZAMI_GOLDEN") == "write"

#: Changed inputs for each analyzer; fewer where each may start a process.
MUTATIONS = 60
FEWER = {"xlm": 8}

ODD: dict[str, bytes] = {
    "nothing": b"",
    "one zero": b"\0",
    "zeros": bytes(70_000),
    "noise": b"".join(hashlib.sha256(bytes((n % 256,))).digest() for n in range(999)),
    "brackets": b"[" * 100_000,
    "braces": b"{\\rt" + b"{" * 100_000,
    "invalid UTF-8": b"\xff\xfe\xfd\xfc" * 100,
    "magic of zip": b"PK\x03\x04" + bytes(500),
    "magic of OLE": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 5000,
    "magic of PDF": b"%PDF-1.7\n" + b"<<" * 9000,
    "magic of PE": b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + b"\xff" * 900,
    "magic of gzip": b"\x1f\x8b\x08" + bytes(30),
    "deflated": zlib.compress(b"a" * 100_000),
    "mail": b"From: a@b\nTo: c@d\nSubject: e\n" + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * 50,
}


def told(analysis: Analysis, name: str) -> dict[str, Any]:
    """An analysis as golden files hold it: what is empty is left out, children by their hash."""

    def short(thing: Any) -> dict[str, Any]:
        pairs = ((f.name, getattr(thing, f.name)) for f in fields(thing))
        return {k: v for k, v in pairs if v not in ("", None, ())}

    children = [
        {"name": c.name, "place": c.place, "relation": c.relation, "size": len(c.data), "sha256": hashlib.sha256(c.data).hexdigest()}
        for c in analysis.children
    ]  # fmt: skip
    shown = {
        "name": name,
        "features": [short(f) for f in analysis.features],
        "children": children,
        "gaps": [short(g) for g in analysis.gaps],
        "passwords": list(analysis.passwords),
    }
    return json.loads(json.dumps(shown))


def check(analysis: Analysis, meanings: dict[str, Meaning]) -> None:
    """Whether an analysis keeps to the contract."""
    for feature in analysis.features:
        assert isinstance(feature, Feature)
        assert feature.name in meanings, f"{feature.name} has no meaning"
        assert feature.level in ("", *LEVELS)
        assert feature.group in ("", *GROUPS)
        assert feature.confidence in ("", *CONFIDENCES)
        assert feature.offset is None or feature.offset >= 0
        assert isinstance(feature.value, str)
    for child in analysis.children:
        assert isinstance(child, Child)
        assert isinstance(child.data, bytes)
    for gap in analysis.gaps:
        assert isinstance(gap, Gap)
        assert gap.kind in GAPS
        assert gap.reason


def test_all_analyzers_load() -> None:
    assert [f"{f.name}: {f.error}" for f in FOUND if f.error] == []
    assert FOUND


@pytest.mark.parametrize("name", BY_NAME)
def test_it_says_what_it_does(name: str) -> None:
    analyzer = BY_NAME[name].object
    for thing in (analyzer, analyzer.confidence, analyzer.analyze):
        assert inspect.getdoc(thing)
    assert getattr(analyzer, "COST", "fast") in ("fast", "deep", "emulated")
    for needs in (getattr(analyzer, "NEEDS", {}), getattr(analyzer, "NEEDS_TOOLS", {})):
        assert all(isinstance(why, str) and why for why in needs.values())


@pytest.mark.parametrize("name", BY_NAME)
def test_its_features_mean_something(name: str) -> None:
    for key, meaning in BY_NAME[name].object.MEANINGS.items():
        assert key == meaning.name
        assert meaning.level in LEVELS
        assert meaning.group in GROUPS
        assert meaning.title
        assert meaning.reason


def test_no_two_analyzers_use_one_name_for_two_things() -> None:
    meanings: dict[str, Meaning] = {}
    for found in BY_NAME.values():
        for key, meaning in found.object.MEANINGS.items():
            assert meanings.setdefault(key, meaning) == meaning, key


@pytest.mark.parametrize("name", [n for n, f in BY_NAME.items() if f.target.startswith("kazami.")])
def test_ours_have_golden_files(name: str) -> None:
    assert list((GOLDEN / name).glob("*.in")), f"no golden file for the analyzer {name}"


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_files_hold(case: Path) -> None:
    found, out = BY_NAME[case.parent.name], case.with_suffix(".out")
    if missing := lacking(found.object):
        pytest.skip(f"not installed: {', '.join(name for name, _ in missing)}")
    if "does not hold" in (state := getattr(found.object, "state", str)()):
        pytest.skip(state)
    name = json.loads(out.read_text("utf-8"))["name"] if out.exists() else case.stem
    patient = Limits(seconds=120.0)  # what is said does not depend on how busy the machine is
    analysis = run(found, case.read_bytes(), Scope(patient, name=name))
    check(analysis, dict(found.object.MEANINGS))
    saw = told(analysis, name)
    if WRITE:
        out.write_text(json.dumps(saw, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert saw == json.loads(out.read_text("utf-8"))


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", BY_NAME)
def test_odd_bytes_never_raise(name: str, odd: str) -> None:
    analyzer, data = BY_NAME[name], ODD[odd]
    assert 0.0 <= analyzer.object.confidence(data[:65536], "x") <= 1.0
    check(run(analyzer, data, Scope(name="x")), dict(analyzer.object.MEANINGS))


# On a busy machine an alarm may ring in a finalizer, which passes it over: it rings again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BY_NAME)
def test_changed_bytes_never_raise(name: str) -> None:
    found = BY_NAME[name]
    seeds = [path.read_bytes() for path in CASES if path.parent.name == name] or list(ODD.values())
    if getattr(found.object, "COST", "fast") != "fast" or lacking(found.object):
        pytest.skip("too slow for many inputs, or not installed")
    scope = Scope(name=name)
    mutator = Mutator(seeds, 1)
    for _ in range(FEWER.get(name, MUTATIONS)):
        check(run(found, mutator.next(), scope), dict(found.object.MEANINGS))


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_memory_is_bounded(case: Path) -> None:
    """What Python allocates for a small file stays small."""
    found = BY_NAME[case.parent.name]
    if lacking(found.object):
        pytest.skip("not installed")
    data = case.read_bytes()
    run(found, data, Scope(name="x"))  # what is imported and kept for all
    tracemalloc.start()
    try:
        run(found, data, Scope(name="x"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (64 << 20) + 20 * len(data)

"""What to do: said for every technique of every rule, in both languages, with ids and sources that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kazami.intel import translate
from kazami.intel.measure import FILE, WHEN, Measure, load, measures
from kazami.intel.shelf import shipped
from kazami.model.attack import techniques
from kazami.packs import find, names

RULES = [path for name in names() for path in sorted((find(name) / "rules").rglob("*.yml"))]


def tagged() -> dict[str, list[str]]:
    """Every technique that a rule of a pack names, with the rules."""
    found: dict[str, list[str]] = {}
    for path in RULES:
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            for technique in techniques(document.get("tags") or ()):
                found.setdefault(technique, []).append(path.stem)
    return found


TAGGED = tagged()


def test_every_technique_of_every_rule_has_its_measures() -> None:
    missing = {one: rules for one, rules in TAGGED.items() if not measures().named(one, shipped())}
    assert missing == {}, f"add a line for each under `techniques` in packs/common/{FILE}"


def test_every_technique_has_something_to_do_at_each_time() -> None:
    for technique in {*measures().techniques, *TAGGED}:
        assert {one.when for one in measures().of(technique, shipped())} == set(WHEN), technique


def test_hardening_is_att_ck_s_where_it_names_any() -> None:
    for technique in measures().techniques:
        named = {one.id for one in shipped().mitigations_of(technique)} - {"M1055"}  # "do not mitigate"
        ours = {one.id for one in measures().of(technique, shipped()) if one.when == "then"}
        assert ours <= named if named else ours == {"log-it"}, technique


@pytest.mark.parametrize(
    "one", [*measures().measures.values(), *measures().hardening.values()], ids=lambda one: one.id
)
def test_a_measure_is_whole(one: Measure) -> None:
    assert one.attack
    assert all(mitigation in shipped().mitigation for mitigation in one.attack)
    assert one.sources
    assert len(one.en) > 20
    assert any("\u3040" <= letter <= "\u30ff" for letter in one.ja), "Japanese has kana"


def test_techniques_are_those_in_force_and_measures_are_used() -> None:
    assert measures().notes == ()
    assert [one for one in measures().techniques if translate.technique(one, 18, shipped()) != one] == []
    used = {name for named in measures().techniques.values() for name in named}
    assert set(measures().measures) - used == {"log-it"}


def test_ids_of_19_and_parents_are_understood() -> None:
    whole = measures()
    assert whole.of("T1685.005", shipped()) == whole.of("T1070.001", shipped())
    assert not whole.named("T1036.011", shipped())
    assert whole.of("T1036.011", shipped())[0].id == whole.of("T1036", shipped())[0].id
    assert whole.of("T9999", shipped()) == []


def test_gathered_first_things_first_and_each_once() -> None:
    found = measures().gathered(["T1003.003", "T1047", "T1003.003"], shipped())
    assert [one.measure.when for one in found] == sorted((one.measure.when for one in found), key=WHEN.index)
    ids = [one.measure.id for one in found]
    assert len(set(ids)) == len(ids)
    assert found[0].measure.id == "close-account"
    assert found[0].techniques == ("T1003.003", "T1047")


MINE = """
sources: {Us: https://example.org/}
measures:
  - {id: call-us, when: now, attack: [M1018], sources: [Us], en: Call us at once., ja: すぐに連絡する。}
techniques: {T1003.003: [call-us], T1018: [close-account]}
"""


def test_a_pack_of_one_s_own_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(MINE)
    mine = load([find("common"), tmp_path])
    assert [one.id for one in mine.of("T1003.003", shipped()) if one.when == "now"] == ["call-us"]
    assert mine.measures["call-us"].sources == ("Us: https://example.org/",)
    assert mine.techniques["T1018"] == ("close-account",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("- a", "must be a mapping"),
        ("measures: {", "no YAML"),
        ("measures: [{id: a, when: soon, en: x, ja: y}]", "needs an id, and when"),
        ("measures: [{id: a, when: now, en: x}]", "needs the texts en and ja"),
        ("measures: [3]", "needs an id"),
        ("techniques: {T1018: [nobody]}", "'nobody', which is not there"),
        ("techniques: {T1018: close-account}", "needs a list"),
        ("hardening: {M1018: text}", "needs the texts"),
        ("x: " + "a" * (1 << 20), "more than"),
        ("a: " + "[" * 5000, ""),
    ],
)
def test_a_broken_file_is_named_and_the_others_count(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / FILE).write_text(content)
    found = load([tmp_path, find("common")])
    (note,) = found.notes
    assert str(tmp_path) in note
    assert reason in note
    assert found.techniques["T1018"] == measures().techniques["T1018"]

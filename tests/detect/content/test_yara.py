"""YARA rules: which load, what they say, what is kept of them, and what bounds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kazami.detect.content import yara
from kazami.detect.content.yara import collection, compiled
from kazami.detect.content.yara.collection import RuleFile
from kazami.detect.content.yara.profile import profile
from kazami.detect.content.yara.words import words
from kazami.model.content import Analysis, Limits, Scope
from kazami.model.rule import Rejected


def rules(folder: Path, **files: str) -> dict[str, tuple[str, ...]]:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yar").write_text(text, "utf-8")
    return {"yara.rules": (str(folder),)}


def ask(settings: dict[str, tuple[str, ...]], data: bytes, **scope: Any) -> Analysis:
    return yara.analyze(data, Scope(settings=settings, **scope))


def test_a_match_shows_place_bytes_author_licence_and_reference(tmp_path: Path) -> None:
    text = """rule Found : T1059_001 {
        meta: description = "A thing" author = "A" author = "B" score = 85 reference = "https://x.example/1" mitre = "T1003.001"
        strings: $a = "needle" $b = { 00 FF } condition: all of them }"""
    (tmp_path / "LICENSE").write_text("\n# Some Licence 1.1\n\ntext\n")
    (found,) = ask(rules(tmp_path, one=text), b"hay needle \x00\xff").features
    assert (found.title, found.level, found.author) == ("A thing", "critical", "A, B")
    assert (found.license, found.references) == ("Some Licence 1.1", ("https://x.example/1",))
    assert found.techniques == ("T1003.001", "T1059.001")
    assert found.offset == 4
    assert found.value == "Found; $a at 0x4: needle; $b at 0xb: 00 ff"


def test_private_rules_are_not_told(tmp_path: Path) -> None:
    text = 'private rule P { strings: $a = "x" condition: $a } rule Q { condition: P }'
    assert [f.value for f in ask(rules(tmp_path, one=text), b"x").features] == ["Q"]


@pytest.mark.parametrize(
    ("meta", "level"),
    [
        ({}, "high"),
        ({"score": 40}, "low"),
        ({"score": "55"}, "medium"),
        ({"score": 300}, "critical"),
        ({"score": 0}, "informational"),
        ({"score": "many"}, "high"),
        ({"severity": "Low", "score": 90}, "low"),
        ({"threat_level": "x", "score": 60}, "high"),
    ],
)
def test_levels_follow_the_customary_scale(meta: dict[str, Any], level: str) -> None:
    assert words("r", list(meta.items())).level == level


def test_variables_of_published_rules_are_there(tmp_path: Path) -> None:
    text = """rule Externals { condition: filename == "A.Exe" and extension == ".exe" and filetype == "EXE"
        and filepath contains "\\\\Temp" and owner == "" }"""
    settings = rules(tmp_path, one=text)
    assert ask(settings, b"MZ", name="A.Exe", kind="pe", folder="C:\\Temp").features
    assert not ask(settings, b"MZ", name="A.Exe", kind="pe", folder="C:\\Windows").features
    assert yara.by_folder(settings)
    assert not yara.by_folder(rules(tmp_path / "b", one="rule x { condition: false }"))


def test_what_does_not_load_is_named_and_costs_the_rest_nothing(tmp_path: Path) -> None:
    text = 'rule good { strings: $a = "x" condition: $a }\nrule bad { condition: nothing }\nrule uses { condition: bad }\n'
    settings = rules(
        tmp_path, a=text, b="rule broken {\n strings: $a = condition: $a }\n", c='include "a.yar"\n'
    )
    (tmp_path / "d.yar").write_bytes(b"rule x { condition: \xff }")
    loaded = yara.rule_set(settings)
    told = {(Path(one.path).name, one.title): one.reason for one in loaded.rejected}
    assert told["a.yar", "bad"] == "unknown identifier `nothing`"
    assert told["a.yar", "uses"] == "unknown identifier `bad`"
    assert "line 2: syntax error" in told["b.yar", "broken"]
    assert "include" in told["c.yar", ""]
    assert "UTF-8, at byte 20" in told["d.yar", ""]
    assert len(told) == 5
    assert [f.rule for f in ask(settings, b"x").features] == ["yara:a:good"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (gone,) = yara.rule_set({"yara.rules": (str(tmp_path / "gone"),)}).rejected
    assert gone == Rejected(str(tmp_path / "gone"), "there is no such file or folder")


def test_dear_rules_are_told(tmp_path: Path) -> None:
    slow = "rule slow { condition: for all i in (0..filesize - 1) : (uint8(i) == 0) }"
    (told,) = yara.rule_set(rules(tmp_path, one=slow)).slow
    assert (told.title, told.reason) == ("slow", "line 1: potentially slow loop")
    files = [one for one in collection.files([tmp_path]) if isinstance(one, RuleFile)]
    cost, _ = profile([*files, RuleFile("x", "x", "no rule")], [b"\0" * 1000, b"x"])
    assert (cost.rules, cost.matched, cost.slow) == (1, 1, ("potentially slow loop",))


def test_names_in_comments_and_texts_are_no_rules() -> None:
    text = '// rule a\n/* rule b\nrule c */\nprivate global rule d { strings: $a = "\nrule e" condition: $a }\n  rule f {condition: true}'
    assert RuleFile("x", "x", text.replace('"\nrule e"', '"rule e"')).rules == ["d", "f"]


def test_time_is_bounded_and_told(tmp_path: Path) -> None:
    endless = (
        "rule e { condition: for all i in (0..100000000) : (for all j in (0..100000000) : (i + j >= 0)) }"
    )
    said = ask(rules(tmp_path, one=endless), b"x", limits=Limits(seconds=2.0))
    assert [gap.kind for gap in said.gaps] == ["time"]


def test_compiled_rules_are_kept_by_content_and_never_trusted(tmp_path: Path) -> None:
    settings = rules(
        tmp_path / "r", one='rule A { strings: $a = "x" condition: $a }', two="rule B { condition: no }"
    )
    settings["yara.cache"] = (str(tmp_path / "cache"),)
    first = yara.rule_set(settings)
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    whole = kept.read_bytes()
    for data in (whole, b"", whole[:40], whole[:-1] + b"?", b"other"):  # as it was, then damaged
        kept.write_bytes(data)
        compiled._load.cache_clear()
        again = yara.rule_set(settings)
        assert (again.version, again.rejected) == (first.version, first.rejected)
        assert [f.rule for f in ask(settings, b"x").features] == ["yara:one:A"]
    rules(tmp_path / "r", one='rule A { strings: $a = "y" condition: $a }')
    assert ask(settings, b"x").features  # nobody has looked yet
    assert yara.version(settings) != first.version
    assert not ask(settings, b"x").features


def test_one_name_in_two_folders_is_two_rules(tmp_path: Path) -> None:
    text = 'rule A { strings: $a = "x" condition: $a }'
    rules(tmp_path / "p", one=text)
    rules(tmp_path / "q", one=text)
    settings = {"yara.rules": (str(tmp_path / "p"), str(tmp_path / "q"), str(tmp_path / "q"))}
    assert len(ask(settings, b"x").features) == 2

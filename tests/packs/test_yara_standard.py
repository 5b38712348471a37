"""The standard of YARA rules in packs: what a rule says of itself, the proof of what it does, and on what it rests."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from content_writer import zipped
from kazami import packs
from kazami.attribute.evidence import Hit, gather
from kazami.detect.content import yara
from kazami.detect.content.verdict import judge
from kazami.detect.content.yara import collection, trial
from kazami.detect.content.yara.collection import RuleFile
from kazami.intel.shelf import attack
from kazami.model.content import Looked, Scope
from kazami.pipeline.files import _rule
from kazami.pipeline.inspect import Submission, Wish, inspect

CASES = sorted((Path(__file__).parents[1] / "cases" / "yara").glob("*/case.yaml"))
FILES = [one for one in collection.files(collection.shipped()) if isinstance(one, RuleFile)]
RULES = {name: file for file in FILES for name in file.rules}
BY_RULE: dict[str, Path] = {}

#: A row of the published record, as in the cases of other rules.
ROW = re.compile(r"(threats|incidents) \d+(\.\d+)?( row \S.*)?")
PREFIX = {"cloud_hopper": "CloudHopper_", "volt_typhoon": "VoltTyphoon_", "common": "Common_"}


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


for _path in CASES:
    BY_RULE[read(_path)["rule"]] = _path


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert sorted(BY_RULE) == sorted(RULES)
    assert len(CASES) == len(RULES)
    assert sum(len(file.rules) for file in FILES) == len(RULES), "no two rules are called the same"


def test_all_load_and_none_is_dear() -> None:
    loaded = yara.rule_set({})
    assert loaded.rejected == ()
    assert [one for one in loaded.slow if one.title != "VoltTyphoon_Browser_Name_With_Spaces"] == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_what_must_match_does_and_what_only_looks_like_it_does_not(path: Path) -> None:
    outcomes = trial.run(path)
    assert [one for one in outcomes if not one.passed or one.note] == []
    samples = read(path)["samples"]
    assert len(outcomes) == len(samples)
    assert any(sample["match"] is True for sample in samples)
    assert {sample.get("kind") for sample in samples if not sample["match"]} >= {"near-miss", "look-alike"}
    assert len(
        {str([sample.get("name"), sample.get("folder"), sample["bytes"]]) for sample in samples}
    ) == len(samples)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_a_case_names_its_row(path: Path) -> None:
    assert ROW.fullmatch(read(path)["facts"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_a_match_says_who_says_so_and_where_it_was_published(path: Path) -> None:
    """Its first sample, asked of the rules of all packs together."""
    case = read(path)
    sample = case["samples"][0]
    data = trial.data_of(sample["bytes"])
    scope = Scope(name=str(sample.get("name", "x")), folder=str(sample.get("folder", "")))
    (found,) = (f for f in yara.analyze(data, scope).features if f.rule.endswith(f":{case['rule']}"))
    assert found.author == "Kazami authors"
    assert found.license == "Apache-2.0"
    assert found.references
    assert all(reference.startswith("http") for reference in found.references)
    assert found.techniques
    assert found.level in ("low", "medium", "high", "critical")
    pack = Path(RULES[case["rule"]].path).parents[1].name
    assert case["rule"].startswith(PREFIX[pack])


@pytest.mark.parametrize(("name", "software"), [("CloudHopper_RedLeaves_Program", "S0153"), ("CloudHopper_ChChes_Script", "S0144"), ("VoltTyphoon_Versa_Shell", "S1154")])  # fmt: skip
def test_what_recognizes_malware_says_so_to_attribution(name: str, software: str) -> None:
    data = trial.data_of(read(BY_RULE[name])["samples"][0]["bytes"])
    verdict = judge([Looked("x", "x", "pe", 1, "a", "", "", 0, "", "", (), yara.analyze(data, Scope(name="x")).features)], yara.MEANINGS)  # fmt: skip
    (proof,) = verdict.proofs
    info = _rule(proof)
    hit = Hit(info.id, info.title, tuple(info.techniques), info.tags)
    assert list(gather([hit], attack(), {}).features) == [software]


def test_a_pack_of_the_user_works_the_same(tmp_path: Path) -> None:
    (tmp_path / "yara").mkdir()
    (tmp_path / "yara" / "mine.yar").write_text('rule Mine { strings: $a = "xyzzy" condition: $a }')
    chosen = packs.choose([str(tmp_path)])
    assert chosen.yara == [tmp_path / "yara"]
    said = yara.analyze(b"say xyzzy", Scope(settings={"yara.rules": tuple(map(str, chosen.yara))}))
    assert [feature.rule for feature in said.features] == ["yara:mine:Mine"]


def test_rules_see_what_scripts_hide_and_archives_hold() -> None:
    hidden = base64.b64encode("function Invoke-shCdpot { Param($x) }".encode("utf-16-le")).decode()
    data = zipped({"x.bat": f"powershell.exe -nop -w hidden -enc {hidden}\r\n".encode()})
    (found,) = inspect([Submission("a.zip", data=data)], Wish())
    (proof,) = (proof for proof in found.verdict.proofs if proof.group == "signature")
    assert proof.rule == "yara:chches:CloudHopper_ChChes_Script"
    assert proof.place.startswith("a.zip!x.bat!")
    assert found.verdict.word == "malicious"

"""What a tenant had is learned from its own cases and files, kept apart, and may raise a doubt but never convict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.survey.cases import made

from kazami.detect.content.verdict import judge
from kazami.detect.rarity.memory import Memory
from kazami.errors import CaseError
from kazami.model.content import Feature, Inspection, Looked, Verdict
from kazami.pipeline import rarity
from kazami.pipeline.inspect import meanings
from kazami.store import memories


def events(days: int, extra: str = "") -> dict[str, list[dict[str, Any]]]:
    rows = [
        {
            "time": f"2026-03-{day:02d}T08:00:00",
            "host": host,
            "Image": f"C:\\Program Files\\{name}.exe",
            "ParentImage": "C:\\Windows\\explorer.exe",
        }
        for day in range(1, days + 1)
        for host in ("PC1", "PC2")
        for name in ("word", "excel", "mail")
    ]
    late = {"time": "2026-04-01T08:00:00", "host": "PC1", "ParentImage": "C:\\Program Files\\word.exe"}
    more = [
        {**late, "Image": f"C:\\Program Files\\{name}.exe"}
        for name in ("word", "excel", *filter(None, [extra]))
    ]
    return {"process_creation": rows + more}


def test_from_learning_to_what_is_rare(tmp_path: Path) -> None:
    with made(tmp_path / "before", events(28)) as case:
        units, left = rarity.usual(case, "default")
    assert (len(units), left) == (57, [])
    rarity.learn(tmp_path, "default", {name: had for name, had in units.items() if "2026-04" not in name})
    known = rarity.memory_of(tmp_path, "default")
    with made(tmp_path / "after", events(28, "tool-1.2")) as case:
        told = rarity.of_case(case, "default", known)
    assert [(one.host, one.day) for one in told] == [("PC1", "2026-04-01")], (
        "what was learned is not asked again"
    )
    rare = [(one.facet, one.thing) for one in told[0].rare]
    assert ("program", r"c:\program files\tool-#.#.exe") in rare
    assert ("program", r"c:\program files\word.exe") not in rare
    assert len(told[0].events) == len(rare)
    assert len(rarity.memory_of(tmp_path, "other").units) == 0
    (tmp_path / "other.memory").write_bytes((tmp_path / "default.memory").read_bytes())
    with pytest.raises(CaseError, match="is of tenant default"):
        rarity.memory_of(tmp_path, "other")
    (tmp_path / "other.memory").write_bytes(b"x")
    with pytest.raises(CaseError, match="cannot be read"):
        memories.load(tmp_path, "other")


def inspection(number: int, signer: str, *more: str) -> Inspection:
    features = (Feature("pe.signer", f"{signer}; Root"), *map(Feature, more))
    digest = f"{number:064x}"
    looked = (Looked("a.exe", "a.exe", "pe", 1, digest, "", "", 0, "", "", (), features),)
    return Inspection("/opt/tools/a.exe", digest, 1, "pe", judge(looked, meanings()), looked)


def test_a_rare_file_is_doubted_and_never_convicted() -> None:
    usual = [inspection(number, "Our Vendor") for number in range(300)]
    known = Memory(rarity.usual_files(usual))
    assert rarity.marked(inspection(1000, "Our Vendor"), known).verdict.word == usual[0].verdict.word
    strange = rarity.marked(inspection(1001, "Somebody"), known)
    proof = next(proof for proof in strange.verdict.proofs if proof.name == "learned.rare")
    assert "Somebody (0 of 300, p 0.0" in proof.value
    assert strange.verdict.word == "informational", "alone it says little"
    doubted = rarity.marked(
        inspection(1002, "Somebody", "name.double_extension", "name.right_to_left"), known
    )
    assert (
        doubted.verdict.word != "malicious"
        or inspection(1002, "x", "name.double_extension", "name.right_to_left").verdict.word == "malicious"
    )
    assert rarity.marked(inspection(5, "Our Vendor"), known) == usual[5], (
        "what was learned is not asked again"
    )
    assert rarity.marked(inspection(1001, "Somebody"), Memory()) == inspection(1001, "Somebody")


def test_however_much_is_rare_the_cap_holds() -> None:
    many = tuple(Feature("learned.rare", str(number)) for number in range(50))
    looked = (replace(inspection(1, "x").looked[0], features=many),)
    assert judge(looked, {**meanings(), **rarity.MEANINGS}).word == "informational"


def test_what_something_speaks_against_is_not_learned() -> None:
    bad = replace(inspection(1, "x"), verdict=Verdict("suspicious", 60))
    assert rarity.usual_files([bad, replace(inspection(2, "x"), verdict=Verdict("incomplete", 0))]) == {}

"""Ids between versions of ATT&CK."""

from __future__ import annotations

import pytest

from kazami.intel import translate
from kazami.intel.measure import measures
from kazami.intel.shelf import shipped
from kazami.intel.table import Mitigation, Table, Technique

PAIRS = [
    ("T1562.001", "T1685"),
    ("T1070.001", "T1685.005"),
    ("T1562.004", "T1686"),
    ("T1562.002", "T1685.001"),
    ("T1656", "T1684.001"),
    ("T1003.003", "T1003.003"),
]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_forth_and_back(old: str, new: str) -> None:
    assert translate.technique(old, 19, shipped()) == new
    assert translate.technique(new, 18, shipped()) == old
    assert translate.technique(new, 19, shipped()) == new
    assert translate.technique(old, 18, shipped()) == old


def test_what_became_one_before_18() -> None:
    assert translate.technique("T1574.002", 18, shipped()) == "T1574.001"
    assert translate.technique("T1574.002", 19, shipped()) == "T1574.001"
    assert translate.techniques(["T1574.002", "T1574.001", "T1685"], 18, shipped()) == [
        "T1574.001",
        "T1562.001",
    ]


def test_what_nobody_knows_stays_what_it_is() -> None:
    assert translate.technique("T9999", 19, shipped()) == "T9999"
    assert translate.name("T9999", shipped()) == ""
    assert translate.version_of("T9999", shipped()) == ""


def test_every_id_of_the_crosswalk_is_one_of_18_and_has_a_name_in_19() -> None:
    for old, new in translate._changes()["to_19"].items():
        assert not shipped().technique[old].state, old
        assert translate.name(new, shipped())
        assert translate.version_of(new, shipped()) == "19"
        assert translate.technique(new, 18, shipped()) in shipped().technique


def test_tactics() -> None:
    assert translate.tactic("stealth", 18) == "defense-evasion"
    assert translate.tactic("defense-impairment", 18) == "defense-evasion"
    assert translate.tactic("stealth", 19) == "stealth"
    assert translate.tactic("impact", 18) == "impact"


NEW = Table(
    version="19.1",
    techniques=(
        Technique("T1562.001", "Disable or Modify Tools", state="revoked", successor="T1685"),
        Technique("T1685", "Disable or Modify Tools", ("defense-impairment",)),
        Technique("T1003.003", "NTDS", ("credential-access",)),
    ),
    mitigations=(Mitigation("M1047", "Audit", ("T1685",)),),
)


def test_with_a_table_of_19_both_words_are_understood() -> None:
    for said in ("T1562.001", "T1685"):
        assert translate.technique(said, table=NEW) == "T1685"
        assert translate.technique(said, 18, NEW) == "T1562.001"
        assert translate.name(said, NEW) == "Disable or Modify Tools"
        told = [one.id for one in measures().of(said, NEW)]
        assert told == ["restore-protection", "isolate-host", "close-log-gap", "M1047"]

"""Attribution: what counts, what it is worth, what holds a name down, and how it is said."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from kazami.attribute import level
from kazami.attribute.assess import METHOD, Assessment, assess
from kazami.attribute.evidence import Hit, gather
from kazami.attribute.likelihood import NONE_KNOWN, candidates, countable, nats, posterior, shared
from kazami.attribute.measured import measured
from kazami.attribute.profile import Profiles, profiles
from kazami.detect.network.rat.detector import RULES
from kazami.intel.shelf import shipped
from kazami.intel.table import Campaign, Group, Software, Table, Technique, Use
from kazami.respond.assessment import claim, lines, sure
from kazami.respond.language import words

WORLD = profiles(shipped())
KNOWN = WORLD.matrix()


def seen(*techniques: str, tags: tuple[str, ...] = (), world: Profiles = WORLD) -> Assessment:
    hits = [Hit(f"r{n}", f"Rule {n}", (one,), findings=n + 1) for n, one in enumerate(techniques)]
    if tags:
        hits.append(Hit("malware", "Implant", ("T1055",), tags))
    return assess(gather(hits, world.table, {}), world)


RARE = (
    *("T1199", "T1039", "T1036.003", "T1568.001", "T1218.004", "T1003.004"),
    *("T1074.002", "T1560.001", "T1070.003"),
)


def test_a_parent_beside_its_sub_technique_counts_once() -> None:
    assert countable(["T1003", "T1003.003", "T1003.003", "T1003.001"], WORLD) == ["T1003.003", "T1003.001"]
    assert countable(["T1003"], WORLD) == ["T1003"]


def test_what_no_victim_sees_and_what_nobody_knows_is_no_evidence() -> None:
    assert countable(["T1588.002", "T1590.006", "T9999"], WORLD) == []


def test_tools_and_shared_malware_give_nothing() -> None:
    for tool in ("S0002", "S0357", "S0029"):  # Mimikatz, Impacket, PsExec
        assert tool not in WORLD.place
    for malware in ("S0013", "S0154", "S0012"):  # PlugX, Cobalt Strike, Poison Ivy
        assert shared(malware, KNOWN, WORLD)
        assert not nats([malware], KNOWN, WORLD).any()


def recognized(family: str, sure: str = "high") -> Hit:
    rule = RULES[family, sure]
    return Hit(rule.id, rule.title, tuple(rule.techniques), rule.tags)


def test_what_is_recognized_in_connections_is_evidence_as_a_rule_on_a_host_is() -> None:
    """Malware of few groups names somebody; what many or anybody have (gh0st, PlugX, FRP) names nobody."""
    alone = assess(gather([recognized("RedLeaves")], WORLD.table, {}), WORLD)
    assert (alone.counted, alone.hypotheses[0].group, alone.confidence) == (("S0153",), "G0045", "none")
    habits = [Hit(f"r{n}", f"Rule {n}", (one,)) for n, one in enumerate(RARE)]
    own = assess(gather([*habits, recognized("RedLeaves")], WORLD.table, {}), WORLD)
    assert (own.hypotheses[0].group, own.confidence) == ("G0045", "moderate")
    assert own.hypotheses[0].strongest[0].rules == ("RedLeaves on the Network",)
    for family in ("PlugX", "Poison Ivy", "gh0st", "Quasar", "FRP", "EarthWorm", "KV-botnet"):
        alone = assess(gather([recognized(family)], WORLD.table, {}), WORLD)
        assert alone.confidence == "none", family


def test_rare_weighs_more_than_common_and_malware_speaks_against_nobody() -> None:
    row = WORLD.groups.index("G0045")
    rare, common, own = nats(["T1218.004", "T1059.001", "S0153"], KNOWN, WORLD)[row].tolist()
    assert own > rare > common > 0
    assert (nats(["S0153"], KNOWN, WORLD) >= 0).all()
    assert nats(["T1218.004"], KNOWN, WORLD).min() > math.log(0.4)  # what does not fit costs little


def test_nobody_is_a_candidate_with_more_than_half_of_the_prior() -> None:
    able = candidates(KNOWN)
    chances = posterior(np.zeros(len(WORLD.groups)), able, 0)
    assert chances[-1] == pytest.approx(NONE_KNOWN)
    assert NONE_KNOWN >= 0.5
    assert chances.sum() == pytest.approx(1)
    assert (chances[:-1][~able] == 0).all()


def test_without_evidence_nobody_is_named() -> None:
    nothing = seen()
    assert (nothing.confidence, nothing.hypotheses, nothing.why) == ("none", (), ("nothing",))
    assert nothing.none_known == NONE_KNOWN
    assert seen("T1588.002").confidence == "none"


def test_techniques_alone_never_give_more_than_low() -> None:
    found = seen(*RARE)
    assert found.hypotheses[0].group == "G0045"
    assert found.confidence == "low"
    assert "techniques_only" in found.why


def test_malware_of_one_s_own_lifts_the_ceiling_and_that_of_others_lowers_it_again() -> None:
    own = seen(*RARE, tags=("attack.s0153",))
    assert (own.confidence, own.hypotheses[0].group) == ("moderate", "G0045")
    assert own.hypotheses[0].strongest[0].id == "S0153"
    other = seen(*RARE, tags=("attack.s0153", "attack.s1154"))
    assert other.confidence == "low"
    assert "other_malware" in other.why


def test_few_techniques_name_nobody() -> None:
    assert seen("T1218.004", "T1568.001", "T1039").confidence == "none"


def test_common_techniques_name_nobody() -> None:
    common = (
        "T1059.001",
        "T1105",
        "T1059.003",
        "T1204.002",
        "T1566.001",
        "T1082",
        "T1083",
        "T1057",
        "T1071.001",
    )
    assert seen(*common).confidence == "none"


@pytest.mark.parametrize(
    ("chance", "lead", "techniques", "own", "against", "wanted"),
    [
        (0.39, 9, 20, 1, 0, "none"),
        (0.99, 1.9, 20, 1, 0, "none"),
        (0.99, 9, 7, 0, 0, "none"),
        (0.99, 9, 80, 0, 0, "low"),
        (0.40, 2, 8, 0, 0, "low"),
        (0.40, 2, 0, 1, 0, "moderate"),
        (0.99, 9, 20, 2, 1, "low"),
    ],
)
def test_the_ceilings(
    chance: float, lead: float, techniques: int, own: int, against: int, wanted: str
) -> None:
    assert level.confidence(chance, lead, techniques, own, against) == wanted


def test_high_is_given_by_nothing() -> None:
    assert "high" not in level.CONFIDENCE


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (0.0, "almost_no_chance"),
        (0.05, "almost_no_chance"),
        (0.06, "very_unlikely"),
        (0.45, "unlikely"),
        (0.5, "even"),
        (0.56, "likely"),
        (0.95, "very_likely"),
        (1.0, "almost_certain"),
        (1.0000001, "almost_certain"),
    ],
)
def test_the_words_of_icd_203(chance: float, said: str) -> None:
    assert level.word(chance) == said


def test_a_technique_counts_once_however_many_alerts_it_made() -> None:
    once = gather([Hit("a", "A", ("T1039",))], shipped(), {})
    often = gather([Hit("a", "A", ("T1039",), findings=9000), Hit("b", "B", ("T1039",))], shipped(), {})
    assert list(once.features) == list(often.features) == ["T1039"]
    assert often.features["T1039"] == ["A", "B"]
    assert often.findings == 9001


def test_a_rule_that_recognizes_malware_does_not_count_its_techniques_as_well() -> None:
    found = gather([Hit("r", "R", ("T1055", "T1106"), ("attack.g0045",))], shipped(), {"r": "S0153"})
    assert list(found.features) == ["S0153"]


def test_tags_of_groups_tools_and_nonsense_are_no_evidence() -> None:
    tags = ("attack.g0045", "attack.s0002", "attack.s9999", "attack.sxxxx")
    assert list(gather([Hit("r", "R", ("T1003.001",), tags)], shipped(), {}).features) == ["T1003.001"]


def test_ids_of_19_are_those_of_the_table() -> None:
    assert list(gather([Hit("r", "R", ("T1685.005", "T1574.002"))], shipped(), {}).features) == [
        "T1070.001",
        "T1574.001",
    ]


SMALL = Table(
    version="18.1",
    techniques=tuple(Technique(f"T100{n}", f"t{n}", ("discovery",)) for n in range(6)),
    groups=(Group("G0001", "one"), Group("G0002", "two"), Group("G0003", "gone", state="revoked")),
    software=(Software("S0001", "own", "malware"), Software("S0002", "anybody's", "tool")),
    campaigns=(Campaign("C0001", "c", groups=("G0002",)), Campaign("C0002", "nobody's")),
    citations=("A", "B"),
    uses=(
        *(Use("G0001", f"T100{n}", (0,)) for n in range(5)),
        Use("G0001", "S0002", (1,)),
        Use("G0002", "T1000", (0, 1)),
        Use("C0001", "T1000", (0,)),
        Use("C0001", "T1001", (0,)),
        Use("C0002", "T1005", (0,)),
        Use("G0003", "T1004", (0,)),
    ),
)


def test_what_a_report_or_campaign_said_can_be_forgotten() -> None:
    world = profiles(SMALL)
    assert world.groups == ("G0001", "G0002")
    assert world.features == ("T1000", "T1001", "T1002", "T1003", "T1004")
    assert world.matrix().sum(axis=1).tolist() == [5, 2]
    assert world.matrix(without=[0]).sum(axis=1).tolist() == [0, 1]
    assert world.matrix(campaign="C0001").sum(axis=1).tolist() == [5, 1]
    assert candidates(world.matrix()).tolist() == [True, False]


def test_what_speaks_for_and_against_and_what_is_missing() -> None:
    first = seen(*RARE, "T1654").hypotheses[0]
    assert [len(part) for part in (first.strongest, first.missing)] == [3, 3]
    assert first.strongest[0].nats >= first.strongest[1].nats > 0
    assert "T1654" in [item.id for item in first.contradicting]
    assert all(item.nats < 0 for item in first.contradicting)
    mine = {use.target for use in shipped().uses if use.source == "G0045"}
    assert {item.id for item in first.missing} <= mine - set(RARE)
    assert first.strongest[0].reports
    assert first.strongest[0].rules


CONFIDENCE = re.compile(r"confidence|確信度")
LIKELIHOOD = re.compile(r"likely|chance|certain|可能性|ほぼ")


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("techniques", [(), RARE], ids=["nobody", "somebody"])
def test_likelihood_and_confidence_never_stand_in_one_sentence(
    lang: str, techniques: tuple[str, ...]
) -> None:
    language = words(lang)
    told = seen(*techniques).plain()
    assert not CONFIDENCE.search(claim(told, language))
    assert not LIKELIHOOD.search(sure(told, language))
    for _, text in lines(told, measured(), language):
        for sentence in re.split(r"[.。] ?", text):
            assert not (CONFIDENCE.search(sentence) and LIKELIHOOD.search(sentence)), sentence


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_level_reason_and_word_can_be_said(lang: str) -> None:
    language = words(lang)
    assert all(language(f"likelihood.{said}") for _, said in level._WORDS)
    assert all(language(f"attribution.confidence.{said}", reasons="x") for said in level.CONFIDENCE)
    reasons = ("nothing", "improbable", "close", "few", "techniques_only", "other_malware", "own_malware")
    assert all(language(f"attribution.why.{said}") for said in reasons)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_all_is_said(lang: str) -> None:
    language = words(lang)
    told = seen(*RARE, tags=("attack.s0153",)).plain()
    text = "\n".join(line for _, line in lines(told, measured(), language))
    assert text.count("(G0045)") + text.count("（G0045）") >= 2
    assert language("attribution.none_known") in text
    assert "ATT&CK 18.1" in text
    assert str(measured()["reports"]["cases"]) in text
    assert all(one["name"] in text for one in told["hypotheses"])


def test_what_was_measured_belongs_to_this_method() -> None:
    assert measured()["method"] == METHOD
    assert measured()["attack"] == shipped().version
    assert measured()["reports"]["calibration_error"] <= 0.10
    assert measured()["reports"]["cases"] > 300

"""How features add up."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from kazami.detect.content.combination import Combination, combinations
from kazami.detect.content.meaning import meanings
from kazami.detect.content.verdict import folded, judge
from kazami.errors import RuleError
from kazami.model.content import Feature, Gap, Looked, Meaning

MEANINGS = {
    m.name: m
    for m in (
        Meaning("a.low", "A", "low", "name"),
        Meaning("a.medium", "A", "medium", "name"),
        Meaning("a.high", "A", "high", "name"),
        Meaning("b.medium", "B", "medium", "macro"),
        Meaning("b.high", "B", "high", "macro"),
        Meaning("c.critical", "C", "critical", "exploit"),
        Meaning("c.perhaps", "C", "critical", "exploit", "low"),
        Meaning("d.seen", "D", "informational", "container"),
        Meaning("e.learned", "E", "critical", "learned", cap="suspicious"),
    )
}


def item(place: str, *names: str, gaps: tuple[Gap, ...] = (), analyzers: tuple[str, ...] = ()) -> Looked:
    """An artifact whose parent is its place without the last part."""
    above, _, name = place.rpartition("!")
    return Looked(
        place, name, "data", 1, digest(place), "", "", place.count("!"), digest(above) if above else "", "",
        analyzers, tuple(Feature(n) for n in names), gaps,
    )  # fmt: skip


def digest(place: str) -> str:
    return hashlib.sha256(place.encode()).hexdigest()


@pytest.mark.parametrize(
    ("names", "word"),
    [
        ((), "clean"),
        (("d.seen",), "informational"),
        (("a.low",), "informational"),
        (("a.medium",), "informational"),
        (("a.high",), "suspicious"),
        (("a.high", "a.medium", "a.low"), "suspicious"),
        (("a.high", "b.medium"), "malicious"),
        (("a.medium", "b.medium"), "suspicious"),
        (("c.critical",), "malicious"),
        (("c.perhaps",), "suspicious"),
        (("e.learned",), "suspicious"),
        (("e.learned", "a.low"), "suspicious"),
        (("a.unknown",), "informational"),
    ],
)
def test_words(names: tuple[str, ...], word: str) -> None:
    assert judge([item("f", *names)], MEANINGS).word == word


def test_ten_features_of_a_group_count_once() -> None:
    once, often = judge([item("f", "a.medium")], MEANINGS), judge([item("f", *["a.medium"] * 9)], MEANINGS)
    assert (once.word, once.score) == (often.word, often.score)


def test_one_way_adds_up_and_siblings_do_not() -> None:
    mail, archive = item("m", "a.high"), item("m!z")
    assert judge([mail, archive, item("m!z!p", "b.high")], MEANINGS).word == "malicious"
    backup = [item("z"), item("z!1", "a.medium"), item("z!2", "b.medium")]
    assert judge(backup, MEANINGS).word == "informational"


def test_what_was_not_looked_at_is_not_clean() -> None:
    gap = Gap("error", "broken", analyzer="x")
    assert judge([item("f", gaps=(gap,))], MEANINGS).word == "incomplete"
    assert judge([item("f", "a.low", gaps=(gap,))], MEANINGS).word == "incomplete"
    assert judge([item("f", "a.high", gaps=(gap,))], MEANINGS).word == "suspicious"
    assert judge([item("f")], MEANINGS, [gap]).gaps == (gap,)


def test_a_lock_that_was_opened_later_is_no_gap() -> None:
    locked = Gap("password", "encrypted", analyzer="zip")
    first, again = item("m!z", gaps=(locked,), analyzers=("zip",)), item("m!z", analyzers=("zip",))
    assert judge([item("m"), first], MEANINGS).word == "incomplete"
    assert judge([item("m"), first, again], MEANINGS).word == "clean"


def test_proofs_say_where_and_which_count() -> None:
    verdict = judge([item("m", "a.low"), item("m!z", "a.high", "d.seen")], MEANINGS)
    assert [(p.name, p.place, p.counts) for p in verdict.proofs] == [
        ("a.high", "m!z", True),
        ("d.seen", "m!z", True),
        ("a.low", "m", False),
    ]


def test_names_together() -> None:
    rule = Combination(MEANINGS["a.high"], ("macro.auto*",), ("x.a", "x.b"), "chain")
    assert rule.holds({"macro.autoexec", "x.b"})
    assert not rule.holds({"macro.autoexec"})
    assert not rule.holds({"x.b"})


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        ({"lnk.target", "script.download"}, "chain.shortcut_fetches"),
        ({"lnk.target", "script.run"}, ""),
        ({"container.image_with_shortcut", "lnk.starts_command"}, "chain.image_shortcut_commands"),
        ({"container.image_with_shortcut", "lnk.target"}, ""),
        ({"container.hidden_program", "lnk.starts_interpreter"}, "chain.hidden_beside_shortcut"),
        ({"pdf.action_by_itself", "pdf.remote_share"}, "chain.pdf_hands_over_a_hash"),
        ({"pdf.action_by_itself", "pdf.remote_file"}, ""),
        ({"pdf.page_is_a_link", "pdf.link_to_file"}, "chain.pdf_click_fetches"),
        ({"pdf.page_is_a_link", "pdf.uri"}, ""),
    ],
)
def test_what_shortcuts_and_pdf_show_together(names: set[str], rule: str) -> None:
    held = [one.meaning.name for one in combinations() if one.holds(names)]
    assert held == ([rule] if rule else [])


def test_our_combinations_load() -> None:
    assert all(rule.meaning.reason for rule in combinations())


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("level: odd, group: name", "level"),
        ("level: low, group: odd", "group"),
        ("level: low, group: name, techniques: [X1]", "technique"),
        ("level: low, group: learned", "cap"),
        ("level: low, group: name, odd: 1", "unknown odd"),
        ("level: low", "without group"),
    ],
)
def test_meanings_that_cannot_be(tmp_path: Path, row: str, fault: str) -> None:
    (tmp_path / "x.yml").write_text(f"a.b: {{title: t, reason: r, {row}}}\n", "utf-8")
    with pytest.raises(RuleError, match=fault):
        meanings(tmp_path / "x.py")


def test_what_was_looked_at_twice_is_one() -> None:
    first, second = (
        item("a.exe", "a.medium", analyzers=("name",)),
        item("a.exe", "b.high", analyzers=("emulate",)),
    )
    (both,) = folded([first, second])
    assert both.analyzers == ("name", "emulate")
    assert [feature.name for feature in both.features] == ["a.medium", "b.high"]
    assert [judge([one], MEANINGS).word for one in (first, second)] == ["informational", "suspicious"]
    assert judge([first, second], MEANINGS).word == "malicious"
    assert judge([first, item("a.exe!left"), second], MEANINGS).word == "malicious"

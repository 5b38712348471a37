"""The ATT&CK matrix: techniques under their tactics and parents, with counts and levels, bounded."""

from __future__ import annotations

import io

import pytest
from lxml import html
from test_story_page import told
from test_track import incident, step

import story
from kazami.model.attack import TACTICS
from kazami.model.story import Story
from kazami.respond.language import LANGUAGES
from kazami.respond.report import matrix, write
from kazami.respond.report.matrix import Cell, Matrix, Touch
from kazami.respond.report.tally import Tally


def shown(made: Matrix) -> dict[str, list[tuple[str, int]]]:
    """By tactic its techniques, parts after their parents, with their counts."""

    def cells(one: Cell) -> list[tuple[str, int]]:
        return [(one.id, one.count), *((part.id, part.count) for part in one.parts)]

    return {
        column.tactic: [pair for cell in column.cells for pair in cells(cell)]
        for column in made.columns
        if column.sources
    }


@pytest.mark.parametrize(
    ("tactics", "techniques", "expected"),
    [
        (["credential-access"], ["T1003.001"], {"credential-access": [("T1003", 0), ("T1003.001", 5)]}),
        (
            ["persistence", "initial-access"],
            ["T1078"],
            {"initial-access": [("T1078", 5)], "persistence": [("T1078", 5)]},
        ),
        (["stealth"], ["T1036"], {"stealth": [("T1036", 5)]}),
        (["discovery"], ["T1003"], {"credential-access": [("T1003", 5)], "discovery": []}),
        ([], ["T1003"], {"credential-access": [("T1003", 5)]}),
        (["impact"], ["T9999"], {"impact": [("T9999", 5)]}),
        ([], ["T9999"], {"execution": [("T9999", 5)]}),
        (["no such"], [], {}),
        ([], [], {}),
    ],
)
def test_a_technique_stands_where_the_rule_and_attack_agree(
    tactics: list[str], techniques: list[str], expected: dict[str, list[tuple[str, int]]]
) -> None:
    assert shown(matrix.matrix([Touch(tactics, techniques, 3, 5)])) == expected


def test_columns_are_in_the_order_of_the_matrix_and_silent_ones_are_there() -> None:
    made = matrix.matrix([Touch(["exfiltration"], ["T1041"], 2, 1), Touch(["execution"], ["T1059"], 2, 1)])
    order = [column.tactic for column in made.columns]
    assert order == [tactic for tactic in TACTICS if tactic in order]
    assert len(order) == 15
    assert "initial-access" in made.silent
    assert "execution" not in made.silent


def test_counts_add_up_and_the_highest_level_stays() -> None:
    made = matrix.matrix(
        [
            Touch(["credential-access"], ["T1003.001"], 1, 5),
            Touch(["credential-access"], ["T1003.001", "T1003.002"], 4, 2),
            Touch(["credential-access"], ["T1110"], 3, 9),
        ]
    )
    (column,) = [one for one in made.columns if one.sources]
    assert (column.sources, column.count, column.level) == (3, 16, "critical")
    dumping, brute = column.cells
    assert (dumping.id, dumping.level, dumping.worst) == ("T1003", "none", 4)
    assert [(part.id, part.name, part.count, part.level) for part in dumping.parts] == [
        ("T1003.001", "LSASS Memory", 7, "critical"),
        ("T1003.002", "Security Account Manager", 2, "critical"),
    ]
    assert (brute.name, brute.count, brute.level) == ("Brute Force", 9, "high")


def test_more_techniques_than_there_is_room_for_are_counted() -> None:
    many = [f"T{number}" for number in range(5000, 6000)]
    made = matrix.matrix([Touch(["execution"], many, 0, 1)])
    assert made.techniques == matrix.MOST
    assert made.left_out == 1000 - matrix.MOST


def test_of_an_incident_and_of_all_rules() -> None:
    one = incident(
        step(1, 0, "a", "initial-access", techniques=("T1078",)),
        step(2, 1, "a", "credential-access", techniques=("T1003.001", "T1078"), findings=3),
    )
    assert shown(matrix.of_incident(one)) == {
        "initial-access": [("T1078", 4)],
        "credential-access": [("T1003", 0), ("T1003.001", 3)],
    }
    tally = Tally()
    rows = [story.row("lsass", number=number) for number in range(4)]
    assert len(list(tally.read(rows))) == 4
    assert shown(matrix.of_case(tally)) == {"credential-access": [("T1003", 0), ("T1003.001", 4)]}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_has_one_of_the_case_and_one_of_each_incident(lang: str) -> None:
    out = io.StringIO()
    rows = story.story()
    write(iter(rows), story.summary(rows), out, lang, story=Story([told(1)], total=1))
    root = html.document_fromstring(out.getvalue())
    (of_case,) = root.xpath("//section[@id='attack']//ol[@class='matrix']")
    (of_incident,) = root.xpath("//section[@id='story']//ol[@class='matrix']")
    assert len(of_case.xpath("./li")) >= 14
    assert [node.text for node in of_incident.xpath(".//a")] == ["T1003", ".001", ".002", "T1110", ".003"]
    assert all(node.get("href").startswith("https://attack.mitre.org/") for node in of_case.xpath(".//a"))

"""The file that a disk would hold, what carried it, the mail it came by."""

from __future__ import annotations

import pytest

from kazami.detect.content.lineage import lineage
from kazami.model.content import Inspection, Looked, Verdict


def looked(*way: tuple[str, str]) -> list[Looked]:
    """Artifacts in each other, by name and kind; hashes are their names. Mails say that they came."""
    return [
        Looked(name, name, kind, 1, name, "", "", depth, way[depth - 1][0] if depth else "", "", about={"sent": name} if kind == "eml" else {})
        for depth, (name, kind) in enumerate(way)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("way", "carried", "mail"),
    [
        ([("a.docx", "docx")], ["a.docx"], ""),
        (
            [("m.eml", "eml"), ("a.zip", "zip"), ("a.docx", "docx"), ("settings.rels", "xml")],
            ["a.zip", "a.docx"],
            "m.eml",
        ),
        ([("m.eml", "eml"), ("n.eml", "eml"), ("a.exe", "pe")], ["a.exe"], "n.eml"),
        ([("m.eml", "eml")], ["m.eml"], "m.eml"),
        ([("a.iso", "iso"), ("b.lnk", "lnk")], ["a.iso", "b.lnk"], ""),
        ([("a.exe", "pe"), ("payload", "strange")], ["a.exe"], ""),
    ],
)
def test_from_the_inside_out(way: list[tuple[str, str]], carried: list[str], mail: str) -> None:
    artifacts = looked(*way)
    found = lineage(
        Inspection("x", way[0][0], 1, way[0][1], Verdict("clean", 0), tuple(artifacts)), artifacts[-1]
    )
    assert [one.name for one in found.carried] == carried
    assert found.file.name == carried[-1]
    assert found.mail.get("sent", "") == mail


def test_a_circle_ends() -> None:
    one = Looked("a", "a", "zip", 1, "a", "", "", 0, "a", "")
    assert lineage(Inspection("x", "a", 1, "zip", Verdict("clean", 0), (one,)), one).file is one

"""``kazami suppress``: what it would cost is shown, incidents are told anew, and nothing is silenced for good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kazami.cli import run
from kazami.store import suppressed
from kazami.store.case import Case
from kazami.store.incidents import changes, incidents

EVIDENCE = Path(__file__).parents[2] / "examples" / "intrusion" / "minato-foods"
TENANT = "minato"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = tmp_path_factory.mktemp("suppress") / "case"
    command = [
        "scan",
        str(EVIDENCE),
        "--tenant",
        TENANT,
        "--case",
        str(case),
        "--no-report",
        "--workers",
        "1",
    ]
    assert run([*command, "--format", "jsonl", "--output", str(case.parent / "findings.jsonl")]) == 0
    return case


@pytest.fixture
def case(scanned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scanned, tmp_path / "case"))


def grave(case: Path) -> dict[str, int]:
    """Open incidents with their findings."""
    with Case.open(case, read_only=True) as opened:
        return {one.incident_uid: one.findings for one in incidents(opened, only="open")}


WHY = ("--reason", "known tool", "--owner", "soc")


def test_a_preview_shows_what_would_vanish_and_changes_nothing(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = grave(case)
    assert before
    assert run(["suppress", "preview", str(case), "--host", "minato-*"]) == 0
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    kinds = {row["what"] for row in rows}
    assert {"rule", "chain", "incident vanishes", "tactic goes silent"} <= kinds
    assert "warning: nothing is left of" in said.err
    assert "warning: silences a chain" in said.err
    assert grave(case) == before
    assert not (case / suppressed.FILE).exists()


def test_findings_leave_their_incident_and_come_back(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = grave(case)
    assert run(["suppress", "add", str(case), "--rule", "RAR Under Another Name", *WHY, "--who", "ann"]) == 0
    uid = capsys.readouterr().out.strip()
    after = grave(case)
    assert after.keys() == before.keys()
    assert sum(after.values()) < sum(before.values())
    assert run(["suppress", "list", str(case)]) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["suppression"], row["state"], row["owner"], row["reason"]) == (
        uid,
        "active",
        "soc",
        "known tool",
    )
    assert row["findings"] == sum(before.values()) - sum(after.values())
    assert run(["suppress", "remove", str(case), uid[:6], "--note", "was none"]) == 0
    assert grave(case) == before
    assert run(["suppress", "list", str(case), "--all"]) == 0
    log = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert [(line["state"], line["who"]) for line in log][:1] == [("added", "ann")]
    assert log[1]["note"] == "was none"


def test_an_incident_whose_findings_are_all_silenced_vanishes_and_that_is_logged(case: Path) -> None:
    before = grave(case)
    assert run(["suppress", "add", str(case), "--host", "minato-*", *WHY]) == 0
    gone = before.keys() - grave(case).keys()
    assert gone
    with Case.open(case, read_only=True) as opened:
        assert {one.incident_uid for one in changes(opened) if one.action == "closed"} >= gone


def test_what_a_person_holds_stays_though_its_findings_are_silenced(case: Path) -> None:
    uid = next(iter(grave(case)))
    assert run(["incidents", "close", str(case), uid, "--open", "--owner", "ann"]) == 0
    assert run(["suppress", "add", str(case), "--host", "*-*", *WHY]) == 0
    assert uid in grave(case)


@pytest.mark.parametrize(
    "words",
    [
        ["--host", "pc1"],  # neither reason nor owner
        [*WHY],  # nothing that narrows it
        ["--host", "*", *WHY],
        ["--where", "Image=*", *WHY],
        ["--where", "Image", *WHY],
        ["--rule", "no such rule", *WHY],
        ["--tenant", "other", "--host", "pc1", *WHY],
        ["--host", "pc1", *WHY, "--expires", "2020-01-01"],
        ["--host", "pc1", *WHY, "--expires", "2099-01-01"],
    ],
)
def test_what_cannot_be_answered_for_is_refused(case: Path, words: list[str]) -> None:
    assert run(["suppress", "add", str(case), *words]) == 2
    assert suppressed.entries(case) == []


def test_one_that_is_not_there_cannot_be_removed(case: Path) -> None:
    assert run(["suppress", "remove", str(case), "abcdef"]) == 2
    assert run(["suppress", "remove", str(case), ""]) == 2

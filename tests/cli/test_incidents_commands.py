"""``kazami incidents``: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kazami.cli import run
from kazami.respond.export.incident import text
from kazami.store.case import Case
from kazami.store.incidents import incidents

EVIDENCE = Path(__file__).parents[2] / "examples" / "intrusion" / "minato-foods"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incidents")
    command = ["scan", str(EVIDENCE), "--case", str(folder / "case"), "--no-report", "--workers", "1"]
    assert run([*command, "--tenant", "minato", "--output", str(folder / "findings.jsonl")]) == 0
    return folder / "case"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict[str, object]]:
    capsys.readouterr()
    assert run(["incidents", *map(str, words)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_list_show_and_export_say_the_same(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = said(capsys, "list", case)
    assert listed[0]["tenant"] == "minato"
    shown = said(capsys, "show", case, listed[0]["incident"])[0]
    assert str(shown["incident_uid"]).startswith(str(listed[0]["incident"]))
    assert shown["steps"]
    assert shown["links"]
    assert shown["mitigations"]
    assert shown in said(capsys, "export", case)
    assert said(capsys, "list", case, "--tenant", "nobody") == []


def test_ocsf_is_class_2005(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = said(capsys, "export", case, "--format", "ocsf")[0]
    assert (first["class_uid"], first["category_uid"], first["type_uid"]) == (2005, 2, 200501)
    assert first["metadata"]["tenant_uid"] == "minato"  # type: ignore[index]
    assert first["finding_info_list"]
    assert first["severity_id"] in range(1, 6)


def test_split_merge_and_close(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uid = str(said(capsys, "list", case)[0]["incident"])
    capsys.readouterr()
    assert run(["incidents", "split", str(case), uid, "--step", "1", "--who", "aki"]) == 0
    part = capsys.readouterr().out.strip()
    assert run(["incidents", "merge", str(case), uid, part]) == 0
    assert run(["incidents", "close", str(case), uid, "--verdict", "benign", "--who", "aki"]) == 0
    assert uid not in {row["incident"] for row in said(capsys, "list", case)}
    states = {row["incident"]: row["state"] for row in said(capsys, "list", case, "--all")}
    assert (states[uid], states[part[:12]]) == ("closed", "redirected")
    assert run(["incidents", "close", str(case), uid, "--open"]) == 0


@pytest.mark.parametrize(
    "words",
    [("show", "ffffffffffff"), ("merge", "zz", "yy"), ("split", "zz", "--step", "1"), ("close", "zz")],
    ids=lambda words: words[0],
)
def test_what_is_not_there_is_said(
    case: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run(["incidents", words[0], str(case), *words[1:]]) == 2
    assert "no incident of this case" in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "heading"), [("en", "Open questions:"), ("ja", "未解決の問い:")])
def test_a_person_is_told_in_lines(case: Path, lang: str, heading: str) -> None:
    with Case.open(case, read_only=True) as opened:
        told = text(next(incidents(opened, links=True)), lang)
    assert heading in told.splitlines()
    assert "minato-fs01" in told

"""What a report tells of a case: open incidents, the gravest first, their tiers, and what tenants share."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from kazami import cli
from kazami.model.event import LogSource
from kazami.model.finding import FINDING
from kazami.model.incident import LINK, MEMBER, SKELETON, Incident, Skeleton, Step, Text
from kazami.model.rule import RuleInfo
from kazami.model.tenant import Directory, Tenant
from kazami.pipeline import story as stories
from kazami.store import incidents
from kazami.store.case import Case

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def one(number: int, tenant: str, state: str = "open", score: float = 50.0) -> Incident:
    step = Step(
        1, "initial-access", "Seen", "r", "high", WHEN, WHEN, host=f"dc-{tenant}", words=Text("s", "s")
    )
    return Incident(
        f"{number:032x}",
        tenant,
        Text(f"x{number}", "x"),
        state,
        score=score,
        steps=(step,),
        hosts=(step.host,),
    )


def made(path: Path, told: list[Incident], shared: dict[str, str]) -> Path:
    rows = [
        dataclasses.asdict(Skeleton(who.tenant, kind, value, who.incident_uid, WHEN, WHEN, 1.0))
        for who in told
        for kind, value in shared.items()
    ]
    with Case.open(path, create=True) as case:
        case.begin(version="0")
        incidents.replace(
            case,
            told,
            members=MEMBER.empty_table(),
            links=LINK.empty_table(),
            skeleton=pa.Table.from_pylist(rows, SKELETON),
        )
    return path


RULE = RuleInfo(
    "r1",
    "1" * 16,
    "Seen",
    level="high",
    logsource=LogSource("windows", "process_creation"),
    tags=("attack.t1003.001", "attack.t1021.002", "attack.t1047"),
)
SHARED = {"hash": "ab" * 32, "address": "185.220.101.7"}


def test_the_gravest_open_incidents_are_told_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stories, "TOLD", 2)
    monkeypatch.setattr(stories, "LISTED", 1)
    told = [one(n, "a", score=float(n)) for n in range(1, 6)]
    path = made(tmp_path / "case", [*told, one(9, "a", "closed", 99.0)], {})
    with Case.open(path, read_only=True) as case:
        found = stories.story(case)
    assert [each.title.en for each in found.incidents] == ["x5", "x4"]
    assert [each.title.en for each in found.others] == ["x3"]
    assert found.total == 5
    assert found.campaigns == []


def test_tiers_come_from_the_directory(tmp_path: Path) -> None:
    path = made(tmp_path / "case", [one(1, "a"), one(2, "b")], {})
    directory = Directory({"a": Tenant("a", tiers={0: ("dc-*",)})})
    with Case.open(path, read_only=True) as case:
        assert stories.story(case, directory).tiers == {("a", "dc-a"): 0}


def test_what_tenants_share_is_named_and_no_key_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    path = made(tmp_path / "case", [one(1, "a"), one(2, "b")], SHARED)
    with Case.open(path, read_only=True) as case:
        (shared,) = stories.story(case).campaigns
    assert shared.tenants == ("a", "b")
    assert [each.tenant for each in shared.incidents] == ["a", "b"]
    assert [(bond.kind, bond.entity) for bond in shared.bonds] == [("address", "185.220.101.7")]
    assert not (tmp_path / "home").exists()


def test_grave_incidents_with_enough_techniques_are_assessed(tmp_path: Path) -> None:
    grave = dataclasses.replace(one(1, "a"), severity="high", techniques=("T1003.001", "T1021.002", "T1047"))
    path = made(tmp_path / "case", [grave, one(2, "a")], {})
    with Case.open(path, create=False) as case:
        run = case.begin(version="0", rules=[RULE])
        finding = {
            "finding_uid": "f1",
            "rule_id": RULE.id,
            "rule_version": RULE.version,
            "tenant": "a",
            "table": "process_creation",
            "event_uids": [],
            "evidence": "e",
            "record": 1,
            "matched": [],
        }
        run.replace_findings([RULE.id], pa.Table.from_pylist([finding], FINDING))
        member = [{"incident_uid": grave.incident_uid, "finding_uid": "f1", "tenant": "a", "step": 1}]
        incidents.replace(
            case,
            [grave, one(2, "a")],
            members=pa.Table.from_pylist(member, MEMBER),
            links=LINK.empty_table(),
            skeleton=SKELETON.empty_table(),
        )
    with Case.open(path, read_only=True) as case:
        found = stories.story(case, blind=[])
    (uid,) = found.assessments
    assert uid == grave.incident_uid
    assert found.assessments[uid]["findings"] == 1
    assert found.measured["reports"]["cases"] > 100
    assert found.logging == []


def test_of_one_tenant_no_campaign_is_asked_for(tmp_path: Path) -> None:
    path = made(tmp_path / "case", [one(1, "a"), one(2, "a")], SHARED)
    with Case.open(path, read_only=True) as case:
        assert stories.story(case).campaigns == []


def test_too_many_entities_are_not_compared_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stories, "ENTITIES", 1)
    path = made(tmp_path / "case", [one(1, "a"), one(2, "b")], SHARED)
    with Case.open(path, read_only=True) as case:
        found = stories.story(case)
    assert found.campaigns == []
    assert found.unasked


def test_the_report_of_a_case_shows_its_campaign_and_its_tiers(tmp_path: Path) -> None:
    path = made(tmp_path / "case", [one(1, "a"), one(2, "b")], SHARED)
    file = tmp_path / "who.toml"
    file.write_text("[tenants.a]\ntiers = { 0 = ['dc-a'] }\n[tenants.b]\n")
    assert cli.run(["report", str(path), "--tenants", str(file)]) == 0
    page = (path / "report.html").read_text("utf-8")
    assert "One campaign over a, b" in page
    assert "domain controller or alike" in page

"""Detectors at the end of a scan: asked over the whole case, once and again, with and without a file of tenants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kazami import pipeline, plugins
from kazami.model.question import Question
from kazami.pipeline.overall import judge
from kazami.store.case import Case
from kazami.store.gather import gather
from kazami.tenants import parse
from made import Watcher, ask

TENANTS = parse("""
[provider]
tenant = "msp"
accounts = ['MSP\\*']
sources = ["10.99.0.0/24"]
[tenants.north]
[tenants.south]
""")


def logon(minute: int, address: str = "185.220.0.9") -> dict[str, Any]:
    return {
        "EventID": 4624,
        "Channel": "Security",
        "SourceName": "Microsoft-Windows-Security-Auditing",
        "Computer": "N1.north.test",
        "TimeCreated": f"2026-11-20T01:{minute:02d}:00.000Z",
        "RecordNumber": minute,
        "TargetUserName": "sato",
        "TargetDomainName": "MSP",
        "LogonType": "3",
        "IpAddress": address,
    }


def scanned(tmp_path: Path, directory: Any = TENANTS) -> pipeline.Result:
    for name in ("north", "south"):
        folder = tmp_path / "evidence" / name
        folder.mkdir(parents=True, exist_ok=True)
        address = "10.99.0.5" if name == "south" else "185.220.0.9"
        (folder / "log.jsonl").write_text(json.dumps(logon(1, address)) + "\n")
    request = pipeline.Request(
        [tmp_path / "evidence"],
        tmp_path / "case",
        packs=(),
        tenant_from_folder=True,
        directory=directory,
    )
    return pipeline.scan(request, Watcher())


QUERY = "select tenant, title, level, kind, user from finding order by all"


def test_a_scan_judges_touchpoints_once_and_again(tmp_path: Path) -> None:
    scanned(tmp_path)
    first = ask(tmp_path / "case", QUERY)
    assert [(row["tenant"], row["kind"], row["user"]) for row in first] == [
        ("north", "detector", "msp\\sato")
    ]
    scanned(tmp_path)
    assert ask(tmp_path / "case", QUERY) == first


def test_without_tenants_it_is_said_what_was_not_judged(tmp_path: Path) -> None:
    result = scanned(tmp_path, pipeline.Request([], tmp_path).directory)
    assert any("touchpoints J1" in note for note in result.notes)
    assert ask(tmp_path / "case", QUERY) == []


def test_a_broken_detector_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        RULES: ClassVar[dict[str, Any]] = {}
        tables = ()

        @staticmethod
        def judge(batches: Any, directory: Any) -> Any:
            raise ValueError("no")

    scanned(tmp_path)
    real = plugins.discover(plugins.DETECTORS)
    broken = [
        plugins.Extension("kazami.detectors", "broken", "x", Broken),
        plugins.Extension("kazami.detectors", "empty", "x", error="ImportError: no"),
    ]
    monkeypatch.setattr(plugins, "discover", lambda group: [*broken, *real])
    with Case.open(tmp_path / "case") as case:
        notes = judge(case, case.begin(version="0"), TENANTS)
    assert notes[0] == "detector broken failed: ValueError: no"
    assert notes[1] == "detector empty cannot be used: ImportError: no"
    assert len(ask(tmp_path / "case", QUERY)) == 1


def test_a_question_is_answered_in_its_own_schema(tmp_path: Path) -> None:
    scanned(tmp_path)
    question = Question("security", {"who": ("Nothing", "TargetUserName"), "none": ("X",)}, ("4624",))
    with Case.open(tmp_path / "case", read_only=True) as case:
        rows = [row for batch in gather(case, question) for row in batch.to_pylist()]
        assert [(row["tenant"], row["who"], row["none"]) for row in rows] == [
            ("north", "sato", None),
            ("south", "sato", None),
        ]
        assert list(gather(case, Question("nowhere"))) == []
        assert list(gather(case, Question("security", {}, ("1",)))) == []
        like = Question("security", {"who": ("TargetUserName",)}, ("4624",), like=("who", "^SAT"))
        assert sum(batch.num_rows for batch in gather(case, like)) == 2

"""Linting: each remark on a rule that deserves it, and none on one that does not."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from kazami.detect.sigma.check import check
from kazami.detect.sigma.lint import Known, never
from kazami.detect.sigma.remark import Remark
from kazami.detect.sigma.validators import _CHECKS
from kazami.errors import UsageError
from kazami.model.event import LogSource

GOOD: dict[str, Any] = {
    "title": "Copy Tool From Temporary Folder",
    "id": "929a690e-bef0-4204-a928-ef5e620d6fcc",
    "status": "test",
    "description": "Somebody runs the copy tool from where it does not belong.",
    "author": "us",
    "date": "2024-01-01",
    "level": "high",
    "tags": ["attack.t1059.001", "attack.defense-evasion", "attack.g0001", "attack.stealth"],
    "logsource": {"product": "windows", "category": "process_creation"},
    "detection": {
        "selection": {"Image|endswith": "\\copy.exe", "CommandLine|contains|all": [" -a", " -b"]},
        "filter": {"User": "SYSTEM"},
        "condition": "selection and not filter",
    },
}


def remarks(folder: Path, *rules: dict[str, Any], known: Known | None = None) -> list[Remark]:
    (folder / "a.yml").write_text("\n---\n".join(yaml.safe_dump(rule) for rule in rules))
    return check([folder], known=known)


def detection(condition: str = "s", **selections: Any) -> dict[str, Any]:
    return {"detection": {**selections, "condition": condition}}


def test_a_good_rule_has_no_remark(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("change", "severity", "code"),
    [
        (detection("s", s={"A|containz": "x"}), "error", "rejected"),
        ({"id": None}, "warning", "loading"),
        ({"title": None}, "warning", "loading"),
        ({"level": "urgent"}, "warning", "loading"),
        ({"level": None}, "note", "no_level"),
        ({"description": None}, "note", "no_description"),
        ({"author": None}, "note", "no_author"),
        ({"date": "01.02.2024"}, "warning", "date"),
        ({"status": "deprecated"}, "warning", "status"),
        ({"status": "great"}, "warning", "status"),
        ({"references": ["a", "a"]}, "warning", "duplicate_references"),
        ({"realted": []}, "warning", "custom_attributes"),
        ({"tags": ["attack.t105"]}, "warning", "attack_tag"),
        ({"tags": ["attack.T1059.1"]}, "warning", "attack_tag"),
        ({"tags": ["nonsense"]}, "warning", "tag"),
        ({"tags": ["unheard.of"]}, "warning", "invalid_namespace_tag"),
        ({"tags": ["attack.t1059", "attack.t1059"]}, "warning", "duplicate_tag"),
        ({"tags": ["car.20-1"]}, "warning", "invalid_pattern_tag"),
        ({"logsource": {"product": "Windows"}}, "note", "logsource_case"),
        (detection("s", s={"A": "x"}, unused={"B": "y"}), "warning", "dangling_detection"),
        (detection("all of them", s={"A": "x"}, t={"B": "y"}), "warning", "all_of_them_condition"),
        (detection("s", s={"A": "x"}, timeframe="5m"), "warning", "timeframe"),
        (detection("s", s={"A ": "x"}), "warning", "blank_in_field"),
        (detection("s", s={"A|contains": "*x*"}), "note", "needless_wildcard"),
        (detection("s", s={"A|startswith": "x*"}), "note", "needless_wildcard"),
        (detection("s", s={"A": "*x*"}), "note", "wildcards_instead_of_contains_modifier"),
        (detection("s", s={"A": "*"}), "note", "only_wildcards"),
        (detection("s", s={"A": "??"}), "note", "only_wildcards"),
        (detection("s", s={"A|re": "(?<!x)abc"}), "warning", "slow_regular_expression"),
        (detection("s", s={"A|re": "x*"}), "warning", "matches_empty"),
        (detection("s", s={"A|all": ["x", "y"]}), "warning", "all_without_contains_modifier"),
        (detection("s", s={"A|base64offset": "xyz"}), "warning", "base64offset_without_contains_modifier"),
        (detection("s", s={"A|hour": 25}), "warning", "never_true"),
        (detection("s and t", s={"A": "x"}, t={"A": "y"}), "warning", "never_true"),
        (detection("s and not s", s={"A": "x"}), "warning", "never_true"),
        (detection("not s", s={"A": "x"}), "warning", "true_of_nothing"),
        (detection("s", s={"A": None}), "warning", "true_of_nothing"),
        (detection("s", s={"A": ["12", "x"]}), "note", "number_as_string"),
        (detection("s", s={"A|cidr": "10.0.0.1/8"}), "note", "portability"),
        (detection("s", s={"A|windash": "-a -b -c -d"}), "note", "portability"),
        (detection("s AND t", s={"A": "x"}, t={"B": "y"}), "note", "portability"),
    ],
)
def test_remarks(tmp_path: Path, change: dict[str, Any], severity: str, code: str) -> None:
    rule = {key: value for key, value in (GOOD | change).items() if value is not None}
    found = remarks(tmp_path, rule)
    assert (severity, code) in {(remark.severity, remark.code) for remark in found}
    assert all(remark.path == str(tmp_path / "a.yml") for remark in found)


@pytest.mark.parametrize(
    "change",
    [
        detection("s", s={"A|contains": "a*b"}),
        detection("s", s={"A|contains": "x\\*"}),
        detection("s", s={"A|hour|gte": 22}),
        detection("s", s={"A": ["x", "y"]}),
        detection("s or t", s={"A": "x"}, t={"A": "y"}),
        detection("s and t", s={"A|contains": "x"}, t={"A|contains": "y"}),
        detection("s", s={"A|exists": True}),
    ],
)
def test_no_remark(tmp_path: Path, change: dict[str, Any]) -> None:
    codes = {remark.code for remark in remarks(tmp_path, GOOD | change)}
    assert codes <= {"escaped_wildcard"}


def test_remarks_on_several_rules_together(tmp_path: Path) -> None:
    found = remarks(tmp_path, GOOD, GOOD, GOOD | {"id": "929a690e-bef0-4204-a928-ef5e620d6fcd"})
    assert [remark.severity for remark in found] == sorted(
        (remark.severity for remark in found), key=("error", "warning", "note").index
    )
    assert found[0].text.startswith("its id is already that of")
    assert "duplicate_title" in {remark.code for remark in found}


def test_log_sources_and_fields_that_nothing_gives(tmp_path: Path) -> None:
    fields = frozenset({"Image", "CommandLine"})
    here = LogSource("windows", "process_creation")
    known: Known = {here: fields, LogSource("linux", None, "auditd"): None}
    assert [remark.text for remark in remarks(tmp_path, GOOD, known=known)] == [
        "no event of windows/process_creation/* is known to have 'User'"
    ]
    anywhere = GOOD | {"logsource": {"product": "linux"}}
    assert remarks(tmp_path, anywhere, known=known) == []
    nowhere = GOOD | {"logsource": {"product": "zeek"}}
    assert [remark.code for remark in remarks(tmp_path, nowhere, known=known)] == ["unknown_log_source"]


def test_an_odd_document_does_not_stop_the_check(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("title: [")
    (tmp_path / "c.yml").write_text(yaml.safe_dump(GOOD | {"id": 5, "tags": {"a": 1}, "related": "x"}))
    found = remarks(tmp_path, GOOD)
    assert {Path(remark.path).name for remark in found if remark.severity == "error"} == {"b.yml"}
    assert any(Path(remark.path).name == "c.yml" for remark in found)


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        check([tmp_path / "none"])


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("no check may use the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    remarks(tmp_path, GOOD | {"tags": ["attack.t1059", "d3fend.d3-acl", "cve.2024-1234"]})
    assert {"ATTACKTagValidator", "D3FENDTagValidator"}.isdisjoint(each.__name__ for each in _CHECKS)


def test_never_looks_through_nested_conditions() -> None:
    from kazami.detect.sigma.compile import compile_detection

    late = {"A|hour|gt": 23}
    never_true = compile_detection({"a": late, "b": {"B|month": 13}, "condition": "a or b"}, {})
    assert never(never_true) == "hour is a number from 0 to 23"
    assert never(compile_detection({"a": late, "b": {"B": 1}, "condition": "a or b"}, {})) == ""
    assert never(compile_detection({"a": late, "condition": "not a"}, {})) == ""

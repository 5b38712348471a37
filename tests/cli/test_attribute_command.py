"""``kazami attribute`` and ``kazami actors``."""

from __future__ import annotations

import json

import pytest

import made
from program import Program


@pytest.fixture
def told(run: Program, bench: made.Bench) -> Program:
    """A case with findings."""
    bench.put("a.jsonl", made.events(*range(9)))
    bench.scan()
    return run


def test_an_assessment_is_one_line_a_tenant(told: Program) -> None:
    (row,) = told("attribute", "case", "--level", "informational").ended(0).rows
    assert (row["tenant"], row["confidence"], row["attack"]) == ("default", "none", "18.1")
    assert row["none_known"] > 0.3
    assert row["measured"]["method"] == row["method"]
    assert (
        "特定のグループは挙げない" in told("attribute", "case", "--level", "low", "--lang", "ja").ended(0).out
    )


def test_what_cannot_be_asked(told: Program) -> None:
    assert "no level" in told("attribute", "case", "--level", "loud").ended(2).err
    assert "no id of an incident" in told("attribute", "case", "--incident", "x' OR 1=1").ended(2).err
    assert "no incident begins" in told("attribute", "case", "--incident", "ffffffff").ended(2).err
    assert "tenant 'nobody'" in told("attribute", "case", "--tenant", "nobody").ended(2).err
    said = told("attribute", "case", "--level", "critical").ended(0)
    assert (said.out, "no findings" in said.err) == ("", True)


def test_one_incident_alone(told: Program) -> None:
    rows = told("sql", "case", "select incident_uid from incident").ended(0).rows
    uid = rows[0]["incident_uid"]
    (row,) = told("attribute", "case", "--level", "informational", "--incident", uid[:12]).ended(0).rows
    assert 0 < row["findings"] <= 3


def test_actors(run: Program) -> None:
    rows = run("actors", "list").ended(0).rows
    assert {row["name"]: row["weather"] for row in rows} == {"APT10": "China", "Volt Typhoon": "China"}
    shown = run("actors", "show", "vanguard-panda").ended(0).rows
    assert {"what": "campaign", "value": "x"}.keys() <= shown[0].keys()
    rare = next(row for row in shown if row["value"].startswith("T1055.009"))
    assert (rare["kind"], rare["more"]) == ("diagnostic", "1 groups, ATT&CK 18.1 through C0035")
    assert "中国" in json.dumps(
        run("actors", "show", "G0045", "--lang", "ja").ended(0).rows, ensure_ascii=False
    )
    assert "APT10, Volt Typhoon" in run("actors", "show", "ChChes").ended(2).err

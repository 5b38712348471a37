"""Suppressions of a case: what one means, what is marked and no longer counts, and the log that only grows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from kazami.errors import CaseError
from kazami.model.finding import FINDING, LEVELS
from kazami.model.rule import RuleInfo
from kazami.model.suppression import Entry, Suppression
from kazami.store import suppressed
from kazami.store.case import Case
from kazami.store.read import findings, lines
from kazami.store.summary import summary
from kazami.store.totals import totals

NOW = datetime.now(UTC)
RULES = [RuleInfo(key, "1" * 16, key, level="high") for key in ("r1", "r2")]
ROWS: list[dict[str, Any]] = [
    {
        "host": "PC1.corp.example",
        "user": "CORP\\Adm_x",
        "matched": {"Image": "C:\\a%b\\Tool.exe", "Hash": "AB12"},
    },
    {"host": "pc2", "user": "bob", "matched": {"Image": "C:\\axb\\tool.exe"}},
    {"host": None, "user": None, "matched": {}},
    {"host": "pc1", "user": "adm_x", "matched": {"Image": "x"}, "tenant": "b"},
    {"host": "pc1", "user": "eve", "matched": {"Note": "it's"}, "rule_id": "r2"},
]


def one(uid: str = "a" * 12, tenant: str = "a", days: float = 9, **asked: Any) -> Suppression:
    return Suppression(uid, tenant, "why", "me", NOW, NOW + timedelta(days=days), **asked)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    with Case.open(tmp_path / "case", create=True) as opened:
        run = opened.begin(version="0", rules=RULES)
        rows = [
            {
                "finding_uid": f"f{number}",
                "rule_id": "r1",
                "rule_version": "1" * 16,
                "time": NOW + timedelta(seconds=number),
                "tenant": "a",
                "table": "t",
                "event_uids": [],
                "evidence": "e",
                "record": number,
                **row,
                "matched": list(row["matched"].items()),
            }
            for number, row in enumerate(ROWS)
        ]
        run.replace_findings(["r1", "r2"], pa.Table.from_pylist(rows, FINDING))
    return tmp_path / "case"


def hold(case: Path, *held: Suppression, action: str = "added") -> None:
    with Case.open(case) as opened:
        for each in held:
            suppressed.log(opened, Entry(NOW, "me", action, each))


def silenced(case: Path) -> set[str]:
    with Case.open(case, read_only=True) as opened:
        return {row["finding_uid"] for row in findings(opened) if row.get("suppressed")}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"rule": "r1"}, {"f0", "f1", "f2"}),
        ({"rule": "r2"}, {"f4"}),
        ({"rule": "R1"}, set()),
        ({"host": "pc1"}, {"f0", "f4"}),
        ({"host": "PC1.CORP.example"}, {"f0"}),
        ({"host": "pc*"}, {"f0", "f1", "f4"}),
        ({"host": "p%"}, set()),
        ({"host": "p_1"}, set()),
        ({"account": "adm_x"}, {"f0"}),
        ({"account": "corp\\adm*"}, {"f0"}),
        ({"account": "admXx"}, set()),
        ({"entity": "ab12"}, {"f0"}),
        ({"entity": "BOB"}, {"f1"}),
        ({"entity": "pc2"}, {"f1"}),
        ({"entity": "ab*"}, set()),
        ({"where": (("Image", "c:\\a%b\\*"),)}, {"f0"}),
        ({"where": (("Image", "*tool.exe"),)}, {"f0", "f1"}),
        ({"where": (("image", "*tool.exe"),)}, set()),
        ({"where": (("Note", "it's"),)}, {"f4"}),
        ({"host": "pc1", "rule": "r2"}, {"f4"}),
        ({"host": "pc2", "rule": "r2"}, set()),
        ({"rule": "' OR true --"}, set()),
        ({}, set()),
    ],
)
def test_what_is_meant(case: Path, asked: dict[str, Any], expected: set[str]) -> None:
    hold(case, one(**asked))
    assert silenced(case) == expected


def test_nothing_is_silenced_across_tenants(case: Path) -> None:
    hold(case, one(tenant="b", host="*1"))
    assert silenced(case) == {"f3"}


def test_silenced_findings_stay_marked_and_count_nowhere(case: Path) -> None:
    with Case.open(case, read_only=True) as opened:
        assert all("suppressed" not in row for row in findings(opened))
        assert '"suppressed"' not in "".join(lines(opened))
        assert summary(opened).suppressed == 0
    hold(case, one(rule="r1"))
    with Case.open(case, read_only=True) as opened:
        told = summary(opened)
        assert (told.findings, told.suppressed) == (2, 3)
        assert [count.key for count in told.hosts] == ["pc1"]
        assert len(list(findings(opened))) == 5
        assert {row["finding_uid"] for row in findings(opened, counted=True)} == {"f3", "f4"}
        assert "".join(lines(opened)).count(f'"suppressed":"{"a" * 12}"') == 3
        counted = totals(opened, [], dict.fromkeys(LEVELS, 10), 100)
        assert sum(counted.groups["count"].to_pylist()) == 2
        assert {row["finding_uid"] for row in counted.chosen} == {"f3", "f4"}
        assert suppressed.counts(opened) == {"a" * 12: 3}
        _, batches = opened.sql("select finding_uid from finding where suppressed is not null order by 1")
        assert [uid for batch in batches for uid in batch.column(0).to_pylist()] == ["f0", "f1", "f2"]


def test_an_expired_one_counts_again(case: Path) -> None:
    hold(case, one(days=-1, rule="r1"))
    assert silenced(case) == set()
    assert [each.uid for each in suppressed.standing(case)] == ["a" * 12]
    assert suppressed.active(case, NOW - timedelta(days=2)) == suppressed.standing(case)


def test_a_removed_one_counts_again_and_the_log_keeps_both(case: Path) -> None:
    held = one(rule="r1")
    hold(case, held)
    before = (case / suppressed.FILE).read_bytes()
    hold(case, held, action="removed")
    assert silenced(case) == set()
    assert (case / suppressed.FILE).read_bytes().startswith(before)
    assert [entry.action for entry in suppressed.entries(case)] == ["added", "removed"]


def test_what_several_mean_is_counted_once(case: Path) -> None:
    hold(case, one("a" * 12, rule="r1"), one("b" * 12, host="pc*"))
    with Case.open(case, read_only=True) as opened:
        assert suppressed.counts(opened) == {"a" * 12: 3, "b" * 12: 1}


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"time": 1}', b"\xff\xfe", b"", b"null"])
def test_a_broken_log_is_named_with_its_line(case: Path, line: bytes) -> None:
    hold(case, one(rule="r1"))
    with (case / suppressed.FILE).open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(CaseError, match=r"suppress\.jsonl, line 2"):
        suppressed.entries(case)


def test_a_log_that_is_too_large_is_not_read(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(case, one(rule="r1"))
    monkeypatch.setattr(suppressed, "LARGEST", 10)
    with pytest.raises(CaseError, match="larger than"):
        suppressed.active(case)


def test_who_only_reads_cannot_silence(case: Path) -> None:
    with Case.open(case, read_only=True) as opened, pytest.raises(CaseError, match="reading only"):
        suppressed.log(opened, Entry(NOW, "me", "added", one(rule="r1")))
    assert not (case / suppressed.FILE).exists()

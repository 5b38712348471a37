"""Findings of correlations: their shape, their identity, and their bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from correlation_table import table

from kazami.detect.sigma.correlation import MATCHES, needed_fields, run
from kazami.detect.sigma.rule import Correlation
from kazami.model.finding import FINDING
from kazami.model.rule import RuleInfo

MANY = Correlation(
    RuleInfo("many", "0123456789abcdef", "Many", "high", "correlation"),
    "event_count",
    ("failed",),
    ("User",),
    60.0,
    (("gte", 2),),
)


def match(at: float, uid: str, account: str = "alice", **words: Any) -> dict[str, Any]:
    fixed = {"rule": "failed", "time": round(at * 1_000_000), "uid": uid, "tenant": "t"}
    return fixed | {"fields": {"User": account}} | words


def findings(*matches: dict[str, Any], correlation: Correlation = MANY) -> list[dict[str, Any]]:
    found = run([correlation], table(list(matches))).findings
    assert found.schema == FINDING
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def test_shape() -> None:
    first = match(1, "b", host="pc", evidence="e1", record=7, table="security")
    second = match(2, "a", host="pc", evidence="e2", record=9, table="process_creation")
    (finding,) = findings(second, first)
    assert finding["rule_id"] == "many"
    assert finding["rule_version"] == "0123456789abcdef"
    assert finding["time"].timestamp() == 2
    assert (finding["tenant"], finding["host"], finding["user"]) == ("t", "pc", None)
    assert (finding["table"], finding["evidence"], finding["record"]) == ("security", "e1", 7)
    assert finding["event_uids"] == ["b", "a"]
    assert dict(finding["matched"]) == {"User": "alice", "event_count": "2"}
    assert len(finding["finding_uid"]) == 32


@pytest.mark.parametrize(("other", "shared"), [("pc1", "pc1"), ("pc2", None), (None, None)])
def test_host_and_user_only_where_all_events_agree(other: str | None, shared: str | None) -> None:
    (finding,) = findings(match(1, "a", host="pc1", user="u"), match(2, "b", host=other, user="u"))
    assert finding["host"] == shared
    assert finding["user"] == "u"


def test_by_time() -> None:
    rows = [match(at, f"{name}{at}", name) for name in ("c", "a", "b") for at in (1, 2)]
    rows += [match(at, f"d{at}", "d") for at in (0, 1)]
    found = findings(*rows)
    assert [dict(f["matched"])["User"] for f in found] == ["d", "a", "b", "c"]


def test_identity_is_of_rule_version_tenant_group_and_events() -> None:
    pair = [match(1, "a"), match(2, "b")]
    (finding,) = findings(*pair)
    assert findings(*reversed(pair), pair[0])[0]["finding_uid"] == finding["finding_uid"]
    versioned = replace(MANY, info=replace(MANY.info, version="f" * 16))
    others = [
        findings(*pair, correlation=versioned),
        findings(*(m | {"tenant": "other"} for m in pair)),
        findings(*(m | {"fields": {"User": "bob"}} for m in pair)),
        findings(*pair, match(3, "c")),
    ]
    uids = {finding["finding_uid"], *(other[0]["finding_uid"] for other in others)}
    assert len(uids) == 5


def test_a_thousand_events_are_named_and_all_are_counted() -> None:
    (finding,) = findings(*(match(n // 7, f"{n:05}") for n in reversed(range(3000))))
    assert finding["event_uids"] == [f"{n:05}" for n in range(1000)]
    assert dict(finding["matched"])["events"] == "3000"
    assert finding["time"].timestamp() == 428


def test_correlations_that_only_feed_others_find_nothing_themselves() -> None:
    assert findings(match(1, "a"), match(2, "b"), correlation=replace(MANY, report=False)) == []


def test_no_matches_at_all() -> None:
    assert run([MANY], MATCHES.empty_table()).findings == FINDING.empty_table()
    assert run([], table([match(1, "a")])).findings == FINDING.empty_table()


def test_rows_that_other_rules_matched_do_no_harm() -> None:
    assert findings(match(1, "a"), match(2, "b", rule="other")) == []


def test_plain_texts_sliced_maps_and_other_time_units() -> None:
    whole = table([match(0, "x"), match(1, "a"), match(2, "b"), match(3, "c", "bob")])
    texts = whole.set_column(0, "rule_id", whole["rule_id"].cast(pa.string()))
    coarse = texts.set_column(2, "time", texts["time"].cast(pa.timestamp("ms", "UTC")))
    (finding,) = run([MANY], coarse.slice(1)).findings.to_pylist()
    assert finding["event_uids"] == ["a", "b"]


def test_the_first_of_several_values_of_a_field_groups() -> None:
    rows = table([match(1, "a"), match(2, "b")])
    values = [[("User", None), ("User", "alice"), ("User", str(n))] for n in range(2)]
    maps = pa.array(values, MATCHES.field("fields").type)
    assert run([MANY], rows.set_column(12, "fields", maps)).findings.num_rows == 1


def test_times_beyond_all_calendars_are_no_times() -> None:
    rows = [match(1, "a"), match(2, "b")] + [
        match(0, uid) | {"time": time} for uid, time in (("c", -(2**63) + 1), ("d", 2**63 - 1))
    ]
    (finding,) = findings(*rows)
    assert finding["event_uids"] == ["a", "b"]


def test_needed_fields_go_down_to_the_rules() -> None:
    inner = replace(MANY, group_by=("who",), aliases={"who": {"failed": "TargetUserName"}})
    outer = replace(
        MANY,
        info=replace(MANY.info, id="outer"),
        type="value_sum",
        rules=("many", "granted"),
        group_by=("who", "Computer"),
        fields=("Bytes",),
        aliases={"who": {"granted": "User"}},
    )
    assert needed_fields([inner, outer]) == {
        "failed": {"TargetUserName", "Computer", "Bytes"},
        "granted": {"User", "Computer", "Bytes"},
    }
    ungrouped = replace(MANY, group_by=())
    assert needed_fields([ungrouped]) == {"failed": set()}

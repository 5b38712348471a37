"""A sample of a case, what rules cost over it, and what it shows of logging."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kazami.errors import CaseError
from kazami.model.event import Route
from kazami.pipeline import Request, rules_of, scan
from kazami.pipeline.cost import costs
from kazami.store.case import Case
from kazami.store.sample import sample
from kazami.survey.logged import logged
from kazami.web.quiet import Quiet

EXAMPLE = Path(__file__).parents[2] / "examples" / "intrusion" / "minato-foods"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = tmp_path_factory.mktemp("cost") / "case"
    scan(Request((EXAMPLE,), case, tenant="minato"), Quiet())
    return case


def test_a_sample_has_at_most_so_many_events_of_each_kind(folder: Path) -> None:
    with Case.open(folder, read_only=True) as case:
        found: Counter[Route] = Counter()
        for batch in sample(case, 5):
            found[Route.of(batch)] += batch.num_rows
        assert max(found.values()) == 5
        assert {route.table for route in found} >= {"process_creation", "security"}
        next(folder.rglob("*.parquet")).write_bytes(b"")
        with pytest.raises(CaseError, match="cannot be read"):
            list(sample(case, 1 << 30))


def test_rules_cost_what_is_measured_and_match_what_a_scan_matched(tmp_path: Path) -> None:
    request = Request((EXAMPLE,), tmp_path / "case", tenant="minato")
    scan(request, Quiet())
    rules = rules_of(request).rules
    with Case.open(tmp_path / "case", read_only=True) as case:
        found = costs(case, rules)
        stored = case.database.rows("SELECT rule_id, count(*) AS n FROM kase.finding GROUP BY 1")
        shown = logged(case, rules)
    matched = {row.rule.id: row.matches for row in found.rows}
    plain = {rule.info.id for rule in rules if rule.report}
    assert {row["rule_id"]: row["n"] for row in stored if row["rule_id"] in plain} == {
        rule: n for rule, n in matched.items() if n and rule in plain
    }
    assert found.total > 0
    assert [row.total for row in found.rows] == sorted((row.total for row in found.rows), reverse=True)
    hosts = {row.host for row in shown.covered if row.host}
    one = min(hosts)
    assert {row.host for row in shown.of(lambda tenant, host: host == one).covered} == {one}
    assert shown.of(lambda tenant, host: False).blind == {}
    assert any(shown.titles().values())

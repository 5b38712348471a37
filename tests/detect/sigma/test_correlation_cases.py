"""The cases of correlation: tests/cases/correlation/<slug>/case.yaml.

`input` has ``rules`` (names of rules, which are also their ids, or maps of id, name and level), ``correlations``
(documents) and ``matches``, by situation: lists of maps with ``rule``, ``at`` (seconds, or null for no time) and, where
it matters, ``uid``, ``tenant``, ``host``, ``times`` (so many, one ``every`` so many seconds); all other keys are fields.
`expect` has, by situation, the hits of reporting correlations in order of time: maps with ``rule`` (the title) and
what is to be checked of ``tenant``, ``group``, ``first`` and ``last`` (seconds), ``events``, ``uids``, ``measured``,
``matches``. Beside them may stand ``rejected`` (title to a part of the reason), ``reporting`` (ids of all rules that
give findings of their own) and ``notes`` (by situation).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from correlation_table import table

from kazami.detect.sigma.correlation import (
    Hit,
    Matches,
    Resolved,
    evaluate,
    load,
    needed_fields,
    resolve,
    run,
)
from kazami.detect.sigma.expression import TRUE
from kazami.detect.sigma.rule import Rule
from kazami.model.rule import RuleInfo

FOLDER = Path(__file__).resolve().parents[2] / "cases" / "correlation"
CASES = {path.parent.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*/case.yaml"))}
SITUATIONS = [(slug, name) for slug, case in CASES.items() for name in case["input"].get("matches", {})]


def resolved(case: dict[str, Any]) -> Resolved:
    rules = []
    for given in case["input"]["rules"]:
        words = given if isinstance(given, dict) else {"id": given, "name": given}
        info = RuleInfo(
            words["id"], "0" * 16, words["id"], words.get("level", "low"), name=words.get("name", "")
        )
        rules.append(Rule(info, TRUE))
    documents = case["input"]["correlations"]
    return resolve([load(d, f"{number}.yml") for number, d in enumerate(documents)], rules)


def matches(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for number, row in enumerate(rows):
        words = dict(row)
        count, every = words.pop("times", 1), words.pop("every", 0)
        rule, at, tenant = words.pop("rule"), words.pop("at"), words.pop("tenant", "t")
        uid, host = words.pop("uid", f"{number}"), words.pop("host", None)
        for step in range(count):
            time = None if at is None else round((at + step * every) * 1_000_000)
            name = uid if count == 1 else f"{uid}-{step}"
            fields = {key: None if value is None else str(value) for key, value in words.items()}
            match = {"rule": rule, "uid": name, "time": time, "tenant": tenant, "host": host}
            found.append(match | {"fields": fields})
    return found


def reported(outcome: Hit, title: str) -> dict[str, Any]:
    return {
        "rule": title,
        "tenant": outcome.tenant,
        "group": outcome.group,
        "first": outcome.first / 1_000_000,
        "last": outcome.last / 1_000_000,
        "events": outcome.events,
        "uids": list(outcome.event_uids),
        "measured": outcome.measured,
        "matches": outcome.matches,
    }


@pytest.mark.parametrize(("slug", "situation"), SITUATIONS)
def test_hits(slug: str, situation: str) -> None:
    case = CASES[slug]
    correlations = resolved(case).correlations
    found = table(matches(case["input"]["matches"][situation]))
    fields = {name for names in needed_fields(correlations).values() for name in names}
    outcomes = evaluate(correlations, Matches.of(found, fields))
    hits = sorted(
        ((o.correlation.info.title, hit) for o in outcomes if o.correlation.report for hit in o.hits),
        key=lambda pair: (pair[1].last, pair[0], pair[1].tenant, pair[1].event_uids),
    )
    expected = case["expect"][situation]
    got = [reported(hit, title) for title, hit in hits]
    shown = [{key: each[key] for key in wanted} for each, wanted in zip(got, expected, strict=False)]
    assert (len(got), shown) == (len(expected), expected), got
    assert run(correlations, found).findings.num_rows == len(expected)


@pytest.mark.parametrize("slug", CASES)
def test_what_is_rejected_and_who_reports(slug: str) -> None:
    case = CASES[slug]
    outcome = resolved(case)
    reasons = {each.title: each.reason for each in outcome.rejected}
    expected = case["expect"].get("rejected", {})
    assert reasons.keys() == expected.keys()
    assert {title: text for title, text in expected.items() if text not in reasons[title]} == {}, reasons
    if "reporting" in case["expect"]:
        infos = [each.info for each in (*outcome.rules, *outcome.correlations) if each.report]
        assert [info.id for info in infos] == case["expect"]["reporting"]


@pytest.mark.parametrize("slug", [slug for slug, case in CASES.items() if "notes" in case["expect"]])
def test_notes(slug: str) -> None:
    case = CASES[slug]
    for situation, expected in case["expect"]["notes"].items():
        found = table(matches(case["input"]["matches"][situation]))
        assert run(resolved(case).correlations, found).notes == expected


@pytest.mark.parametrize("slug", CASES)
def test_each_case_says_what_it_is_about(slug: str) -> None:
    case = CASES[slug]
    assert case["about"]
    assert (
        case["expect"].keys() - {"rejected", "reporting", "notes"} == case["input"].get("matches", {}).keys()
    )

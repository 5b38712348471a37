"""What to do, in the report."""

from __future__ import annotations

import io
import re

import pytest

import story
from kazami.intel.measure import measures
from kazami.respond.report import write
from kazami.respond.report.advice import SHOWN, advised, gathered
from kazami.respond.report.tally import Tally

ROWS = story.story()


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_what_to_do_is_gathered_and_stands_with_each_rule(lang: str) -> None:
    out = io.StringIO()
    write(iter(ROWS), story.summary(ROWS), out, lang)
    page = re.sub(r"\s+", " ", out.getvalue())
    section = page[page.index('id="advice"') : page.index('id="who"')]
    said = measures().measures["hold-secrets"].spoken(lang)
    assert said in section
    assert "mitigations/M1027/" in section
    assert said in page[page.index('id="findings"') :]
    assert "OS Credential Dumping: LSASS Memory · ATT&amp;CK 18.1" in page


def test_the_most_severe_comes_first_and_the_rest_folds_away() -> None:
    tally = Tally()
    for row in ROWS:
        list(tally.read([row]))
    stages = gathered(tally)
    assert [stage.when for stage in stages] == ["now", "week", "then"]
    assert all(len(stage.first) <= SHOWN for stage in stages)
    assert sum(len(stage.others) for stage in stages) > 0


def test_a_rule_without_techniques_is_told_nothing() -> None:
    assert advised(()) == []
    assert [when for when, _ in advised(("T1003.003",))] == ["now", "week", "then"]

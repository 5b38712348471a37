"""The language, case by case: `tests/cases/sigma`, a folder for each point that engines get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazami.detect.sigma.trial import Outcome, run

FOLDER = Path(__file__).parents[2] / "cases" / "sigma"
OUTCOMES = [outcome for path in sorted(FOLDER.glob("*/case.yaml")) for outcome in run(path)]


def _name(outcome: Outcome) -> str:
    words = (Path(outcome.path).parent.name, outcome.case, outcome.event, outcome.rule, outcome.engine)
    return ": ".join(word for word in words if word)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=_name)
def test_case(outcome: Outcome) -> None:
    assert outcome.found is outcome.expected, outcome.note

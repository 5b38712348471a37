"""An incident as people read it on a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kazami.model.incident import Incident, Step, Text
from kazami.respond.export.incident import text

STEP = Step(
    1,
    "collection",
    "T",
    "r",
    "high",
    datetime(2026, 1, 5, tzinfo=UTC),
    None,
    "pc1",
    words=Text("Collection: T", "収集：T"),
)
ONE = Incident("0" * 32, "acme", Text("On pc1", "pc1での"), steps=(STEP,), mitigations=("M1026", "M9999"))


@pytest.mark.parametrize(("lang", "then"), [("en", "(as it was told then)"), ("ja", "（当時の記録）")])
def test_a_step_whose_findings_are_gone_says_so(lang: str, then: str) -> None:
    assert then not in text(ONE, lang)
    assert then in text(replace(ONE, steps=(replace(STEP, gone=True),)), lang)


def test_counter_measures_have_their_names() -> None:
    shown = text(ONE, "en").splitlines()
    assert "  M1026 Privileged Account Management" in shown
    assert "  M9999" in shown

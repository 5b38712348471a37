"""Whether things are run, how long, and by which rules they are judged."""

from __future__ import annotations

from pathlib import Path

from kazami import packs
from kazami.config import Settings
from kazami.model.content import Limits
from kazami.pipeline import emulated


def test_what_is_not_run_has_the_usual_bounds() -> None:
    assert emulated.limits(Settings(), False) == Limits()
    longer = emulated.limits(Settings(emulation_seconds=100.0), True)
    assert longer.emulation_seconds < longer.slow_seconds < longer.submission_seconds


def test_rules_of_the_chosen_packs_and_the_users() -> None:
    settings = Settings(rules=(Path("mine"),), cache=Path("/cache"))
    found = emulated.content(settings, ["common"])
    assert found["sigma.rules"] == (str(packs.find("common") / "rules"), str(Path("mine").absolute()))
    assert found["sigma.cache"] == ("/cache",)
    assert len(emulated.content(settings)["sigma.rules"]) > 2

"""``docs/coverage.md`` says what the rules of today detect."""

from __future__ import annotations

import pytest
from benchmarks import coverage_page

from kazami.intel.shelf import shipped

ROWS = coverage_page.rows()


def test_the_page_is_up_to_date() -> None:
    assert coverage_page.PAGE.read_text("utf-8") == coverage_page.page(), (
        "run: python -m benchmarks.coverage_page"
    )


def test_every_technique_of_the_actors_is_on_it() -> None:
    for group in ("G1017", "G0045"):
        used = {use.target for use in shipped().uses if use.source == group and use.target[0] == "T"}
        assert used <= set(ROWS)


def test_what_is_seen_and_what_is_not() -> None:
    assert ROWS["T1003.003"].rules
    assert "File Creation" in ROWS["T1003.003"].read
    assert ROWS["T1590.006"].outside
    assert not ROWS["T1590.006"].seen
    assert ROWS["T1069"].below == sorted(ROWS["T1069"].below)
    blind = [row.id for row in ROWS.values() if not row.outside and not row.seen]
    text = coverage_page.PAGE.read_text("utf-8")
    unseen = text[text.index("## What cannot be seen") :]
    assert blind
    assert all(f"* {one} " in unseen for one in blind)


def test_log_sources_show_data_components_that_att_ck_has() -> None:
    assert coverage_page._components({"process_creation"}) == {
        "Process Creation",
        "Command Execution",
        "Process Metadata",
    }
    assert coverage_page._components({"nothing"}) == set()
    known = {component for technique in shipped().techniques for component in technique.components}
    assert {one for row in ROWS.values() for one in row.read} <= known


def test_check_says_when_it_is_out_of_date(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["coverage_page", "--check"])
    monkeypatch.setattr(coverage_page, "PAGE", coverage_page.ROOT / "README.md")
    assert coverage_page.main() == 1
    assert "out of date" in capsys.readouterr().out

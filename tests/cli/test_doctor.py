"""``kazami doctor``: what is installed, what is broken, what this machine can do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kazami import plugins
from kazami.cli import doctor
from kazami.plugins import Extension
from program import Program


def states(run: Program, code: int, *words: str) -> dict[str, tuple[str, str]]:
    return {row["what"]: (row["result"], row["state"]) for row in run("doctor", *words).ended(code).rows}


def test_all_is_well(run: Program) -> None:
    seen = states(run, 0)
    assert {result for result, _ in seen.values()} == {"ok"}
    for name in ("kazami", "python", "library duckdb", "sources evtx", "pack common", "processors", "memory"):
        assert seen[name][1]
    assert seen["settings"] == ("ok", "kazami.toml")
    assert seen["rules"] == ("ok", "rules.yml")


def test_a_broken_extension_is_named(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Extension(plugins.SOURCES, "mine", "mine:source", error="ImportError: no \x1b[31mmodule")
    monkeypatch.setattr(plugins, "discover", lambda group: [broken] if group == plugins.SOURCES else [])
    assert states(run, 1)["sources mine"] == ("BROKEN", "ImportError: no \x1b[31mmodule")


def test_a_library_that_is_missing(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "requires", lambda _: ["no_such_library>=1", "orjson; extra == 'x'", "orjson>=3"]
    )
    seen = states(run, 1)
    assert seen["library no_such_library"] == ("BROKEN", "missing")
    assert seen["library orjson"][0] == "ok"


@pytest.mark.parametrize("text", ["[scan", "[scan]\nworkers = 0\n", "[other]\n"])
def test_settings_that_cannot_be_read(run: Program, text: str) -> None:
    (run.folder / "kazami.toml").write_text(text)
    result, state = states(run, 1)["settings"]
    assert result == "BROKEN"
    assert state.startswith("kazami.toml: ")
    assert states(run, 1, "--config", "nosuch.toml")["settings"] == (
        "BROKEN",
        "nosuch.toml: No such file or directory",
    )


def test_rules_and_a_cache_that_are_not_there(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.folder / "kazami.toml").write_text('[scan]\nrules = ["nosuch"]\n')
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    seen = states(run, 1)
    assert seen["rules"] == ("BROKEN", "nosuch")


def test_what_an_analyzer_lacks_is_named_with_what_that_blinds(
    run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzer = SimpleNamespace(NEEDS={"no_such_library": "macros in sheets"})
    found = Extension(plugins.ANALYZERS, "mine", "mine", analyzer)
    monkeypatch.setattr(plugins, "discover", lambda group: [found] if group == plugins.ANALYZERS else [])
    state = ("ok", "mine; without no_such_library, not seen: macros in sheets")
    assert states(run, 0)["analyzers mine"] == state

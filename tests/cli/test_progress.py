"""The progress line: only on a terminal, seldom, as wide as there is room, and harmless."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from kazami.cli.progress import Progress


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def console(width: int = 120, terminal: bool = True) -> Console:
    return Console(
        file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, legacy_windows=False
    )


def output(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_nothing_is_written_into_a_pipe() -> None:
    pipe = console(terminal=False)
    with Progress(pipe) as progress:
        progress.begin(1, 100)
        progress.advance(50, 1, 1, "a")
    assert output(pipe) == ""
    assert (progress.size, progress.events, progress.findings, progress.drawn) == (50, 1, 1, 0)


def test_at_most_ten_drawings_a_second() -> None:
    clock, screen = Clock(), console()
    with Progress(screen, clock=clock) as progress:
        progress.begin(1, 10_000)
        for _ in range(10_000):
            clock.now += 0.001
            progress.advance(1, 1, 0, "x.evtx")
    assert 95 <= progress.drawn <= 101
    assert "x.evtx" in output(screen)


def test_the_line_says_it_all() -> None:
    clock = Clock()
    with Progress(console(), clock=clock) as progress:
        progress.begin(2, 4_000_000)
        clock.now += 2
        progress.advance(1_000_000, 9_000, 3, "/evidence/Security.evtx")
    line = progress.line(120).plain
    for said in ("25%", "7 s left", "3 findings", "500.0 kB/s", "4,500 events/s", "/evidence/Security.evtx"):
        assert said in line


def test_it_speaks_japanese() -> None:
    with Progress(console(), lang="ja", clock=Clock()) as progress:
        progress.begin(1, 10)
        progress.advance(5, 0, 2, "a")
    assert "検知 2 件" in progress.line(120).plain


def test_more_than_was_expected_stays_at_the_end() -> None:
    with Progress(console(), clock=Clock()) as progress:
        progress.begin(1, 10)
        progress.advance(25, 0, 0, "a")
        assert "100%" in progress.line(80).plain
        assert "left" not in progress.line(80).plain


def test_an_unknown_size_has_no_percentage() -> None:
    with Progress(console(), clock=Clock()) as progress:
        progress.advance(2_500_000, 10, 0, "a")
        assert "%" not in progress.line(80).plain
        assert "2.5 MB" in progress.line(80).plain


@given(
    st.text(st.characters(codec=None, exclude_categories=()), max_size=80),
    st.integers(20, 200),
    st.integers(0, 10**15),
    st.sampled_from(["en", "ja"]),
)
def test_a_line_fits_and_is_harmless(name: str, width: int, size: int, lang: str) -> None:
    with Progress(console(), lang=lang, clock=Clock()) as progress:
        progress.begin(1, 10**14)
        progress.advance(size, 5, 10**9, name)
        line = progress.line(width).plain
    assert cell_len(line) <= width
    assert not [c for c in line if not c.isprintable() and unicodedata.category(c) != "Zs"]


def test_an_error_leaves_the_terminal_as_it_was() -> None:
    screen = console()

    def fail() -> None:
        with Progress(screen, clock=Clock()) as progress:
            progress.begin(1, 10)
            progress.advance(1, 1, 1, "a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert output(screen).rstrip().endswith("\x1b[2K")
    assert "\x1b[?25h" in output(screen)

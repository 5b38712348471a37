"""Data on stdout, talk on stderr, and no markup or color that was not meant."""

from __future__ import annotations

import io
import sys

import pytest

from kazami.cli import terminal

HOSTILE = "[red]not markup[/red] :smile: \x1b[31m\x9b2J \u202e"


def test_say_shows_hostile_text_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(HOSTILE)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[red]not markup[/red] :smile: \\x1b[31m\\x9b2J \\u202e\n"


def test_data_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.data().print("[bold]x[/bold] 12")
    assert capsys.readouterr() == ("[bold]x[/bold] 12\n", "")


def test_a_pipe_is_utf8_with_line_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", newline="\r\n"))
    terminal.out().write("検知\n\ud800")
    sys.stdout.flush()
    assert raw.getvalue() == "検知\n\\ud800".encode()


def test_a_poor_terminal_gets_escapes_not_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii"))
    terminal.say("検知")
    sys.stderr.flush()
    assert raw.getvalue() == b"\\u691c\\u77e5\n"


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.talk().no_color is False
    monkeypatch.setenv("NO_COLOR", "")  # to be undone afterwards
    terminal.plain()
    assert terminal.talk().no_color is True

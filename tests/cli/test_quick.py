"""Plain words are taken as Typer would take them, and what is not plain goes Typer's way."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.core import TyperCommand

from kazami.cli.program import WRONG
from kazami.cli.quick import QuickCommand


class Color(StrEnum):
    red = "red"
    blue = "blue"


def taken(kind: type[TyperCommand], words: list[str]) -> Any:
    """What a command gets of these words, or how the error reads."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    got: dict[str, Any] = {}

    @app.callback()
    def main() -> None:
        pass

    @app.command("do", cls=kind)
    def do(
        where: Annotated[list[Path], typer.Argument()],
        case: Annotated[Path, typer.Option()] = Path("case"),
        rules: Annotated[list[Path] | None, typer.Option()] = None,
        name: Annotated[list[str] | None, typer.Option()] = None,
        text: Annotated[str, typer.Option()] = "default",
        since: Annotated[str | None, typer.Option()] = None,
        count: Annotated[int | None, typer.Option(min=1, max=256)] = None,
        share: Annotated[float, typer.Option(min=0, max=100)] = 10.0,
        color: Annotated[Color, typer.Option()] = Color.red,
        there: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
        shown: Annotated[bool, typer.Option()] = True,
    ) -> None:
        got.update(locals())

    try:
        app(["do", *words], standalone_mode=False)
    except WRONG as error:
        return str(error)
    return {name: (type(value), value) for name, value in got.items() if name not in ("got", "app")}


@pytest.mark.parametrize("words", [
    "a", "a b -- -c", "", "a --case x --rules p --rules q --name n --name m --text t --since s",
    "a --count 7", "a --count 0", "a --count 257", "a --count x", "a --count 1_0", "a --count 00012", "a --count -3",
    "a --count 99999999999999999999", "a --count ٣", "a --share 5", "a --share 1e1", "a --share 101", "a --share nan",
    "a --color blue", "a --color BLUE", "a --color green", "a --there nowhere", "a --there .", "a --no-shown",
    "a --case . --rules /", "--color red",
])  # fmt: skip
def test_as_typer_takes_them(words: str) -> None:
    assert taken(QuickCommand, words.split()) == taken(TyperCommand, words.split())


def test_an_empty_word() -> None:
    for words in (["a", "--case", ""], ["a", "--text", ""], ["", "a"]):
        assert taken(QuickCommand, words) == taken(TyperCommand, words)


def test_a_plain_scan_asks_nobody(tmp_path: Path) -> None:
    """Imports that a warm start does not have, a third of a second and more."""
    (tmp_path / "a.jsonl").write_text('{"EventID": 1, "Channel": "Security"}\n')
    code = (
        "import sys; from kazami import cli; "
        f"cli.run(['scan', {str(tmp_path / 'a.jsonl')!r}, '--case', {str(tmp_path / 'case')!r}, '--workers', '1',"
        f" '--format', 'jsonl', '--output', {str(tmp_path / 'out')!r}]); "
        "print([name for name in ('pydantic', 'http.client', 'sigma.rule', 'kazami.cli.doctor') if name in sys.modules])"
    )
    run = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in "12"
    ]
    assert run[1].stdout.strip() == "[]"

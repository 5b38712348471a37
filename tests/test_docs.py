"""The pages and the program say the same."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer

from kazami.cli import exit_code
from kazami.cli.program import program
from kazami.model.event import REJECTS, Route
from kazami.model.evidence import Evidence

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for pattern in ("*.md", "docs/**/*.md", "examples/*.md") for path in ROOT.glob(pattern))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
FOLDERS = ("src", "docs", "tests", "examples", "benchmarks", "fuzz", ".ci")

#: A page of decisions, in lines.
ONE_PAGE = 120

LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text(path))


def anchors(path: Path) -> set[str]:
    """What can be linked to in a page, as GitHub names it."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = unquote(target).partition("#")
        found = (page.parent / file).resolve() if file else page
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]+)`", prose(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


def commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All commands with their full names, without the program's."""
    if not hasattr(group, "commands"):
        yield name, group
        return
    for part, command in group.commands.items():
        yield from commands(command, f"{name} {part}".strip())


def options(command: Any, which: str) -> set[str]:
    """The spellings of a command's options; `which` is opts, or secondary_opts for those that switch off."""
    return {text for param in command.params for text in getattr(param, which) if text.startswith("--")}


PROGRAM = typer.main.get_command(program())
COMMANDS = dict(commands(PROGRAM))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_with_all_its_options(name: str) -> None:
    page = text(ROOT / "docs" / "command-line.md")
    section = re.search(rf"^##+ `kazami {name}\b.*?(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/command-line.md has no section on kazami {name}"
    told = set(re.findall(r"--[a-z][\w-]*", section.group()))
    have = options(COMMANDS[name], "opts")
    assert have - told - {"--help"} == set()
    assert told - have - options(COMMANDS[name], "secondary_opts") == set()


def test_no_command_is_described_that_is_not_there() -> None:
    told = re.findall(r"^##+ `kazami ((?:[a-z]+ ?)+)", text(ROOT / "docs" / "command-line.md"), re.MULTILINE)
    assert sorted(name.strip() for name in told) == sorted(COMMANDS)


def test_every_exit_code_is_described() -> None:
    page = text(ROOT / "docs" / "command-line.md")
    codes = {value for name, value in vars(exit_code).items() if name.isupper()}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == codes


def lines(page: Path) -> Iterator[list[str]]:
    """Words of every command line of Kazami in the blocks of a page, continued lines joined."""
    for language, block in FENCE.findall(text(page)):
        if language in ("sh", "console", "bash"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                words = words[words.index("kazami") :] if "kazami" in words else []
                if len(words) > 1:
                    yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines_can_be_parsed(page: Path) -> None:
    for words in lines(page):
        asked = list(words)
        command: Any = PROGRAM
        while asked and asked[0] in getattr(command, "commands", {}):
            command = command.commands[asked.pop(0)]
        if hasattr(command, "commands"):
            assert asked[0] in options(command, "opts"), words
            continue
        with command.make_context("kazami", asked):
            pass


def test_both_readmes_show_the_same_commands() -> None:
    english, japanese = (FENCE.findall(text(ROOT / name)) for name in ("README.md", "README.ja.md"))
    assert english == japanese
    assert len(english) >= 2


@pytest.mark.parametrize("name", ["first", "second"])
def test_the_check_finds_the_readme_s_commands(name: str) -> None:
    assert re.search(rf"^run_block {name}\b", text(ROOT / ".ci" / "run"), re.MULTILINE)
    found = re.search(rf"<!-- ci: {name} -->\n```sh\n(.+\n)```", text(ROOT / "README.md"))
    assert found, "the block is one line, right below its mark"


def test_the_check_is_a_program_of_bash() -> None:
    done = subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_a_page_with_its_number(path: Path) -> None:
    number = re.fullmatch(r"(\d{4})-[a-z0-9-]+", path.stem)
    assert number
    assert re.match(rf"# {number[1]}\b", text(path))
    assert len(text(path).splitlines()) <= ONE_PAGE


def test_numbers_of_decisions_are_used_once() -> None:
    numbers = [path.stem[:4] for path in DECISIONS]
    assert len(set(numbers)) == len(numbers)


def test_the_source_on_the_page_about_sources_works() -> None:
    page = text(ROOT / "docs" / "add-a-source.md")
    (code,) = (block for language, block in FENCE.findall(page) if language == "python")
    source: dict[str, Any] = {}
    exec(compile(code, "add-a-source.md", "exec"), source)
    content = b"2026-11-09T05:02:11Z\tnorth\tb17\nnonsense\n2026-11-09T05:03:00Z\tsouth\tb18\n"
    evidence = Evidence("doors.txt", "0" * 16, "t", len(content), lambda: io.BytesIO(content))
    batches = list(source["read"](evidence))
    events = [row for batch in batches if Route.of(batch) != REJECTS for row in batch.to_pylist()]
    rejects = [row for batch in batches if Route.of(batch) == REJECTS for row in batch.to_pylist()]
    assert [(event["Door"], event["user"], event["record"]) for event in events] == [
        ("north", "b17", 1),
        ("south", "b18", 3),
    ]
    assert [(reject["place"], reject["reason"]) for reject in rejects] == [("line 2", "not three cells")]
    assert source["confidence"]("x", content) > 0.5
    assert source["confidence"]("x", b"text") == 0.0

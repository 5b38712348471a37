"""What is drawn on a terminal: tables, color, progress; and never what an event would like to do to it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

import made
from made import WHO, Bench, event, events
from program import Program, Said

#: Title of the window, color, a C1 control, an override of direction, a return to the start of the line.
EVIL = "\x1b]0;pwned\x07\x1b[31mred\x9b2J\u202egpj.exe\rover\x00"

#: What rich writes: styles; the cursor hidden, shown and moved; lines erased.
_OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|\d*[ABCDGK])")


def harmless(said: Said) -> str:
    """All that was said; asserts that nothing but our own codes could act on the terminal."""
    text = said.out + said.err
    left = _OURS.sub("", text)
    bad = {c for c in left if not c.isprintable() and c not in "\n\r" and unicodedata.category(c) != "Zs"}
    assert not bad, f"{bad} in {left!r}"
    assert "\rover" not in left
    assert "\x1b[31mred" not in text
    return left


@pytest.fixture
def evil(bench: Bench) -> Bench:
    """Evidence that is hostile in every place: values, names of fields, hosts, users, tenants, files, rejects."""
    name = EVIL.replace("\x00", "").replace("/", "")
    hostile = event(
        0, CommandLine=EVIL, Computer=EVIL, User=EVIL, Image=EVIL + r"\whoami.exe", **{f"Field{EVIL}": EVIL}
    )
    bench.put(f"{name}.jsonl", made.lines([hostile, event(3)]) + b'{"' + EVIL.encode() + b"\n")
    bench.put(f"broken {name}.evtx", b"ElfFile\0" + EVIL.encode() * 9)
    bench.put(f"nothing {name}", EVIL.encode())
    return bench


def test_a_scan(run: Program, evil: Bench) -> None:
    words = ("--tenant", EVIL.replace("\x00", ""), "--reject-limit", "100")
    said = run.terminal("scan", "evidence", "--case", "case", *words).ended(3)
    text = harmless(said)
    assert "Time (UTC)" in said.out
    assert r"\x1b]0;pwned" in text
    assert "\x1b[?25l" in said.err  # the line of progress was there
    assert "\x1b" in said.out


@pytest.mark.parametrize(
    "words",
    [
        ("findings", "case"),
        ("findings", "case", "--lang", "ja"),
        ("findings", "case", "--format", "jsonl"),
        ("findings", "case", "--format", "csv"),
        ("findings", "case", "--format", "sarif"),
        ("findings", "case", "--format", "timesketch"),
        ("findings", "case", "--format", "navigator"),
        ("summary", "case"),
        ("summary", "case", "--lang", "ja"),
        ("sql", "case", "from process_creation"),
        ("sql", "case", "from finding"),
        ("sql", "case", "from reject"),
        ("sql", "case", "from evidence"),
        ("rules", "explain", WHO, "evidence/0.jsonl"),
        ("rules", "check", "--case", "case"),
        ("rules", "profile", "evidence/0.jsonl"),
    ],
    ids=lambda words: " ".join(words[:2]) + words[-1][-10:],
)
def test_commands(run: Program, evil: Bench, words: tuple[str, ...]) -> None:
    for path in sorted(evil.evidence.iterdir()):
        if path.name.endswith(".jsonl"):
            path.rename(evil.evidence / "0.jsonl")
    evil.rules.write_text(made.RULES.replace("Whoami Was Started", r'"\x1b]0;pwned\x07 \u202e"'))
    evil.scan(tenant=EVIL.replace("\x00", ""))
    said = run.terminal(*words, columns=200)
    assert said.code in (0, 1), said.err
    assert harmless(said)


def test_errors(run: Program, evil: Bench) -> None:
    name = EVIL.replace("\x00", "")
    for words in (
        ("findings", name),
        ("sql", name, "select 1"),
        ("rules", "explain", name, name),
        ("rules", "list", name),
        ("scan", name, "--config", name),
        ("scan", "evidence", "--output", f"{name}/x"),
        ("scan", "evidence", "--pack", name),
        ("scan", "evidence", "--since", name),
    ):
        said = run.terminal(*words).ended(2)
        assert r"\x1b]0;pwned" in harmless(said)


def test_an_error_inside(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from kazami.cli import output

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError(EVIL)

    monkeypatch.setattr(output, "present", fail)
    said = run("findings", "case").ended(4)
    harmless(said)
    found = re.search(r"\(details in (.+)\)", said.err)
    assert found
    log = Path(found.group(1))
    assert "ZeroDivisionError" in log.read_text(errors="replace")
    log.unlink()


# What a person sees


def test_a_table_on_a_terminal_and_lines_in_a_pipe(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0, 3))
    said = run.terminal("scan", "evidence", "--case", "case").ended(0)
    assert "Whoami Was Started" in said.out
    assert "{" not in said.out
    said = run.terminal("findings", "case", "--format", "jsonl").ended(0)
    assert len(said.rows) == 2
    said = run.terminal("sql", "case", "select Image, 7 as n from process_creation").ended(0)
    assert re.sub(r"\x1b\[[0-9;]*m", "", said.out).split() == [
        "Image",
        "n",
        made.WHOAMI,
        "7",
        made.WHOAMI,
        "7",
    ]
    said = run.terminal("sql", "case", "select repeat('x', 5000) as x").ended(0)
    assert "…" in said.out
    assert said.out.count("x") < 300


def test_no_color(run: Program, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put("a.jsonl", events(0))
    bench.scan()
    colored = run.terminal("findings", "case").ended(0).out
    assert "\x1b[9" in colored
    plain = run.terminal("--no-color", "findings", "case").ended(0).out
    assert not re.search(r"\x1b\[(3|4|9)\d", plain)
    monkeypatch.setenv("NO_COLOR", "1")
    assert run.terminal("findings", "case").ended(0).out == plain


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_any_width(run: Program, bench: Bench, columns: int) -> None:
    bench.put("a.jsonl", events(0, 3))
    said = run.terminal("scan", "evidence", "--case", "case", columns=columns).ended(0)
    for line in _OURS.sub("", said.out).splitlines():
        assert len(line) <= columns


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_nothing_of_a_cell_is_lost_and_short_ones_are_not_broken(
    run: Program, bench: Bench, columns: int
) -> None:
    bench.put("a.jsonl", events(0))
    bench.scan()
    words = ", ".join(f"'{'wxyz'[n] * 30}' as c{n}" for n in range(4))
    said = run.terminal("sql", "case", f"select 'short' as s, {words}", columns=columns).ended(0)
    text = _OURS.sub("", said.out)
    assert "…" not in text
    assert "short" in text
    assert [text.count(letter) for letter in "wxyz"] == [30] * 4

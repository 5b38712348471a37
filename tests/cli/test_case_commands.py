"""``findings``, ``summary``, ``report`` and ``sql``: what is asked of a case that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import made
from made import WHO, Bench, events
from program import Program

READERS = [("findings",), ("summary",), ("report",), ("sql", "select 1")]


def words(reader: tuple[str, ...], case: str) -> list[str]:
    return [reader[0], case, *reader[1:]]


@pytest.fixture
def told(run: Program, bench: Bench) -> Program:
    """A case with three findings."""
    bench.put("a.jsonl", events(*range(9)))
    bench.scan()
    return run


def test_findings_again(told: Program) -> None:
    said = told("findings", "case").ended(0)
    assert [row["rule_id"] for row in said.rows] == [WHO] * 3
    assert said.err == ""
    said = told("findings", "case", "--format", "sarif", "--output", "found.sarif").ended(0)
    assert said.out == ""
    assert json.loads((told.folder / "found.sarif").read_text())["version"] == "2.1.0"
    assert "検知" not in said.out
    assert "ホスト" in told("findings", "case", "--format", "table", "--lang", "ja").ended(0).out


def test_the_summary_is_what_was_asked_for(told: Program) -> None:
    said = told("summary", "case").ended(0)
    assert "3 findings" in said.out
    assert said.err == ""
    assert "検知 3 件" in told("summary", "case", "--lang", "ja").ended(0).out


def test_the_report(told: Program, bench: Bench) -> None:
    assert told("report", "case").ended(0).out == "case/report.html\n"
    assert "Whoami Was Started" in (bench.case / "report.html").read_text()
    assert told("report", "case", "--output", "r.html", "--lang", "ja").ended(0).out == "r.html\n"
    assert 'lang="ja"' in (bench.folder / "r.html").read_text()
    for output, reason in (("nosuch/r.html", "there is no folder nosuch"), (".", "is a folder")):
        said = told("report", "case", "--output", output).ended(2)
        assert said.err == f"kazami: {output}: cannot be written: {reason}\n"


def test_questions(told: Program) -> None:
    said = told(
        "sql", "case", "select Image, count(*) as n from process_creation group by 1 order by n"
    ).ended(0)
    assert said.rows == [{"Image": made.WHOAMI, "n": 3}, {"Image": made.NOTEPAD, "n": 6}]
    assert said.err == ""


def test_values_that_json_does_not_know(told: Program) -> None:
    query = """select 1 as a, 2 as a, {'x': [1, null]} as s, map {'k': 'v'} as m, 1.5::decimal(5,2) as d,
        sum(n) as h, 2::hugeint ** 100 as z, 'a'::blob as b, 'nan'::double as f, date '2020-02-29' as t,
        timestamptz '2020-01-01 01:00+02' as u, null as n from range(3) r(n)"""
    (row,) = told("sql", "case", query).ended(0).rows
    assert row == {
        "a": 1, "a_1": 2, "s": {"x": [1, None]}, "m": {"k": "v"}, "d": 1.5, "h": 3, "z": row["z"], "b": "61", "f": None,
        "t": "2020-02-29", "u": "2019-12-31T23:00:00+00:00", "n": None,
    }  # fmt: skip
    assert row["z"] in (1.2676506002282294e30, str(2**100))


def test_matched_is_an_object(told: Program) -> None:
    rows = told("sql", "case", "select matched from finding limit 1").ended(0).rows
    assert rows == [{"matched": {"Image": made.WHOAMI}}]


def test_a_limit_of_rows(told: Program) -> None:
    said = told("sql", "case", "select * from range(20000)").ended(0)
    assert len(said.rows) == 10_000
    assert said.err == "kazami: more than 10,000 rows; --limit 0 gives all\n"
    said = told("sql", "case", "select * from range(20000)", "--limit", "0").ended(0)
    assert (len(said.rows), said.err) == (20_000, "")
    said = told("sql", "case", "select * from range(3)", "--limit", "3").ended(0)
    assert (len(said.rows), said.err) == (3, "")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selct 1", "syntax error"),
        ("", "one SELECT statement"),
        ("select 1; select 2", "one SELECT statement"),
        ("select * from nosuch", "This case has: finding"),
        ("drop table finding", "only a SELECT"),
        ("select * from read_csv('/etc/passwd')", "cannot be used here"),
        ("select nosuch from finding", "nosuch"),
        ("select \x1b[31m from finding", "\\x1b[31m"),
    ],
)
def test_questions_that_cannot_be_asked(told: Program, query: str, words: str) -> None:
    said = told("sql", "case", query).ended(2)
    assert said.out == ""
    assert said.err.startswith("kazami: ")
    assert words in said.err
    assert "\x1b" not in said.err


# Cases that are none, or cannot be read


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
def test_no_case(run: Program, bench: Bench, reader: tuple[str, ...]) -> None:
    (bench.folder / "file").write_text("x")
    for name in ("nosuch", "evidence", "file"):
        said = run(*words(reader, name)).ended(2)
        assert said.err == f"kazami: {name}: there is no case here\n"


@pytest.mark.parametrize("reader", [*READERS, ("scan",)], ids=lambda reader: reader[0])
def test_a_newer_case(told: Program, bench: Bench, reader: tuple[str, ...]) -> None:
    from kazami.store.case import Case

    with Case.open(bench.case) as case:
        case.database.run("UPDATE meta SET value = '99' WHERE key = 'schema'")
    given = ["scan", "evidence", "--case", "case"] if reader == ("scan",) else words(reader, "case")
    said = told(*given).ended(2)
    assert "case: was written by a newer version of Kazami" in said.err


def test_a_damaged_case(told: Program, bench: Bench) -> None:
    (bench.case / "case.duckdb").write_bytes(b"not a database " * 1000)
    for given in (words(READERS[0], "case"), ["scan", "evidence", "--case", "case"]):
        said = told(*given).ended(2)
        assert said.err.startswith("kazami: case: ")


def test_a_segment_that_is_gone_is_read_again(told: Program, bench: Bench) -> None:
    next(bench.case.rglob("*.parquet")).unlink()
    said = told("sql", "case", "select count(*) from event").ended(2)
    assert "parquet" in said.err
    assert len(told("scan", "evidence", "--case", "case").ended(0).rows) == 3
    assert told("sql", "case", "select count(*) as n from event").ended(0).rows == [{"n": 9}]


@pytest.mark.parametrize("name", ["file", "file/case", "thesis"])
def test_a_place_that_takes_no_case(run: Program, bench: Bench, name: str) -> None:
    bench.put("a.jsonl", events(0))
    (bench.folder / "file").write_text("x")
    (bench.folder / "thesis").mkdir()
    (bench.folder / "thesis" / "thesis.doc").write_text("years")
    said = run("scan", "evidence", "--case", name).ended(2)
    assert said.err.startswith(f"kazami: {name}: ")
    assert [path.name for path in (bench.folder / "thesis").iterdir()] == ["thesis.doc"]


def test_a_case_that_may_only_be_read(told: Program, bench: Bench, request: pytest.FixtureRequest) -> None:
    for path in (*bench.case.rglob("*"), bench.case):
        path.chmod(0o555 if path.is_dir() else 0o444)
    request.getfixturevalue("nobody")
    said = told("scan", "evidence", "--case", "case").ended(2)
    assert said.err == "kazami: case: cannot be written: Permission denied\n"
    assert len(told("findings", "case").ended(0).rows) == 3
    assert told("sql", "case", "select count(*) as n from event").ended(0).rows == [{"n": 9}]
    assert "3 findings" in told("summary", "case").ended(0).out
    said = told("report", "case").ended(2)
    assert "case/report.html: cannot be written" in said.err
    assert told("report", "case", "--output", bench.folder / "r.html").ended(0).err == ""


def test_a_case_can_be_anywhere(run: Program, bench: Bench) -> None:
    bench.put("a.jsonl", events(0))
    name = "Fälle/it's [one]* #7 %s"
    assert len(run("scan", "evidence", "--case", name).ended(0).rows) == 1
    assert run("sql", name, "select count(*) as n from event").ended(0).rows == [{"n": 1}]
    assert Path(name, "report.html").is_file()

"""Questions in SQL: what they find, and what they can never reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from store_events import PROCESS, PROJECTED, SECURITY, batch, findings, uid

from kazami.errors import UsageError
from kazami.model.event import ENVELOPE, LogSource, Route
from kazami.model.rule import RuleInfo
from kazami.store.case import Case
from kazami.store.sql import Limits

REGISTRY = Route(
    "registry_event",
    (LogSource("windows", "registry_event", "sysmon"), LogSource("windows", "registry_set", None)),
)
ZEEK = Route("zeek.conn", (LogSource("zeek", None, "conn"),))
ODD = Route('o"dd; DROP TABLE finding --', ())
EVENT = Route("Finding", (LogSource(None, None, "codeintegrity-operational"),))


def ask(case: Case, query: str, **limits: Any) -> list[dict[str, Any]]:
    names, batches = case.sql(query, Limits(**limits))
    rows = [row for part in batches for row in part.to_pylist()]
    assert all(list(row) == names for row in rows)
    return rows


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("sql")
    (folder / "secret.txt").write_text("secret")
    case = Case.open(folder / "case", create=True)
    rules = [RuleInfo("r1", "v1", "A rule", "high", tags=("attack.t1059.001", "attack.execution"))]
    run = case.begin(version="1", rules=rules)
    rows = [{"event_uid": uid(str(n)), "time": n, "Image": f"{n}.exe", "User": f"U{n}"} for n in range(3)]
    for batches in (
        [batch(rows, PROCESS)],
        [
            batch(
                [{"event_uid": uid("s"), "EventID": "4688"}, {"event_uid": uid("t"), "EventID": "4624"}],
                SECURITY,
            )
        ],
        [batch([{"event_uid": uid("s"), "raw": None, "Image": "4688.exe", "Extra": "x"}], PROJECTED)],
        [batch([{"event_uid": uid("r"), "TargetObject": "HKLM", "table": "shadow"}], REGISTRY)],
        [batch([{"event_uid": uid("z"), "id.orig_h": "10.0.0.1", 'sel"ect': "q"}], ZEEK)],
        [batch([{"event_uid": uid("o"), "a": "1"}], ODD)],
        [
            batch(
                [{"event_uid": uid("e"), "filename": "f", "Time": "field", "IMAGE": "x", "image": "y"}], EVENT
            )
        ],
    ):
        run.commit(segments=case.write(batches))
    run.commit(findings=findings([{}, {"rule_id": "unknown"}]))
    run.finish()
    case.close()
    with Case.open(folder / "case", read_only=True) as case:
        yield case


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT count(*) AS n FROM event", [{"n": 9}]),
        ('SELECT "table" AS t, count(*) AS n FROM event WHERE "table" LIKE \'s%\' GROUP BY 1', [{"t": "security", "n": 2}]),
        ("SELECT Image FROM process_creation ORDER BY Image", [{"Image": i} for i in ("0.exe", "1.exe", "2.exe", "4688.exe")]),
        ("select image from PROCESS_CREATION where time = make_timestamptz(1)", [{"Image": "1.exe"}]),
        ('SELECT "user", "User_1" FROM process_creation WHERE Image = \'2.exe\'', [{"user": None, "User_1": "U2"}]),
        ("SELECT count(*) AS n FROM security", [{"n": 2}]),
        ("SELECT count(*) AS n FROM sysmon", [{"n": 4}]),
        ("SELECT TargetObject FROM registry_set", [{"TargetObject": "HKLM"}]),
        ('SELECT "id.orig_h", "sel""ect" AS s FROM "zeek.conn"', [{"id.orig_h": "10.0.0.1", "s": "q"}]),
        ('SELECT a FROM "o""dd; DROP TABLE finding --"', [{"a": "1"}]),
        ('SELECT filename, "Time_1", "IMAGE", image_1 FROM "codeintegrity-operational"',
         [{"filename": "f", "Time_1": "field", "IMAGE": "x", "image_1": "y"}]),
        ("SELECT count(*) AS n FROM finding_events", [{"n": 1}]),
        ("SELECT title, level, techniques, tactics FROM finding ORDER BY title",
         [{"title": "A rule", "level": "high", "techniques": ["T1059.001"], "tactics": ["execution"]},
          {"title": "unknown", "level": "informational", "techniques": None, "tactics": None}]),
        ("SELECT count(*) AS n FROM finding_raw", [{"n": 2}]),
        ("SELECT name, events, projected FROM log_source WHERE name = 'process_creation' ORDER BY projected",
         [{"name": "process_creation", "events": 3, "projected": False},
          {"name": "process_creation", "events": 1, "projected": True}]),
        ("FROM range(3) ORDER BY 1 DESC;", [{"range": n} for n in (2, 1, 0)]),
        ("VALUES (1) -- a remark", [{"col0": 1}]),
        ("WITH x AS (SELECT Image FROM sysmon) SELECT count(Image) AS n FROM x", [{"n": 3}]),
        ("SELECT count(*) AS n FROM process_creation p JOIN security s USING (event_uid)", [{"n": 1}]),
        ("SELECT u FROM finding, unnest(event_uids) t(u) WHERE rule_id = 'r1'", [{"u": uid("0")}]),
        ("SELECT current_setting('TimeZone') AS z", [{"z": "UTC"}]),
        ("SELECT 1 WHERE false", []),
    ],
)  # fmt: skip
def test_answers(case: Case, query: str, expected: list[dict[str, Any]]) -> None:
    assert ask(case, query) == expected


def test_what_there_is(case: Case) -> None:
    names = {row["name"] for row in ask(case, "SHOW TABLES")}
    assert names >= {
        "event",
        "finding",
        "rule",
        "process_creation",
        "registry_set",
        "zeek.conn",
        "run",
        "evidence",
    }
    columns = [row["column_name"] for row in ask(case, "DESCRIBE process_creation")]
    assert columns == [*ENVELOPE.names, "Image", "User_1", "Extra"]


def test_an_unknown_table_is_answered_with_what_there_is(case: Case) -> None:
    with pytest.raises(UsageError, match=r"(?s)no_such_table.*process_creation.*zeek\.conn"):
        case.sql("SELECT * FROM no_such_table")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_csv_auto('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_text('{case}/../secret.txt')",
        "SELECT * FROM read_text('{case}/events/../../secret.txt')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM read_parquet('{case}/../*.parquet')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '{case}/../secret.txt'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
        "SELECT 1 WHERE EXISTS (SELECT * FROM read_text('/etc/passwd'))",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM query_table('/etc/passwd')",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''/etc/passwd'')'))",
        "SELECT * FROM sqlite_scan('/etc/passwd', 'x')",
        "SELECT * FROM read_duckdb('{case}/case.duckdb', table_name = 'run')",
        "SELECT * FROM arrow_scan(1::UBIGINT::POINTER, 2::UBIGINT::POINTER, 3::UBIGINT::POINTER)",
        "SELECT * FROM which_secret('s3://x', 's3')",
        "SELECT getenv('HOME')",
        "SELECT * FROM read_csv('https://example.com/x.csv')",
        "COPY (SELECT 1) TO '{case}/events/x.csv'",
        "COPY finding TO '/tmp/kazami-escape.csv'",
        "WITH x AS (COPY (SELECT 1) TO '{case}/events/x.csv') SELECT * FROM x",
        "WITH x AS (DELETE FROM kase.finding RETURNING *) SELECT * FROM x",
        "ATTACH '/tmp/kazami-escape.duckdb'",
        "ATTACH '{case}/events/x.duckdb' AS x",
        "DETACH kase",
        "USE memory",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "CREATE TABLE x AS SELECT 1",
        "CREATE TABLE kase.x AS SELECT 1",
        "INSERT INTO kase.finding SELECT * FROM kase.finding",
        "UPDATE kase.finding SET host = 'x'",
        "DROP TABLE kase.finding",
        "EXPORT DATABASE '{case}/events/x'",
        "IMPORT DATABASE '/tmp'",
        "CHECKPOINT",
        "VACUUM",
        "PREPARE x AS SELECT 1",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{case}/events/x.csv'",
        "SELECT 1; SELECT 2",
        "SELECT 1) UNION (SELECT 2",
        "SELECT 1); COPY (SELECT 1) TO '{case}/events/x.csv'; (SELECT 2",
        "",
        "   ;;  ",
        "this is no SQL",
        "SELECT",
        "SELECT * FROM local_variable",
    ],
)  # fmt: skip
def test_what_must_not_be_asked(case: Case, query: str) -> None:
    local_variable = pa.table({"a": [1]})
    before = sorted(case.path.parent.rglob("*"))
    with pytest.raises(UsageError):
        ask(case, query.replace("{case}", str(case.path)))
    assert local_variable.num_rows == 1
    assert sorted(case.path.parent.rglob("*")) == before
    assert not Path("/tmp/kazami-escape.csv").exists()
    assert ask(case, "SELECT count(*) AS n FROM finding_raw") == [{"n": 2}]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM '/etc/passwd.csv'",
        "COPY (SELECT 1) TO '/tmp/kazami-escape.csv'",
        "ATTACH '/tmp/kazami-escape.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_directories = ['/']",
        "DELETE FROM kase.finding",
    ],
)
def test_the_second_wall(case: Case, statement: str) -> None:
    """What holds where a statement comes past the parser."""
    with case.database.connection.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(statement)


def test_a_question_that_takes_too_long(case: Case) -> None:
    with pytest.raises(UsageError, match=r"stopped after 0\.2 s"):
        ask(case, "SELECT count(*) FROM range(10000000000) a, range(1000) b", seconds=0.2)
    assert ask(case, "SELECT 1 AS a", seconds=10) == [{"a": 1}]


def test_answers_come_as_they_are_read(case: Case) -> None:
    _, rows = case.sql("SELECT range AS n, repeat('x', 1000) AS x FROM range(100000000)")
    assert next(rows).num_rows <= Limits().batch
    assert next(rows).num_rows > 0
    assert ask(case, "SELECT 1 AS a") == [{"a": 1}]  # another question meanwhile


def test_an_answer_larger_than_memory_is_spilled(case: Case) -> None:
    query = "SELECT range::VARCHAR || repeat('x', 1000) AS x FROM range(450000) ORDER BY hash(range)"
    with Case.open(case.path, read_only=True) as again:
        _, batches = again.sql(query)
        rows = next(batches).num_rows
        assert list(case.path.glob("spill-*"))
        assert rows + sum(batch.num_rows for batch in batches) == 450_000
    assert not list(case.path.glob("spill-*"))


def test_order_is_kept(case: Case) -> None:
    rows = ask(case, "SELECT range AS n FROM range(300000) ORDER BY hash(range)")
    again = ask(
        case,
        "SELECT n FROM (SELECT range AS n, row_number() OVER (ORDER BY hash(range)) AS r FROM range(300000)) ORDER BY r",
    )
    assert rows == again


def test_a_case_without_events(tmp_path: Path) -> None:
    with Case.open(tmp_path / "case", create=True) as case:
        assert ask(case, 'SELECT event_uid, "table" FROM event') == []
        assert ask(case, "SELECT * FROM finding") == []
        assert ask(case, "SELECT * FROM evidence") == []


def test_five_hundred_columns_and_files_that_differ(tmp_path: Path) -> None:
    with Case.open(tmp_path / "case", create=True) as case:
        run = case.begin(version="1")
        for start in range(0, 500, 100):
            row = {f"Field{n}": str(n) for n in range(start, start + 150)} | {"event_uid": uid(str(start))}
            run.commit(segments=case.write([batch([row])]))
        assert len(ask(case, "DESCRIBE sysmon")) == len(ENVELOPE) + 550
        assert ask(case, "SELECT count(Field120) AS n FROM sysmon") == [{"n": 2}]


def test_time_zone_of_the_machine_does_not_matter(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", "Asia/Tokyo")
    with Case.open(case.path, read_only=True) as again:
        assert ask(again, "SELECT min(time)::VARCHAR AS t FROM sysmon") == [{"t": "1970-01-01 00:00:00+00"}]

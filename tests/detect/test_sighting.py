"""Suspicious files seen again on hosts: by hash, by name after a mail; what nearly is, and what only looks like it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from kazami.detect.sighting import AFTER, CARRIED, HOSTS, MOST, RULES, SENT, judge, tables
from kazami.model.tenant import Directory

KEYS = {rule.id: key for key, rule in RULES.items()}
SHA256, SHA1, MD5 = "a1" * 32, "b2" * 20, "c3" * 16
CAME = datetime.fromisoformat("2026-11-09T00:12:00+00:00")
HASHES = f"SHA1={SHA1.upper()},MD5={'d' * 32},SHA256={'E' * 64}"


def judged(tenant: str = "aoba", *, sent: bool = True, name: str = "資料.docx") -> dict[str, Any]:
    """A file that was judged, in an archive."""
    carried = [["資料.zip", "f" * 64, "f" * 40, "f" * 32], [name, SHA256, SHA1, MD5]]
    return {
        "table": "file_inspection",
        "tenant": tenant,
        CARRIED: json.dumps(carried),
        SENT: CAME.isoformat() if sent else None,
        "Verdict": "suspicious",
        "Place": f"mail.eml!資料.zip!{name}",
    }


def seen(table: str = "process_creation", **said: Any) -> dict[str, Any]:
    """An event of a host, an hour after the mail."""
    return {"table": table, "tenant": "aoba", "host": "pc7", "time": CAME + timedelta(hours=1), **said}


def answers(rows: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    for question in tables:
        schema = question.schema()
        mine = [
            {"event_uid": f"{number:032x}", "evidence": "e", "record": number, **{k: v for k, v in row.items() if k in schema.names}}
            for number, row in enumerate(rows)
            if row["table"] == question.table
        ]  # fmt: skip
        if mine:
            yield pa.RecordBatch.from_pylist(mine, schema)


def found(*rows: dict[str, Any]) -> list[tuple[str, str]]:
    table, _ = judge(answers(list(rows)), Directory())
    return [KEYS[rule] for rule in table.column("rule_id").to_pylist()]


OPENED = 'WINWORD.EXE /n "C:\\Users\\s\\資料.docx" /o'


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (seen(hashes=HASHES, path="C:\\x.exe"), ("hash", "started")),
        (seen("image_load", hashes=f"MD5={MD5}", path="C:\\x.dll"), ("hash", "started")),
        (seen("create_stream_hash", hashes=SHA256.upper()), ("hash", "written")),
        (seen("file_event", path="C:\\Users\\s\\資料.DOCX"), ("name", "written")),
        (seen("file_event", path="/home/s/資料 (2).docx"), ("name", "written")),
        (seen("file_event", path="C:\\Users\\s\\資料.zip"), ("name", "written")),
        (seen(line=OPENED, path="C:\\WINWORD.EXE"), ("name", "started")),
        (seen(line="soffice C:\\tmp\\資料(1).docx"), ("name", "started")),
        (seen(hashes=HASHES, line=OPENED), ("hash", "started")),
        (seen(hashes=HASHES, time=None), ("hash", "started")),
    ],
)
def test_a_file_that_was_judged_is_seen(event: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(judged(), event) == [expected]


@pytest.mark.parametrize(
    "event",
    [
        seen(hashes=f"SHA256={'0' * 64}", path="C:\\x.exe"),
        seen(hashes=f"SHA256={SHA256}0"),  # longer than a hash
        seen(hashes=HASHES, tenant="minato"),
        seen("file_event", path="C:\\Users\\s\\前の資料.docx"),
        seen("file_event", path="C:\\資料.docx\\other.txt"),
        seen("file_event", path="C:\\Users\\s\\資料.docx.lnk"),
        seen("file_event", path="C:\\資料.docx", time=CAME - timedelta(days=1)),
        seen("file_event", path="C:\\資料.docx", time=CAME + AFTER + timedelta(days=1)),
        seen("file_event", path="C:\\資料.docx", time=None),
        seen(line="echo 資料"),
        seen(),
    ],
)
def test_what_nearly_is_it(event: dict[str, Any]) -> None:
    assert found(judged(), event) == []


def test_a_name_counts_only_where_a_mail_brought_it() -> None:
    event = seen("file_event", path="C:\\資料.docx")
    assert found(judged(sent=False), event) == []
    assert found(judged(sent=False), event | {"hashes": SHA256}) == [("hash", "written")]


def test_a_name_on_many_hosts_says_nothing() -> None:
    events = [seen("file_event", path="C:\\資料.docx", host=f"pc{n}") for n in range(HOSTS + 1)]
    assert found(judged(), *events[:HOSTS]) == [("name", "written")] * HOSTS
    table, notes = judge(answers([judged(), *events]), Directory())
    assert table.num_rows == 0
    assert len(notes) == 1
    assert "資料.docx" in notes[0]


def test_of_one_file_so_many_are_told() -> None:
    events = [seen(hashes=SHA256, host=f"pc{n}", time=CAME + timedelta(minutes=-n)) for n in range(5 * MOST)]
    table, notes = judge(answers([judged(), *events]), Directory())
    assert table.num_rows == MOST
    assert notes == [f"sightings: {4 * MOST} more of '資料.docx' at aoba are not told"]
    assert table.column("host")[0].as_py() == f"pc{5 * MOST - 1}"  # the earliest


def test_what_matched_names_the_file_and_ties_it() -> None:
    table, _ = judge(answers([judged(), seen(hashes=HASHES, path="C:\\x.exe", process_uid="p")]), Directory())
    (row,) = table.to_pylist()
    matched = dict(row["matched"])
    assert matched["FileHash"] == SHA256
    assert matched["file"] == "mail.eml!資料.zip!資料.docx"
    assert (row["process_uid"], row["host"], row["tenant"]) == ("p", "pc7", "aoba")


def test_nothing_judged_nothing_asked() -> None:
    def asked() -> Iterator[pa.RecordBatch]:
        yield from answers([seen(hashes=HASHES)])
        pytest.fail("more was asked for than can matter")

    assert judge(asked(), Directory())[0].num_rows == 0
    assert found() == []

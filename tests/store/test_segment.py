"""Events as Parquet: what lies where, and that nothing is lost or invented on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from store_events import DAY, PROCESS, PROJECTED, SECURITY, START, batch, uid

from kazami.errors import CaseError
from kazami.model.event import ENVELOPE, Route
from kazami.store import segment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / segment.STAGING).mkdir()
    return tmp_path


def stored(folder: Path, segments: list[segment.Segment]) -> list[dict[str, Any]]:
    """All rows of all segments, in the order of the files."""
    return [row for s in segments for row in pq.read_table(folder / s.path).to_pylist()]


def test_missing_null_empty_and_many_values(folder: Path) -> None:
    rows = [
        {"Image": "a.exe", "Hashes": ["MD5=1", "SHA1=2"], "User": ""},
        {"Image": None, "Hashes": ["MD5=3"], "Only": "x"},
        {"CommandLine": "a"},
    ]
    [written] = segment.write(folder, [batch(rows)])
    read = stored(folder, [written])
    assert [row["Image"] for row in read] == ["a.exe", None, None]
    assert [row["Hashes"] for row in read] == ['["MD5=1","SHA1=2"]', '["MD5=3"]', None]
    assert [row["User"] for row in read] == ["", None, None]
    assert [row["Only"] for row in read] == [None, "x", None]
    assert written.columns == (*ENVELOPE.names, "Image", "Hashes", "User", "Only", "CommandLine")


def test_a_field_that_is_a_list_in_one_batch_and_text_in_the_next(folder: Path) -> None:
    first = batch([{"Hashes": "MD5=1", "event_uid": uid("a")}])
    second = batch([{"Hashes": ["MD5=2", "MD5=3"], "event_uid": uid("b")}, {"event_uid": uid("c")}])
    [written] = segment.write(folder, [first, second])
    assert [row["Hashes"] for row in stored(folder, [written])] == ["MD5=1", '["MD5=2","MD5=3"]', None]


def test_columns_without_any_value_are_not_stored(folder: Path) -> None:
    [written] = segment.write(folder, [batch([{"Empty": None, "Image": "x"}])])
    assert "Empty" not in written.columns


def test_log_sources_and_tenants_have_folders_of_their_own(folder: Path) -> None:
    batches = [
        batch([{"Image": "1"}], tenant="Acme"),
        batch([{"EventID": "4624"}], SECURITY, tenant="Acme"),
        batch([{"Image": "2"}], tenant="../../Müller & Söhne"),
    ]
    segments = segment.write(folder, batches)
    places = [Path(s.path).parts[1:3] for s in segments]
    assert places[:2] == [("process_creation", "acme"), ("security", "acme")]
    assert [s.tenant for s in segments] == ["Acme", "Acme", "../../Müller & Söhne"]
    for s in segments:
        assert (folder / s.path).resolve().is_relative_to(folder / "events")
    assert not list((folder / segment.STAGING).iterdir())


def test_one_batch_with_two_tenants(folder: Path) -> None:
    both = pa.concat_tables(
        [
            pa.Table.from_batches([batch([{"Image": "1"}], tenant="a")]),
            pa.Table.from_batches([batch([{"Image": "2"}], tenant="b")]),
        ]
    )
    segments = segment.write(folder, [both.replace_schema_metadata(PROCESS.to_metadata())])
    assert [(s.tenant, s.rows) for s in segments] == [("a", 1), ("b", 1)]


def test_a_log_source_named_like_a_path_stays_inside(folder: Path) -> None:
    [written] = segment.write(folder, [batch([{"x": "1"}], Route("../../../etc/CON", ()))])
    assert (folder / written.path).resolve().is_relative_to(folder / "events")


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        ([(0, 5)], ["2020-08-26"]),
        ([(0, 5), (90, 5), (400, 5)], ["2020-08-26_2021-09-30"]),
        ([(0, 5), (1, 9000), (2, 5), (3, 5)], ["2020-08-26", "2020-08-27", "2020-08-28_2020-08-29"]),
        ([(3, 9000), (0, 9000)], ["2020-08-26", "2020-08-29"]),
        ([(0, 5000), (1, 5000), (2, 10)], ["2020-08-26_2020-08-28"]),
        ([(n, 3000) for n in range(7)], ["2020-08-26_2020-08-28", "2020-08-29_2020-09-01"]),
        ([(None, 5)], ["undated"]),
        ([(None, 5), (0, 5)], ["2020-08-26"]),
    ],
)
def test_days(folder: Path, days: list[tuple[int | None, int]], labels: list[str]) -> None:
    rows = [
        {"time": None if day is None else START + day * DAY + n, "event_uid": uid(f"{day} {n}"), "N": str(n)}
        for day, count in days
        for n in range(count)
    ]
    segments = segment.write(folder, [batch(rows[:100]), batch(rows[100:])])
    assert [Path(s.path).name.rsplit("-", 1)[0] for s in segments] == labels
    assert sorted(r["event_uid"] for r in stored(folder, segments)) == sorted(r["event_uid"] for r in rows)
    for s in segments:
        times = [r["time"] for r in stored(folder, [s]) if r["time"] is not None]
        assert s.rows == pq.read_metadata(folder / s.path).num_rows
        if times:
            assert (s.first, s.last) == (
                int(min(times).timestamp() * 1_000_000),
                int(max(times).timestamp() * 1_000_000),
            )


@pytest.mark.parametrize("time", [-11_644_473_600_000_000, 253_402_300_799_999_999, 2**62, -(2**62)])
def test_odd_clocks(folder: Path, time: int) -> None:
    [written] = segment.write(folder, [batch([{"time": time, "Image": "x"}])])
    assert (written.first, written.last, written.rows) == (time, time, 1)


def test_equal_events_are_stored_once_and_counted(folder: Path) -> None:
    rows = [{"event_uid": uid("same"), "Image": "first"}, {"event_uid": uid("other"), "Image": "x"}]
    copy = batch([{"event_uid": uid("same"), "Image": "copy"}], evidence="f" * 16)
    [written] = segment.write(folder, [batch(rows), copy])
    assert sorted(row["Image"] for row in stored(folder, [written])) == ["first", "x"]
    assert (written.kept, written.dropped) == ({"e" * 16: 2}, {"f" * 16: 1})


def test_projected_events_are_not_counted(folder: Path) -> None:
    rows = [{"event_uid": uid("same"), "raw": None, "Image": "x"}] * 2
    [written] = segment.write(folder, [batch(rows, PROJECTED)])
    assert (written.rows, written.kept, written.dropped) == (1, {}, {})


def test_five_hundred_and_more_columns(folder: Path) -> None:
    rows = [{f"Field{n}": str(n) for n in range(start, start + 300)} for start in (0, 250)]
    [written] = segment.write(folder, [batch(rows)])
    assert len(written.columns) == len(ENVELOPE) + 550
    assert stored(folder, [written])[1]["Field549"] == "549"


def test_nothing_to_write(folder: Path) -> None:
    assert segment.write(folder, []) == []
    assert segment.write(folder, [batch([])]) == []


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"process_creation.*cannot be written"):
        segment.write(tmp_path / "nowhere", [batch([{"Image": "x"}])])

"""Times in every form that logs write."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazami.sources import clock

MOMENT = "2020-09-20T20:11:33"


def iso(cell: object, reference: str | None = None) -> str | None:
    at = clock.parse(reference) if reference else None
    micros = clock.parse(cell, at)
    if micros is None:
        return None
    return pa.scalar(micros, pa.int64()).cast(clock.TIME).as_py().isoformat().replace("+00:00", "")


@pytest.mark.parametrize(
    "cell",
    [
        "2020-09-20T20:11:33Z",
        "2020-09-20 20:11:33",
        "2020-09-20T20:11:33.000Z",
        "2020-09-20 20:11:33 UTC",
        "2020-09-20 20:11:33 +00:00",
        "2020-09-21T05:11:33+09:00",
        "2020-09-21T05:11:33+0900",
        "2020-09-21T05:11:33+09",
        "2020-09-20T15:11:33-0500",
        "2020/09/20 20:11:33",
        "2020/9/20 20:11:33",
        "2020年9月20日 20:11:33",
        "20200920T201133Z",
        "20200920201133",
        "20200920201133.000000+000",
        "20200921051133.000000+540",
        "9/20/2020 8:11:33 PM",
        "09/20/2020 20:11:33",
        "20/09/2020 20:11:33",
        "20.09.2020 20:11:33",
        "Sep 20, 2020 8:11:33 PM",
        "Sep 20 2020 20:11:33",
        "Sun, 20 Sep 2020 20:11:33 +0000",
        "Sun, 20 Sep 2020 22:11:33 +0200 (CEST)",
        "20 Sep 2020 20:11:33 GMT",
        "20/Sep/2020:20:11:33 +0000",
        "[20/Sep/2020:20:11:33 +0000]",
        "Sun Sep 20 20:11:33 2020",
        "Sun Sep 20 20:11:33 UTC 2020",
        "Mon Sep 21 05:11:33 JST 2020",
        "2020-09-20 16:11:33 EDT",
        "1600632693",
        1600632693,
        1600632693.0,
        "1600632693.000",
        1600632693000,
        "1600632693000",
        1600632693000000,
        1600632693000000000,
        132451062930000000,
        "132451062930000000",
        "/Date(1600632693000)/",
        "\\/Date(1600632693000)\\/",
        "/Date(1600632693000+0900)/",
        "  2020-09-20T20:11:33Z\n",
    ],
)
def test_one_moment_in_many_forms(cell: object) -> None:
    assert iso(cell) == MOMENT


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2020-10-05T20:43:58.3", "2020-10-05T20:43:58.300000"),
        ("2020-10-05T20:43:58.351744Z", "2020-10-05T20:43:58.351744"),
        ("2020-10-05T20:43:58.3517449Z", "2020-10-05T20:43:58.351744"),
        ("2020-10-05T20:43:58.351744999Z", "2020-10-05T20:43:58.351744"),
        ("2020-10-05 20:43:58,350", "2020-10-05T20:43:58.350000"),
        ("1604996384.965", "2020-11-10T08:19:44.965000"),
        (1604996384.965, "2020-11-10T08:19:44.965000"),
        ("11/10/2020 08:19:44.965", "2020-11-10T08:19:44.965000"),
        ("11/10/20 08:19:44.965", "2020-11-10T08:19:44.965000"),
        ("2020-10-05", "2020-10-05T00:00:00"),
        ("20201005", "2020-10-05T00:00:00"),
        ("2020-10-05T20", "2020-10-05T20:00:00"),
        ("2020-10-05 20:43", "2020-10-05T20:43:00"),
        ("12/31/1600 7:00:00 PM", "1600-12-31T19:00:00"),
        ("1/1/2021 12:00:00 AM", "2021-01-01T00:00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("2020-10-05T24:00:00Z", "2020-10-06T00:00:00"),
        ("1601-01-01T00:00:00Z", "1601-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
        ("0001-01-01 00:00:00", "0001-01-01T00:00:00"),
        (0, "1970-01-01T00:00:00"),
        (-1, "1969-12-31T23:59:59"),
    ],
)
def test_fractions_edges_and_odd_clocks(cell: object, expected: str) -> None:
    assert iso(cell) == expected


@pytest.mark.parametrize(
    "cell",
    [
        None,
        True,
        "",
        "-",
        "yesterday",
        "2020-02-30",
        "2020-13-01 00:00:00",
        "2020-10-05 25:00:00",
        "2020-10-05T24:00:01Z",
        "13:61:00",
        "0000-01-01 00:00:00",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "2020-10-05T20:43:58+24:00",
        "13/13/2020 01:00:00",
        "9/20/2020 13:11:33 PM",
        float("nan"),
        float("inf"),
        10**30,
        "1" * 5000,
        "300000000000000000000",
        "２０２０-10-05",
        [2020],
        b"2020-10-05",
    ],
)
def test_what_is_no_time_is_none(cell: object) -> None:
    assert clock.parse(cell) is None


@pytest.mark.parametrize(
    ("cell", "reference", "expected"),
    [
        ("Nov 22 05:52:59", "2020-11-30", "2020-11-22T05:52:59"),
        ("Nov  2 05:52:59", "2020-11-30", "2020-11-02T05:52:59"),
        ("Nov 22 05:52:59.25", "2020-11-30", "2020-11-22T05:52:59.250000"),
        ("Dec 31 23:59:59", "2021-01-01 00:00:10", "2020-12-31T23:59:59"),
        ("Jan  1 00:00:01", "2020-12-31 23:59:00", "2021-01-01T00:00:01"),
        ("Jan  3 00:00:01", "2020-12-31 23:59:00", "2020-01-03T00:00:01"),
        ("Feb 29 12:00:00", "2023-03-01", "2020-02-29T12:00:00"),
        ("Feb 29 12:00:00", "1903-03-01", "1896-02-29T12:00:00"),
    ],
)
def test_a_time_without_a_year_is_the_last_before_its_reference(
    cell: str, reference: str, expected: str
) -> None:
    assert iso(cell, reference) == expected


def test_a_time_without_a_year_is_not_in_the_future() -> None:
    micros = clock.parse("Feb 28 12:00:00")
    assert micros is not None
    assert micros <= datetime.now(UTC).timestamp() * 1e6 + 86_400_000_000


_moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))


@st.composite
def _uniform(draw: st.DrawFn) -> list[str | None]:
    """A column whose cells share one of the ISO forms, nulls among them."""
    sep = draw(st.sampled_from("T "))
    zone = draw(st.sampled_from(["", "Z", "+09:00", "-0530", " UTC", "+00"]))
    digits = draw(st.integers(0, 9))
    moments = draw(st.lists(st.none() | _moments, max_size=6))
    return [m and _written(m, sep, digits) + zone for m in moments]


def _written(moment: datetime, sep: str, digits: int) -> str:
    text = f"{moment.year:04d}-{moment:%m-%d}{sep}{moment:%H:%M:%S}"
    return text + (f".{moment.microsecond:06d}789"[: digits + 1] if digits else "")


_garbage = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{0,9})?)?Z?", fullmatch=True
    ),
)


_micros = st.integers(10**14, 10**17) | st.none() | st.booleans() | st.floats(10**14, 10**16)


@given(
    _uniform()
    | st.lists(_garbage, max_size=5)
    | st.lists(_micros, max_size=4)
    | st.lists(_garbage.filter(lambda c: isinstance(c, str)))
)
def test_the_quick_path_says_what_the_plain_one_says(cells: list[object]) -> None:
    column = clock.parse_column(cells)
    assert column.type == clock.TIME
    assert column.cast(pa.int64()).to_pylist() == [clock.parse(c) for c in cells]


@given(_moments)
def test_every_moment_survives_being_written_and_read(moment: datetime) -> None:
    text = _written(moment, "T", 6) + "Z"
    assert iso(text) == moment.isoformat()


def test_an_arrow_column_is_taken_as_it_comes() -> None:
    cells = pa.array(["2020-10-05 20:43:58.350", None, "x"])
    assert clock.parse_column(cells).cast(pa.int64()).to_pylist() == [1601930638350000, None, None]
    numbers = pa.array([1601930638, None])
    assert clock.parse_column(numbers).cast(pa.int64()).to_pylist() == [1601930638000000, None]

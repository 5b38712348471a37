"""Times as evidence writes them, as microseconds since 1970-01-01 in UTC.

A time without a zone is taken as UTC: evidence seldom says where its clock stood, and a guess would be
worse than one rule that everybody knows. Fractions finer than a microsecond are cut off, never rounded.
What lies outside the years 1 to 9999 cannot be represented and is None, like everything unreadable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

TIME = pa.timestamp("us", "UTC")

_DAY, _HOUR, _MINUTE, _SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000
_EPOCH = date(1970, 1, 1).toordinal()

#: The first and the last microsecond that every part of Kazami can show.
EARLIEST = (1 - _EPOCH) * _DAY
LATEST = (date.max.toordinal() - _EPOCH + 1) * _DAY - 1

#: Microseconds between 1601-01-01, where Windows FILETIME begins, and 1970-01-01.
_FILETIME_EPOCH = 11_644_473_600_000_000

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<mon>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?\ +)?"
_CLOCK = r"(?P<h>\d{1,2}):(?P<mi>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,12}))?)?(?:[\ \u202f](?P<half>[AP])\.?M\.?)?"

#: Zones by name, hours east: those of RFC 2822, and others that mean but one thing.
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9,
}  # fmt: skip
_NAMED = "|".join(_ZONES)
_ZONE = rf"\ ?(?P<zone>Z|UTC|GMT|{_NAMED}|[+-]\d\d(?::?\d\d)?)?(?:\ \([A-Z]{{1,5}}\))?"

#: The forms of a time, the most frequent first. Groups: y year, m month or mon its name, d day, a and b
#: month and day in the order of the United States, h mi s f the clock, half A or P, zone.
_FORMS = tuple(
    re.compile(form, re.VERBOSE | re.IGNORECASE | re.ASCII)
    for form in (
        # ISO 8601 and RFC 3339, with the liberties that logs take: blank or T, slashes, comma, no seconds
        rf"(?P<y>\d{{4}})(?P<sep>[-/.])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}})(?:[T\ _]{_CLOCK}{_ZONE})?",
        r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[T\ ](?P<h>\d\d)",
        # ISO 8601 basic: 20200920T201133Z, 20200920201133, and 20200920 alone
        r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?:T?(?P<h>\d\d)(?P<mi>\d\d)(?P<s>\d\d)(?:[.,](?P<f>\d{1,12}))?"
        rf"{_ZONE})?",
        # as Windows writes it in Japanese: 2024年3月1日 10:00:00
        rf"(?P<y>\d{{4}})年(?P<m>\d{{1,2}})月(?P<d>\d{{1,2}})日(?:\ {_CLOCK}{_ZONE})?",
        # RFC 3164: Nov 22 05:52:59; some routers write the year too
        rf"{_MONTH}\ +(?P<d>\d{{1,2}}),?(?:\ (?P<y>\d{{4}}),?)?\ {_CLOCK}{_ZONE}",
        # 9/20/2020 8:11:33 PM, and day first where the first number cannot be a month
        rf"(?P<a>\d{{1,2}})(?P<sep>[/-])(?P<b>\d{{1,2}})(?P=sep)(?P<y>\d{{4}}|\d\d)(?:,?[\ T]{_CLOCK}{_ZONE})?",
        rf"(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.(?P<y>\d{{4}})(?:,?\ {_CLOCK}{_ZONE})?",
        # RFC 2822, with or without its weekday, and the common log format of web servers
        rf"{_WEEKDAY}(?P<d>\d{{1,2}})[\ -]{_MONTH}[\ -](?P<y>\d{{4}})\ {_CLOCK}{_ZONE}",
        rf"(?P<d>\d{{1,2}})/{_MONTH}/(?P<y>\d{{4}}):{_CLOCK}{_ZONE}",
        # asctime and date(1): Sun Sep 20 20:11:33 UTC 2020
        rf"{_WEEKDAY}{_MONTH}\ +(?P<d>\d{{1,2}})\ {_CLOCK}{_ZONE}\ (?P<y>\d{{4}})",
    )
)

_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?\Z", re.ASCII)
_DOTNET = re.compile(r"\\?/Date\((-?\d{1,17})(?:[+-]\d{4})?\)\\?/\Z", re.ASCII)  # PowerShell's ConvertTo-Json
_CIM = re.compile(r"(\d{14}\.\d{6})([+-])(\d{3})\Z", re.ASCII)  # CIM_DATETIME: its zone is in minutes

_LONGEST = 64  # characters; no form of a time is longer


def parse(cell: object, reference: int | None = None) -> int | None:
    """Microseconds since the epoch in UTC, None where `cell` is no time.

    Numbers, also as text, are taken by their magnitude: below 1e11 seconds, below 1e14 milliseconds, below
    1e17 microseconds, below 1e18 Windows FILETIME (100 ns since 1601), else nanoseconds. A time without a year
    is given the year that puts it last before `reference` (microseconds, by default now) plus a day.
    """
    if isinstance(cell, str):
        return _parse_text(cell, reference)
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return None
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return _by_magnitude(Decimal(repr(cell)) if isinstance(cell, float) else cell)


def _parse_text(text: str, reference: int | None) -> int | None:
    if len(text) > _LONGEST:
        return None
    text = text.strip(" \t\r\n\"'[]\x00")
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _civil(found.groupdict(), reference)
    if _NUMBER.match(text):
        return _by_magnitude(Decimal(text) if "." in text else int(text))
    if found := _DOTNET.match(text):
        return _within(int(found[1]) * 1000)
    if found := _CIM.match(text):
        local = _parse_text(found[1], None)
        east = int(found[2] + found[3]) * _MINUTE
        return None if local is None else _within(local - east)
    return None


def _by_magnitude(number: int | Decimal) -> int | None:
    size: Decimal = abs(Decimal(number))
    if size < 10**11:
        return _within(int(number * 1_000_000))
    if size < 10**14:
        return _within(int(number * 1000))
    if size < 10**17:
        return _within(int(number))
    if size < 10**18:
        return _within(int(number) // 10 - _FILETIME_EPOCH)
    return _within(int(number) // 1000)


def _within(micros: int) -> int | None:
    return micros if EARLIEST <= micros <= LATEST else None


def _civil(part: dict[str, str | None], reference: int | None) -> int | None:
    """A calendar date and a clock as microseconds; None where there is no such day or hour."""
    clock = _clock(part)
    if clock is None:
        return None
    year, month, day = _date(part)
    if year is None:
        return _last_before(month, day, clock, reference)
    start = _midnight(year, month, day)
    return None if start is None else _within(start + clock)


def _date(part: dict[str, str | None]) -> tuple[int | None, int, int]:
    digits = part.get("y") or ""
    year = int(digits) if digits else None
    if year is not None and len(digits) == 2:
        year += 2000 if year < 70 else 1900
    if part.get("a"):
        first, second = int(part["a"] or 0), int(part["b"] or 0)
        return (year, first, second) if first <= 12 else (year, second, first)
    name = part.get("mon")
    month = _MONTHS.index(name.lower()) + 1 if name else int(part.get("m") or 0)
    return year, month, int(part.get("d") or 0)


def _clock(part: dict[str, str | None]) -> int | None:
    """Microseconds since midnight in UTC, which may lie before 0 or after a day; a leap second counts."""
    hour, minute, second = (int(part.get(k) or "0") for k in ("h", "mi", "s"))
    if half := part.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    micros = int(((part.get("f") or "") + "000000")[:6])
    east = _offset(part.get("zone") or "Z")
    if east is None:
        return None
    return hour * _HOUR + minute * _MINUTE + second * _SECOND + micros - east


def _offset(zone: str) -> int | None:
    if zone[0] not in "+-":
        return _ZONES.get(zone.upper(), 0) * _HOUR
    hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > 3 else 0
    if hours > 23 or minutes > 59:
        return None
    east = hours * _HOUR + minutes * _MINUTE
    return -east if zone[0] == "-" else east


def _midnight(year: int, month: int, day: int) -> int | None:
    try:
        return (date(year, month, day).toordinal() - _EPOCH) * _DAY
    except ValueError:
        return None


def _last_before(month: int, day: int, clock: int, reference: int | None) -> int | None:
    """The last such moment not later than a day after `reference`; clocks may run ahead that far."""
    if reference is None:
        reference = int(datetime.now(UTC).timestamp() * 1_000_000)
    latest = reference + _DAY
    year = date.fromordinal(min(max(latest // _DAY + _EPOCH, 1), date.max.toordinal())).year
    for candidate in range(year, max(year - 9, 0), -1):  # nine: 29 February may be eight years away
        start = _midnight(candidate, month, day)
        if start is not None and start + clock <= latest:
            return _within(start + clock)
    return None


def parse_column(cells: Sequence[object] | pa.Array, reference: int | None = None) -> pa.Array:
    """`parse` over a column, as ``timestamp[us, UTC]``; quick where all cells share one of the ISO forms."""
    if not isinstance(cells, pa.Array):
        if cells and type(cells[0]) is int and (times := _micros(cells)) is not None:
            return times
        try:
            cells = pa.array(cells, pa.string())
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
            return pa.array([parse(c, reference) for c in cells], pa.int64()).cast(TIME)
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        times = _cast(cells)
        if times is None:
            times = _cast(_trimmed(cells))
        if times is not None:
            return times
    return pa.array([parse(c, reference) for c in cells.to_pylist()], pa.int64()).cast(TIME)


def _micros(cells: Sequence[object]) -> pa.Array | None:
    """Integers that are all microseconds by their magnitude; None where one is not."""
    try:
        numbers = pa.array(cells, pa.int64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None
    bounds = pc.min_max(numbers).as_py()
    return numbers.cast(TIME) if bounds["min"] >= 10**14 and bounds["max"] < 10**17 else None


def _trimmed(cells: pa.Array) -> pa.Array:
    """Without a fraction finer than a microsecond, and with ``Z`` for a trailing `` UTC``."""
    cut = pc.replace_substring_regex(
        cells, r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{6})\d{1,6}(Z|[+-]\d\d:?\d\d|$)", r"\1\2"
    )
    return pc.replace_substring_regex(cut, " UTC$", "Z")


_ZONED = re.compile(r".*(?:Z|[+-]\d\d(?::?\d\d)?)\Z", re.ASCII | re.DOTALL)


def _cast(cells: pa.Array) -> pa.Array | None:
    """By Arrow's own parser, all with a zone or all without; None where that does not read every cell."""
    first = next((c for c in cells if c.is_valid), None)
    zoned = first is not None and len(text := first.as_py()) > 12 and _ZONED.match(text)
    try:
        times = pc.cast(cells, TIME if zoned else pa.timestamp("us")).cast(TIME)
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(times.cast(pa.int64())).as_py()
    if bounds["min"] is None or (bounds["min"] >= EARLIEST and bounds["max"] <= LATEST):
        return times
    return None

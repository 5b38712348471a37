"""One line of syslog as its parts: RFC 5424, RFC 3164 with what daemons make of it, journalctl's short forms.

Also the two that write the time of asctime(3) into files of their own, vsftpd and clamd; and Cisco Meraki, which writes seconds since 1970.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from kazami.sources import clock

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_BSD = rf"(?:{_MONTHS}) [ \d]\d (?:\d{{4}} )?\d\d:\d\d:\d\d(?:\.\d{{1,9}})?"
_FULL = rf"(?:{_DAYS}) \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{{1,6}})? [A-Z]{{3,4}}"
_TAG = r"(?P<program>[^\s:\[\]]{1,64})(?:\[(?P<pid>[\w.-]{1,32})\])?:(?: |$)"

_NEW = re.compile(
    r"<(?P<pri>\d{1,3})>[1-9]\d? (?P<time>\S{1,48}) (?P<host>\S{1,255}) (?P<program>\S{1,64}) (?P<pid>\S{1,128}) "
    r'(?P<msgid>\S{1,32}) (?:(?P<data>-|(?:\[[^\s=\]"]{1,64}(?: [^\s=\]"]{1,64}="(?:[^"\\]|\\.)*+")*+\])++)(?: |$)|(?=\[\w{1,64}:"))',  # Check Point has another idea of structured data
    re.ASCII,
)
_OLD = re.compile(
    rf"(?:<(?P<pri>\d{{1,3}})>)?(?:(?P<time>{_BSD})(?: [A-Z]{{3,4}})?:? (?:(?P<host>[^\s:\[\]]{{1,255}}|[0-9A-Fa-f.:]{{2,45}}) (?:{_TAG})?)?"
    rf"|(?P<iso>{_ISO}|{_FULL}) (?P<host2>\S{{1,255}}) (?: |: )?{_TAG.replace('program', 'program2').replace('pid', 'pid2')})",
    re.ASCII,
)
_MERAKI = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{10}(?:\.\d{1,9})?) (?P<host>\S{1,255}) (?P<program>[a-z][a-z_-]{2,40}) ",
    re.ASCII,
)
_OWN = re.compile(
    rf"(?P<time>(?:{_DAYS}) (?:{_MONTHS}) [ \d]\d \d\d:\d\d:\d\d \d{{4}}) (?:\[pid (?P<pid>\d{{1,10}})\] |(?P<arrow>->) )",
    re.ASCII,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = 1_000_000


class Line(NamedTuple):
    """The parts of a line, None where it does not have them. `time` is text, `priority` facility * 8 + severity."""

    time: str
    host: str | None
    program: str | None
    pid: str | None
    priority: int | None
    message: str
    message_id: str | None = None
    data: str | None = None


def parse(line: str) -> Line | None:
    """The parts of `line`; None where it has no header of syslog."""
    if line[:1] == "<" and (found := _NEW.match(line)):
        part = found.groupdict()
        known = {name: None if value == "-" else value for name, value in part.items()}
        message = line[found.end() :].removeprefix("\ufeff")
        return Line(
            part["time"] or "", known["host"], known["program"], known["pid"], _priority(part["pri"]), message,
            known["msgid"], known["data"],
        )  # fmt: skip
    if line[:1] == "<" and (found := _MERAKI.match(line)):
        return Line(
            found["time"], found["host"], found["program"], None, _priority(found["pri"]), line[found.end() :]
        )
    if found := _OLD.match(line):
        part = found.groupdict()
        return Line(
            part["time"] or part["iso"] or "",
            part["host"] or part["host2"],
            part["program"] or part["program2"],
            part["pid"] or part["pid2"],
            _priority(part["pri"]),
            line[found.end() :],
        )
    if found := _OWN.match(line):
        program = "clamd" if found["arrow"] else "vsftpd"
        return Line(found["time"], None, program, found["pid"], None, line[found.end() :])
    return None


def _priority(digits: str | None) -> int | None:
    return int(digits) if digits and int(digits) < 192 else None


class Stamps:
    """Times of one file in microseconds. Those without a year are the last before `reference` and a day."""

    def __init__(self, reference: int | None) -> None:
        self._reference = reference
        self._midnights: dict[str, int | None] = {}

    def micros(self, text: str) -> int | None:
        """`text` in microseconds since the epoch; None where it is no time."""
        if text[:1].isdigit():
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                return clock.parse(text)
            since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
            return (since.days * 86400 + since.seconds) * _MICRO + since.microseconds
        if len(text) == 15:  # Nov 22 05:52:59
            return self._of_day(text)
        return clock.parse(text[4:] if text[4:8].isdigit() else text, self._reference)

    def _of_day(self, text: str) -> int | None:
        """The day is looked up, its clock added: the day nearest to the reference is found once."""
        day = text[:6]
        if day not in self._midnights:
            self._midnights[day] = clock.parse(f"{day} 00:00:00", self._reference)
        midnight = self._midnights[day]
        hour, minute, second = int(text[7:9]), int(text[10:12]), int(text[13:15])
        if midnight is None or hour > 23 or minute > 59 or second > 60:
            return None
        return midnight + (hour * 3600 + minute * 60 + second) * _MICRO

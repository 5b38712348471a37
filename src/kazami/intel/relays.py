"""Lists of small-office devices that are known to have been relays, with when each was one: a node lives for days, and its address goes on.

Read are lists as they are published: lines with an address (also as ``192.0.2[.]1``) or network and up to two dates, as CSV or prose; and STIX 2.1 indicators
with ``valid_from`` and ``valid_until``. None comes with Kazami.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from ipaddress import ip_network
from pathlib import Path

import msgspec
import platformdirs

from kazami.errors import UsageError
from kazami.intel.networks import opened
from kazami.model.tenant import Network, parsed

NAME = "relays.json"

#: Entries of all lists, characters of a line, bytes of a bundle.
MOST, LONGEST, LARGEST = 500_000, 2000, 64 << 20

#: Microseconds before and after its time frame in which an entry still counts as being inside: reports round to days.
SLACK = 2 * 86_400_000_000

_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:\.|\[\.\]|\(\.\)|\[dot\])){3}\d{1,3}(?:/\d{1,2})?(?![\w.])|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:/\d{1,3})?(?![\w:])",
    re.I,
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DATE = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})|(?P<m2>\d{1,2})/(?P<d2>\d{1,2})/(?P<y2>\d{4})|"
    rf"(?P<n>{'|'.join(_MONTHS)})[a-z]*\.? (?P<d3>\d{{1,2}}),? (?P<y3>\d{{4}})",
    re.I,
)
_STIX = re.compile(r"\[(?:ipv4|ipv6)-addr:value\s*=\s*'([^']{2,60})'\]")


class Entry(msgspec.Struct, frozen=True):
    """One address or network on a list. The days are inclusive; "" where the list does not say."""

    place: str
    first: str
    last: str
    list: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list says of an address at a time: `inside` its time frame, outside of it, or ``""`` where it has none."""

    entry: Entry
    when: str

    def __str__(self) -> str:
        frame = f"{self.entry.first or '?'} to {self.entry.last or '?'}"
        return f"{self.entry.list}: {frame if self.entry.first or self.entry.last else 'no time frame'}"


class Relays:
    """All lists, by address."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._single: dict[str, list[Entry]] = {}
        self._networks: list[tuple[Network, Entry]] = []
        for entry in entries:
            network = ip_network(entry.place, strict=False)
            if network.num_addresses == 1:
                self._single.setdefault(str(network[0]), []).append(entry)
            else:
                self._networks.append((network, entry))

    def __len__(self) -> int:
        return sum(map(len, self._single.values())) + len(self._networks)

    @property
    def singles(self) -> list[str]:
        """All addresses that stand by themselves, in their shortest spelling."""
        return list(self._single)

    @property
    def networks(self) -> list[Network]:
        """All networks."""
        return [network for network, _ in self._networks]

    def of(self, address: str) -> list[Entry]:
        """Entries of an address."""
        found = parsed(address)
        if found is None:
            return []
        return [
            *self._single.get(str(found), ()),
            *(entry for network, entry in self._networks if found in network),
        ]

    def at(self, address: str, time: int) -> Listed | None:
        """What the lists say of an address at a time in microseconds; inside a time frame counts first."""
        told = [Listed(entry, _when(entry, time)) for entry in self.of(address)]
        return min(told, key=lambda one: ("inside", "", "outside").index(one.when)) if told else None


def _when(entry: Entry, time: int) -> str:
    if not entry.first and not entry.last:
        return ""
    first, last = (_microseconds(day) if day else None for day in (entry.first, entry.last))
    after = first is None or time >= first - SLACK
    before = last is None or time < last + 86_400_000_000 + SLACK
    return "inside" if after and before else "outside"


def _microseconds(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp()) * 1_000_000


def place() -> Path:
    """Where the lists lie: in ``$KAZAMI_INTEL``, else in the user's data folder."""
    return Path(os.environ.get("KAZAMI_INTEL") or platformdirs.user_data_dir("kazami")) / NAME


def installed() -> Relays | None:
    """What the user installed; None where nothing was. Raises UsageError where it cannot be read."""
    path = place()
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return None
    return _loaded(str(path), changed)


@cache
def _loaded(path: str, _changed: int) -> Relays:
    return Relays(_entries(Path(path)))


def _entries(path: Path) -> list[Entry]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Entry])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error


def install(entries: Iterable[Entry]) -> Path:
    """Keep entries beside those of other lists; lists of the same name are replaced. Raises UsageError where it cannot be written."""
    path, fresh = place(), list(entries)
    names = {entry.list for entry in fresh}
    whole = [entry for entry in _entries(path) if entry.list not in names] + fresh
    if len(whole) > MOST:
        raise UsageError(f"{path}: more than {MOST:,} entries")
    staged = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(msgspec.json.encode(whole))
        staged.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def read(path: Path, name: str = "") -> tuple[list[Entry], Counter[str]]:
    """The entries of a list, called `name` or as its file; and lines left out, by why. Raises UsageError that names the file."""
    name = (name or path.name.partition(".")[0])[:80]
    with opened(path) as file:
        head = file.read(1)
        if head == "{":
            return _indicators(head + file.read(LARGEST), path, name)
        left_out: Counter[str] = Counter()
        found: dict[tuple[str, str, str], Entry] = {}
        for number, line in enumerate([head + file.readline(), *file] if head else file, 1):
            if number > MOST:
                raise UsageError(f"{path} (line {number}): more than {MOST:,} lines")
            entry = _line(line[:LONGEST], name)
            if entry is None:
                left_out["lines without an address"] += bool(line.strip())
            else:
                found[entry.place, entry.first, entry.last] = entry
    if not found:
        raise UsageError(f"{path}: no line of it has an address")
    return list(found.values()), left_out


def _line(line: str, name: str) -> Entry | None:
    match = _ADDRESS.search(line)
    if match is None:
        return None
    where = _network(re.sub(r"\[\.\]|\(\.\)|\[dot\]", ".", match[0], flags=re.I))
    days = [day for found in _DATE.finditer(line) if (day := _day(found))][:2]
    return (
        Entry(where, min(days) if days else "", max(days) if len(days) > 1 else "", name) if where else None
    )


def _network(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return ""
    least = 16 if network.version == 4 else 32
    return str(network) if network.prefixlen >= least else ""  # a mistake, not a relay


def _day(match: re.Match[str]) -> str:
    year = match["y"] or match["y2"] or match["y3"]
    month = match["m"] or match["m2"] or str(_MONTHS.index(match["n"][:3].lower()) + 1)
    try:
        return date(int(year), int(month), int(match["d"] or match["d2"] or match["d3"])).isoformat()
    except ValueError:
        return ""


class _Indicator(msgspec.Struct, frozen=True):
    type: str = ""
    pattern: str = ""
    valid_from: str = ""
    valid_until: str = ""


class _Bundle(msgspec.Struct, frozen=True):
    objects: list[_Indicator] = []


def _indicators(text: str, path: Path, name: str) -> tuple[list[Entry], Counter[str]]:
    try:
        bundle = msgspec.json.decode(text, type=_Bundle)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"{path}: is no bundle of STIX: {error}") from error
    left_out: Counter[str] = Counter()
    found = []
    for one in bundle.objects[:MOST]:
        match = _STIX.search(one.pattern) if one.type == "indicator" else None
        where = _network(match[1]) if match else ""
        days = [
            day if re.fullmatch(r"\d{4}-\d\d-\d\d", day := text[:10]) else ""
            for text in (one.valid_from, one.valid_until)
        ]
        if where:
            found.append(Entry(where, days[0], days[1], name))
        else:
            left_out["objects that name no address"] += 1
    if not found:
        raise UsageError(f"{path}: no indicator of it is an address")
    return found, left_out

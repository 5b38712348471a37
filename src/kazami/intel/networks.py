"""Whose networks addresses are in: a table of ranges that the user installs, and what kind of owner that is.

Read are the forms in which such tables are handed out: iptoasn.com (tabs), DB-IP Lite and ip-location-db (commas), MaxMind's GeoLite2 ASN blocks; in gzip or not. None comes
with Kazami. Owners and countries may be in one file or in two; both are kept.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import IO, Any

import numpy as np
import platformdirs
import pyarrow as pa
import pyarrow.feather as feather

from kazami.errors import UsageError
from kazami.model.tenant import parsed

#: Bytes of a table as handed over, inflated; ranges in it; characters of an owner's name.
LARGEST, MOST, LONGEST = 1 << 30, 5_000_000, 120

#: What one file says: owners, or countries only.
KINDS = ("owners", "countries")

_SCHEMA = pa.schema(
    [
        ("start", pa.binary(16)),
        ("stop", pa.binary(16)),
        ("asn", pa.uint32()),
        ("country", pa.string()),
        ("name", pa.string()),
    ]
)
_MAPPED = bytes(10) + b"\xff\xff"  # IPv4 within IPv6, so that one order holds both

#: Words in names of owners: who rents out machines, who carries homes, who lends one address to many.
_HOSTING = re.compile(
    r"\b(hosting|host|cloud|server|servers|datacent\w*|data cent\w*|vps|colo\w*|digitalocean|amazon|aws|google|microsoft|azure|ovh|hetzner|linode|"
    r"vultr|choopa|constant company|leaseweb|contabo|m247|oracle|alibaba|tencent|scaleway|ionos|godaddy|rackspace|\w*vpn|proxy|tor|cdn\w*|"
    r"datacamp|packethub|mullvad|31173|zscaler\w*|netskope\w*|cato networks|forcepoint\w*|palo alto networks)\b"
)
_CONSUMER = re.compile(
    r"\b(telecom\w*|telekom\w*|telefonica|telia|telstra|broadband|cable\w*|dsl|fib(?:er|re)\w*|mobile|wireless|comcast|charter|cox|verizon|at&t|att|spectrum|frontier|"
    r"centurylink|lumen|optus|vodafone|orange|bouygues|free sas|proximus|ziggo|kpn|virgin media|sky uk|talktalk|ntt|ocn|kddi|softbank|jcom|j:com|biglobe|"
    r"so-net|asahi net|rogers|shaw|bell canada|telus|claro|vivo|tim|jio|airtel|chunghwa|hinet|kt corp\w*|sk broadband|internet service\w*|isp)\b"
)
_LENDING = re.compile(
    r"\b(cloudflare|akamai|fastly|cloudfront|amazon|google|microsoft|imperva|incapsula|edgecast|edgio|cdn\w*)\b"
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has a network; what is not known is empty, or 0."""

    asn: int = 0
    country: str = ""
    name: str = ""

    @property
    def kind(self) -> str:
        """``hosting`` or ``consumer`` by words of the name; "" where they say neither: most names do."""
        name = self.name.lower()
        return "hosting" if _HOSTING.search(name) else "consumer" if _CONSUMER.search(name) else ""

    @property
    def lends(self) -> bool:
        """Whether many unlike things live under one of its addresses."""
        return bool(_LENDING.search(self.name.lower()))

    def __str__(self) -> str:
        parts = (self.name, f"AS{self.asn}" if self.asn else "", self.country)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Made:
    """A table out of a file, of what kind, and lines that say no range, by why."""

    kind: str
    table: pa.Table
    left_out: Counter[str]


class Networks:
    """Looks up addresses in tables of ranges, by halving: a million a second and no object a range."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = [
            (
                np.frombuffer(_joined(table, "start"), "S16"),
                np.frombuffer(_joined(table, "stop"), "S16"),
                table,
            )
            for table in tables
        ]
        self.at = lru_cache(1 << 16)(self._at)

    def _at(self, address: str) -> Owner | None:
        """The owner of an address; None where no table holds it."""
        found = parsed(address)
        if found is None:
            return None
        key = _key(int(found), found.version)
        rows = [row for table in self._tables if (row := self._row(*table, key)) is not None]
        if not rows:
            return None
        return Owner(
            next((row["asn"] for row in rows if row["asn"]), 0),
            next((row["country"] for row in rows if row["country"]), ""),
            next((row["name"] for row in rows if row["name"]), ""),
        )

    @staticmethod
    def _row(starts: Any, stops: Any, table: pa.Table, key: bytes) -> dict[str, Any] | None:
        place = int(np.searchsorted(starts, np.bytes_(key), side="right")) - 1
        if place < 0 or stops[place] < np.bytes_(key):
            return None
        row: dict[str, Any] = table.slice(place, 1).to_pylist()[0]
        return row


def _joined(table: pa.Table, name: str) -> bytes:
    return b"".join(table.column(name).to_pylist())


def _key(number: int, version: int) -> bytes:
    return _MAPPED + number.to_bytes(4) if version == 4 else number.to_bytes(16)


def place(kind: str) -> Path:
    """Where a table lies: in ``$KAZAMI_INTEL``, else in the user's data folder."""
    folder = os.environ.get("KAZAMI_INTEL") or platformdirs.user_data_dir("kazami")
    return Path(folder) / f"networks-{kind}.arrow"


def installed() -> Networks | None:
    """What the user installed; None where nothing was. Raises UsageError where it cannot be read."""
    paths = [path for kind in KINDS if (path := place(kind)).is_file()]
    return _loaded(tuple((str(path), path.stat().st_mtime_ns) for path in paths)) if paths else None


@cache
def _loaded(files: tuple[tuple[str, int], ...]) -> Networks:
    tables = []
    for path, _ in files:
        try:
            tables.append(feather.read_table(path).cast(_SCHEMA))
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{path}: cannot be read: {error}") from error
    return Networks(tables)


def install(made: Made) -> Path:
    """Keep a table; it appears whole or not at all. Raises UsageError where it cannot be written."""
    path = place(made.kind)
    staged = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        feather.write_feather(made.table, str(staged), compression="zstd")
        staged.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def read(path: Path) -> Made:
    """The table that a file holds, in any of the known forms. Raises UsageError that names file and line."""
    left_out: Counter[str] = Counter()
    found: dict[tuple[bytes, bytes], tuple[int, str, str]] = {}
    with opened(path) as file:
        for number, row in enumerate(_rows(file, path), 1):
            if number > MOST:
                raise UsageError(f"{path} (line {number}): more than {MOST:,} ranges")
            span = _span(row, left_out)
            if span is not None:
                found[span[0], span[1]] = span[2:]
    if not found:
        reasons = ", ".join(f"{count:,} {why}" for why, count in left_out.most_common(3))
        raise UsageError(
            f"{path}: no line of it is a network and its owner{f' ({reasons})' if reasons else ''}"
        )
    spans = sorted(found)
    told = [found[span] for span in spans]
    table = pa.table(
        {
            "start": pa.array([start for start, _ in spans], pa.binary(16)), "stop": pa.array([stop for _, stop in spans], pa.binary(16)),
            "asn": pa.array([asn for asn, _, _ in told], pa.uint32()), "country": [country for _, country, _ in told],
            "name": [name for *_, name in told],
        },
        schema=_SCHEMA,
    )  # fmt: skip
    return Made("owners" if any(asn or name for asn, _, name in told) else "countries", table, left_out)


def opened(path: Path) -> IO[str]:
    """A text, inflated where it is in gzip. Raises UsageError where it cannot be opened."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if packed:
            return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
        return path.open("rt", encoding="utf-8", errors="replace", newline="")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _rows(file: IO[str], path: Path) -> Iterator[list[str]]:
    size = 0
    try:
        for line in file:
            size += len(line)
            if size > LARGEST or len(line) > 4096:
                raise UsageError(f"{path}: more than {LARGEST:,} bytes, or a line of more than 4,096")
            if line.strip() and not line.startswith("#"):
                text = line.rstrip("\r\n")
                yield text.split("\t") if "\t" in text else next(csv.reader([text]), [])
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error


def _span(row: list[str], left_out: Counter[str]) -> tuple[bytes, bytes, int, str, str] | None:
    """First and last address as 16 bytes, number, country and name; None where the row says no range."""
    try:
        if "/" in row[0]:
            network = ip_network(row[0].strip())
            first, last, rest = network[0], network[-1], row[1:]
        else:
            first, last, rest = ip_address(row[0].strip()), ip_address(row[1].strip()), row[2:]
    except (ValueError, IndexError):
        left_out["lines without a range"] += 1
        return None
    if first.version != last.version or int(first) > int(last):
        left_out["ranges that end before they begin"] += 1
        return None
    told = _told([cell.strip() for cell in rest])
    if told is None:
        left_out["ranges that nobody has"] += 1
        return None
    return _key(int(first), first.version), _key(int(last), last.version), *told


def _told(cells: list[str]) -> tuple[int, str, str] | None:
    """Number, country and name, by what the cells look like: their order differs from form to form."""
    asn = next(
        (cell.upper().removeprefix("AS") for cell in cells if re.fullmatch(r"(AS)?\d{1,10}", cell, re.I)), "0"
    )
    country = next((cell.upper() for cell in cells if re.fullmatch(r"[A-Za-z]{2}", cell)), "")
    words = [
        cell
        for cell in cells
        if len(cell) > 2 and not re.fullmatch(r"(AS)?\d+", cell, re.I) and cell not in ("None", "Not routed")
    ]
    number = int(asn) if int(asn) < 1 << 32 else 0
    name = words[0][:LONGEST] if words else ""
    return (number, country, name) if number or name or country not in ("", "ZZ") else None

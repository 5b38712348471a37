"""NSRL's Reference Data Set, version 3: a SQLite database with the view (or table) FILE, and products by package in PKG.

The set says what was published, not that it is harmless: files of products whose type is a hacking, password or
steganography tool are `tool`, all others `known`, unless the user says `good` of the whole. Source of the layout: NIST,
"RDS v3 data model" (tables METADATA, FILE, PKG, OS, MFG, VERSION).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from kazami.errors import UsageError
from kazami.intel.reputation.label import Label
from kazami.intel.reputation.shelf import Statement

#: Application types that attackers use as well.
_TOOL = re.compile(
    r"hack|password|crack|steganograph|keylog|remote access|exploit|malware|spyware", re.IGNORECASE
)


def fits(file: Path, head: bytes) -> bool:
    """A SQLite database with FILE in it."""
    return head.startswith(b"SQLite format 3\0") and b"FILE" in head.upper() + _schema(file)


def _schema(file: Path) -> bytes:
    try:
        with closing(_opened(file)) as database:
            rows = database.execute("SELECT upper(name) FROM sqlite_master").fetchall()
    except (sqlite3.Error, UsageError):
        return b""
    return " ".join(row[0] for row in rows).encode()


def _opened(file: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise UsageError(f"{file}: {error}") from error


def statements(file: Path, about: Label) -> Iterator[Statement]:
    """Each file once for each type of product it came with."""
    with closing(_opened(file)) as database:
        try:
            names = {row[1].lower() for row in database.execute("PRAGMA table_info(FILE)")}
            kinds = {row[1].lower() for row in database.execute("PRAGMA table_info(PKG)")}
            typed = "package_id" in names and "application_type" in kinds
            sql = "SELECT DISTINCT f.sha256, p.application_type FROM FILE f LEFT JOIN PKG p ON p.package_id = f.package_id"
            rows = database.execute(sql if typed else "SELECT DISTINCT sha256, '' FROM FILE")
            labels: dict[str, Label] = {}
            for digest, product in rows:
                kind = product or ""
                if kind not in labels:
                    standing = "tool" if _TOOL.search(kind) else about.standing
                    labels[kind] = msgspec.structs.replace(about, standing=standing, product=kind)
                yield Statement(str(digest), labels[kind])
        except sqlite3.Error as error:
            raise UsageError(f"{file}: is no reference data set: {error}") from error

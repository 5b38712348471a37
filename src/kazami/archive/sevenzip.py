"""7z archives, through py7zr. All members of one are unpacked in one go, onto one tape, as solid blocks want it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from py7zr import SevenZipFile
from py7zr.exceptions import PasswordRequired
from py7zr.io import Py7zIO, WriterFactory

from kazami.archive import Fault, Member
from kazami.archive.budget import Budget
from kazami.archive.spool import Tape
from kazami.archive.stream import pieces, reason


def members(file: BinaryIO, passwords: Sequence[str], budget: Budget) -> Iterator[Member | Fault]:
    """The members of the 7z in `file`; if it is encrypted, `passwords` are tried in turn."""
    kept = _Kept(budget)
    names, error = _unpack(file, None, kept)
    encrypted = isinstance(error, PasswordRequired)
    for password in passwords if encrypted else ():
        kept = _Kept(budget)
        names, error = _unpack(file, password, kept)
        if error is None or kept.places or budget.spent:
            break
    if encrypted and error is not None and not kept.places:
        yield Fault("", "", f"encrypted, and none of {len(passwords)} passwords opens it", max(len(names), 1))
        return
    for number, (start, stop) in kept.places.items():
        with kept.tape.open(start, stop) as content:
            yield Member(names[number], pieces(content.read))
    if error is not None:
        yield Fault(
            names[kept.current] if names else "", "", reason(error), max(len(names) - len(kept.places), 1)
        )


def _unpack(file: BinaryIO, password: str | None, kept: _Kept) -> tuple[list[str], Exception | None]:
    """Unpack into `kept`; gives the names of all members, and what stopped it."""
    names: list[str] = []
    file.seek(0)
    try:
        with SevenZipFile(file, password=password) as archive:
            for number, properties in enumerate(archive.files.files_list):
                names.append(str(properties["filename"]))
                properties["filename"] = str(number)  # theirs may repeat, or lead out of a folder
            archive.extractall(factory=kept)
    except Exception as error:  # noqa: BLE001 - whatever the library raises on hostile bytes, or a wrong key
        return names, error
    return names, None


class _Kept(WriterFactory):  # type: ignore[misc]
    """Takes what the library unpacks. `places` are the bytes on the tape of each member that is complete."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.tape = Tape(budget.limits.folder)
        self.places: dict[int, tuple[int, int]] = {}
        self.current = 0

    def create(self, filename: str) -> Py7zIO:
        self.current = int(filename.rsplit("/", 1)[-1])
        return _Writer(self, self.current)


class _Writer(Py7zIO):  # type: ignore[misc]
    def __init__(self, kept: _Kept, number: int) -> None:
        self._kept, self._number, self._start = kept, number, kept.tape.size

    def write(self, s: bytes | bytearray) -> int:
        if fault := self._kept.tape.append(bytes(s)):
            raise fault
        self._kept.budget.pay(len(s))
        return len(s)

    def close(self) -> None:
        self._kept.places[self._number] = (self._start, self._kept.tape.size)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        """Nothing is held back."""

    def size(self) -> int:
        return self._kept.tape.size - self._start

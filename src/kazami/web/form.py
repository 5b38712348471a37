"""A form with files of any size: each file is written to its place as it comes, one at a time, and never held."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from kazami.errors import UsageError

#: Files at a time, signs of a name of one, and bytes of all that is no file.
FILES, NAME, FIELDS = 5000, 150, 64 << 10

_STRANGE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


def parts_of(name: str) -> list[str]:
    """The folders and the file of a name that a browser says; nothing in it leads out of the folder."""
    parts = [_STRANGE.sub("_", part).strip(" .")[:NAME] for part in re.split(r"[/\\]+", name)]
    return [part for part in parts if part][-12:] or ["file"]


class Form:
    """What comes in: `fields` by name, and how many `files` were written into `folder`."""

    def __init__(self, folder: Path, kind: str) -> None:
        _, options = parse_options_header(kind)
        boundary = options.get(b"boundary")
        if not boundary:
            raise UsageError("body: is no form with files")
        self.fields: dict[str, str] = {}
        self.files = 0
        self._folder = folder
        self._taken: set[Path] = set()
        self._header, self._value, self._said = b"", b"", b""
        self._field, self._text = "", bytearray()
        self._out: BinaryIO | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._named,
                "on_header_value": self._valued,
                "on_header_end": self._ended,
                "on_headers_finished": self._opened,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        """Take all of a body. Raises UsageError where it is no such form, OSError where it cannot be written."""
        try:
            async for chunk in stream:
                await run_in_threadpool(self._parser.write, chunk)
            self._parser.finalize()
        except FormParserError as error:
            raise UsageError(f"body: {error}") from error
        finally:
            self._close()

    def _begin(self) -> None:
        self._said, self._field, self._text = b"", "", bytearray()

    def _named(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _valued(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        if len(self._header) + len(self._value) > FIELDS:
            raise UsageError("body: a header is too long")

    def _ended(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._said = self._value
        self._header, self._value = b"", b""

    def _opened(self) -> None:
        _, options = parse_options_header(self._said)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        name = options.get(b"filename")
        if name is None:
            return
        if not name:  # an input of the form without a file
            self._field = ""
            return
        if self.files >= FILES:
            raise UsageError(f"files: {FILES:,} at a time")
        place = self._place(name.decode("utf-8", "replace"))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(f"files: {place.parent.name!r} is a file and a folder") from error
        self._out = place.open("xb")
        self.files += 1

    def _place(self, name: str) -> Path:
        """Where a file of this name comes to stand; names that came before, or are folders by now, get a number."""
        place = self._folder.joinpath(*parts_of(name))
        wanted, number = place.name, 1
        while place in self._taken or place.exists():
            number += 1
            place = place.with_name(f"{number}-{wanted}"[:NAME])
        self._taken.add(place)
        return place

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._out is not None:
            self._out.write(data[start:end])
        elif self._field:
            self._text += data[start:end]
            if sum(map(len, self.fields.values())) + len(self._text) > FIELDS:
                raise UsageError("body: a field is too long")

    def _end(self) -> None:
        if self._out is None and self._field:
            self.fields[self._field] = self._text.decode("utf-8", "replace")
        self._close()

    def _close(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None

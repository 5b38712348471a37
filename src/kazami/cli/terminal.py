"""The two ways to speak: data on stdout, talk on stderr. Nothing that is printed is taken for markup.

Color is off where the standard says so (https://no-color.org), after `plain`, and in a pipe.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from kazami.errors import UsageError
from kazami.respond.text import safe_lines

if TYPE_CHECKING:
    from rich.console import Console

#: What the system says where nothing more can be written.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def out() -> TextIO:
    """Standard output for data: UTF-8 with LF in a pipe; no character makes it fail."""
    return _writable(sys.stdout, None if sys.stdout.isatty() else "utf-8")


def data() -> Console:
    """A console for what was asked for, on standard output."""
    return _console(out())


def talk() -> Console:
    """A console for what is said beside it, on standard error."""
    return _console(_writable(sys.stderr, None))


@contextlib.contextmanager
def speaking(stream: TextIO) -> Iterator[None]:
    """Whoever reads `stream` may leave in the middle (``| head``): then nothing more is said, and work goes on.

    Raises UsageError where standard output leads to a file that takes no more.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        deaf(stream)
    except OSError as error:
        if error.errno not in _FULL or error.filename:
            raise
        deaf(stream)
        if stream is not sys.stderr:
            raise UsageError(f"standard output: cannot be written: {error.strerror}") from error


def deaf(stream: TextIO) -> None:
    """From here on nothing that is written to `stream` gets anywhere, nor fails."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str, style: str = "") -> None:
    """Say `text` on standard error, with its control codes made visible."""
    talk().print(safe_lines(text), style=style or None, soft_wrap=True)


def plain() -> None:
    """No color from here on, in this process and in those that it starts (``--no-color``)."""
    os.environ["NO_COLOR"] = "1"


def _console(stream: TextIO) -> Console:
    from rich.console import Console  # slow to import, and what only data is asked of has no need of it

    return Console(file=stream, markup=False, highlight=False, emoji=False)


def _writable(stream: TextIO, encoding: str | None) -> TextIO:
    """A stream that never fails on a character: what it cannot write becomes a visible escape."""
    if isinstance(stream, io.TextIOWrapper):
        if encoding:
            stream.reconfigure(encoding=encoding, errors="backslashreplace", newline="\n")
        else:
            stream.reconfigure(errors="backslashreplace")
    return stream

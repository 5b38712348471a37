"""What is fetched from the net, where a command says so by name."""

from __future__ import annotations

from http.client import HTTPMessage
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from kazami.errors import UsageError

#: Seconds without an answer, after which an update gives up.
PATIENCE = 60


def content_of(url: str, largest: int) -> bytes:
    """What is found at `url`. Nothing but https is asked, and this machine itself, for tests.

    Raises UsageError where it does not answer, or with more than `largest` bytes.
    """
    _allowed(url)
    try:
        with build_opener(_Redirects).open(Request(url), timeout=PATIENCE) as answer:  # noqa: S310 - checked above
            return _bounded(answer, url, largest)
    except (OSError, URLError, ValueError) as error:
        raise UsageError(f"{url}: does not answer: {getattr(error, 'reason', error)}") from error


class _Redirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _allowed(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _allowed(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1"))
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    if not fine or not parts.hostname:
        raise UsageError(f"{url}: only https is asked")


def _bounded(answer: IO[bytes], url: str, largest: int) -> bytes:
    content = answer.read(largest + 1)
    if len(content) > largest:
        raise UsageError(f"{url}: more than {largest:,} bytes")
    return content

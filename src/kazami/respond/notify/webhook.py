"""Notices over HTTPS: one POST of JSON, no redirect, no more than a little of the answer."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from kazami.errors import UsageError
from kazami.respond.text import safe

PATIENCE = 20.0
_NEAR = ("localhost", "127.0.0.1", "::1")


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A notice goes where it was told to go, and nowhere else."""
        return


def post(address: str, body: bytes, signature: str = "") -> str:
    """The status of the answer. Raises UsageError where it is not taken; plain HTTP only goes to this machine."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _NEAR):
        raise UsageError(f"{address}: a webhook is https")
    headers = {"Content-Type": "application/json", "User-Agent": "kazami"}
    if signature:
        headers["X-Kazami-Signature"] = signature
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310 - checked above
    opener = urllib.request.build_opener(_Still, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            answer.read(4096)
            return f"HTTP {answer.status}"
    except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
        raise UsageError(f"{address}: {safe(str(error))[:300]}") from error

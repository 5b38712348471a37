"""The one envelope of success, the one of failure, and which of the two faces a request wants to see."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kazami.errors import CaseError, KazamiError, UsageError
from kazami.store.browse.page import Page
from kazami.web.errors import RefusedError

_ENCODER = msgspec.json.Encoder(enc_hook=str)


class Failure(msgspec.Struct, frozen=True):
    """What went wrong: `code` for programs, `message` for people."""

    code: str
    message: str


class FailureEnvelope(msgspec.Struct, frozen=True):
    """Every failure of the API."""

    error: Failure


def wants_json(request: Request) -> bool:
    """Whether a program asks: by the name of the resource, by what it sends, or by what it accepts."""
    if request.url.path.endswith(".json") or "authorization" in request.headers:
        return True
    kinds = request.headers.get("accept", "") + request.headers.get("content-type", "").partition(";")[0]
    return "json" in kinds and "text/html" not in kinds


def success(data: Any, **meta: Any) -> Response:
    """``{"data": ..., "meta": {...}}``; of a page ``data`` are its rows and ``meta.next`` is the cursor of the next."""
    if isinstance(data, Page):
        data, meta = data.rows, {"next": data.next, **meta}
    return Response(_ENCODER.encode({"data": data, "meta": meta}), media_type="application/json")


def failure(error: KazamiError) -> Response:
    """``{"error": {"code": ..., "message": ...}}`` with the status that fits."""
    status, code = status_of(error)
    body = FailureEnvelope(Failure(code, str(error)))
    return Response(_ENCODER.encode(body), status_code=status, media_type="application/json")


def status_of(error: KazamiError) -> tuple[int, str]:
    """The status and the code of an error."""
    if isinstance(error, RefusedError):
        return error.status, error.code
    if isinstance(error, UsageError):
        return 400, "bad_request"
    if isinstance(error, CaseError):
        return (409, "case_busy") if "being written by" in str(error) else (503, "case_unavailable")
    return 500, "internal"

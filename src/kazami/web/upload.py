"""Evidence by browser: files and folders are written down as they come, then scanned."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kazami.errors import UsageError
from kazami.web.desk import Desk
from kazami.web.errors import RefusedError
from kazami.web.form import Form
from kazami.web.jobs import Job
from kazami.web.site import Site
from kazami.web.state import audit
from kazami.web.state.sessions import Session

#: Bytes that must stay free on the disk.
FREE = 256 << 20

_TENANT = re.compile(r"[^\x00-\x1f\x7f/\\]{1,100}")


async def received(request: Request, site: Site, desk: Desk, session: Session) -> Job:
    """What the request brings, written down and ready to be scanned.

    Raises RefusedError where it is too large or the disk too small, UsageError for a tenant that cannot be.
    """
    folder = (
        desk.file.parent
        / "uploads"
        / f"{desk.name}-{session.person.id}-{asyncio.get_running_loop().time():.6f}"
    )
    try:
        form = Form(folder, request.headers.get("content-type", ""))
        most = min(site.upload_bytes, max(await run_in_threadpool(_free, desk.file.parent) - FREE, 0))
        await form.read(_bounded(request, most))
        tenant = form.fields.get("tenant", "").strip()
        if not _TENANT.fullmatch(tenant) or tenant in (".", ".."):
            raise UsageError("tenant: a name of 1 to 100 signs, without slashes")
        if not form.files:
            raise UsageError("files: there are none")
    except BaseException as error:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise RefusedError(507, "no_room", f"this cannot be written: {error.strerror}") from error
        raise
    audit.note(site.state, session.person.name, "hand over evidence", "evidence", tenant, files=form.files)
    return site.jobs.add(desk.name, tenant, folder, session.person.name, form.files)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > most:
            raise RefusedError(413, "too_large", f"more than {most:,} bytes at a time are not taken")
        yield chunk


def events(job: Job) -> Response:
    """How a scan goes on, as server-sent events, until it is over."""
    return StreamingResponse(_told(job), media_type="text/event-stream")


async def _told(job: Job) -> AsyncIterator[bytes]:
    last: Any = None
    while True:
        if job.line is not last:
            last = job.line
            yield b"data: " + msgspec.json.encode(last) + b"\n\n"
        if job.is_over:
            return
        await asyncio.sleep(0.3)

"""Evidence by browser: files and folders are written down as they come, then scanned."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kazami.errors import UsageError
from kazami.web.desk import Desk
from kazami.web.errors import RefusedError
from kazami.web.jobs import Job
from kazami.web.site import Site
from kazami.web.state import audit
from kazami.web.state.sessions import Session

#: Files at a time, and signs of a name of one.
FILES, NAME = 5000, 150

#: Bytes that must stay free on the disk.
FREE = 256 << 20

_STRANGE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
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
    space = await run_in_threadpool(_free, desk.file.parent)
    most = min(site.upload_bytes, max(space - FREE, 0))
    parser = MultiPartParser(request.headers, _bounded(request, most), max_files=FILES, max_fields=20)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise UsageError(f"body: {error.message}") from error
    try:
        tenant = str(form.get("tenant", "")).strip()
        if not _TENANT.fullmatch(tenant) or tenant in (".", ".."):
            raise UsageError("tenant: a name of 1 to 100 signs, without slashes")
        files = [one for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
        if not files:
            raise UsageError("files: there are none")
        await run_in_threadpool(_written, folder, files)
    finally:
        await form.close()
    audit.note(site.state, session.person.name, "hand over evidence", "evidence", tenant, files=len(files))
    return site.jobs.add(desk.name, tenant, folder, session.person.name, len(files))


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > most:
            raise RefusedError(413, "too_large", f"more than {most:,} bytes at a time are not taken")
        yield chunk


def _written(folder: Path, files: list[UploadFile]) -> None:
    taken: set[Path] = set()
    for one in files:
        place = folder.joinpath(*parts_of(one.filename or ""))
        number = 1
        while place in taken:
            number += 1
            place = place.with_name(f"{number}-{place.name}"[:NAME])
        taken.add(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as out:
            shutil.copyfileobj(one.file, out, 1 << 20)


def parts_of(name: str) -> list[str]:
    """The folders and the file of a name that a browser says; nothing in it leads out of the folder."""
    parts = [_STRANGE.sub("_", part).strip(" .")[:NAME] for part in re.split(r"[/\\]+", name)]
    return [part for part in parts if part][-12:] or ["file"]


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

"""Scans of evidence that was handed over by browser."""

from __future__ import annotations

import msgspec

from kazami.web.errors import missing
from kazami.web.jobs import Job
from kazami.web.resource import Asking, Resource, writers
from kazami.web.scanning import Line


class Shown(msgspec.Struct, frozen=True):
    """A scan, and how it stands."""

    uid: str
    tenant: str
    who: str
    files: int
    line: Line


def found(asking: Asking) -> Job:
    """The scan that the path names. Raises RefusedError where there is none."""
    job = asking.site.jobs.one(asking.desk.name, asking.path["uid"])
    if job is None:
        raise missing("there is no such scan")
    return job


def _row(job: Job) -> Shown:
    return Shown(job.uid, job.tenant, job.who, job.files, job.line)


def shown(asking: Asking) -> Shown:
    """One scan."""
    return _row(found(asking))


def listed(asking: Asking) -> list[Shown]:
    """The scans of this case."""
    return [_row(job) for job in asking.site.jobs.of(asking.desk.name)]


RESOURCES = (
    Resource("/jobs", "jobs", "Scans of evidence handed over here", listed, list[Shown], may=writers),
    Resource("/jobs/{uid}", "job", "One scan, and how it stands", shown, Shown, may=writers),
)

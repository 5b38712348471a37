"""Scans: stopped, and gone on with."""

from __future__ import annotations

import msgspec

from kazami.errors import UsageError
from kazami.web.pages.jobs import found
from kazami.web.resource import Act, Asking
from kazami.web.state import audit


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is said."""


class Ok(msgspec.Struct, frozen=True):
    """How the scan stands."""

    state: str


def stop(asking: Asking) -> Ok:
    """Stop a scan; what it has read is kept."""
    job = found(asking)
    asking.site.jobs.stop(job)
    audit.note(asking.site.state, asking.person.name, "stop scan", "evidence", job.tenant)
    return Ok(job.line.state)


def go(asking: Asking) -> Ok:
    """Go on with a scan that was stopped."""
    job = found(asking)
    if not job.is_over:
        raise UsageError("the scan is running")
    asking.site.jobs.start(
        job, asking.desk.case, asking.site.directory, lambda: asking.desk.refresh(force=True)
    )
    audit.note(asking.site.state, asking.person.name, "go on scanning", "evidence", job.tenant)
    return Ok(job.line.state)


ACTS = (
    Act("/jobs/{uid}/stop", "Stop a scan; what it has read is kept", stop, Nothing, "/jobs/{uid}"),
    Act("/jobs/{uid}/go", "Go on with a scan", go, Nothing, "/jobs/{uid}"),
)

"""What can be done, a file each kind. To add one: write its function and its body, and name its module here."""

from __future__ import annotations

from kazami.web.acts import hunts, incidents, jobs, notices, person, suppressions
from kazami.web.resource import Act

ACTS: tuple[Act, ...] = tuple(
    act for module in (hunts, incidents, jobs, notices, person, suppressions) for act in module.ACTS
)

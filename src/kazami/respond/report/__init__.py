"""The report: one HTML file that a manager and an analyst can read, without a network and without a script."""

from __future__ import annotations

from kazami.respond.report.build import lanes, write

__all__ = ["lanes", "write"]

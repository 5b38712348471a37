"""Where the stages meet: read > detect > correlate > attribute > respond."""

from __future__ import annotations

from kazami.pipeline.scan import Observer, Request, Result, rules_of, scan

__all__ = ["Observer", "Request", "Result", "rules_of", "scan"]

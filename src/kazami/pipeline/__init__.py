"""Where the stages meet: read > detect > correlate > attribute > respond."""

from __future__ import annotations

from kazami.pipeline.request import Observer, Request, Result
from kazami.pipeline.scan import rules_of, scan

__all__ = ["Observer", "Request", "Result", "rules_of", "scan"]

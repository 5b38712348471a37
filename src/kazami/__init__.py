"""Kazami: logs in, findings with their proof out."""

from __future__ import annotations

from kazami.errors import CaseError, EvidenceError, KazamiError, RuleError, UsageError

__version__ = "0.1.0"

__all__ = ["CaseError", "EvidenceError", "KazamiError", "RuleError", "UsageError", "__version__"]

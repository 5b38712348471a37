"""Sigma correlation rules: several matches, of one or several rules, that mean something together.

`load` compiles a document, `resolve` ties correlations to rules, `needed_fields` says what matches must
bring along, `run` gives the findings. Meaning: docs/decisions/0020-correlations.md.
"""

from __future__ import annotations

from kazami.detect.sigma.correlation.evaluate import Outcome, evaluate
from kazami.detect.sigma.correlation.findings import Correlated, needed_fields, run
from kazami.detect.sigma.correlation.hit import Hit
from kazami.detect.sigma.correlation.jsonform import from_json, to_json
from kazami.detect.sigma.correlation.matches import MATCHES, Matches
from kazami.detect.sigma.correlation.parse import load
from kazami.detect.sigma.correlation.resolve import Resolved, resolve

__all__ = [
    "MATCHES",
    "Correlated",
    "Hit",
    "Matches",
    "Outcome",
    "Resolved",
    "evaluate",
    "from_json",
    "load",
    "needed_fields",
    "resolve",
    "run",
    "to_json",
]

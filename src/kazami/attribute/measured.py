"""How good the method was found to be: what ``python -m benchmarks.attribution --keep`` wrote down."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def measured() -> dict[str, Any]:
    """Cases and precision at each level, over published reports and campaigns, of `kazami.attribute.assess.METHOD`."""
    content = (files("kazami.attribute") / "measured.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(content)
    return found

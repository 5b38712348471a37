"""Lines of appliances and servers, case by case: each as a file of its own, whatever source takes it, and cut anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import yaml
from reads import read
from test_windows_cases import CASES, hold

from kazami.plugins import SOURCES as GROUP
from kazami.plugins import discover
from kazami.sources.identify import identify

SOURCES = discover(GROUP)


def cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*_lines/case.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["lines"]:
            found.append(pytest.param(case, id=f"{path.parent.name}: {case['about']}"))
    return found


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any]) -> None:
    line = case["line"] + "\n"
    name, _ = identify("evidence.log", (line * 3).encode(), SOURCES)
    if case["about"].startswith("near miss"):
        name = name or "appliance"
    source = next(extension.object for extension in SOURCES if extension.name == name)
    found = read(source, line)
    assert not found.rejects
    hold(found, case["expect"])
    (event,) = found.own
    assert isinstance(event.get("time"), datetime)
    assert event["raw"] == case["line"]
    for stop in range(0, len(line), 7):
        read(source, line[:stop])

"""What a case file says beside its events: where the facts stand, and of which kind a quiet event is."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazami.detect.sigma.case import Case, read
from kazami.errors import UsageError

CASE = """
about: the copy tool
facts: threats 1.4 row ntdsutil
detection: {tool: {Image|endswith: '\\copy.exe'}, condition: tool}
events:
  - {event: {Image: 'C:\\copy.exe'}, match: MATCH}
  - {event: {Image: 'C:\\other.exe'}, match: false, kind: KIND}
"""


def written(folder: Path, match: str = "true", kind: str = "near-miss") -> list[Case]:
    path = folder / "case.yaml"
    path.write_text(CASE.replace("MATCH", match).replace("KIND", kind), encoding="utf-8")
    return read(path)


def test_the_facts_and_the_kinds_are_kept(tmp_path: Path) -> None:
    (case,) = written(tmp_path, kind="look-alike")
    assert case.facts == "threats 1.4 row ntdsutil"
    assert [sample.kind for sample in case.samples] == ["", "look-alike"]


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="event 2: 'kind' is near-miss or look-alike"):
        written(tmp_path, kind="benign")


def test_an_event_that_fires_has_no_kind(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        CASE.replace("MATCH}", "true, kind: near-miss}").replace("KIND", "near-miss"), encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"event 1: 'kind' is .* where 'match' is false"):
        read(path)

"""What hosts had on a day, without what only drawn numbers and users make different."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.survey.cases import made

from kazami.survey.things import plain, things


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (
            r"C:\Users\Alice\AppData\Local\Temp\{6F1D2A10-1B2C-4D5E-8F90-0A1B2C3D4E5F}\setup.exe",
            r"c:\users\*\appdata\local\temp\#\setup.exe",
        ),
        (r"C:\Program Files\App\app-12.3.exe", r"c:\program files\app\app-#.#.exe"),
        ("/home/bob/.cache/deadbeef0123456789/x", "/home/*/.cache/#/x"),
        (r"C:\Windows\System32\cmd.exe", r"c:\windows\system#\cmd.exe"),
    ],
)
def test_what_differs_by_chance_is_left_out(thing: str, said: str) -> None:
    assert plain(thing) == said


def test_by_host_and_day(tmp_path: Path) -> None:
    rows = {
        "process_creation": [
            {"time": "2026-05-01T23:59:59", "host": "A", "Image": r"C:\b.exe", "ParentImage": r"C:\a.exe"},
            {"time": "2026-05-02T00:00:01", "host": "A", "Image": r"C:\B.exe", "ParentImage": r"C:\a.exe"},
            {"time": "2026-05-02T00:00:01", "Image": r"C:\nowhere.exe", "ParentImage": r"C:\a.exe"},
        ],
        "system": [{"time": "2026-05-02T00:00:01", "host": "A", "EventID": "7045", "ServiceName": "S"}],
    }
    with made(tmp_path / "case", rows) as case:
        found = {unit: {facet: set(had[facet]) for facet in had} for unit, had in things(case)}
    assert found == {
        ("default", "A", "2026-05-01"): {"program": {r"c:\b.exe"}, "parent and child": {"a.exe > b.exe"}},
        ("default", "A", "2026-05-02"): {
            "program": {r"c:\b.exe"},
            "parent and child": {"a.exe > b.exe"},
            "service": {"s"},
        },
    }

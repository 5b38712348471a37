"""The language of mappings, and that every mapping speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kazami.sources import mapping, windows
from kazami.sources.columns import Column
from kazami.sources.transform import TRANSFORMS

CELLS = {"A": 0, "B": 1, "#C": 2, "host": 3}


def made(column: Column | None, *texts: str | None) -> str | None:
    assert column is not None
    return column.transform(*texts) if column.transform else texts[0]


def test_a_name_is_the_cell() -> None:
    assert mapping.column("X", "B", CELLS) == Column("X", (1,))
    assert mapping.column("X", "Z", CELLS) is None


def test_the_first_that_can_be_built() -> None:
    assert mapping.column("X", ["Z", {"decimal": "Y"}, "B", "A"], CELLS) == Column("X", (1,))
    assert mapping.column("X", ["Z"], CELLS) is None
    assert mapping.column("X", [], CELLS) is None


def test_a_transform_over_some_cells() -> None:
    column = mapping.column("X", {"decimal": "A"}, CELLS)
    assert column is not None
    assert column.cells == (0,)
    assert made(column, "0x10") == "16"


def test_gaps_are_none() -> None:
    column = mapping.column("X", {"account": ["Z", "A", "B"]}, CELLS)
    assert column is not None
    assert column.cells == (0, 1)
    assert made(column, "CORP", "anna") == r"CORP\anna"
    assert mapping.column("X", {"account": ["Z", "Y"]}, CELLS) is None


def test_a_constant() -> None:
    column = mapping.column("X", {"value": 4}, CELLS)
    assert column is not None
    assert column.cells == ()
    assert made(column) == "4"


def test_cells_as_they_are_leave_the_hidden_out_and_the_envelope_alone() -> None:
    assert mapping.as_they_are(CELLS) == {
        "A": Column("A", (0,)),
        "B": Column("B", (1,)),
        "host_": Column("host_", (3,)),
    }


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ("File", "file", True),
        ("File", "Files", False),
        ("File", None, False),
        (["a", "b"], "B", True),
        ([], "a", False),
        (7, "7", True),
        ("any", "", True),
        ("any", None, False),
        ({"bits": 6}, "0x2", True),
        ({"bits": 6}, "4", True),
        ({"bits": 6}, "0x1", False),
        ({"bits": 6}, None, False),
        ({"bits": 6}, "x", False),
        ({"bits": 2, "without": 0x10000}, "0x10002", False),
        ({"ends": "IPC$"}, r"\\*\ipc$", True),
        ({"ends": "IPC$"}, None, False),
        ({"not_ends": "IPC$"}, r"\\*\C$", True),
        ({"not_ends": "IPC$"}, r"\\*\IPC$", False),
        ({"not_ends": "IPC$"}, None, False),
    ],
)
def test_condition(spec: Any, value: str | None, expected: bool) -> None:
    assert mapping.condition(spec)(value) is expected


FILES = ["windows.yml", "defender.yml", "ecs.yml", "cloud.yml", "flat.yml"]


@pytest.mark.parametrize("name", FILES)
def test_mappings_name_transforms_that_there_are(name: str) -> None:
    unknown = {
        word for word in transforms_in(mapping.load(name)) if word not in TRANSFORMS and word != "value"
    }
    assert unknown == set()


def transforms_in(spec: Any) -> Iterator[str]:
    """The names of transforms below ``fields``, ``user`` and the like: one key over a name or a list of names."""
    if isinstance(spec, dict):
        for key, inner in spec.items():
            if key in ("user", "host", "logon_id", "process_uid", "parent_uid"):
                yield from named(inner)
            elif key in ("fields", "aliases") and isinstance(inner, dict):
                for each in inner.values():
                    yield from named(each)
            else:
                yield from transforms_in(inner)
    elif isinstance(spec, list):
        for inner in spec:
            yield from transforms_in(inner)


def named(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict) and len(spec) == 1:
        (key,) = spec
        if isinstance(spec[key], (str, list, int)) and key[0].islower():  # fields have capitals
            yield key
        else:
            yield from named(spec[key])
    elif isinstance(spec, dict):
        for inner in spec.values():
            yield from named(inner)
    elif isinstance(spec, list):
        for inner in spec:
            yield from named(inner)


def test_equal_arguments_give_one_plan() -> None:
    arguments = ("Security", "P", 4688, ("NewProcessName",))
    assert windows.plan(*arguments) is windows.plan(*arguments)
    assert windows.plan("security", "P", 4688, ("NewProcessName",)).route == windows.plan(*arguments).route


def test_channels_are_services_whatever_their_case() -> None:
    assert windows.service("MICROSOFT-WINDOWS-SYSMON/OPERATIONAL") == "sysmon"
    assert windows.service("Sysmon") is None
    assert windows.service(None) is None


def test_fields_of_the_kernels_file_provider() -> None:
    plan = windows.plan(None, "Microsoft-Windows-Kernel-File", 12, ("FileName",))
    assert plan.route.table == "file_access"
    renamed = windows.plan(None, "Microsoft-Windows-Kernel-File", 27, ("FilePath",))
    assert {column.name for column in renamed.columns} >= {"FilePath", "TargetFilename"}

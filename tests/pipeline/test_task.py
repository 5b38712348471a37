"""Parts are gathered into tasks, and tables cross processes whole."""

from __future__ import annotations

import pyarrow as pa
import pytest

from kazami.model.finding import FINDING
from kazami.pipeline.task import TASK_BYTES, TASK_FILES, Part, divide, packed, tasks, unpacked


def part(number: int, size: int = 1) -> Part:
    return Part(f"{number:016}", f"/evidence/{number}", size, "t")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([0], [1]),
        ([1] * (2 * TASK_FILES + 1), [TASK_FILES, TASK_FILES, 1]),
        ([TASK_BYTES, 1, 1], [1, 2]),
        ([1, TASK_BYTES, 1], [2, 1]),
        ([TASK_BYTES // 2] * 5, [2, 2, 1]),
    ],
)
def test_many_small_or_few_large(sizes: list[int], expected: list[int]) -> None:
    todo = [part(number, size) for number, size in enumerate(sizes)]
    made = list(tasks(todo))
    assert [len(task) for task in made] == expected
    assert [one for task in made for one in task] == todo


def test_only_its_own_bytes_count() -> None:
    stretch = Part("u", "/big", 100 * TASK_BYTES, "t", 10, 30)
    assert stretch.bytes == 20
    assert Part("u", "/big", 100, "t", 10).bytes == 90
    assert [len(task) for task in tasks([stretch] * 3)] == [3]


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_halves(size: int) -> None:
    task = tuple(map(part, range(size)))
    pieces = divide(task)
    assert tuple(one for piece in pieces for one in piece) == task
    assert all(pieces)
    assert len(pieces) == (1 if size == 1 else 2)


def test_tables_cross_processes() -> None:
    empty = FINDING.empty_table()
    assert packed(empty) == []
    assert unpacked([], FINDING).equals(empty)
    table = pa.table({"a": [1, None, 3], "b": ["x", "", None]}).slice(1)
    assert unpacked(packed(table) * 2, table.schema).equals(pa.concat_tables([table, table]))

"""A short run of every fuzz target; ``python -m fuzz`` is the long one."""

from __future__ import annotations

from itertools import islice

import pytest
from fuzz.run import inputs
from fuzz.targets import TARGETS

#: Inputs for each target: a second or two.
SHORT = {
    "containers": 250,
    "rules": 120,
    **{name: 40 for name in TARGETS if name.startswith("content-")},
    **dict.fromkeys(
        ("submission", "content-unpacker", "content-7z", "content-encrypted_office", "content-xlm"), 8
    ),
    **dict.fromkeys(("content-emulate", "content-run_script"), 2),
}


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_break_nothing(name: str) -> None:
    for data in islice(inputs(name, 20261122), SHORT.get(name, 400)):
        TARGETS[name](data)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_changed_seeds_break_nothing(name: str) -> None:
    for data in islice(inputs(name, 7), 20 * SHORT.get(name, 400)):
        TARGETS[name](data)

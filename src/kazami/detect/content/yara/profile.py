"""What rules cost: each rule file by itself over the same files, the dearest first.

The engine tells no times of single rules here, so a file of rules is the smallest thing that is measured. The fixed cost of a scan
(modules, copying) is in each of them and cancels out in their order.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kazami.detect.content.yara.collection import RuleFile
from kazami.detect.content.yara.compiled import compiler


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time that one rule file took over all samples, and in how many of them it matched."""

    file: RuleFile
    rules: int
    seconds: float
    matched: int
    slow: tuple[str, ...]  # titles of the compiler's warnings


def profile(files: Sequence[RuleFile], samples: Sequence[bytes]) -> list[Cost]:
    """The cost of each rule file over `samples`, of those of its rules that load."""
    return sorted((_cost(one, samples) for one in files), key=lambda cost: -cost.seconds)


def _cost(one: RuleFile, samples: Sequence[bytes]) -> Cost:
    import yara_x

    making = compiler()
    with contextlib.suppress(yara_x.CompileError):  # kazami rules check tells it
        making.add_source(one.text)
    warnings = tuple(
        dict.fromkeys(warning["title"] for warning in making.warnings() if "slow" in warning["code"])
    )
    scanner: Any = yara_x.Scanner(making.build())
    scanner.fast_scan(True)
    started = time.process_time()
    matched = sum(bool(scanner.scan(sample).matching_rules) for sample in samples)
    return Cost(one, len(one.rules), time.process_time() - started, matched, warnings)

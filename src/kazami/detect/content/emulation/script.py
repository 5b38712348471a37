"""Scripts of Linux, run in a cage of the kernel's that has proved itself. See docs/emulation.md.

Unlike Windows programs, these run: an interpreter of this machine does what they say. So the cage (`engine.jail`) is tried first, each
time that Kazami starts, and where anything that it promises does not hold, nothing is run and the reason is a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kazami.detect.content.emulation import MEANINGS, linux, told
from kazami.engine.jail import NEEDS as PROGRAMS
from kazami.engine.jail import proof
from kazami.model.content import Analysis, Gap, Scope

__all__ = ["COST", "MEANINGS", "NEEDS", "analyze", "confidence", "state", "version"]

COST = "emulated"
_WHAT = "what a script of Linux does when it runs"
NEEDS = dict.fromkeys(PROGRAMS, _WHAT)


def version(settings: Mapping[str, Sequence[str]]) -> str:
    """The rules that judge what is done, and whether the cage holds; both are known then before workers are forked."""
    from kazami.detect.content.emulation import judgment

    return f"{judgment.rules(settings).version} {proof.reason()}"


def state() -> str:
    """What ``kazami doctor`` says of the cage."""
    why = proof.reason()
    return (
        f"the cage does not hold, so that nothing is run in it: {why}"
        if why
        else "the cage was tried and holds"
    )


def confidence(head: bytes, name: str) -> float:
    """Scripts that something here may run."""
    return 1.0 if linux.language(head, name) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What it does within the seconds of emulation."""
    if why := proof.reason():
        return Analysis(gaps=(Gap("ended", f"not run, because the cage does not hold: {why}"),))
    return told(linux.run(data, scope.name, scope.limits.emulation_seconds), scope)

"""Windows programs and shellcode, run on a Windows that is not there. See docs/emulation.md.

Nothing runs natively: speakeasy interprets each instruction and answers each call itself. What the program does becomes acts in Sigma's
words (`record`), which the rules judge as they judge a real process (`judgment`); `behavior` sees what several acts mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from kazami.detect.content.emulation import behavior, library, windows
from kazami.detect.content.emulation.record import Record
from kazami.detect.content.meaning import meanings
from kazami.model.content import Analysis, Child, Gap, Scope

MEANINGS = meanings(__file__)
COST = "emulated"
NEEDS = {"speakeasy": "what a Windows program does when it runs"}


def version(settings: Mapping[str, Sequence[str]]) -> str:
    """The rules that judge what is done; they and the emulator are then there before workers are forked."""
    from kazami.detect.content.emulation import judgment

    with suppress(ImportError):  # `NEEDS` tells
        library.load()
    return judgment.rules(settings).version


def confidence(head: bytes, name: str) -> float:
    """Programs, and what begins as shellcode does."""
    return 1.0 if head.startswith(b"MZ") or windows.is_shellcode(head) else 0.0


def analyze(data: bytes, scope: Scope) -> Analysis:
    """What it does within the seconds of emulation."""
    if not data.startswith(b"MZ") and scope.kind != "data":
        return Analysis()
    return told(windows.run(data, scope.name, scope.limits.emulation_seconds), scope)


def told(record: Record, scope: Scope) -> Analysis:
    """Features, the log and what was dropped; a gap where it ended before its time."""
    from kazami.detect.content.emulation import judgment  # and with it the whole matcher, which few need

    found = [*behavior.features(record), *judgment.features(record, judgment.rules(scope.settings))]
    children = [Child(path, data, relation="dropped") for path, data in record.dropped if data]
    gaps = [Gap("ended", f"emulation ended early: {record.ended}")] if record.ended else []
    gaps += [Gap("limit", record.lost)] if record.lost else []
    log = Child("emulation.jsonl", record.log(), relation="object")
    return Analysis(tuple(found), (*children, log), tuple(gaps))

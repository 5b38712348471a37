"""An incident that goes on after its findings are gone: its steps are told as they were, and what is new follows."""

from __future__ import annotations

from dataclasses import replace

from kazami.correlate import words
from kazami.correlate.story import asked
from kazami.model.finding import level_rank
from kazami.model.incident import Incident, Step


def gone_steps(before: Incident | None, *, returns: bool) -> list[Step]:
    """The steps of `before` that have no findings: all of them where the incident `returns` without any."""
    steps = before.steps if before is not None else ()
    return [replace(step, gone=True) for step in steps if returns or step.gone]


def resumed(now: Incident, before: Incident, old: list[Step]) -> Incident:
    """The incident that is told from its findings (`now`), with the steps `old` of what it was `before`."""
    count = len(old)
    steps = [*old, *(replace(step, number=step.number + count) for step in now.steps)]
    moves = [move for move in before.moves if move.step <= count]
    moves += [replace(move, step=move.step + count) for move in now.moves]
    first, last = (next(filter(None, (step.first for step in way)), None) for way in (old, old[::-1]))
    days = (now.first - last).days if now.first and last else 0
    made = replace(
        now,
        steps=tuple(replace(step, number=place + 1) for place, step in enumerate(steps)),
        moves=tuple(moves),
        findings=now.findings + sum(step.findings for step in old),
        rules=len({step.rule_id for step in steps}),
        score=max(now.score, before.score),
        severity=max(now.severity, before.severity, key=level_rank),
        title=before.title,
        first=min(filter(None, (first, now.first)), default=None),
        hosts=_united(before.hosts, now.hosts),
        accounts=_united(before.accounts, now.accounts),
        addresses=_united(before.addresses, now.addresses),
        tactics=_united(before.tactics, now.tactics),
        techniques=_united(before.techniques, now.techniques),
        why=(*now.why, words.fill(words.WHY_BACK, days=days, n=count)),
    )
    return asked(made, 0)


def _united(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))

"""Plans that are remembered, in bounded memory: evidence may invent any number of shapes, each with many fields."""

from __future__ import annotations

from collections.abc import Hashable

from kazami.sources.columns import Plan

#: Columns of all plans of one cache; beyond that it starts anew.
MAX_COLUMNS = 200_000

#: Distinct names of fields of one log in one file; what is beyond is only in the original text of its record.
MAX_NAMES = 5000

#: Logs of one file whose names are counted apart, so that a flood in one does not hide fields of another.
MAX_LOGS = 200


class PlanCache:
    """Plans by whatever they were made of."""

    def __init__(self) -> None:
        self._plans: dict[Hashable, Plan] = {}
        self._columns = 0

    def get(self, key: Hashable) -> Plan | None:
        """The plan made for `key`, if it is still known."""
        return self._plans.get(key)

    def put(self, key: Hashable, plan: Plan) -> Plan:
        """Remember `plan`, and give it back."""
        if self._columns >= MAX_COLUMNS:
            self._plans.clear()
            self._columns = 0
        self._plans[key] = plan
        self._columns += len(plan.columns) + sum(len(p.columns) for p in plan.projections) + 10
        return plan


class Names:
    """The names of fields that one file has shown, log by log."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}

    def surplus(self, log: str, keys: tuple[str, ...]) -> frozenset[str]:
        """Those of `keys` that are too many for `log`; the others are remembered."""
        if log not in self._seen and len(self._seen) >= MAX_LOGS:
            log = ""
        seen = self._seen.setdefault(log, set())
        if len(seen) + len(keys) <= MAX_NAMES:
            seen.update(keys)
            return frozenset()
        surplus = set()
        for key in keys:
            if key in seen:
                continue
            if len(seen) < MAX_NAMES:
                seen.add(key)
            else:
                surplus.add(key)
        return frozenset(surplus)


def hidden(names: tuple[str, ...], surplus: frozenset[str]) -> tuple[str, ...]:
    """`names`, those in `surplus` with a leading #: such cells make no columns."""
    return tuple(f"#{name}" if name in surplus else name for name in names) if surplus else names

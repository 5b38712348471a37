"""What rules remember beyond one flow, in bounded memory: xbits of hosts, and counts for thresholds."""

from __future__ import annotations

from collections import OrderedDict

from kazami.detect.network.suricata.rule import BitTest, Limit, Rule

#: Bits of hosts and counters that are kept; the oldest go first.
MAX_BITS, MAX_COUNTERS = 200_000, 200_000


class Bits:
    """Names set on an address or a pair of addresses, each until a time."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, bytes], int] = OrderedDict()

    def holds(self, test: BitTest, key: bytes, now: int) -> bool:
        """Whether one of the names is set."""
        return any(self._until.get((name, key), -1) >= now for name in test.names)

    def change(self, test: BitTest, key: bytes, now: int) -> None:
        """Set, unset or toggle them."""
        for name in test.names:
            there = self._until.pop((name, key), -1) >= now
            if test.command == "set" or (test.command == "toggle" and not there):
                self._until[name, key] = now + test.seconds * 1_000_000
        while len(self._until) > MAX_BITS:
            self._until.popitem(last=False)


class Counters:
    """How often a rule was true for whom, and whether that is worth an alert."""

    def __init__(self) -> None:
        self._state: OrderedDict[tuple[int, bytes], list[int]] = OrderedDict()
        self._unique: OrderedDict[tuple[int, bytes], set[int]] = OrderedDict()

    def passes(self, rule: Rule, key: bytes, now: int, ports: tuple[int, int]) -> bool:
        """Count once more; True where an alert is due. Times in microseconds."""
        limit = rule.limit
        if limit is None:
            return True
        if limit.unique:
            return self._distinct(rule.index, limit, key, now, ports)
        state = self._state.get((rule.index, key))
        if state is None or (limit.kind != "backoff" and now - state[0] > limit.seconds * 1_000_000):
            state = self._state[rule.index, key] = [now, 0, limit.count]
            if len(self._state) > MAX_COUNTERS:
                self._state.popitem(last=False)
        state[1] += 1
        return _due(limit, state)

    def _distinct(self, index: int, limit: Limit, key: bytes, now: int, ports: tuple[int, int]) -> bool:
        state = self._state.get((index, key))
        if state is None or now - state[0] > limit.seconds * 1_000_000:
            self._state[index, key] = [now, 0, 0]
            self._unique[index, key] = set()
            while len(self._unique) > MAX_COUNTERS // 100:
                old, _ = self._unique.popitem(last=False)
                self._state.pop(old, None)
        seen = self._unique.setdefault((index, key), set())
        seen.add(ports[0] if limit.unique == "src_port" else ports[1])
        return len(seen) > limit.count


def _due(limit: Limit, state: list[int]) -> bool:
    count = state[1]
    if limit.kind == "limit":
        return count <= limit.count
    if limit.kind == "both":
        return count == limit.count
    if limit.kind == "filter":
        return count > limit.count
    if limit.kind == "backoff":
        if count == state[2]:
            state[2] *= max(2, limit.multiplier)
            return True
        return False
    if count >= limit.count:  # threshold: each time that many came together
        state[1] = 0
        return True
    return False

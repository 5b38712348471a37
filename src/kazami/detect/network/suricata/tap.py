"""The rules as one who looks on while a capture is read."""

from __future__ import annotations

from collections.abc import Sequence

from kazami.detect.network.suricata.inspector import Inspector, Options
from kazami.detect.network.suricata.plan import Plan
from kazami.detect.network.suricata.rule import Rule
from kazami.detect.network.suricata.session import Session


class RuleTap:
    """Evaluates rules over the flows of one capture."""

    def __init__(self, rules: Sequence[Rule], options: Options = Options(), plan: Plan | None = None) -> None:
        self.inspector = Inspector(rules, options, plan=plan)

    def open(self, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int], time: int) -> Session:
        """A flow begins."""
        return Session(self.inspector, protocol, addresses, ports, time)

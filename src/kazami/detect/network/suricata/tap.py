"""The rules as one who looks on while a capture is read (`model.wire`)."""

from __future__ import annotations

import string
from collections import deque
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from kazami.detect.network.suricata.alert import Alert
from kazami.detect.network.suricata.crowd import Crowd
from kazami.detect.network.suricata.inspector import Inspector, Options
from kazami.detect.network.suricata.patient import Patient
from kazami.detect.network.suricata.plan import Plan
from kazami.detect.network.suricata.rule import Rule
from kazami.detect.network.suricata.words import identity, level, tags
from kazami.model.wire import Match, Openings

_PLAIN = frozenset(string.printable.encode()) - frozenset(b"\t\n\r\x0b\x0c|")


#: Crowds whose blocks (of 4 MiB, and up to two crowds for each) are kept as they are.
RECENT = 8


class RuleTap:
    """Evaluates rules over the flows of one capture."""

    def __init__(
        self, rules: Sequence[Rule], options: Options | None = None, plan: Plan | None = None
    ) -> None:
        self.inspector = Inspector(rules, options or Options(), plan=plan)
        self._recent: deque[Crowd] = deque()

    def open(
        self, protocol: int, addresses: tuple[bytes, bytes], ports: tuple[int, int], time: int
    ) -> Watched:
        """A flow begins."""
        return Watched(self.inspector, protocol, addresses, ports, time)

    def begin(self, openings: Openings) -> Crowd:
        """Many flows begin."""
        crowd = Crowd(self.inspector, openings, Watched)
        self._recent.append(crowd)
        if len(self._recent) > RECENT:
            self._recent.popleft().settle()
        return crowd

    def notes(self) -> list[str]:
        """Rules that gave up, in words."""
        rules = self.inspector.plan.rules
        return [
            f"rule {rules[index].sid} gave up {count:,} times: its search was too long"
            for index, count in sorted(self.inspector.spent.items())
        ]


class Watched(Patient):
    """A flow whose alerts are told as matches."""

    __slots__ = ()

    def found(self) -> list[Match]:
        """What the rules found in it."""
        return [Match(alert.time, alert.number, fields(alert)) for alert in self.alerts]


def fields(alert: Alert) -> dict[str, Any]:
    """An alert as fields of a record."""
    rule = alert.rule
    (source, port), (target, other) = alert.source, alert.target
    name, version = identity(rule)
    said: dict[str, Any] = {
        "rule": name, "rule_version": version, "sid": rule.sid, "gid": rule.gid, "rev": rule.rev, "msg": rule.message,
        "classtype": rule.classtype, "level": level(rule), "tags": list(tags(rule)), "verdict": rule.action,
        "direction": "to_client" if alert.side else "to_server", "src": str(ip_address(source)), "src_p": port,
        "dst": str(ip_address(target)), "dst_p": other, "app_proto": alert.application, "packet": alert.number,
    }  # fmt: skip
    if alert.proof:
        said |= {"buffer": alert.buffer, "offset": alert.offset, "bytes": shown(alert.proof)}
    return {key: value for key, value in said.items() if value not in ("", [])}


def shown(data: bytes) -> str:
    """Bytes as rules write them: text as it is, the rest in hexadecimal between bars."""
    made, hexadecimal = "", ""
    for letter in data:
        if letter in _PLAIN:
            made += f"|{hexadecimal.strip()}|" if hexadecimal else ""
            made, hexadecimal = made + chr(letter), ""
        else:
            hexadecimal += f"{letter:02x} "
    return made + (f"|{hexadecimal.strip()}|" if hexadecimal else "")

"""What a rule asks of a flow before any bytes: its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazami.detect.network.suricata.rule import Rule

if TYPE_CHECKING:
    from kazami.detect.network.suricata.session import Session


def ends(session: Session, side: int) -> tuple[bytes, bytes, int, int]:
    """Addresses and ports of a flow, those of the side that sends first."""
    addresses, ports, other = session.addresses, session.ports, 1 - side
    return addresses[side], addresses[other], ports[side], ports[other]


def _speaks(application: str, wanted: str) -> bool:
    return application == wanted or (wanted == "dcerpc" and application == "smb")


def meets(rule: Rule, session: Session, side: int) -> bool:
    """Whether a rule is about a flow in one direction, as it stands."""
    head = rule.header
    if (rule.established is not None and rule.established != session.established) or (
        head.transports and session.protocol not in head.transports
    ):
        return False
    application = session.application
    if head.application and not _speaks(application, head.application):
        return False
    for name, negated in rule.application:
        if not application or _speaks(application, name) == negated:
            return False
    return head.meets(*ends(session, side))

"""Who and what takes part: a provider, two customers, their machines and accounts, and the addresses outside."""

from __future__ import annotations

from dataclasses import dataclass, field

from story.linux import Gateway
from story.machine import Account, Machine, Process

#: Addresses and names outside, all of them reserved for documentation (RFC 5737, RFC 2606).
HOME_ROUTER = "203.0.113.77"  # somebody's router in the same town, used as a stepping stone
RELAY = "198.51.100.40"  # where the implant calls and the archives go
BOTNET = "198.51.100.23"  # where the router's implant calls
RELAY_NAME = "windowsupdate.kumo-desk.example.net"

#: Stands where a password would be.
SECRET = "Sample-1"

KUMO = "S-1-5-21-1101336348-1277238915-682003330"
AOBA = "S-1-5-21-2202447459-1388349026-793114441"
MINATO = "S-1-5-21-3303558560-1499450137-804225552"


@dataclass
class Cast:
    """Everything that acts, fresh for each telling of the story."""

    edge: Gateway = field(default_factory=lambda: Gateway("kumo-edge01"))
    meeting: Machine = field(
        default_factory=lambda: Machine("KUMO-MTG02", "KUMO", "kumo-msp.example.com", "10.10.2.31")
    )
    jump: Machine = field(
        default_factory=lambda: Machine("KUMO-JUMP01", "KUMO", "kumo-msp.example.com", "10.10.1.20")
    )
    dc: Machine = field(
        default_factory=lambda: Machine("AOBA-DC01", "AOBA", "aoba-water.example.com", "10.20.1.10")
    )
    historian: Machine = field(
        default_factory=lambda: Machine("AOBA-HIST01", "AOBA", "aoba-water.example.com", "10.20.1.15")
    )
    clerk: Machine = field(
        default_factory=lambda: Machine(
            "AOBA-PC03", "AOBA", "aoba-water.example.com", "10.20.2.33", sysmon=False, audit=True
        )
    )
    files: Machine = field(
        default_factory=lambda: Machine("MINATO-FS01", "MINATO", "minato-foods.example.com", "10.30.1.20")
    )
    app: Machine = field(
        default_factory=lambda: Machine(
            "MINATO-APP01", "MINATO", "minato-foods.example.com", "10.30.1.30", sysmon=False, audit=True
        )
    )
    desk: Machine = field(
        default_factory=lambda: Machine(
            "MINATO-PC12", "MINATO", "minato-foods.example.com", "10.30.2.12", sysmon=False
        )
    )
    desk_processes: list[Process] = field(default_factory=list)


TANAKA = Account("KUMO", "r.tanaka", f"{KUMO}-1121")  # the technician whose password was guessed
SUZUKI = Account("KUMO", "m.suzuki", f"{KUMO}-1122")
PATCH = Account(
    "KUMO", "svc-patch", f"{KUMO}-1140"
)  # its password stood in a script on the meeting-room machine
KUMO_AT_AOBA = Account(
    "AOBA", "kumo-admin", f"{AOBA}-1190"
)  # the provider's account in each customer's domain,
KUMO_AT_MINATO = Account("MINATO", "kumo-admin", f"{MINATO}-1188")  # with the same password
MORI = Account("AOBA", "s.mori", f"{AOBA}-1131")
OPERATOR = Account("AOBA", "scada-op", f"{AOBA}-1150")
KATO = Account("MINATO", "h.kato", f"{MINATO}-1127")
ABE = Account("MINATO", "y.abe", f"{MINATO}-1128")

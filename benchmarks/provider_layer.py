"""A provider and eight customers, made up: 75 days of work of a dozen technicians, and abuse hidden in it.

**Synthetic.** No public set has abuse of a provider in it. Everything comes of one seed; the same seed gives the same events.

Benign, every day: technicians work in office hours, from the jump hosts, in the tenants that are theirs; somebody stands by at
night. Hard negatives: patch nights (one account in six tenants within an hour, with a ticket, tasks on every host), a roll-out
of the provider's agent and one of a program that nobody announced (in one tenant at a time, weeks apart), an update of installed
software everywhere, a stand-in with a ticket and one without (`unannounced`, the honest false positive), a new technician whom nobody
entered, moving of files without a password, nightly backups with one name in all tenants, work on site from the tenant's network after
the jump host, a forgotten password, agents of monitoring that connect to the provider.

Abuse, ten of each type of `A` to `E`, in variants; the last variants of each cannot be told from work, and are meant to be missed:

A  a stolen account at night in tenants that are not its own; from the jump host; in its own tenants by day (hidden)
B  one program pushed through remote management to several tenants: from Temp, as an unknown tool, as the provider's agent (hidden)
C  from a tenant back into the provider and on to another; over an ordinary machine to a controller; with no look around (hidden)
D  an archive of a tenant at the provider and out; packed with a password; renamed on the way (hidden)
E  an account that rested, from a new network; after the contract's end; after 40 days from the jump host (hidden)
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from kazami.detect.touchpoint import QUESTIONS
from kazami.model.tenant import Directory
from kazami.tenants import parse

START = datetime(2026, 9, 1, tzinfo=UTC)  # a Tuesday
DAYS = 75
TENANTS = tuple(f"customer{number}" for number in range(1, 9))
STAFF = tuple(f"tech{number:02d}" for number in range(1, 13))
JUMP = "10.99.0.5"
SYSTEM = "C:\\Windows\\System32\\"


@dataclass
class World:
    """Events as they are made, and which of them are whose abuse."""

    rng: random.Random
    events: list[dict[str, Any]] = field(default_factory=list)
    abuse: dict[str, tuple[str, str]] = field(default_factory=dict)  # event_uid to (case, variant)
    cases: dict[str, str] = field(default_factory=dict)  # case to variant
    current: str = ""
    changes: list[str] = field(default_factory=list)

    def add(self, table: str, time: datetime, tenant: str, host: str, **fields: Any) -> None:
        """One event, of the abuse that is going on, if any is."""
        uid = f"{len(self.events):032x}"
        self.events.append(
            {"table": table, "event_uid": uid, "time": time, "tenant": tenant, "host": host, **fields}
        )
        if self.current:
            self.abuse[uid] = (self.current, self.cases[self.current])

    def logon(
        self,
        time: datetime,
        tenant: str,
        host: str,
        who: str,
        address: str = JUMP,
        kind: str = "10",
        **more: Any,
    ) -> None:
        """A logon of a technician."""
        named = {"target_name": who, "target_domain": "MSP", "address": address, "logon_type": kind}
        self.add("security", time, tenant, host, EventID="4624", **{**named, **more})

    def run(
        self, time: datetime, tenant: str, host: str, who: str, path: str, command: str = "", digest: str = ""
    ) -> None:
        """A program that was started."""
        self.add(
            "process_creation",
            time,
            tenant,
            host,
            user=f"MSP\\{who}",
            path=path,
            command=command,
            hash=digest,
        )

    def ticket(self, name: str, time: datetime, hours: float, who: str = "*", tenant: str = "*") -> None:
        """Work that was agreed on."""
        end = time + timedelta(hours=hours)
        self.changes.append(
            f"[[provider.changes]]\nticket = '{name}'\nstart = {time:%Y-%m-%dT%H:%M:%SZ}\n"
            f"end = {end:%Y-%m-%dT%H:%M:%SZ}\naccounts = ['{who}']\ntenants = ['{tenant}']\n"
        )

    def begin(self, kind: str, number: int, variant: str) -> None:
        """From now on events are abuse; an empty `kind` ends it."""
        self.current = f"{kind}{number}" if kind else ""
        if kind:
            self.cases[self.current] = variant


def own(who: str) -> tuple[str, ...]:
    """The tenants that a technician works for: two, neighbours."""
    first = STAFF.index(who) % len(TENANTS)
    return (TENANTS[first], TENANTS[(first + 1) % len(TENANTS)])


def at(day: int, hour: float) -> datetime:
    """A time of a day, UTC."""
    return START + timedelta(days=day, hours=hour)


def hosts(tenant: str) -> list[str]:
    """Controller, servers, machines."""
    return ["DC1", "FS1", "APP1", *(f"WS{number}" for number in range(1, 6))]


def made(seed: int = 20261129) -> tuple[World, Directory]:
    """The world and its directory, as the provider would have written it."""
    world = World(random.Random(seed))
    for day in range(DAYS):
        _work(world, day)
    _hard(world)
    for number in range(10):
        for inject in INJECTED.values():
            inject(world, number, 40 + number * 3)
            world.begin("", 0, "")
    return world, _directory(world)


def _work(world: World, day: int) -> None:
    if at(day, 0).weekday() < 5:
        for who in STAFF:
            if who == "tech12" and 10 <= day < 74:
                continue  # rests
            for tenant in own(who):
                time = at(day, world.rng.uniform(8, 17))
                for host in world.rng.sample(hosts(tenant)[:3], 2):
                    kind = "3" if host == "DC1" else "10"
                    world.logon(time, tenant, f"{host}.{tenant}.example", who, kind=kind)
                    if world.rng.random() < 0.3:
                        world.run(time, tenant, f"{host}.{tenant}.example", who, f"{SYSTEM}ipconfig.exe")
    if world.rng.random() < 0.4:
        tenant = world.rng.choice(TENANTS)
        world.logon(at(day, world.rng.uniform(20, 23)), tenant, f"FS1.{tenant}.example", "oncall")
    for tenant in TENANTS:
        host = f"APP1.{tenant}.example"
        for name, digest in (("svchost.exe", "1" * 64), ("app.exe", ("2" if day < 30 else "3") * 64)):
            path = f"{SYSTEM}{name}" if name == "svchost.exe" else f"C:\\Program Files\\App\\{name}"
            world.run(at(day, 7), tenant, host, "svc-app", path, digest=digest)
        for place in (tenant, "msp"):
            world.add(
                "file_event",
                at(day, 2),
                place,
                "BK1",
                user="MSP\\svc-backup",
                path=f"D:\\nightly-{day}-{tenant}.zip",
            )
        world.logon(
            at(day, 6), "msp", "MON1", "svc-monitor", f"10.{TENANTS.index(tenant) + 1}.0.20", kind="3"
        )


def _hard(world: World) -> None:
    for day in range(5, DAYS, 7):
        world.ticket(f"PATCH-{day}", at(day, 20), 4, r"MSP\patch")
        for tenant in TENANTS[:6]:
            for host in hosts(tenant):
                time = at(day, 20 + world.rng.uniform(0, 0.9))
                world.logon(time, tenant, f"{host}.{tenant}.example", "patch", kind="3")
                world.add("security", time, tenant, f"{host}.{tenant}.example", EventID="4698", subject_name="patch",
                          subject_domain="MSP", name="\\Patch")  # fmt: skip
    for number, tenant in enumerate(TENANTS):
        time = at(50, 10 + number / 10)
        world.run(time, tenant, f"APP1.{tenant}.example", "svc-app", "C:\\Temp\\agent.exe", digest="4" * 64)
        late = at(32 + number * 9 % 40, 11)
        world.run(late, tenant, f"WS1.{tenant}.example", "svc-app", f"C:\\Temp\\setup{number}.exe", digest=f"{number}" * 64)  # fmt: skip
    world.ticket("CHG-STAND-IN", at(45, 0), 48, r"MSP\tech03", "customer8")
    for tenant in (*own("tech03"), "customer8"):
        world.logon(at(45, 10), tenant, f"FS1.{tenant}.example", "tech03")
    for tenant in (*own("tech05"), "customer1"):  # nobody wrote a ticket
        world.logon(at(52, 10), tenant, f"FS1.{tenant}.example", "tech05")
    for day in range(44, DAYS):
        if at(day, 0).weekday() < 5:
            world.logon(at(day, 9), "customer2", "FS1.customer2.example", "newcomer")
    for number in range(6):  # moving files
        who = STAFF[number]
        tenant = own(who)[0]
        time = at(41 + number, 14)
        world.add("security", time, tenant, f"FS1.{tenant}.example", EventID="5140", subject_name=who,
                  subject_domain="MSP", name="\\\\*\\D$")  # fmt: skip
        path = f"{SYSTEM}robocopy.exe"
        world.run(time, tenant, f"FS1.{tenant}.example", who, path, "robocopy \\\\FS1\\D$ E:\\d /E")
        world.logon(time, tenant, f"FS1.{tenant}.example", who)
        inside = f"10.{TENANTS.index(tenant) + 1}.0.31"
        world.logon(time + timedelta(hours=1), tenant, f"APP1.{tenant}.example", who, inside)
    for number in range(4):  # a forgotten password
        for second in range(4):
            world.add("signinlogs", at(60, 9 + number) + timedelta(seconds=20 * second), TENANTS[number], "",
                      user=f"{STAFF[number]}@msp.example", address=JUMP, name="50126", detail="Browser")  # fmt: skip


def _stolen(world: World, number: int, day: int) -> None:
    who = STAFF[number]
    others = [tenant for tenant in TENANTS if tenant not in own(who)]
    variant = ("outside", "outside", "jump host", "jump host", "hidden")[number % 5]
    world.begin("A", number, variant)
    targets = own(who) if variant == "hidden" else world.rng.sample(others, 3)
    for place, tenant in enumerate(targets):
        hour = 10 if variant == "hidden" else 1
        address = "185.220.101.9" if variant == "outside" else JUMP
        world.logon(at(day, hour + place * 0.2), tenant, f"FS1.{tenant}.example", who, address)


def _pushed(world: World, number: int, day: int) -> None:
    variant = ("temp", "temp", "tool", "installed", "hidden")[number % 5]
    world.begin("B", number, variant)
    for place, tenant in enumerate(world.rng.sample(TENANTS, 5)):
        path = {
            "temp": f"C:\\Windows\\Temp\\x{number}.exe",
            "tool": "C:\\ProgramData\\AnyDesk\\AnyDesk.exe",
            "installed": f"{SYSTEM}drv{number}.exe",
            "hidden": "C:\\Program Files\\App\\app.exe",
        }[variant]
        digest = f"{number + 100:064x}"
        world.run(at(day, 22 + place * 0.1), tenant, f"WS2.{tenant}.example", "svc-rmm", path, digest=digest)


def _hop(world: World, number: int, day: int) -> None:
    variant = ("back", "back and on", "upward", "upward", "hidden")[number % 5]
    world.begin("C", number, variant)
    who = STAFF[number]
    first, then = own(who)
    if variant in ("back", "back and on"):
        address = f"10.{TENANTS.index(first) + 1}.0.44"
        world.logon(at(day, 15), "msp", "JUMP01", who, address, kind="3")
        if variant == "back and on":
            world.logon(at(day, 15.5), then, f"FS1.{then}.example", who, workstation="JUMP01")
        return
    machine = f"WS{number % 5 + 1}.{first}.example"
    thief = f"helper{number}"
    world.logon(at(day, 15), first, machine, who)
    world.logon(at(day, 15), first, machine, thief)
    for step, name in enumerate(("whoami.exe", "nltest.exe", "net.exe") if variant == "upward" else ()):
        world.run(at(day, 15.1 + step / 100), first, machine, who, f"{SYSTEM}{name}")
    world.logon(at(day + 1, 15), first, f"FS1.{first}.example", thief, kind="3")


def _carried(world: World, number: int, day: int) -> None:
    variant = ("staged", "staged", "password", "password", "hidden")[number % 5]
    world.begin("D", number, variant)
    who = STAFF[number]
    tenant = own(who)[0]
    name = f"q{number}z{world.rng.randrange(9999)}.rar"
    there = f"r{number}w{world.rng.randrange(9999)}.rar" if variant == "hidden" else name
    if variant == "password":
        world.add("security", at(day, 16), tenant, f"FS1.{tenant}.example", EventID="5140", subject_name=who,
                  subject_domain="MSP", name="\\\\*\\C$")  # fmt: skip
        world.run(at(day, 16.2), tenant, f"APP1.{tenant}.example", who, "C:\\PerfLogs\\rar.exe", f"rar.exe a -hpX1 {name} C:\\d")  # fmt: skip
        return
    world.add("file_event", at(day, 16), tenant, f"FS1.{tenant}.example", user=f"MSP\\{who}", path=f"C:\\PerfLogs\\{name}")  # fmt: skip
    world.add("file_event", at(day, 17), "msp", "MFS1", user=f"MSP\\{who}", path=f"D:\\in\\{there}")
    world.add("network_connection", at(day, 18), "msp", "MFS1", address="185.220.101.9", path="C:\\x.exe")


def _rested(world: World, number: int, day: int) -> None:
    variant = ("new network", "new network", "rested", "ended", "hidden")[number % 5]
    tenant = TENANTS[number % 7]
    who = f"partner{number}"
    rest = 40 if variant == "hidden" else 60 if variant == "rested" else 20
    world.logon(at(max(0, day - rest), 10), tenant, f"APP1.{tenant}.example", who)
    if variant == "rested":
        day = max(day, 47)
    world.begin("E", number, variant)
    address = "185.220.102.7" if variant == "new network" else JUMP
    if variant == "ended":
        tenant = "customer8"
        day = 72
    moment = day if at(day, 0).weekday() < 5 else day + 2
    world.logon(at(min(moment, 74), 11), tenant, f"APP1.{tenant}.example", who, address)


INJECTED = {"A": _stolen, "B": _pushed, "C": _hop, "D": _carried, "E": _rested}


def _directory(world: World) -> Directory:
    lines = [
        r"""[provider]
tenant = "msp"
accounts = ['MSP\*']
jump_hosts = ["JUMP01"]
sources = ["10.99.0.0/24"]
networks = ["203.0.113.0/24"]
software = ["agent.exe"]
backup_accounts = ['MSP\svc-backup']""",
        f"two_way = {[f'10.{number}.0.20' for number in range(1, 9)]}",
        "[provider.technicians]",
        r"""'MSP\oncall' = ["*"]
'MSP\patch' = ["*"]
'MSP\svc-*' = ["*"]""",
        *(f"'MSP\\{who}' = {list(own(who))}" for who in STAFF),
        *(rf"'MSP\{kind}{number}' = ['*']" for kind in ("helper",) for number in range(10)),
        *(rf"'MSP\partner{number}' = ['{TENANTS[number % 7]}', 'customer8']" for number in range(10)),
        *world.changes,
    ]
    for number, tenant in enumerate(TENANTS, 1):
        end = "end = 2026-11-10" if tenant == "customer8" else ""
        lines.append(f"""[tenants.{tenant}]
domains = ["{tenant}.example"]
networks = ["10.{number}.0.0/16"]
tools = ["ScreenConnect"]
tiers = {{0 = ["DC1"], 1 = ["FS1", "APP1"], 2 = ["WS*"]}}
[tenants.{tenant}.contract]
days = ["mon", "tue", "wed", "thu", "fri"]
hours = "07:00-19:00"
{end}""")
    return parse("\n".join(lines), "synthetic")


def batches(world: World) -> Iterator[pa.RecordBatch]:
    """The events as the store would answer `QUESTIONS`."""
    for question in QUESTIONS:
        schema = question.schema()
        rows = [
            {name: one.get(name) for name in schema.names} | {"evidence": "synthetic", "record": 0}
            for one in world.events
            if one["table"] == question.table
        ]
        for start in range(0, len(rows), 8192):
            yield pa.RecordBatch.from_pylist(rows[start : start + 8192], schema)

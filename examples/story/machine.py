"""Windows machines that keep event logs: what happens on one is called as a method, what it logs is kept in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from story import fields
from story.clock import at, later, number
from story.programs import KERNEL, SVCHOST, WMIPRVSE, Program

SYSMON, SECURITY = "Microsoft-Windows-Sysmon/Operational", "Security"


@dataclass(frozen=True)
class Account:
    """A person's or a service's account."""

    domain: str
    name: str
    sid: str

    def __str__(self) -> str:
        return f"{self.domain}\\{self.name}"


SYSTEM = Account("NT AUTHORITY", "SYSTEM", "S-1-5-18")


@dataclass(frozen=True)
class Record:
    """One event as a machine logs it. `data` is a mapping of names to values, or a list where they have no names."""

    time: datetime
    channel: str
    provider: str
    event: int
    data: Any
    sid: str = ""
    user_data: str = ""  # name of the element, where the values do not stand in EventData


@dataclass
class Machine:
    """A computer: `sysmon` and `audit` (Security 4688) say which of them records processes."""

    name: str
    domain: str
    zone: str
    address: str
    sysmon: bool = True
    audit: bool = False
    records: list[Record] = field(default_factory=list)
    _last: int = 0

    @property
    def full_name(self) -> str:
        """Name with its DNS zone, as the field Computer has it."""
        return f"{self.name}.{self.zone}"

    @property
    def account(self) -> Account:
        """The machine's own account."""
        return Account(self.domain, f"{self.name}$", "S-1-5-18")

    def log(self, time: datetime, channel: str, provider: str, event: int, data: Any, **more: str) -> None:
        """Keep one record."""
        self.records.append(Record(time, channel, provider, event, data, **more))

    def next_number(self) -> int:
        """Counts what needs a number of its own on this machine."""
        self._last += 1
        return self._last

    def guid(self, time: datetime, tail: int) -> str:
        """An id as Sysmon makes it: machine, time, and a number."""
        seconds = int(time.timestamp())
        machine = number(self.name, 2**32)
        return f"{machine:08X}-{seconds & 0xFFFF:04X}-{seconds >> 16:04X}-{tail & 0xFFFF:04X}-000000000700"

    def logon(self, when: str, account: Account, kind: int, source: str = "-", **more: Any) -> Session:
        """A logon that is granted; `kind` is its type (2 keyboard, 3 network, 5 service, 10 remote desktop)."""
        time = at(when)
        logon_id = 0x3E7 if account.sid == "S-1-5-18" else 0x50000 + self.next_number() * 0x1F3
        session = Session(self, account, logon_id, self.guid(time, logon_id), time, kind, source)
        self.audit_event(time, 4624, fields.logon(session, more.get("workstation", "-")))
        if more.get("admin"):
            self.audit_event(later(time, 0.001), 4672, fields.privileges(session))
        return session

    def running(self, program: Program, line: str, pid: int) -> Process:
        """A process of Windows that was there before the story began, so that no record tells of its start."""
        began = at("01 00:00:05")
        session = Session(self, SYSTEM, 0x3E7, self.guid(began, 0x3E7), began, 5, "-")
        return Process(session, program, line, began, pid, self.guid(began, pid), None)

    def kernel(self) -> Process:
        """The kernel, which writes what comes over the network."""
        return self.running(KERNEL, "", 4)

    def wmi(self, when: str) -> Process:
        """WMI gets ready to run what somebody asks it for."""
        launcher = self.running(SVCHOST, f"{SVCHOST.path} -k DcomLaunch -p", 912)
        return launcher.start(when, WMIPRVSE, f"{WMIPRVSE.path} -secured -Embedding")

    def refuse(self, when: str, account: Account, kind: int, source: str) -> None:
        """A logon that is refused for a wrong password."""
        self.audit_event(at(when), 4625, fields.refused(self, account, kind, source))

    def audit_event(self, time: datetime, event: int, data: Mapping[str, Any]) -> None:
        """An event of the Security log."""
        self.log(time, SECURITY, "Microsoft-Windows-Security-Auditing", event, data)

    def sysmon_event(self, time: datetime, event: int, data: Mapping[str, Any]) -> None:
        """An event of the Sysmon log, where this machine has Sysmon."""
        if self.sysmon:
            stamp = {"RuleName": "-", "UtcTime": f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03d}"}
            self.log(time, SYSMON, "Microsoft-Windows-Sysmon", event, stamp | dict(data), sid="S-1-5-18")

    def service(self, when: str, name: str, path: str, account: Account) -> None:
        """A service is installed."""
        data = fields.service(name, path)
        self.log(at(when), "System", "Service Control Manager", 7045, data, sid=account.sid)

    def esent(self, when: str, event: int, values: list[str]) -> None:
        """The database engine says something; its values have no names."""
        self.log(at(when), "Application", "ESENT", event, values)

    def cleared(self, when: str, channel: str, session: Session) -> None:
        """A log is emptied."""
        provider, user_data = "Microsoft-Windows-Eventlog", "LogFileCleared"
        if channel == SECURITY:
            self.log(
                at(when), SECURITY, provider, 1102, fields.security_cleared(session), user_data=user_data
            )
        else:
            data = fields.other_cleared(session, channel)
            self.log(at(when), "System", provider, 104, data, sid=session.account.sid, user_data=user_data)


@dataclass(frozen=True)
class Session:
    """A logon session on a machine."""

    machine: Machine
    account: Account
    logon_id: int
    guid: str
    time: datetime
    kind: int
    source: str

    def process(self, when: str, program: Program, line: str, parent: Process | None = None) -> Process:
        """A program starts in this session; without a parent it is started from the desktop."""
        machine, time = self.machine, at(when)
        tail = machine.next_number()
        process = Process(self, program, line, time, 1000 + tail * 52, machine.guid(time, tail), parent)
        machine.sysmon_event(time, 1, fields.process(process))
        if machine.audit:
            machine.audit_event(time, 4688, fields.audited_process(process))
        return process

    def share(
        self, when: str, event: int, name: str, folder: str = "", file: str = "", write: bool = False
    ) -> None:
        """A share of the machine is used by this session: 5140 opened, 5142 made, 5144 removed, 5145 a file."""
        self.machine.audit_event(at(when), event, fields.share(self, name, folder, file, write))

    def credentials(self, when: str, account: Account, target: str, process: Process) -> None:
        """Another account's password is used from this session."""
        self.machine.audit_event(at(when), 4648, fields.credentials(self, account, target, process))

    def task(self, when: str, name: str, command: str) -> None:
        """A scheduled task is made."""
        self.machine.audit_event(at(when), 4698, fields.task(self, name, command))

    def script(self, when: str, text: str) -> None:
        """PowerShell records a block of script."""
        channel, provider = "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell"
        self.machine.log(at(when), channel, provider, 4104, fields.script(text, when), sid=self.account.sid)

    def end(self, when: str) -> None:
        """The session ends."""
        self.machine.audit_event(at(when), 4634, fields.logoff(self))


@dataclass(frozen=True)
class Process:
    """A running program."""

    session: Session
    program: Program
    line: str
    time: datetime
    pid: int
    guid: str
    parent: Process | None

    @property
    def image(self) -> str:
        """The path of the program."""
        return self.program.path

    def start(self, when: str, program: Program, line: str) -> Process:
        """This process starts another."""
        return self.session.process(when, program, line, parent=self)

    def _event(self, when: str, event: int, data: Mapping[str, Any]) -> None:
        self.session.machine.sysmon_event(at(when), event, fields.of_process(self) | dict(data))

    def writes(self, when: str, path: str) -> None:
        """A file is made."""
        self._event(when, 11, fields.file(path, at(when)))

    def loads(self, when: str, library: Program) -> None:
        """A library is loaded."""
        self._event(when, 7, fields.image(library))

    def sets(self, when: str, key: str, value: str) -> None:
        """A value of the registry is written."""
        self._event(when, 13, {"EventType": "SetValue", "TargetObject": key, "Details": value})

    def pipe(self, when: str, name: str) -> None:
        """A named pipe is made."""
        self._event(when, 17, {"EventType": "CreatePipe", "PipeName": name})

    def asks(self, when: str, name: str, answer: str) -> None:
        """A name is looked up."""
        self._event(when, 22, {"QueryName": name, "QueryStatus": "0", "QueryResults": f"::ffff:{answer};"})

    def connects(self, when: str, address: str, port: int) -> None:
        """A connection is opened."""
        self._event(when, 3, fields.connection(self, address, port))

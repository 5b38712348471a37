"""The rest of the week: people at work, machines at night, and honest work that looks like the intruder's."""

from __future__ import annotations

from collections.abc import Iterable

from story import programs
from story.cast import ABE, KATO, KUMO_AT_AOBA, KUMO_AT_MINATO, MORI, OPERATOR, SUZUKI, TANAKA, Cast
from story.clock import number
from story.machine import SYSTEM, Account, Machine, Process, Session
from story.programs import Program

WORKDAYS = ("09", "10", "11", "12", "13")
WEEK = ("08", *WORKDAYS, "14")


def tell(cast: Cast) -> None:
    """Everything that is not the intruder."""
    for machine in (cast.meeting, cast.jump, cast.dc, cast.historian, cast.clerk, cast.files, cast.app):
        for day in WEEK:
            night(machine, day)
    offices(cast)
    for day in WORKDAYS:
        provider_at_work(cast, day)
    backups(cast)
    administrators(cast)
    help_desk(cast)
    gateway(cast)


def some(key: str, first: int, last: int) -> int:
    """A number from `first` to `last` that depends on `key` alone."""
    return first + number(key, last - first + 1)


def moment(key: str, day: str, hour: int, minute: int = 0) -> str:
    """A time in the quarter of an hour that begins then."""
    return f"{day} {hour:02}:{minute + some(key + 'm', 0, 14):02}:{some(key + 's', 0, 59):02}"


def night(machine: Machine, day: str) -> None:
    """What Windows and the provider's monitoring do by themselves."""
    key = machine.name + day
    system = machine.logon(moment(key + "service", day, 16), SYSTEM, 5)
    services = system.process(
        moment(key + "host", day, 16, 15), programs.SVCHOST, f"{programs.SVCHOST.path} -k netsvcs -p"
    )
    services.start(moment(key + "task", day, 16, 30), programs.TASKHOST, "taskhostw.exe")
    services.start(moment(key + "update", day, 19), programs.USOCLIENT, "UsoClient.exe StartScan")
    system.process(moment(key + "scan", day, 20), programs.DEFENDER_SCAN, '"MpCmdRun.exe" Scan -ScheduleJob')
    agent = system.process(moment(key + "agent", day, 21), programs.MONITOR, f'"{programs.MONITOR.path}"')
    agent.start(
        moment(key + "disk", day, 21, 15), programs.WMIC, "wmic path win32_logicaldisk get deviceid,freespace"
    )
    agent.start(
        moment(key + "log", day, 21, 30), programs.WEVTUTIL, "wevtutil qe Application /c:50 /rd:true /f:text"
    )
    agent.connects(moment(key + "send", day, 21, 45), "10.10.1.21", 443)


def offices(cast: Cast) -> None:
    """People log on in the morning and work with documents, mail and pages."""
    for day in WORKDAYS:
        office_day(cast.clerk, MORI, day)
        office_day(cast.meeting, SUZUKI, day, hours=(0, 7))
        operator_day(cast.historian, day)
        for account in (KATO, ABE):
            cast.desk_processes += office_day(cast.desk, account, day)
            share_day(cast.files, account, day)
    cast.clerk.refuse("10 00:01:10", MORI, 2, "127.0.0.1")
    cast.clerk.refuse("10 00:01:22", MORI, 2, "127.0.0.1")
    cast.clerk.refuse("10 00:01:40", MORI, 2, "127.0.0.1")


def office_day(
    machine: Machine, account: Account, day: str, hours: Iterable[int] = (0, 2, 5, 7)
) -> list[Process]:
    """One person's day at one machine."""
    key = f"{machine.name}{account}{day}"
    session = machine.logon(moment(key, day, 0), account, 2)
    started = []
    for hour in hours:
        for program, line in _office(key + str(hour)):
            process = session.process(moment(key + program.name + str(hour), day, hour, 15), program, line)
            started.append(process)
            if program is programs.EDGE:
                process.asks(moment(key + str(hour) + "q", day, hour, 30), "www.example.com", "192.0.2.80")
                process.connects(moment(key + str(hour) + "c", day, hour, 30), "192.0.2.80", 443)
    session.end(moment(key + "end", day, 8, 30))
    return started


def _office(key: str) -> list[tuple[Program, str]]:
    choices = [
        (programs.OUTLOOK, '"OUTLOOK.EXE"'),
        (programs.EXCEL, '"EXCEL.EXE" "C:\\Users\\Public\\Documents\\plan.xlsx"'),
        (programs.WORD, '"WINWORD.EXE" /n "minutes.docx"'),
        (programs.EDGE, '"msedge.exe" --no-startup-window'),
        (programs.NOTEPAD, "notepad.exe notes.txt"),
    ]
    first = number(key, len(choices))
    return [choices[first], choices[(first + 1 + number(key + "2", 3)) % len(choices)]]


def operator_day(machine: Machine, day: str) -> None:
    """The plant's operator looks at curves; the historian writes its files."""
    session = machine.logon(moment("op" + day, day, 0), OPERATOR, 2)
    viewer = session.process(moment("view" + day, day, 0, 15), programs.HISTORIAN, '"histsvc.exe" /view')
    for hour in (1, 4, 6):
        viewer.writes(
            moment(f"arc{hour}" + day, day, hour), f"D:\\Historian\\Archive\\202611{day}_{hour:02}.arc"
        )
    session.end(moment("opend" + day, day, 8, 45))


def share_day(machine: Machine, account: Account, day: str) -> None:
    """One person's files on the server."""
    key = f"share{account}{day}"
    session = machine.logon(moment(key, day, 0, 15), account, 3, f"10.30.2.{some(str(account), 11, 40)}")
    session.share(moment(key + "open", day, 0, 30), 5140, "shared", "D:\\Shared")
    for hour in (2, 6):
        name = ("orders.xlsx", "Recipes\\miso.xlsx", "labels.docx")[number(key + str(hour), 3)]
        session.share(moment(f"{key}{hour}", day, hour), 5145, "shared", "D:\\Shared", name)
    session.end(moment(key + "end", day, 8, 30))


def provider_at_work(cast: Cast, day: str) -> None:
    """The provider's technicians do their rounds from the jump host, as the contract says."""
    account = TANAKA if day in ("09", "12") else SUZUKI
    source = "10.10.2.21" if account is TANAKA else "10.10.2.22"
    session = cast.jump.logon(f"{day} 00:3{day[1]}:12", account, 10, source, admin=True)
    for machine, target, minute in ((cast.dc, KUMO_AT_AOBA, 40), (cast.files, KUMO_AT_MINATO, 52)):
        client = session.process(f"{day} 00:{minute}:05", programs.MSTSC, f"mstsc.exe /v:{machine.address}")
        session.credentials(f"{day} 00:{minute}:20", target, machine.name, client)
        client.connects(f"{day} 00:{minute}:21", machine.address, 3389)
        round_ = machine.logon(f"{day} 00:{minute}:24", target, 10, "10.10.1.20", admin=True)
        round_.process(f"{day} 00:{minute + 1}:02", programs.MMC, "mmc.exe eventvwr.msc")
        shell = round_.process(f"{day} 00:{minute + 3}:10", programs.CMD, "cmd.exe")
        shell.start(f"{day} 00:{minute + 3}:41", programs.IPCONFIG, "ipconfig /all")
        shell.start(f"{day} 00:{minute + 4}:05", programs.PING, "ping -n 2 10.10.1.21")
        round_.end(f"{day} 00:{minute + 6}:30")
    session.end(f"{day} 01:05:00")


def backups(cast: Cast) -> None:
    """Every night the domain controller is backed up: shadow copies and the database engine, as they should be."""
    for day in WEEK:
        system = cast.dc.logon(f"{day} 17:00:00", SYSTEM, 5)
        job = system.process(
            f"{day} 17:00:02", programs.WBADMIN, "wbadmin start systemstatebackup -backupTarget:E: -quiet"
        )
        snapshot = f"C:\\$SNAP_202611{day}1700_VOLUMEC$\\Windows\\NTDS\\ntds.dit"
        cast.dc.esent(f"{day} 17:00:31", 326, ["lsass", "652", "", "1", snapshot, "0", "[1] 0.000"])
        cast.dc.esent(f"{day} 17:04:02", 327, ["lsass", "652", "", "1", snapshot, "0", "[1] 0.000"])
        system.process(f"{day} 17:05:10", programs.VSSADMIN, "vssadmin list shadows")
        job.writes(f"{day} 17:04:40", f"E:\\WindowsImageBackup\\AOBA-DC01\\Backup 2026-11-{day}\\state.vhdx")
        cast.app.logon(f"{day} 17:30:00", SYSTEM, 5).process(
            f"{day} 17:30:03", programs.SEVENZIP, "7z.exe a -pSample-2 E:\\Backup\\orders.7z D:\\Orders"
        )


def administrators(cast: Cast) -> None:
    """Honest work with the very tools that the intruder uses."""
    staff = cast.dc.logon(
        "10 04:10:00",
        Account("AOBA", "it-admin", KUMO_AT_AOBA.sid[:-4] + "1105"),
        10,
        "10.20.2.9",
        admin=True,
    )
    shell = staff.process("10 04:10:40", programs.CMD, "cmd.exe")
    shell.start("10 04:12:02", programs.LDIFDE, "ldifde -i -f D:\\Import\\staff.ldf -k")
    shell.start(
        "10 04:14:30", programs.DNSCMD, "dnscmd . /recordadd aoba-water.example.com hist02 A 10.20.1.16"
    )
    shell.start("10 04:18:11", programs.CERTUTIL, "certutil -verify -urlfetch D:\\Import\\ldaps.cer")
    shell.start("10 04:21:00", programs.NETSH, "netsh interface ipv4 show interfaces")
    shell.start("10 04:25:41", programs.REG, "reg save HKLM\\SOFTWARE\\Historian D:\\Import\\historian.hiv")
    staff.script("10 04:30:05", 'Get-WinEvent -FilterHashtable @{LogName="System"; Id=7,51} -MaxEvents 20')
    staff.end("10 04:41:00")
    files = cast.files.logon(
        "12 05:00:10",
        Account("MINATO", "it-admin", KUMO_AT_MINATO.sid[:-4] + "1105"),
        10,
        "10.30.2.9",
        admin=True,
    )
    shell = files.process("12 05:01:00", programs.CMD, "cmd.exe")
    shell.start(
        "12 05:02:20", programs.ROBOCOPY, "robocopy \\\\MINATO-FS00\\shared D:\\Shared /MIR /COPYALL /R:1"
    )
    shell.start("12 05:40:02", programs.NET, "net use S: \\\\MINATO-FS00\\scan /persistent:yes")
    updater = files.process("12 05:44:10", programs.GUP, f'"{programs.GUP.path}" -v8.71')
    updater.loads("12 05:44:10", programs.LIBCURL)
    files.process("12 05:50:00", programs.PUTTY, "putty.exe -load switch01")
    explorer = files.process("12 05:52:00", programs.EXPLORER, "explorer.exe")
    deleted = f"C:\\$Recycle.Bin\\{KUMO_AT_MINATO.sid[:-4]}1105"
    explorer.writes("12 05:52:31", f"{deleted}\\$RX3K2F1.xlsx")
    explorer.writes("12 05:52:31", f"{deleted}\\$IX3K2F1.xlsx")
    files.end("12 06:10:00")


def help_desk(cast: Cast) -> None:
    """The help desk uses PsExec on a clerk's machine: an honest finding that a person has to close."""
    cast.clerk.service("11 06:20:11", "PSEXESVC", "%SystemRoot%\\PSEXESVC.exe", SYSTEM)
    system = cast.clerk.logon("11 06:20:12", SYSTEM, 5)
    service = system.process("11 06:20:12", programs.PSEXESVC, "C:\\Windows\\PSEXESVC.exe")
    script = "powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\Deploy\\printer.ps1"
    service.start("11 06:20:14", programs.POWERSHELL, script)
    _printer(system)


def _printer(session: Session) -> None:
    session.script(
        "11 06:20:16", 'Add-Printer -Name "Floor 2" -DriverName "Generic / Text Only" -PortName "LPT1:"'
    )


def gateway(cast: Cast) -> None:
    """The gateway's own jobs, and its administrator."""
    edge = cast.edge
    for day in WEEK:
        shell = edge.runs(f"{day} 18:00:01", "/usr/sbin/crond", "crond", "-n")
        edge.runs(
            f"{day} 18:00:01",
            "/usr/bin/tar",
            "tar",
            "czf",
            "/var/backups/httpd_logs.tar.gz",
            "/var/log/httpd",
            parent=shell,
        )
        edge.runs(f"{day} 18:00:04", "/usr/bin/find", "find", "/tmp", "-mtime", "+7", "-delete", parent=shell)
        edge.says(f"{day} 18:00:05", "CROND", 2210 + int(day), "(root) CMD (/usr/local/bin/nightly)")
    for day in ("10", "12"):
        edge.says(
            f"{day} 06:02:11",
            "sshd",
            5120 + int(day),
            "Accepted publickey for netadmin from 10.10.2.21 port 51234 ssh2",
        )
        edge.says(
            f"{day} 06:02:11",
            "sshd",
            5120 + int(day),
            "pam_unix(sshd:session): session opened for user netadmin(uid=1001) by (uid=0)",
        )
        shell = edge.runs(f"{day} 06:02:14", "/usr/bin/bash", "-bash", uid=1001, login=1001)
        edge.runs(
            f"{day} 06:03:02",
            "/usr/bin/curl",
            "curl",
            "-s",
            "https://mirror.example.com/release.txt",
            uid=1001,
            parent=shell,
            login=1001,
        )
        edge.runs(
            f"{day} 06:05:40", "/usr/sbin/iptables", "iptables", "-L", "-n", uid=0, parent=shell, login=1001
        )
        edge.says(
            f"{day} 06:11:09",
            "sshd",
            5120 + int(day),
            "pam_unix(sshd:session): session closed for user netadmin",
        )

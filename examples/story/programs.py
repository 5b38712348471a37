"""The programs that the story names: where they lie and what they say about themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOWS = "Microsoft® Windows® Operating System"


@dataclass(frozen=True)
class Program:
    """A program file. Copies under other names keep what the file says about itself, and its hash."""

    path: str
    original: str
    description: str
    product: str = WINDOWS
    company: str = "Microsoft Corporation"
    version: str = "10.0.20348.2700"
    signed: bool = True

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.rsplit("\\", 1)[-1]

    def copied(self, path: str) -> Program:
        """The same file elsewhere."""
        return replace(self, path=path)


def _system(name: str, original: str, description: str, folder: str = "System32") -> Program:
    return Program(f"C:\\Windows\\{folder}\\{name}", original, description)


KERNEL = Program("System", "-", "-", "-", "-", "-")
CMD = _system("cmd.exe", "Cmd.Exe", "Windows Command Processor")
POWERSHELL = _system("WindowsPowerShell\\v1.0\\powershell.exe", "PowerShell.EXE", "Windows PowerShell")
EXPLORER = Program("C:\\Windows\\explorer.exe", "EXPLORER.EXE", "Windows Explorer")
SVCHOST = _system("svchost.exe", "svchost.exe", "Host Process for Windows Services")
SERVICES = _system("services.exe", "services.exe", "Services and Controller app")
USERINIT = _system("userinit.exe", "USERINIT.EXE", "Userinit Logon Application")
RDPCLIP = _system("rdpclip.exe", "rdpclip.exe", "RDP Clipboard Monitor")
MSTSC = _system("mstsc.exe", "mstsc.exe", "Remote Desktop Connection")
WMIPRVSE = _system("wbem\\WmiPrvSE.exe", "Wmiprvse.exe", "WMI Provider Host")
WMIC = _system("wbem\\WMIC.exe", "wmic.exe", "WMI Commandline Utility")
CSCRIPT = _system("cscript.exe", "cscript.exe", "Microsoft ® Console Based Script Host")
NET = _system("net.exe", "net.exe", "Net Command")
NETSH = _system("netsh.exe", "netsh.exe", "Network Command Shell")
NTDSUTIL = _system("ntdsutil.exe", "ntdsutil.exe", "NT5DS")
VSSADMIN = _system("vssadmin.exe", "VSSADMIN.EXE", "Command Line Interface for Volume Shadow Copy Service")
REG = _system("reg.exe", "reg.exe", "Registry Console Tool")
RUNDLL32 = _system("rundll32.exe", "RUNDLL32.EXE", "Windows host process (Rundll32)")
SCHTASKS = _system("schtasks.exe", "schtasks.exe", "Task Scheduler Configuration Tool")
CERTUTIL = _system("certutil.exe", "CertUtil.exe", "CertUtil.exe")
ESENTUTL = _system("esentutl.exe", "esentutl.exe", "Extensible Storage Engine Utilities for Windows")
BITSADMIN = _system("bitsadmin.exe", "bitsadmin.exe", "BITS administration utility")
ROBOCOPY = _system("Robocopy.exe", "robocopy.exe", "Microsoft Robocopy")
WEVTUTIL = _system("wevtutil.exe", "wevtutil.exe", "Eventing Command Line Utility")
LDIFDE = _system("ldifde.exe", "ldifde.exe", "LDIF Directory Exchange")
CSVDE = _system("csvde.exe", "csvde.exe", "CSV Directory Exchange")
DNSCMD = _system("dnscmd.exe", "dnscmd.exe", "DNS Server Management Tool")
NLTEST = _system("nltest.exe", "nltestrk.exe", "Microsoft® Logon Server Test Utility")
WHOAMI = _system("whoami.exe", "whoami.exe", "whoami - displays logged on user information")
IPCONFIG = _system("ipconfig.exe", "ipconfig.exe", "IP Configuration Utility")
NETSTAT = _system("NETSTAT.EXE", "netstat.exe", "TCP/IP Netstat Command")
TASKLIST = _system("tasklist.exe", "tasklist.exe", "Lists the current running tasks")
SYSTEMINFO = _system("systeminfo.exe", "sysinfo.exe", "Displays system information")
QUSER = _system("quser.exe", "QUSER.EXE", "Query User Utility")
PING = _system("PING.EXE", "ping.exe", "TCP/IP Ping Command")
CURL = Program(
    "C:\\Windows\\System32\\curl.exe", "curl.exe", "The curl executable", "The curl executable", "curl"
)
NOTEPAD = _system("notepad.exe", "NOTEPAD.EXE", "Notepad")
MMC = _system("mmc.exe", "mmc.exe", "Microsoft Management Console")
WBADMIN = _system("wbadmin.exe", "WBADMIN.EXE", "Command Line Interface for Microsoft® BLB Backup")
TASKHOST = _system("taskhostw.exe", "taskhostw.exe", "Host Process for Windows Tasks")
USOCLIENT = _system("UsoClient.exe", "UsoClient.exe", "UsoClient")
DEFENDER_SCAN = Program(
    "C:\\Program Files\\Windows Defender\\MpCmdRun.exe",
    "MpCmdRun.exe",
    "Microsoft Malware Protection Command Line Utility",
)
EXCEL = Program(
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE",
    "Excel.exe",
    "Microsoft Excel",
    "Microsoft Office",
)
OUTLOOK = Program(
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE",
    "Outlook.exe",
    "Microsoft Outlook",
    "Microsoft Office",
)
WORD = Program(
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
    "WinWord.exe",
    "Microsoft Word",
    "Microsoft Office",
)
EDGE = Program(
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    "msedge.exe",
    "Microsoft Edge",
    "Microsoft Edge",
)
SEVENZIP = Program(
    "C:\\Program Files\\7-Zip\\7z.exe", "7z.exe", "7-Zip Console", "7-Zip", "Igor Pavlov", "24.08"
)
RAR = Program(
    "C:\\Program Files\\WinRAR\\Rar.exe", "Rar.exe", "Command line RAR", "WinRAR", "Alexander Roshal", "7.1.0"
)
PSCP = Program(
    "C:\\Program Files\\PuTTY\\pscp.exe",
    "PSCP",
    "Command-line SCP/SFTP client",
    "PuTTY suite",
    "Simon Tatham",
    "0.81",
)
PUTTY = Program(
    "C:\\Program Files\\PuTTY\\putty.exe",
    "PuTTY",
    "SSH, Telnet, Rlogin, and SUPDUP client",
    "PuTTY suite",
    "Simon Tatham",
)
GUP = Program(
    "C:\\Program Files\\Notepad++\\updater\\GUP.exe",
    "gup.exe",
    "WinGup for Notepad++",
    "WinGup for Notepad++",
    "Don HO don.h@free.fr",
    "5.2.6",
)
LIBCURL = Program(
    "C:\\Program Files\\Notepad++\\updater\\libcurl.dll",
    "libcurl.dll",
    "libcurl Shared Library",
    "curl",
    "curl",
    "8.0.1",
)
FALSE_LIBCURL = Program("C:\\ProgramData\\NppUpdate\\libcurl.dll", "-", "-", "-", "-", "-", signed=False)
PROBE = Program("C:\\ProgramData\\NppUpdate\\rund1132.exe", "-", "-", "-", "-", "-", signed=False)
PROXY = Program("C:\\Users\\Public\\SMSvcService.exe", "-", "-", "-", "-", "-", signed=False)
PSEXESVC = Program(
    "C:\\Windows\\PSEXESVC.exe",
    "psexesvc.exe",
    "PsExec Service",
    "Sysinternals PsExec",
    "Sysinternals",
    "2.43",
)
HISTORIAN = Program(
    "C:\\Program Files\\Historian\\histsvc.exe",
    "histsvc.exe",
    "Process Historian",
    "Process Historian",
    "Example Plant",
)
MONITOR = Program(
    "C:\\Program Files\\Kumo Monitor\\agent.exe",
    "agent.exe",
    "Kumo Monitor Agent",
    "Kumo Monitor",
    "Kumo Example",
)

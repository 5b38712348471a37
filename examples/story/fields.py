"""The fields of each kind of Windows event, in the order in which Windows and Sysmon write them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from story.clock import digest, number
from story.programs import EXPLORER, SERVICES, USERINIT, Program

if TYPE_CHECKING:
    from story.machine import Account, Machine, Process, Session

NO_GUID = "00000000-0000-0000-0000-000000000000"
PRIVILEGES = (
    "SeSecurityPrivilege",
    "SeBackupPrivilege",
    "SeRestorePrivilege",
    "SeTakeOwnershipPrivilege",
    "SeDebugPrivilege",
    "SeLoadDriverPrivilege",
    "SeImpersonatePrivilege",
)


def _subject(account: Account, logon_id: int) -> dict[str, Any]:
    return {
        "SubjectUserSid": account.sid,
        "SubjectUserName": account.name,
        "SubjectDomainName": account.domain,
        "SubjectLogonId": hex(logon_id),
    }


def logon(session: Session, workstation: str) -> dict[str, Any]:
    """Security 4624."""
    local = session.kind in (2, 5, 10)
    subject = _subject(session.machine.account, 0x3E7) if local else _nobody()
    kerberos = session.kind == 3 and workstation == "-"
    return subject | {
        "TargetUserSid": session.account.sid,
        "TargetUserName": session.account.name,
        "TargetDomainName": session.account.domain,
        "TargetLogonId": hex(session.logon_id),
        "LogonType": session.kind,
        "LogonProcessName": {2: "User32 ", 3: "NtLmSsp ", 5: "Advapi  ", 10: "User32 "}[session.kind],
        "AuthenticationPackageName": "Kerberos" if kerberos else "Negotiate" if local else "NTLM",
        "WorkstationName": workstation,
        "LogonGuid": session.guid if kerberos else NO_GUID,
        "TransmittedServices": "-",
        "LmPackageName": "-" if kerberos or local else "NTLM V2",
        "KeyLength": 0 if kerberos or local else 128,
        "ProcessId": "0x29c" if local else "0x0",
        "ProcessName": _logon_program(session.kind),
        "IpAddress": session.source,
        "IpPort": "-" if session.source == "-" else str(49152 + number(session.guid, 16000)),
        "ImpersonationLevel": "%%1833",
    }


def _nobody() -> dict[str, Any]:
    return {
        "SubjectUserSid": "S-1-0-0",
        "SubjectUserName": "-",
        "SubjectDomainName": "-",
        "SubjectLogonId": "0x0",
    }


def _logon_program(kind: int) -> str:
    return {
        2: "C:\\Windows\\System32\\svchost.exe",
        5: SERVICES.path,
        10: "C:\\Windows\\System32\\svchost.exe",
    }.get(kind, "-")


def logoff(session: Session) -> dict[str, Any]:
    """Security 4634."""
    account = session.account
    return {
        "TargetUserSid": account.sid,
        "TargetUserName": account.name,
        "TargetDomainName": account.domain,
        "TargetLogonId": hex(session.logon_id),
        "LogonType": session.kind,
    }


def refused(machine: Machine, account: Account, kind: int, source: str) -> dict[str, Any]:
    """Security 4625 for a wrong password."""
    return _nobody() | {
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": account.name,
        "TargetDomainName": account.domain,
        "Status": "0xc000006d",
        "FailureReason": "%%2313",
        "SubStatus": "0xc000006a",
        "LogonType": kind,
        "LogonProcessName": "User32 " if kind == 2 else "NtLmSsp ",
        "AuthenticationPackageName": "Negotiate" if kind == 2 else "NTLM",
        "WorkstationName": machine.name if kind == 2 else "-",
        "TransmittedServices": "-",
        "LmPackageName": "-",
        "KeyLength": 0,
        "ProcessId": "0x0",
        "ProcessName": "-",
        "IpAddress": source,
        "IpPort": "0",
    }


def privileges(session: Session) -> dict[str, Any]:
    """Security 4672."""
    return _subject(session.account, session.logon_id) | {"PrivilegeList": "\n\t\t\t".join(PRIVILEGES)}


def credentials(session: Session, account: Account, target: str, process: Process) -> dict[str, Any]:
    """Security 4648."""
    return _subject(session.account, session.logon_id) | {
        "LogonGuid": NO_GUID,
        "TargetUserName": account.name,
        "TargetDomainName": account.domain,
        "TargetLogonGuid": NO_GUID,
        "TargetServerName": target,
        "TargetInfo": target,
        "ProcessId": hex(process.pid),
        "ProcessName": process.image,
        "IpAddress": "-",
        "IpPort": "-",
    }


def share(session: Session, name: str, folder: str, file: str, write: bool) -> dict[str, Any]:
    """Security 5140, 5142, 5144 and 5145, which have these fields in common."""
    data = _subject(session.account, session.logon_id) | {
        "ObjectType": "File",
        "IpAddress": session.source,
        "IpPort": str(49152 + number(session.guid + "share", 16000)),
        "ShareName": f"\\\\*\\{name}",
        "ShareLocalPath": f"\\??\\{folder}" if folder else "",
        "AccessMask": "0x2" if write else "0x1",
    }
    return data | (
        {"RelativeTargetName": file, "AccessList": f"%%{4417 if write else 4416}\n\t\t\t\t"} if file else {}
    )


def task(session: Session, name: str, command: str) -> dict[str, Any]:
    """Security 4698; the task's XML is cut down to what it does."""
    content = (
        '<?xml version="1.0" encoding="UTF-16"?>\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\n'
        f'  <Actions Context="Author"><Exec><Command>{command}</Command></Exec></Actions>\n</Task>'
    )
    return _subject(session.account, session.logon_id) | {"TaskName": f"\\{name}", "TaskContent": content}


def script(text: str, when: str) -> dict[str, Any]:
    """PowerShell 4104."""
    raw = digest(f"script {when}", 32).lower()
    block = "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]))
    return {
        "MessageNumber": 1,
        "MessageTotal": 1,
        "ScriptBlockText": text,
        "ScriptBlockId": block,
        "Path": "",
    }


def service(name: str, path: str) -> dict[str, Any]:
    """System 7045."""
    return {
        "ServiceName": name,
        "ImagePath": path,
        "ServiceType": "user mode service",
        "StartType": "demand start",
        "AccountName": "LocalSystem",
    }


def security_cleared(session: Session) -> dict[str, Any]:
    """Security 1102."""
    return _subject(session.account, session.logon_id)


def other_cleared(session: Session, channel: str) -> dict[str, Any]:
    """System 104."""
    account = session.account
    return {
        "SubjectUserName": account.name,
        "SubjectDomainName": account.domain,
        "Channel": channel,
        "BackupPath": None,
    }


def of_process(process: Process) -> dict[str, Any]:
    """What every Sysmon event says of the process that it is about."""
    return {
        "ProcessGuid": process.guid,
        "ProcessId": process.pid,
        "Image": process.image,
        "User": str(process.session.account),
    }


def process(process: Process) -> dict[str, Any]:
    """Sysmon 1."""
    session, program = process.session, process.program
    image, line, guid, pid, user = _parent(process)
    return {
        "ProcessGuid": process.guid,
        "ProcessId": process.pid,
        "Image": program.path,
        "FileVersion": program.version,
        "Description": program.description,
        "Product": program.product,
        "Company": program.company,
        "OriginalFileName": program.original,
        "CommandLine": process.line,
        "CurrentDirectory": "C:\\Windows\\system32\\",
        "User": str(session.account),
        "LogonGuid": session.guid,
        "LogonId": hex(session.logon_id),
        "TerminalSessionId": 0 if session.logon_id == 0x3E7 or session.kind == 3 else 2,
        "IntegrityLevel": "System" if session.logon_id == 0x3E7 else "High",
        "Hashes": hashes(program),
        "ParentProcessGuid": guid,
        "ParentProcessId": pid,
        "ParentImage": image,
        "ParentCommandLine": line,
        "ParentUser": user,
    }


def audited_process(process: Process) -> dict[str, Any]:
    """Security 4688."""
    session = process.session
    image, _, _, pid, _ = _parent(process)
    return _subject(session.account, session.logon_id) | {
        "NewProcessId": hex(process.pid),
        "NewProcessName": process.image,
        "TokenElevationType": "%%1936",
        "ProcessId": hex(pid),
        "CommandLine": process.line,
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
        "ParentProcessName": image,
        "MandatoryLabel": "S-1-16-16384" if session.logon_id == 0x3E7 else "S-1-16-12288",
    }


def _parent(process: Process) -> tuple[str, str, str, int, str]:
    """Image, command line, id, number and user of the parent; the session's own where none was named."""
    parent, session = process.parent, process.session
    if parent is not None:
        return parent.image, parent.line, parent.guid, parent.pid, str(parent.session.account)
    program, pid = (SERVICES, 668) if session.logon_id == 0x3E7 else (USERINIT, 3980)
    if session.kind in (2, 10):
        program, pid = EXPLORER, 4100
    guid = session.machine.guid(session.time, pid)
    return program.path, program.path, guid, pid, str(session.account)


def file(path: str, time: datetime) -> dict[str, Any]:
    """The rest of Sysmon 11."""
    stamp = f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03d}"
    return {"TargetFilename": path, "CreationUtcTime": stamp}


def image(library: Program) -> dict[str, Any]:
    """The rest of Sysmon 7."""
    return {
        "ImageLoaded": library.path,
        "FileVersion": library.version,
        "Description": library.description,
        "Product": library.product,
        "Company": library.company,
        "OriginalFileName": library.original,
        "Hashes": hashes(library),
        "Signed": "true" if library.signed else "false",
        "Signature": library.company,
        "SignatureStatus": "Valid" if library.signed else "Unavailable",
    }


def connection(process: Process, address: str, port: int) -> dict[str, Any]:
    """The rest of Sysmon 3, for a connection that the process opens."""
    machine = process.session.machine
    return {
        "Protocol": "tcp",
        "Initiated": True,
        "SourceIsIpv6": False,
        "SourceIp": machine.address,
        "SourceHostname": machine.full_name,
        "SourcePort": 49152 + number(f"{process.guid}{address}{port}", 16000),
        "SourcePortName": "-",
        "DestinationIsIpv6": False,
        "DestinationIp": address,
        "DestinationHostname": "-",
        "DestinationPort": port,
        "DestinationPortName": {443: "https", 80: "http", 3389: "ms-wbt-server", 22: "ssh"}.get(port, "-"),
    }


def malware(name: str, path: str, program: str, user: str, time: datetime) -> dict[str, Any]:
    """Defender 1116, shortened to the fields that people read."""
    return {
        "Product Name": "Microsoft Defender Antivirus",
        "Product Version": "4.18.24090.11",
        "Detection ID": "{5B0F6C1E-2B61-4C43-8F3A-6E1D7C0A9F12}",
        "Detection Time": f"{time:%Y-%m-%dT%H:%M:%S.000Z}",
        "Threat ID": "2147780199",
        "Threat Name": name,
        "Severity ID": "5",
        "Severity Name": "Severe",
        "Category ID": "46",
        "Category Name": "Suspicious Behavior",
        "State": "1",
        "Source Name": "Real-Time Protection",
        "Process Name": program,
        "Detection User": user,
        "Path": path,
        "Action ID": "9",
        "Action Name": "Not Applicable",
        "Error Code": "0x00000000",
        "Error Description": "The operation completed successfully. ",
    }


def hashes(program: Program) -> str:
    """The hashes of a program file: the same for its copies under other names."""
    own = program.name if program.original == "-" else program.original
    key = f"{own} {program.version}"
    return f"MD5={digest(f'md5 {key}', 32)},SHA256={digest(key)},IMPHASH={digest(f'imp {key}', 32)}"

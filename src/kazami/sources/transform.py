"""Values in the words of Sigma's taxonomy: what mappings call by name.

Every function here takes texts (None where a field is null or absent) and gives one text, or None where the
result would be no fact. `TRANSFORMS` is the list of names that a mapping may use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

Text: TypeAlias = str | None

#: Accounts that a Windows log names by SID, in the words of Sysmon and of rules.
_ACCOUNTS = {
    "S-1-5-18": r"NT AUTHORITY\SYSTEM",
    "S-1-5-19": r"NT AUTHORITY\LOCAL SERVICE",
    "S-1-5-20": r"NT AUTHORITY\NETWORK SERVICE",
    "S-1-5-7": r"NT AUTHORITY\ANONYMOUS LOGON",
}

#: Integrity levels: the last number of S-1-16-*, from winnt.h (SECURITY_MANDATORY_*_RID).
_INTEGRITY = {0: "Untrusted", 4096: "Low", 8192: "Medium", 8448: "Medium", 12288: "High", 16384: "System"}

#: Names of message strings (msobjs.dll) that Security events carry as %%NNNN.
_DIRECTIONS = {
    "%%14592": "false", "inbound": "false", "ingress": "false",
    "%%14593": "true", "outbound": "true", "egress": "true",
}  # fmt: skip
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp"}
_DWORD, _QWORD, _BINARY = (
    ("%%1876", "dword", "reg_dword"),
    ("%%1883", "qword", "reg_qword"),
    ("%%1875", "binary", "reg_binary"),
)

_NOBODY = frozenset(("", "-", "S-1-0-0", "(null)", "N/A"))
_NULL_GUID = "00000000-0000-0000-0000-000000000000"

_HIVES = (
    (re.compile(r"\\registry\\machine\\system\\(?:controlset\d{3}|currentcontrolset)(?=\\|$)", re.I), r"HKLM\System\CurrentControlSet"),
    (re.compile(r"\\registry\\machine(?=\\|$)", re.I), "HKLM"),
    (re.compile(r"\\registry\\user(?=\\|$)", re.I), "HKU"),
    (re.compile(r"hkey_local_machine(?=\\|$)", re.I), "HKLM"),
    (re.compile(r"hkey_users(?=\\|$)", re.I), "HKU"),
    (re.compile(r"hkey_classes_root(?=\\|$)", re.I), "HKCR"),
    (re.compile(r"hkey_current_user(?=\\|$)", re.I), "HKCU"),
)  # fmt: skip
_SYSTEM_VOLUME = re.compile(
    r"\\device\\harddiskvolume\d+(?=\\(?:windows|users|programdata|program files|program files \(x86\))(?:\\|$))",
    re.I,
)


def number(value: Text) -> int | None:
    """`value` as an integer, decimal or hexadecimal with 0x; None where it is neither."""
    if value is None:
        return None
    value = value.strip()[:40]
    try:
        return int(value, 16 if value[:2].lower() == "0x" else 10)
    except ValueError:
        return None


def decimal(value: Text) -> Text:
    """``0x1a4`` as ``420``: process ids of Security events as Sysmon writes them. Others stay."""
    parsed = number(value)
    return value if parsed is None else str(parsed)


def hexadecimal(value: Text) -> Text:
    """64-bit masks as EVTX writes them (``0x8020000000000000``), also from a signed decimal."""
    parsed = number(value)
    return value if parsed is None else f"0x{parsed & 0xFFFF_FFFF_FFFF_FFFF:x}"


_KEYWORDS = {
    "audit success": "0x8020000000000000",
    "audit failure": "0x8010000000000000",
    "classic": "0x80000000000000",
}
_LEVELS = {"critical": "1", "error": "2", "warning": "3", "information": "4", "info": "4", "verbose": "5"}


def keywords(value: Text) -> Text:
    """The mask of an event's keywords, from a number or from the words that Windows renders it with."""
    return hexadecimal(value) if value is None else _KEYWORDS.get(value.strip().lower(), hexadecimal(value))


def level(value: Text) -> Text:
    """The number of an event's level, from the word that Windows renders it with."""
    return value if value is None else _LEVELS.get(value.strip().lower(), value)


def capital(value: Text) -> Text:
    """A word with a capital letter: ``high`` as ``High``."""
    return value if value is None else value[:1].upper() + value[1:]


def logon_id(*values: Text) -> Text:
    """The first logon id that names a session, as lower-case hexadecimal; 0x0 is none."""
    for value in values:
        if parsed := number(value):
            return f"0x{parsed & 0xFFFF_FFFF_FFFF_FFFF:x}"
    return None


def guid(value: Text) -> Text:
    """A GUID in upper case without braces; None for the null GUID."""
    if value is None:
        return None
    value = value.strip().strip("{}").upper()
    return None if value in ("", "-", _NULL_GUID) else value


def account(*values: Text) -> Text:
    r"""``DOMAIN\name`` of the first (SID, domain, name) that names somebody; well-known SIDs in Sysmon's words."""
    for sid, domain, name in zip(values[::3], values[1::3], values[2::3], strict=False):
        if sid in _ACCOUNTS:
            return _ACCOUNTS[sid]
        if name is not None and name not in _NOBODY:
            return name if domain is None or domain in _NOBODY else f"{domain}\\{name.partition('@')[0]}"
    return None


def security_id(value: Text) -> Text:
    """A SID; well-known ones as the account's name."""
    if value is None or value in _NOBODY:
        return None
    return _ACCOUNTS.get(value, value)


def somebody(value: Text) -> Text:
    """An account's name as it is, None where it is a mark for nobody."""
    return None if value is None or value in _NOBODY else value


def integrity(label: Text) -> Text:
    """``S-1-16-12288`` or ``Mandatory Label\\High Mandatory Level`` as ``High``."""
    if label is None:
        return None
    if label.startswith("S-1-16-"):
        return _INTEGRITY.get(number(label[7:]) or 0, label)
    return label.rpartition("\\")[2].removesuffix(" Mandatory Level")


def registry(path: Text, value: Text = None) -> Text:
    r"""A registry path as Sysmon abbreviates it (``HKLM\System\CurrentControlSet\...``), with the value's name."""
    if path is None:
        return None
    for pattern, hive in _HIVES:
        if match := pattern.match(path):
            path = hive + path[match.end() :]
            break
    return path if value is None or value in ("", "-") else f"{path}\\{value}"


def registry_details(value: Text, kind: Text = None) -> Text:
    """Registry data as Sysmon writes it, from `value` and its type as Security 4657 names it."""
    parsed, kind = number(value), (kind or "").lower()
    if kind in _BINARY:
        return "Binary Data"
    if kind in _DWORD and parsed is not None:
        return f"DWORD (0x{parsed & 0xFFFF_FFFF:08x})"
    if kind in _QWORD and parsed is not None:
        return f"QWORD (0x{parsed >> 32 & 0xFFFF_FFFF:08x}-0x{parsed & 0xFFFF_FFFF:08x})"
    return value


def drive(path: Text) -> Text:
    r"""A device path with the drive's letter where the folder says that it is the system's volume.

    The Windows Filtering Platform writes ``\device\harddiskvolume4\windows\...``; the letter of any other volume is
    not known, so its device path stays.
    """
    if path is None or path == "-":
        return None
    return _SYSTEM_VOLUME.sub("C:", path, count=1)


def share_file(local: Text, relative: Text, share: Text = None) -> Text:
    r"""The file behind a share: local path (``\??\C:\Windows``) and relative name, else share and name."""
    if not relative or relative == "\\":
        return None
    root = (local or "").removeprefix("\\??\\") or share or ""
    return f"{root.rstrip(chr(92))}\\{relative.lstrip(chr(92))}"


def pipe(name: Text) -> Text:
    r"""A pipe's name with the leading backslash that Sysmon writes."""
    return None if not name else "\\" + name.lstrip("\\")


def device_pipe(name: Text) -> Text:
    r"""``\Device\NamedPipe\name`` as ``\name``."""
    if not name:
        return None
    lowered = name.lower()
    return pipe(name[len(r"\device\namedpipe") :] if lowered.startswith(r"\device\namedpipe") else name)


def file_path(folder: Text, name: Text = None) -> Text:
    r"""A file's whole path; `folder` may already end with the name (Defender) or not."""
    if not folder or not name:
        return folder or name or None
    separator = "/" if folder.startswith("/") else "\\"
    if folder.lower().endswith(separator + name.lower()):
        return folder
    return folder.rstrip(separator) + separator + name


def url_host(url: Text) -> Text:
    """The host of a URL, or of what is a host already."""
    if not url:
        return None
    rest = url.partition("://")[2] or url
    return re.split(r"[/?#:]", rest, maxsplit=1)[0] or None


def initiated(direction: Text) -> Text:
    """Whether a connection was initiated from here: Sysmon's ``true`` / ``false`` of a direction."""
    return None if direction is None else _DIRECTIONS.get(direction.strip().lower())


def protocol(value: Text) -> Text:
    """A transport protocol's number as Sysmon's name; names in lower case."""
    return None if value is None else _PROTOCOLS.get(value, value.lower())


def is_ipv6(address: Text) -> Text:
    """``true`` or ``false``, as Sysmon says of an address."""
    return None if address is None else "true" if ":" in address else "false"


def flag(value: Text) -> Text:
    """``True``, ``1``, ``yes`` and the like as ``true`` / ``false``; other texts stay."""
    if value is None:
        return None
    return {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}.get(
        value.lower(), value
    )


def one_hash(algorithm: str) -> Callable[[Text], Text]:
    """A transform that takes one algorithm out of ``SHA1=...,MD5=...,SHA256=...,IMPHASH=...``."""
    start = f"{algorithm.upper()}="

    def extract(hashes: Text) -> Text:
        for part in hashes.split(",") if hashes else ():
            if part.startswith(start) or part.strip().upper().startswith(start):
                return part.strip()[len(start) :]
        return None

    return extract


def hashes(md5: Text = None, sha1: Text = None, sha256: Text = None, imphash: Text = None) -> Text:
    """Single hashes as Sysmon's ``Hashes``."""
    named = (("SHA1", sha1), ("MD5", md5), ("SHA256", sha256), ("IMPHASH", imphash))
    return ",".join(f"{name}={value}" for name, value in named if value) or None


#: The settings that classic PowerShell writes as ``Name=value`` lines; any other line may be somebody's script.
SETTINGS = (
    "HostName", "HostVersion", "HostId", "HostApplication", "EngineVersion", "RunspaceId", "PipelineId",
    "CommandName", "CommandType", "ScriptName", "CommandPath", "CommandLine", "NewEngineState",
    "PreviousEngineState", "NewCommandState", "NewProviderState", "ProviderName", "SequenceNumber", "UserId",
    "DetailSequence", "DetailTotal",
)  # fmt: skip
_SETTING = re.compile(rf"^[ \t]*({'|'.join(SETTINGS)})=(.*?)\r?$", re.M)


def settings(text: str) -> dict[str, str]:
    """The `SETTINGS` in a message of classic PowerShell, the first of each name."""
    found: dict[str, str] = {}
    for name, value in _SETTING.findall(text):
        found.setdefault(name, value)
    return found


#: Order of the lines of PowerShell's ContextInfo; their labels are in the language of the machine.
_CONTEXT = (
    "Severity", "HostName", "HostVersion", "HostID", "HostApplication", "EngineVersion", "RunspaceID",
    "PipelineID", "CommandName", "CommandType", "ScriptName", "CommandPath", "SequenceNumber", "User",
)  # fmt: skip


def line_field(name: str) -> Callable[[Text], Text]:
    """A transform that takes one ``Name=value`` line out of a message; the writer indents these by a tab."""
    start = f"\t{name}="

    def extract(text: Text) -> Text:
        at = text.find(start) if text else -1
        if text is None or at < 0:
            return None
        end = text.find("\n", at)
        return text[at + len(start) : end if end >= 0 else None].rstrip("\r")

    return extract


def labeled(name: str) -> Callable[[Text], Text]:
    """A transform that takes one ``Name: value`` line out of the rendered message of a Sysmon event."""
    start = f"\n{name}: "

    def extract(text: Text) -> Text:
        at = text.find(start) if text else -1
        if text is None or at < 0:
            return None
        end = text.find("\n", at + 1)
        return text[at + len(start) : end if end >= 0 else None].strip()

    return extract


def context_field(name: str) -> Callable[[Text], Text]:
    """A transform that takes one line out of ContextInfo, by its English label, else by its place."""
    label = f"{re.sub('(?<=[a-z])(?=[A-Z])', ' ', name)} = "
    place = _CONTEXT.index(name)

    def extract(text: Text) -> Text:
        if not text:
            return None
        at = text.find(label)
        if at >= 0:
            end = text.find("\n", at)
            return text[at + len(label) : end if end >= 0 else None].strip()
        if "Host Application =" in text:
            return None
        lines = [line.partition("=")[2].strip() for line in text.splitlines() if "=" in line]
        return lines[place] if place < len(lines) else None

    return extract


_PLAIN = (
    decimal, hexadecimal, keywords, level, capital, logon_id, guid, account, security_id, somebody, integrity, registry, registry_details,
    drive, share_file, pipe, device_pipe, file_path, url_host, initiated, protocol, is_ipv6, flag,
    hashes,
)  # fmt: skip

#: All transforms by the name that a mapping uses.
TRANSFORMS: dict[str, Callable[..., Text]] = {
    **{function.__name__: function for function in _PLAIN},
    **{algorithm: one_hash(algorithm) for algorithm in ("md5", "sha1", "sha256", "imphash")},
    **{f"context.{name}": context_field(name) for name in _CONTEXT},
}
for _name in SETTINGS:
    TRANSFORMS[f"line.{_name}"] = line_field(_name)
for _name in ("EventType", "RuleName", "UtcTime", "User"):
    TRANSFORMS[f"label.{_name}"] = labeled(_name)

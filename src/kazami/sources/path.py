"""Paths of files, registry, pipes and URLs, as Sysmon writes them."""

from __future__ import annotations

import re

from kazami.sources.number import Text, number

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


_DWORD, _QWORD, _BINARY = (
    ("%%1876", "dword", "reg_dword"),
    ("%%1883", "qword", "reg_qword"),
    ("%%1875", "binary", "reg_binary"),
)


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


def share_file(local: Text, relative: Text = None, share: Text = None) -> Text:
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

"""The machine that a program finds itself on: an office computer of no particular organization. Names and addresses are those set aside for documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

USER, HOST, DOMAIN = "k.tanaka", "PC-2F-014", "EXAMPLE"
SID = "S-1-5-21-2857422465-1465058494-1690550294-1113"
HOME = f"C:\\Users\\{USER}"
DESKTOP = f"{HOME}\\Desktop"
_ADDRESS = "192.0.2.14"
_SERVER = "203.0.113.80"

_RUN = "Software\\Microsoft\\Windows\\CurrentVersion"
#: Keys that are on every Windows, so that opening them succeeds; those of virtual machines and debuggers are not.
_KEYS = (
    *(f"{hive}\\{_RUN}\\{key}" for hive in ("HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE") for key in ("Run", "RunOnce", "Policies\\System", "Policies\\Explorer", "Explorer", "Explorer\\Shell Folders", "Internet Settings")),
    "HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon",
    "HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options",
    "HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion",
    "HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Cryptography",
    "HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Services",
    "HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\Lsa",
    "HKEY_LOCAL_MACHINE\\Software\\Policies\\Microsoft\\Windows Defender",
    "HKEY_CURRENT_USER\\Environment",
    "HKEY_CURRENT_USER\\Control Panel\\Desktop",
)  # fmt: skip
_VALUES = {
    "ProductName": "Windows 10 Pro",
    "CurrentBuild": "19045",
    "MachineGuid": "8f2b1c64-3d1e-4c39-9a57-0d6f3a7be210",
    "Desktop": DESKTOP,
}


def config(package: str, image: str, seconds: int, calls: int) -> dict[str, Any]:
    """Settings for speakeasy (`package` is its ``__file__``): its own, with another machine and our bounds."""
    found: dict[str, Any] = json.loads((Path(package).parent / "configs" / "default.json").read_text("utf-8"))
    values = [{"name": name, "type": "REG_SZ", "data": data} for name, data in _VALUES.items()]
    found |= {
        "timeout": seconds,
        "max_api_count": calls,
        "analysis": {"memory_tracing": False, "strings": False},
        "os_ver": {"name": "windows", "major": 10, "minor": 0, "build": 19045},
        "current_dir": DESKTOP,
        "command_line": f'"{image}"',
        "domain": DOMAIN,
        "hostname": HOST,
        "user": {"name": USER, "is_admin": True, "sid": SID},
        "env": found["env"] | _environment(),
    }
    found["modules"]["modules_always_exist"] = True
    found["registry"]["keys"] += [{"path": path, "values": values} for path in _KEYS]
    found["network"]["dns"]["names"] = {HOST: _ADDRESS, "localhost": "127.0.0.1", "default": _SERVER}
    for adapter in found["network"]["adapters"]:
        adapter |= {
            "ip_address": _ADDRESS,
            "subnet_mask": "255.255.255.0",
            "mac_address": "8C-16-45-12-34-56",
        }
    for process in found["processes"]:
        if process["name"] == "outlook":
            process["path"] = "C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE"
    return found


def _environment() -> dict[str, str]:
    return {
        "temp": f"{HOME}\\AppData\\Local\\Temp",
        "tmp": f"{HOME}\\AppData\\Local\\Temp",
        "appdata": f"{HOME}\\AppData\\Roaming",
        "localappdata": f"{HOME}\\AppData\\Local",
        "userprofile": HOME,
        "username": USER,
        "computername": HOST,
        "userdomain": DOMAIN,
        "public": "C:\\Users\\Public",
        "number_of_processors": "4",
        "path": "C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\",
    }

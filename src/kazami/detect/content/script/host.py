"""The machine that scripts find themselves on: what an ordinary Windows has in its environment."""

from __future__ import annotations

ENVIRONMENT: dict[str, str] = {
    "comspec": "C:\\Windows\\system32\\cmd.exe", "windir": "C:\\Windows", "systemroot": "C:\\Windows", "systemdrive": "C:", "public": "C:\\Users\\Public",
    "temp": "C:\\Users\\user\\AppData\\Local\\Temp", "tmp": "C:\\Users\\user\\AppData\\Local\\Temp", "appdata": "C:\\Users\\user\\AppData\\Roaming",
    "localappdata": "C:\\Users\\user\\AppData\\Local", "userprofile": "C:\\Users\\user", "programdata": "C:\\ProgramData", "allusersprofile": "C:\\ProgramData",
    "programfiles": "C:\\Program Files", "pathext": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC;.CPL", "os": "Windows_NT",
    "path": "C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem;C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\",
    "psmodulepath": "C:\\Users\\user\\Documents\\WindowsPowerShell\\Modules;C:\\Program Files\\WindowsPowerShell\\Modules;C:\\Windows\\system32\\WindowsPowerShell\\v1.0\\Modules",
    "processor_architecture": "AMD64", "number_of_processors": "2", "homedrive": "C:", "homepath": "\\Users\\user", "username": "user",
    "computername": "PC", "userdomain": "PC", "commonprogramfiles": "C:\\Program Files\\Common Files", "driverdata": "C:\\Windows\\System32\\Drivers\\DriverData",
}  # fmt: skip

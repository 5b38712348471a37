"""What speakeasy reports while a program runs, in Sigma's words: fields as Sysmon writes them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from kazami.detect.content.emulation import environment
from kazami.detect.content.emulation.record import Record

_SYSTEM = "C:\\Windows\\System32"
#: Where programs lie that are called without their path.
_ELSEWHERE = {
    "explorer.exe": "C:\\Windows\\explorer.exe",
    "notepad.exe": "C:\\Windows\\System32\\notepad.exe",
    "powershell.exe": f"{_SYSTEM}\\WindowsPowerShell\\v1.0\\powershell.exe",
    "wmic.exe": f"{_SYSTEM}\\wbem\\WMIC.exe",
}
_HIVES = {
    "HKEY_LOCAL_MACHINE": "HKLM",
    "HKEY_CURRENT_USER": f"HKU\\{environment.SID}",
    "HKEY_USERS": "HKU",
    "HKEY_CLASSES_ROOT": "HKCR",
}
_SERVICES = "HKLM\\System\\CurrentControlSet\\Services"
#: Speakeasy says "create" of these as well, where the file is not there.
_NOT_MADE = (["OPEN_EXISTING"], ["TRUNCATE_EXISTING"])


def program_of(command: str) -> str:
    """The full path of the program that a command line begins with."""
    text = command.strip()
    quoted = re.match(r'"([^"]*)"?', text)
    name = quoted.group(1) if quoted else text.split(maxsplit=1)[0] if text else ""
    name = name.replace('"', "") or "unknown.exe"
    if "." not in name.rpartition("\\")[2]:
        name += ".exe"
    if "\\" in name:
        return name
    return _ELSEWHERE.get(name.lower(), f"{_SYSTEM}\\{name}")


def path_of(path: str) -> str:
    """A path as it is meant: from where the program stands."""
    path = path.removeprefix("\\\\?\\").removeprefix("\\??\\").replace("/", "\\")
    return path if re.match(r"[A-Za-z]:\\|\\", path) else f"{environment.DESKTOP}\\{path}"


def key_of(path: str) -> str:
    """A key as Sysmon writes it."""
    hive, _, rest = path.partition("\\")
    return f"{_HIVES.get(hive, hive)}\\{rest}".rstrip("\\")


def bare(name: str) -> str:
    """A function without its library and without the letter that says how its texts are written."""
    name = name.rpartition(".")[2]
    return name[:-1] if name[-1:] in "AW" and name[-2:-1].islower() else name


def started(record: Record, program: str, command: str, folder: str = "") -> None:
    """Another program was started."""
    record.act(
        "process_creation",
        Image=program,
        CommandLine=command or program,
        CurrentDirectory=folder or f"{environment.DESKTOP}\\",
        ParentImage=record.image,
        ParentCommandLine=record.command,
        IntegrityLevel="High",
    )


def wrote_value(record: Record, key: str, name: str, details: str) -> None:
    """A value of the registry was set."""
    record.act(
        "registry_set",
        EventType="SetValue",
        TargetObject=f"{key_of(key)}\\{name or '(Default)'}",
        Details=details,
    )


def fetched(record: Record, url: str, agent: str = "") -> None:
    """A page or file was asked for."""
    record.act("proxy", **{"c-uri": url, "cs-host": urlsplit(url).hostname or "", "c-useragent": agent, "cs-method": "GET"})  # fmt: skip


class Noting:
    """The part of speakeasy's profiler that is told of things; `record` takes them down."""

    def __init__(self, record: Record, machine: Any) -> None:
        super().__init__()
        self._record, self._machine = record, machine
        self._written: set[str] = set()

    def log_api(self, run: Any, pc: int, name: str, ret: Any, argv: list[Any], ctx: Any = ()) -> None:
        """A call with its arguments, texts among them already read."""
        run.num_apis += 1
        said = [hex(one) if isinstance(one, int) else str(one)[:500] for one in argv]
        self._record.line({"call": name, "arguments": said, "returned": hex(ret) if isinstance(ret, int) else None})  # fmt: skip
        if further := _FURTHER.get(bare(name)):
            further(self._record, self._machine, argv)

    def log_file_access(
        self,
        run: Any,
        path: str,
        event_type: str,
        data: Any = None,
        handle: int = 0,
        disposition: Any = (),
        *rest: Any,
    ) -> None:
        """Of files that are made or written, once each; reading is no event, nor is opening what is not there."""
        made = event_type in ("create", "write", "directory_create") and disposition not in _NOT_MADE
        if made and path not in self._written:
            self._written.add(path)
            self._record.act("file_event", TargetFilename=path_of(path))

    def log_process_event(self, run: Any, proc: Any, event_type: str, kwargs: dict[str, Any]) -> None:
        """Starting another program, or a thread in one."""
        if event_type == "create":
            started(self._record, proc.get_process_path(), proc.get_command_line() or "")
        elif event_type == "thread_inject":
            injected(self._record, proc.get_process_path(), kwargs.get("start_addr", 0))

    def log_registry_access(self, run: Any, path: str, event_type: str, *rest: Any, **named: Any) -> None:
        """Of keys that are made; values are `taught`'s."""
        if event_type == "create_key":
            self._record.act("registry_add", EventType="CreateKey", TargetObject=key_of(path))

    def log_dns(self, run: Any, domain: str, ip: str = "") -> None:
        """A name was asked for."""
        asked(self._record, domain.rpartition("@")[2].partition(":")[0])

    def log_http(self, run: Any, server: str, port: int, proto: str = "http", headers: Any = "", body: bytes = b"", secure: bool = False) -> None:  # fmt: skip
        """A request was sent."""
        server, _, own_port = server.partition(":")
        connected(self._record, server, own_port or str(port))
        words = str(headers).split(maxsplit=2) if isinstance(headers, str) else []
        if len(words) > 2 and words[0].isupper() and words[1].startswith("/"):
            fetched(self._record, f"http{'s' if secure else ''}://{server}{words[1]}")

    def log_network(self, run: Any, server: str, port: int, typ: str = "", *rest: Any, **named: Any) -> None:
        """A socket was connected."""
        if typ == "connect":
            connected(self._record, str(server), str(port))

    def log_dropped_files(self, run: Any, files: Any) -> None:
        """Collected once, at the end."""


def asked(record: Record, name: str) -> None:
    """A name was looked up."""
    record.act("dns_query", QueryName=name, QueryStatus="0")


def connected(record: Record, server: str, port: str) -> None:
    """A connection was opened, to a name or an address."""
    try:
        address, name = str(ipaddress.ip_address(server)), ""
    except ValueError:
        address, name = "", server
        asked(record, server)
    record.act(
        "network_connection",
        DestinationHostname=name,
        DestinationIp=address,
        DestinationPort=port,
        Protocol="tcp",
        Initiated="true",
    )


def injected(record: Record, target: str, start: int) -> None:
    """A thread was started in another process."""
    record.act("create_remote_thread", SourceImage=record.image, TargetImage=target, StartAddress=hex(start))


def _loaded(record: Record, machine: Any, argv: list[Any]) -> None:
    if isinstance(argv[0], str) and argv[0]:
        name = argv[0] if argv[0].lower().endswith(".dll") or "." in argv[0] else f"{argv[0]}.dll"
        record.act("image_load", ImageLoaded=name if "\\" in name else f"{_SYSTEM}\\{name}")


def _opened(record: Record, machine: Any, argv: list[Any]) -> None:
    access, number = argv[0], argv[2]
    target = next((p.get_process_path() for p in machine.get_processes() if p.get_id() == number), "")
    if isinstance(access, int):
        record.act("process_access", SourceImage=record.image, TargetImage=target, GrantedAccess=hex(access))


def _served(record: Record, machine: Any, argv: list[Any]) -> None:
    name, path = str(argv[1]), next((a for a in argv[3:9] if isinstance(a, str) and "." in a), "")
    said = {"Provider_Name": "Service Control Manager", "EventID": "7045"}
    record.act("system", ServiceName=name, ImagePath=path, **said)
    record.act("registry_set", EventType="SetValue", TargetObject=f"{_SERVICES}\\{name}\\ImagePath", Details=path, Image=f"{_SYSTEM}\\services.exe")  # fmt: skip


def _requested(record: Record, machine: Any, argv: list[Any]) -> None:
    if isinstance(argv[1], str):
        fetched(record, argv[1])


#: Calls that are acts of their own beside what speakeasy reports of them.
_FURTHER = {
    "LoadLibrary": _loaded,
    "LoadLibraryEx": _loaded,
    "OpenProcess": _opened,
    "CreateService": _served,
    "InternetOpenUrl": _requested,
    "URLDownloadToFile": _requested,
    "URLDownloadToCacheFile": _requested,
}

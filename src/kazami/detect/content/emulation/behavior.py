"""What acts mean together: persistence, injection, download and run. Each recognizer gives what it saw; `emulation.yml` says what that is worth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kazami.detect.content.emulation.record import Act, Record
from kazami.model.content import Feature

_RENAMED = 10  # files with one new ending: more than anybody's installer
_BEATS = 3  # times to the same place
_PAUSED = 30.0  # seconds of waiting in all
_VALUES = 5  # shown of each
_LSASS_READ = 0x10  # PROCESS_VM_READ


class _Where(NamedTuple):
    """A feature that is a category, a field and what stands in it."""

    name: str
    category: str
    field: str
    pattern: re.Pattern[str]


def _where(name: str, category: str, field: str, pattern: str) -> _Where:
    return _Where(f"behavior.{name}", category, field, re.compile(pattern, re.IGNORECASE))


#: Features that one act is enough for.
_SINGLE = (
    _where("run_key", "registry_set", "TargetObject", r"\\CurrentVersion\\(Policies\\Explorer\\)?Run(Once|Services)?(Ex)?\\"),
    _where("logon_program", "registry_set", "TargetObject", r"\\Winlogon\\(Shell|Userinit|Notify)|\\Environment\\UserInitMprLogonScript"),
    _where("debugger_of_another", "registry_set", "TargetObject", r"\\Image File Execution Options\\[^\\]+\\Debugger|\\SilentProcessExit\\"),
    _where("service", "system", "ServiceName", r"."),
    _where("service", "process_creation", "CommandLine", r"\bsc(\.exe)?\s+create\s|systemctl\s+(--user\s+)?enable"),
    _where("scheduled_task", "process_creation", "CommandLine", r"schtasks(\.exe)?\"?\s.*/create|\bcrontab\b(?!.*\s-l)"),
    _where("startup_folder", "file_event", "TargetFilename", r"\\Start Menu\\Programs\\Startup\\[^\\]+$"),
    _where("startup_file", "file_event", "TargetFilename", r"^/etc/(cron|init|systemd|rc\.|profile|ld\.so\.preload)|^/var/spool/cron|/\.config/(autostart|systemd)/|/\.(bash|zsh)?(rc|_profile|_login)$|/\.profile$"),
    _where("ssh_key_added", "file_event", "TargetFilename", r"/\.ssh/authorized_keys"),
    _where("injection", "create_remote_thread", "TargetImage", r"."),
    _where("credential_files", "file_access", "FileName", r"."),
    _where("credential_hive", "process_creation", "CommandLine", r"\breg(\.exe)?\"?\s+save\s+.*\b(sam|security|system)\b"),
)  # fmt: skip

#: Calls that nobody needs who is not after what others stored.
_CREDENTIALS = ("CredEnumerate", "LsaRetrievePrivateData", "MiniDumpWriteDump", "SamIConnect")


def features(record: Record) -> list[Feature]:
    """All that is recognized, by name with a few values each."""
    found: dict[str, list[str]] = {}
    for name, value in _seen(record):
        values = found.setdefault(name, [])
        if value not in values and len(values) < _VALUES:
            values.append(value)
    return [Feature(name, value="; ".join(values)) for name, values in found.items()]


def _seen(record: Record) -> Iterator[tuple[str, str]]:
    for where in _SINGLE:
        for act in record.acts:
            value = act[where.field]
            if act.category == where.category and value and where.pattern.search(value):
                yield where.name, f"{value} = {act['Details']}" if act["Details"] else value
    for name, recognize in _RECOGNIZERS.items():
        for value in recognize(record):
            yield f"behavior.{name}", value


def _of(record: Record, *categories: str) -> Iterator[Act]:
    return (act for act in record.acts if act.category in categories)


def _called(record: Record, name: str) -> bool:
    return any(record.calls[name + letter] for letter in ("", "A", "W"))


def _fetched_and_run(record: Record) -> Iterator[str]:
    """A file that was written after something was fetched, and then started."""
    yield from _run_after(record, needs_network=True)


def _dropped_and_run(record: Record) -> Iterator[str]:
    """A file that it wrote, and then started."""
    yield from _run_after(record, needs_network=False)


def _run_after(record: Record, *, needs_network: bool) -> Iterator[str]:
    network, written = False, dict[str, bool]()
    for act in record.acts:
        if act.category in ("network_connection", "proxy", "dns_query"):
            network = True
        elif act.category == "file_event":
            written[act["TargetFilename"].lower()] = network
        elif act.category == "file_rename" and act["SourceFilename"].lower() in written:
            written[act["TargetFilename"].lower()] = written[act["SourceFilename"].lower()]
        elif act.category == "process_creation":
            command = f"{act['Image']} {act['CommandLine']}".lower()
            yield from (path for path, after in written.items() if after is needs_network and path in command)


def _injected_otherwise(record: Record) -> Iterator[str]:
    """Code written into another process that then goes on with it."""
    if _called(record, "WriteProcessMemory") or _called(record, "NtWriteVirtualMemory"):
        for name in (
            "SetThreadContext",
            "Wow64SetThreadContext",
            "NtSetContextThread",
            "QueueUserAPC",
            "NtQueueApcThread",
        ):
            if _called(record, name):
                yield f"memory of another process written, then {name}"


def _renamed(record: Record) -> Iterator[str]:
    """Many files that get one and the same new ending."""
    endings: Counter[str] = Counter()
    for act in _of(record, "file_rename"):
        old, new = act["SourceFilename"], act["TargetFilename"]
        ending = new.rpartition(".")[2].lower()
        if "." in new and ending != old.rpartition(".")[2].lower() and len(ending) <= 20:
            endings[ending] += 1
    yield from (f"{count} files to .{ending}" for ending, count in endings.items() if count >= _RENAMED)


def _credentials(record: Record) -> Iterator[str]:
    yield from (name for name in _CREDENTIALS if _called(record, name))
    for act in _of(record, "process_access"):
        access = act["GrantedAccess"]
        if act["TargetImage"].lower().endswith("\\lsass.exe") and int(access or "0", 16) & _LSASS_READ:
            yield f"lsass.exe opened with {access}"


def _deleted_itself(record: Record) -> Iterator[str]:
    own = (record.own or record.image).lower()
    last = re.split(r"[\\/]", own)[-1]
    for act in _of(record, "file_delete"):
        if act["TargetFilename"].lower() == own:
            yield act["TargetFilename"]
    for act in _of(record, "process_creation"):
        command = act["CommandLine"].lower()
        if (
            re.search(r"\b(del|erase|rm|unlink|shred)\b", command)
            and last in command
            and act["Image"].lower() != own
        ):
            yield act["CommandLine"]


def _beacons(record: Record) -> Iterator[str]:
    """The same place again and again, with pauses."""
    if record.slept < _PAUSED:
        return
    for act in _of(record, "network_connection"):
        if record.repeated[act] >= _BEATS:
            where = act["DestinationHostname"] or act["DestinationIp"]
            yield f"{where}:{act['DestinationPort']} {record.repeated[act]} times in {record.slept:,.0f} s of waiting"


def _contacts(record: Record) -> Iterator[str]:
    for act in _of(record, "proxy", "network_connection"):
        yield act["c-uri"] or f"{act['DestinationHostname'] or act['DestinationIp']}:{act['DestinationPort']}"


_RECOGNIZERS: dict[str, Callable[[Record], Iterator[str]]] = {
    "download_and_run": _fetched_and_run,
    "drop_and_run": _dropped_and_run,
    "injection": _injected_otherwise,
    "mass_rename": _renamed,
    "credential_store": _credentials,
    "self_delete": _deleted_itself,
    "beaconing": _beacons,
    "contacts": _contacts,
}
